package console_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/console"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/workbench"
	"idaas-ldap/receiver"
	"idaas-ldap/store"
)

// What IDaaS answers that is asked about somebody is told in Chinese, but for its own words, and so is why the configuration is not in force
// that was read again.
func TestWhatFailsIsToldInChinese(t *testing.T) {
	var says atomic.Value
	idaas := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			_, _ = io.WriteString(w, `{"access_token":"acc3ss-c4n4ry","token_type":"Bearer","expires_in":1200}`)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, says.Load().(string))
	}))
	t.Cleanup(idaas.Close)
	s := serveAsking(t, inMemory(t), "", func(*idaastest.Tenant) string {
		return fmt.Sprintf(`, pull: { endpoint: %q, client_secret: cl13nt-c4n4ry, at_start: never, requests_per_second: 100 }`, idaas.URL)
	})
	s.send(s.tenant.CreateUser(idaastest.User{ID: "user_ann", Username: "ann.lee", DisplayName: "Ann Lee"}, ""))
	s.in(event.Done, 1)
	b := s.browser()
	b.header.Set("Accept-Language", "zh-CN")
	b.get("/console/people") // which begins a session
	ann := url.Values{"directory": {"corp"}, "kind": {"user"}, "id": {"user_ann"}}
	for answer, want := range map[string]string{
		`{"error":"permission_denied","error_description":"No.","request_id":"7F"}`: "请在 IDaaS 控制台中授予应用读取账户和组织机构的权限",
		`{"error":"x","error_description":"<script>alert(1)</script>"}`:             "IDaaS 回答 403 x: &lt;script&gt;alert(1)&lt;/script&gt;",
	} {
		says.Store(answer)
		page := b.post("/console/people/one", ann)
		b.has(answer, page, want, "读取账户 user_ann，来自 ")
		if strings.Contains(page.body, "<script>alert") {
			t.Errorf("%s is markup", answer)
		}
		saysNothingInEnglish(t, answer, page.body)
	}
	broken := filepath.Join(t.TempDir(), "c.yaml")
	s.write(broken, "receiver: { answer_within: 30s, listn: x }\nstore: { retention: 30m }\ndirectories: [ { name: a b, urls: [\"http://x\"] } ]\nadmin: { listen: \"0.0.0.0:1\" }\n")
	_, _, wrong := config.Load(broken, nil)
	s.App.Reload(t.Context(), nil, wrong)
	page := b.get("/console/settings")
	b.has("the settings", page, "未被采用，一切照旧有效：", "store.retention: 30m0s 太短", "未知的键 &#34;listn&#34;；是否想写 &#34;listen&#34;？", "directories[0].mapping: 缺少；请指明映射文件")
	saysNothingInEnglish(t, "the settings", page.body)
}

// empty returns a store that knows nothing.
func empty(t *testing.T) *store.SQLite {
	t.Helper()
	seal, err := store.NewSeal(secret.New(strings.Repeat("0a", 32)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Seal: seal})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// states are how directories are, by names of their own.
func states() map[string]string {
	return map[string]string{
		"a": "ok", "b": "not tried yet", "c": "read-only", "d": "refuses our login: directories[0].bind_password",
		"e": "down: connect: ldap://127.0.0.1:1: wait to connect: refused",
		"f": "held: read dc=x: this is another directory: the entry has the id 1, and had 2 before. Look where directories[].urls lead; if this is to be the directory from now on, say so with 'idaas-ldap reconcile --directory f --accept-directory'",
	}
}

// answers is a server that says always the same, and refuses where that is nothing.
type answers string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status := http.StatusOK
	if a == "" {
		status = http.StatusTeapot
	}
	return &http.Response{Status: fmt.Sprint(status, " ", http.StatusText(status)), StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a))), Request: r}, nil
}

// troubles are what the service tells of key sets, files and certificates, made as it makes them.
func troubles(t *testing.T) console.Settings {
	t.Helper()
	settings := console.Settings{Version: "test", Reloaded: "ok"}
	log := logrus.New()
	log.SetOutput(io.Discard)
	for _, answer := range []string{"", `{"keys":[]}`, `{"keys":3}`, "[]", "x"} {
		keys := receiver.NewRemoteKeys(receiver.RemoteConfig{URL: "https://keys.example.org/jwks", Transport: answers(answer), Log: log, Clock: time.Now})
		_, before := keys.State()
		keys.Renew(t.Context())
		_, state := keys.State()
		settings.Keys = append(settings.Keys, console.KeySet{Application: "app", State: before}, console.KeySet{Application: "app", State: state})
	}
	folder := t.TempDir()
	settings.Files = append(settings.Files, refused(t, folder)) // which is no file
	for _, content := range []string{"", "a\nb\n"} {
		file := filepath.Join(folder, "secret")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		settings.Files = append(settings.Files, refused(t, file))
	}
	settings.Certificates = []console.Certificate{
		{File: "a.pem", Trouble: "a.pem holds a certificate that has expired on 2026-01-02; renew it"},
		{File: "b.pem", Trouble: "b.pem holds a certificate that ends on 2027-01-02, in 9 days; renew it"},
	}
	return settings
}

// refused is what is told of a file that holds no secret.
func refused(t *testing.T, file string) console.FileState {
	t.Helper()
	_, err := reload.Hold("applications[0]", []string{file}, func(files [][]byte, _ *secret.Text) (secret.Text, error) {
		content, err := config.SecretIn(files[0])
		if err != nil {
			err = fmt.Errorf("%s %w", file, err)
		}
		return content, err
	}, nil)
	if err == nil {
		t.Fatalf("there is a secret in %s", file)
	}
	return console.FileState{Key: "applications[0]", State: "refused, the one from before is in force: " + err.Error()}
}

// Whatever is in trouble is told in Chinese: on Settings, on the page of an error where the store does not answer, and where somebody asks too
// often, shows a wrong token, or sends too much. What came from outside is shown as text.
func TestTroubleIsToldInChinese(t *testing.T) {
	const markup = "<script>alert(1)</script>"
	settings := troubles(t)
	settings.Reloaded = "refused, everything is in force as before: read configuration: " + markup
	now := time.Unix(1_800_000_000, 0)
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	memory, admitted := empty(t), secret.Text{}
	c, err := console.New(console.Config{
		Store: memory, Log: quiet, Clock: func() time.Time { return now }, Random: func() string { return "random" }, Stopping: make(chan struct{}),
		Token: func() secret.Text { return admitted }, Origin: func(r *http.Request) (string, bool) { return r.RemoteAddr, false },
		States: states,
		Directories: func() (all []explain.Directory) {
			for _, name := range slices.Sorted(maps.Keys(states())) {
				all = append(all, explain.Directory{Name: name})
			}
			return all
		},
		Workbench: func() []workbench.Directory { return nil },
		Settings:  func() console.Settings { return settings }, Trail: func() string { return t.TempDir() }, Asker: func(string) explain.Asker { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path, body string) *httptest.ResponseRecorder {
		request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		request.Header.Set("Accept-Language", "zh")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		recorder := httptest.NewRecorder()
		c.ServeHTTP(recorder, request)
		return recorder
	}
	shows := func(method, path, body string, status int, text string) {
		t.Helper()
		answer := ask(method, path, body)
		if answer.Code != status || !strings.Contains(answer.Body.String(), text) || !strings.Contains(answer.Body.String(), `<html lang="zh">`) || strings.Contains(answer.Body.String(), markup) {
			t.Errorf("%s is answered with %d, not %d and %s:\n%.2000s", path, answer.Code, status, text, answer.Body)
		}
		saysNothingInEnglish(t, path, answer.Body.String())
	}
	shows(http.MethodGet, "/console/settings", "", http.StatusOK, "读取配置：&lt;script&gt;alert(1)&lt;/script&gt;")
	shows(http.MethodGet, "/console/overview", "", http.StatusOK, "拒绝登录")
	if err := memory.Close(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute) // so that the overview is made anew
	for _, path := range []string{"/console/overview", "/console/events", "/console/events/one?seq=1", "/console/held", "/console/people?who=a", "/console/audit", "/console/people/one?directory=a&kind=user&id=a"} {
		shows(http.MethodGet, path, "", http.StatusServiceUnavailable, "存储库现在不能接受")
	}
	shows(http.MethodGet, "/console/audit/writes", "", http.StatusInternalServerError, "审计日志")
	shows(http.MethodGet, "/console/"+url.PathEscape(markup), "", http.StatusNotFound, "没有")
	admitted = secret.New("t0k3n")
	for range 10 {
		shows(http.MethodPost, "/console/login", "token=x", http.StatusUnauthorized, "令牌")
	}
	shows(http.MethodPost, "/console/login", "token=x", http.StatusTooManyRequests, "令牌")
	for range 200 {
		ask(http.MethodGet, "/console/assets/icon.svg", "")
	}
	shows(http.MethodGet, "/console/login", "", http.StatusTooManyRequests, "")
}
