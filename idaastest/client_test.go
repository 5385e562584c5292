package idaastest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/idaastest"
)

// receiver is a receiver without a network: it notes what comes and when, and answers with what it is told to.
type receiver struct {
	at      []time.Time
	bodies  []string
	answers []any // a status with a body, an error, or nil for no answer in time
}

type reply struct {
	status int
	body   string
}

// RoundTrip answers a request.
func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.at, r.bodies = append(r.at, time.Now()), append(r.bodies, string(raw))
	if request.Method != http.MethodPost || request.Header.Get("Content-Type") != "application/json;charset=utf-8" {
		return nil, errors.New("that is not how IDaaS sends")
	}
	answer := r.answers[min(len(r.at), len(r.answers))-1]
	switch a := answer.(type) {
	case reply:
		return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body)), Header: http.Header{}, Request: request}, nil
	case error:
		return nil, a
	}
	<-request.Context().Done()
	return nil, request.Context().Err()
}

// IDaaS tries five times more, after 1, 5, 10, 10 and 10 seconds, with the same token, until it is answered with 200 within
// ten seconds.
func TestRetriesAreThoseOfTheReference(t *testing.T) {
	good := reply{200, `{"successEvents":[{"eventId":"e","eventCode":"APPLIED","eventMessage":"add"}],"skippedEvents":[],"failedEvents":[],"retriedEvents":[]}`}
	for _, c := range []struct {
		name    string
		answers []any
		status  int
		pauses  []time.Duration
	}{
		{"at once", []any{good}, 200, nil},
		{"after errors of several kinds", []any{reply{503, `{"error":"unavailable"}`}, errors.New("connection refused"), reply{400, "what?"}, good}, 200, []time.Duration{1, 5, 10}},
		{"never", []any{reply{500, ""}}, 500, []time.Duration{1, 5, 10, 10, 10}},
		{"no answer in time, then one", []any{nil, good}, 200, []time.Duration{11}},
		{"no answer in time, ever", []any{nil}, 0, []time.Duration{11, 15, 20, 20, 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tn := newTenant(t)
			e := tn.Test()
			synctest.Test(t, func(t *testing.T) {
				r := &receiver{answers: c.answers}
				client := idaastest.Client{Tenant: tn, URL: "http://receiver.example.org/", HTTP: &http.Client{Transport: r}, Retries: idaastest.Retries()}
				answer, err := client.Send(context.Background(), e)
				if answer.Status != c.status || (err != nil) != (c.status == 0) {
					t.Errorf("it ends with %+v, %v", answer, err)
				}
				if list, result := answer.Of("e"); c.status == 200 && (list != "success" || result.EventCode != "APPLIED") {
					t.Errorf("the answer is %+v", answer)
				}
				var pauses []time.Duration
				for i := 1; i < len(r.at); i++ {
					pauses = append(pauses, r.at[i].Sub(r.at[i-1])/time.Second)
				}
				if !slices.Equal(pauses, c.pauses) {
					t.Errorf("the pauses are %v; want %v seconds", pauses, c.pauses)
				}
				for _, body := range r.bodies {
					if body != r.bodies[0] {
						t.Error("a retry sends something else")
					}
				}
			})
		})
	}
}

func TestASenderThatIsToldToEndDoesNotTryAgain(t *testing.T) {
	tn := newTenant(t)
	e := tn.Test()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		r := &receiver{answers: []any{reply{503, ""}}}
		client := idaastest.Client{Tenant: tn, URL: "http://receiver.example.org/", HTTP: &http.Client{Transport: r}, Retries: idaastest.Retries()}
		if _, err := client.Send(ctx, e); !errors.Is(err, context.DeadlineExceeded) || len(r.at) != 2 {
			t.Errorf("after %d tries: %v", len(r.at), err)
		}
	})
}
