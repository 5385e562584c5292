package notify_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/internal/notify"
	"idaas-ldap/internal/secret"
)

// at is the moment of all requests.
var at = time.Date(2026, 11, 28, 9, 30, 0, 0, time.UTC)

// hostile is a name that would be markup, a mention, a link or another line anywhere.
const hostile = "<!channel> <at user_id=\"all\">*a* [b](https://evil.example/c)\r\nBcc: d@evil.example\u202e & \x1b[2J"

func held(names ...string) notify.Message {
	return notify.Message{News: notify.News{Kind: notify.Held, Subject: "corp", Count: 7, Names: names}, At: at, Instance: "host1"}
}

// listener is a receiver of webhooks that answers as it is told, one answer after the other and then the last.
type listener struct {
	*httptest.Server
	mu      sync.Mutex
	bodies  []string
	queries []string
	headers []http.Header
}

func listen(t *testing.T, answers ...http.HandlerFunc) *listener {
	t.Helper()
	l := &listener{}
	var n atomic.Int64
	l.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		l.bodies, l.queries, l.headers = append(l.bodies, string(body)), append(l.queries, r.URL.RawQuery), append(l.headers, r.Header)
		l.mu.Unlock()
		answers[min(int(n.Add(1)), len(answers))-1](w, r)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *listener) requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.bodies)
}

// first returns the body, the query and the header of the first request.
func (l *listener) first() (body, query string, header http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bodies[0], l.queries[0], l.headers[0]
}

func (l *listener) body(t *testing.T, into any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := json.Unmarshal([]byte(l.bodies[len(l.bodies)-1]), into); err != nil {
		t.Fatalf("%v in %s", err, l.bodies)
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const token = "c4n4ry-token-of-the-robot"

// hook is a webhook that has no time to lose.
func hook(t *testing.T, l *listener, form, key string, change ...func(*notify.WebhookConfig)) *notify.Webhook {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(l.Certificate())
	cfg := notify.WebhookConfig{
		Form: form, URL: secret.New(l.URL + "/robot/" + token + "?access_token=" + token), Secret: secret.New(key), Roots: roots,
		Clock: func() time.Time { return at }, Pause: time.Millisecond, Within: time.Minute,
	}
	for _, c := range change {
		c(&cfg)
	}
	w, err := notify.NewWebhook(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func mac(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func TestGenericWebhookHasFieldsAndASignature(t *testing.T) {
	l := listen(t, answer(http.StatusNoContent, ""))
	if err := hook(t, l, notify.Generic, "key").Send(t.Context(), held("ann", "bob")); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Source, Instance, Kind, Subject, Title, At string
		Count                                      int
		Names                                      []string
	}
	l.body(t, &got)
	want := "{idaas-ldap host1 held corp 7 events of corp are held until a person decides 2026-11-28T09:30:00Z 7 [ann bob]}"
	if fmt.Sprint(got) != want {
		t.Errorf("posted %v, want %s", got, want)
	}
	body, _, header := l.first()
	signature := "t=1795858200,v1=" + hex.EncodeToString(mac("key", "1795858200."+body))
	if got := header.Get("Idaas-Ldap-Signature"); got != signature {
		t.Errorf("signed %s, want %s", got, signature)
	}
}

// The page shows what is posted, octet by octet.
func TestGenericWebhookIsWhatThePageShows(t *testing.T) {
	page, err := os.ReadFile("../../docs/notification.md")
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t, answer(http.StatusNoContent, ""))
	message := held("ann", "bob")
	message.Text = "Held now: 7 by the guard of delete."
	if err := hook(t, l, notify.Generic, "").Send(t.Context(), message); err != nil {
		t.Fatal(err)
	}
	if body, _, _ := l.first(); !strings.Contains(string(page), "```json\n"+strings.TrimSpace(body)+"\n```\n") {
		t.Errorf("the page shows something else than %s", body)
	}
}

func TestDingTalkIsSignedAndWithoutMarkup(t *testing.T) {
	l := listen(t, answer(http.StatusOK, `{"errcode":0,"errmsg":"ok"}`))
	if err := hook(t, l, notify.DingTalk, "SECkey").Send(t.Context(), held(hostile)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		MsgType string
		Text    struct{ Content string }
		At      any
	}
	l.body(t, &got)
	if got.MsgType != "text" || got.At != nil || !strings.HasPrefix(got.Text.Content, "idaas-ldap: 7 events of corp are held") {
		t.Errorf("posted %+v", got)
	}
	sign := base64.StdEncoding.EncodeToString(mac("SECkey", "1795858200000\nSECkey"))
	_, query, _ := l.first()
	for _, part := range []string{"access_token=" + token, "timestamp=1795858200000", "sign=" + strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(sign)} {
		if !strings.Contains(query, part) {
			t.Errorf("%s is not in the query %s", part, query)
		}
	}
}

func TestFeishuIsSignedAndOfPureTexts(t *testing.T) {
	l := listen(t, answer(http.StatusOK, `{"code":0,"msg":"success"}`))
	if err := hook(t, l, notify.Feishu, "key").Send(t.Context(), held(hostile)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Timestamp, Sign string
		MsgType         string `json:"msg_type"`
		Content         struct {
			Post map[string]struct {
				Title   string
				Content [][]struct{ Tag, Text string }
			}
		}
	}
	l.body(t, &got)
	if want := base64.StdEncoding.EncodeToString(mac("1795858200\nkey", "")); got.Timestamp != "1795858200" || got.Sign != want || got.MsgType != "post" {
		t.Errorf("posted %+v, signed otherwise than %s", got, want)
	}
	for _, line := range got.Content.Post["en_us"].Content {
		for _, part := range line {
			if part.Tag != "text" {
				t.Errorf("%+v is more than text", part)
			}
		}
	}
}

func TestSlackMentionsNobody(t *testing.T) {
	l := listen(t, answer(http.StatusOK, "ok"))
	if err := hook(t, l, notify.Slack, "").Send(t.Context(), held(hostile)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text   string
		Mrkdwn bool
	}
	l.body(t, &got)
	if got.Mrkdwn || strings.ContainsAny(got.Text, "<>") || !strings.Contains(got.Text, "&lt;!channel&gt;") || strings.Contains(got.Text, "://") {
		t.Errorf("posted %+v", got)
	}
}

// Receivers answer with whatever they like; nothing of that gets a secret into a message, or is waited for without end.
func TestUnkindWebhooks(t *testing.T) {
	elsewhere := listen(t, answer(http.StatusOK, ""))
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}
	for name, tt := range map[string]struct {
		form     string
		answers  []http.HandlerFunc
		change   func(*notify.WebhookConfig)
		requests int    // 0 for whatever
		problem  string // empty where it arrives
	}{
		"an error that passes": {answers: []http.HandlerFunc{answer(500, ""), answer(429, ""), answer(200, "")}, requests: 3},
		"an error that stays":  {answers: []http.HandlerFunc{answer(503, token)}, requests: 5, problem: "503 Service Unavailable"},
		"not allowed":          {answers: []http.HandlerFunc{answer(403, token)}, requests: 1, problem: "403 Forbidden"},
		"cut, and then not":    {answers: []http.HandlerFunc{cut, answer(200, "")}, requests: 2},
		"cut":                  {answers: []http.HandlerFunc{cut}, requests: 5, problem: "EOF"},
		"a redirect to elsewhere": {answers: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}}, requests: 1, problem: "a redirect is not followed"},
		"silence": {
			answers: []http.HandlerFunc{func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				panic(http.ErrAbortHandler) // else it would answer at the moment at which nobody waits any more
			}},
			change: func(c *notify.WebhookConfig) { c.Within = 50 * time.Millisecond }, problem: "Client.Timeout exceeded",
		},
		"an answer without end": {form: notify.DingTalk, answers: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			for range 64 {
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
		}}, requests: 1, problem: "not one of DingTalk"},
		"another certificate": {answers: []http.HandlerFunc{answer(200, "")}, change: func(c *notify.WebhookConfig) { c.Roots = x509.NewCertPool() }, problem: "certificate signed by unknown authority"},
		"a wrong signature":   {form: notify.DingTalk, answers: []http.HandlerFunc{answer(200, `{"errcode":310000,"errmsg":"sign not match for `+token+`"}`)}, requests: 1, problem: "errcode 310000"},
		"a secret that is written otherwise": {
			form:    notify.DingTalk,
			answers: []http.HandlerFunc{answer(200, `{"errcode":300001,"errmsg":"no c4n4ry-q%2B%2Fx in c4n4ry-p%2Fath of c4n4ry-user with c4n4ry-q+/x"}`)},
			change: func(c *notify.WebhookConfig) {
				host, _, _ := strings.Cut(c.URL.Reveal(), "/robot")
				c.URL = secret.New(strings.Replace(host, "//", "//c4n4ry-user:c4n4ry-pass@", 1) + "/robot/c4n4ry-p%2Fath?access_token=c4n4ry-q%2B%2Fx")
			},
			requests: 1, problem: "errcode 300001",
		},
		"too fast":          {form: notify.DingTalk, answers: []http.HandlerFunc{answer(200, `{"errcode":130101,"errmsg":"slow"}`), answer(200, `{"errcode":0}`)}, requests: 2},
		"refused by Feishu": {form: notify.Feishu, answers: []http.HandlerFunc{answer(200, `{"code":19021,"msg":"sign match fail or timestamp is not within one hour"}`)}, requests: 1, problem: "code 19021"},
		"a page for people": {form: notify.Feishu, answers: []http.HandlerFunc{answer(200, "<html>")}, requests: 1, problem: "not one of Feishu"},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, tt.answers...)
			form := tt.form
			if form == "" {
				form = notify.Generic
			}
			var change []func(*notify.WebhookConfig)
			if tt.change != nil {
				change = append(change, tt.change)
			}
			err := hook(t, l, form, "c4n4ry-key", change...).Send(t.Context(), held("ann"))
			switch {
			case tt.problem == "" && err != nil, tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
				t.Errorf("the error is %v, want %q", err, tt.problem)
			case err != nil && strings.Contains(err.Error(), "c4n4ry"):
				t.Errorf("a secret is in %v", err)
			}
			if n := l.requests(); tt.requests != 0 && n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
	if n := elsewhere.requests(); n != 0 {
		t.Errorf("the message went elsewhere %d times", n)
	}
}
