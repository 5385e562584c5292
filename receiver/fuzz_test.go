package receiver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/receiver"
)

func FuzzBody(f *testing.F) {
	c := loadCaptured(f)
	v := c.verifier(f, c.at())
	handler := receiver.NewHandler(receiver.Config{
		Path: "/", Verifier: v, Intake: &intake{}, MaxBodyBytes: 1 << 20, Log: silentLog(), Clock: time.Now,
		AnswerWithin: time.Second, Limits: receiver.Limits{RequestsPerSecond: 1 << 30, Burst: 1 << 30},
	})
	for _, seed := range []string{"", "{}", `{"event":""}`, body(c.Event), `{"event":"a.b.c"}`, `[1]`, fmt.Sprintf(`{"event":%q}`, c.Event[:len(c.Event)-5])} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text))
		request.Header.Set("Content-Type", "application/json")
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		switch answer.Code {
		case 400, 401, 413:
		case 200:
			var m map[string]string
			if json.Unmarshal([]byte(text), &m) != nil || m["event"] != c.Event {
				t.Fatalf("accepted: %q", text)
			}
		default:
			t.Fatalf("answered with %d: %s", answer.Code, answer.Body)
		}
	})
}

func FuzzToken(f *testing.F) {
	c := loadCaptured(f)
	v := c.verifier(f, c.at())
	f.Add(c.Event)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Open(context.Background(), token); err == nil && token != c.Event {
			t.Fatalf("accepted: %q", token)
		}
	})
}

func silentLog() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}
