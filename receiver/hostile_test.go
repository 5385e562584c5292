package receiver_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/receiver"
)

// maxBody is the largest body that the receiver of the tests reads.
const maxBody = 1 << 20

func TestBadInputIsAnsweredAndTakenNowhere(t *testing.T) {
	f := newFront(t, nil)
	events := []idaastest.Event{f.tenant.CreateUser(idaastest.User{ID: f.tenant.NewUserID(), Username: "ann"}, "")}
	requests, err := f.tenant.BadRequests(events, maxBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range requests {
		t.Run(c.Name, func(t *testing.T) {
			status, answer := f.post(t, c.Body)
			if status != c.Status || answer["error"] != c.Error || answer["errorDescription"] == "" {
				t.Errorf("answered with %d %v; want %d %s", status, answer, c.Status, c.Error)
			}
			if c.Status == http.StatusUnauthorized && answer["errorDescription"] != "the token was not accepted" {
				t.Errorf("the answer tells a forger %q", answer["errorDescription"])
			}
		})
	}
	if len(f.intake.accepted) != 0 {
		t.Fatalf("something was taken in: %+v", f.intake.accepted)
	}
	good, err := f.tenant.Token(events)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(f.log.String(), strings.Split(good, ".")[0]) || strings.Contains(f.log.String(), f.tenant.EncryptionKey.Reveal()) {
		t.Error("a token or a key is in the log")
	}
	if status, _ := f.post(t, body(good)); status != http.StatusOK || len(f.intake.accepted) != 1 {
		t.Errorf("the good token is answered with %d", status)
	}
}

// A server that closes a connection with octets unread resets it, and who still sends sees that instead of the answer.
func TestARefusalReachesWhoStillSends(t *testing.T) {
	f := newFront(t, nil)
	address := strings.TrimPrefix(f.url[:strings.Index(f.url, "/accounts")], "http://")
	for path, status := range map[string]int{"/accounts/provision": http.StatusRequestEntityTooLarge, "/other": http.StatusNotFound} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		const size = maxBody + 1000
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, size)
		in := bufio.NewReader(conn)
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("%s: no answer before the body is sent: %v", path, err)
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s is answered with %d; want %d", path, response.StatusCode, status)
		}
		if _, err := conn.Write(make([]byte, size)); err != nil {
			t.Errorf("%s: the rest of the body: %v", path, err)
		}
		if _, err := io.Copy(io.Discard, in); err != nil {
			t.Errorf("%s: the connection ends with %v", path, err)
		}
	}
}

func TestAnEventThatIsNotWellFormedSpoilsNoOther(t *testing.T) {
	f := newFront(t, nil)
	good := f.tenant.CreateUser(idaastest.User{ID: f.tenant.NewUserID(), Username: "ann"}, "")
	wrong := f.tenant.Event(event.TypeUserCreate, "", map[string]any{"userId": []string{"no", "text"}, "username": "ann"})
	token, err := f.tenant.Token([]idaastest.Event{wrong, good})
	if err != nil {
		t.Fatal(err)
	}
	status, answer := f.post(t, body(token))
	if status != 200 {
		t.Fatalf("answered with %d %v", status, answer)
	}
	for list, want := range map[string]string{"failedEvents": wrong.ID, "successEvents": good.ID} {
		lines, _ := answer[list].([]any)
		if len(lines) != 1 || lines[0].(map[string]any)["eventId"] != want {
			t.Errorf("%s is %v; want %s", list, lines, want)
		}
	}
	for _, list := range []string{"successEvents", "skippedEvents", "failedEvents", "retriedEvents"} {
		if _, ok := answer[list].([]any); !ok {
			t.Errorf("%s is missing", list)
		}
	}
}

func TestOtherMethodsPathsAndMediaTypes(t *testing.T) {
	f := newFront(t, nil)
	for _, c := range []struct {
		method, path, media string
		status              int
	}{
		{http.MethodGet, "", "application/json", 405},
		{http.MethodPut, "", "application/json", 405},
		{http.MethodPost, "/other", "application/json", 404},
		{http.MethodPost, "", "text/plain", 415},
		{http.MethodPost, "", "", 415},
	} {
		request, err := http.NewRequest(c.method, f.url+c.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", c.media)
		status, answer := f.do(t, request)
		if status != c.status || answer["error"] == nil {
			t.Errorf("%s %s as %q: %d %v; want %d", c.method, c.path, c.media, status, answer, c.status)
		}
	}
}

func TestNothingIsAcceptedWhileItCannotBeStored(t *testing.T) {
	f := newFront(t, nil)
	f.intake.fail = errors.New("the disk is full")
	token, err := f.tenant.Token([]idaastest.Event{f.tenant.Test()})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, f.url, strings.NewReader(body(token)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 503 || response.Header.Get("Retry-After") == "" || answer["error"] != "unavailable" || answer["successEvents"] != nil {
		t.Errorf("answered with %d %v, Retry-After %q", response.StatusCode, answer, response.Header.Get("Retry-After"))
	}
}

// Storing may take three seconds; the wait for results ends when the time for the answer does, whatever was used before.
func TestTheTimeForAnAnswerIsKept(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	f := newFront(t, func(cfg *receiver.Config) {
		cfg.AnswerWithin = 8 * time.Second
		cfg.Clock = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(time.Second) // every look at the clock takes a second
			return now
		}
	})
	token, err := f.tenant.Token([]idaastest.Event{f.tenant.Test()})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := f.post(t, body(token)); status != http.StatusOK {
		t.Fatalf("answered with %d", status)
	}
	if left := f.intake.storeWithin; left <= 0 || left > 3*time.Second {
		t.Errorf("storing may take %s", left)
	}
	if left := f.intake.answerWithin; left <= 0 || left >= 8*time.Second {
		t.Errorf("the wait for results may take %s", left)
	}
}

// An event without an id cannot be answered; the others are, and what is left out is in the log. Where the document names no
// instance, that of the token counts.
func TestAnEventWithoutANameSpoilsNoOther(t *testing.T) {
	f := newFront(t, nil)
	token, err := f.tenant.TokenOf([]byte(`{"eventData":[{"eventType":"ud:user:disable"},{"eventId":"e","eventType":"ud:user:disable","eventTime":1,"bizData":{"userId":"u"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := f.post(t, body(token)); status != http.StatusOK {
		t.Fatalf("answered with %d %v", status, answer)
	}
	d := f.intake.accepted[0]
	if len(d.Changes) != 1 || d.Changes[0].ID != "e" || d.Instance != f.tenant.Instance {
		t.Errorf("taken in is %+v", d)
	}
	if !strings.Contains(f.log.String(), "event number 1 has no eventId or no eventType") {
		t.Errorf("the log is %s", f.log.String())
	}
}

func TestUnknownTypesAndWrongPayloadsAreTakenInToBeAnswered(t *testing.T) {
	f := newFront(t, nil)
	launch := f.tenant.Event("ud:spaceship:launch", "s", map[string]any{"x": 1})
	wrong := f.tenant.Event(event.TypeUserCreate, "", map[string]any{"userId": map[string]any{"no": "text"}})
	token, err := f.tenant.Token([]idaastest.Event{launch, wrong})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := f.post(t, body(token)); status != http.StatusOK {
		t.Fatalf("answered with %d %v", status, answer)
	}
	changes := f.intake.accepted[0].Changes
	if changes[0].Type != "ud:spaceship:launch" || changes[0].Problem != "" || changes[1].Problem == "" {
		t.Errorf("taken in is %+v", changes)
	}
}
