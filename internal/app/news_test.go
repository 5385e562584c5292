package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

// told is a message to a webhook.
type told struct {
	Kind, Subject, Title, Text string
	Over                       bool
	Count                      int
	Names                      []string
}

// newsStage is a stage whose news go to a channel.
func newsStage(t *testing.T) (*stage, func(kind string) told) {
	t.Helper()
	s := newStage(t)
	messages := make(chan told, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m told
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		messages <- m
	}))
	t.Cleanup(hook.Close)
	s.options.NewsEvery = 20 * time.Millisecond
	s.notifications = config.Notifications{
		Every: time.Hour, Names: true, Failed: config.FailedLimit{Count: 3, Within: time.Hour},
		Receivers: []config.NotificationReceiver{{Name: "ops", Webhook: config.Webhook{Form: config.WebhookGeneric, URL: secret.New(hook.URL)}}},
	}
	return s, func(kind string) told {
		t.Helper()
		late := time.After(time.Minute)
		for {
			select {
			case m := <-messages:
				if m.Kind == kind {
					return m
				}
				t.Errorf("%+v is told, and nothing of the kind %s", m, kind)
			case <-late:
				t.Fatalf("nothing of the kind %s is told: %s", kind, s.log)
			}
		}
	}
}

func (s *stage) said(changes ...event.Change) {
	s.Helper()
	ticket, err := s.app.Dispatcher.Accept(s.Context(), "app_example", "", changes)
	if err != nil {
		s.Fatal(err)
	}
	ticket.Wait(s.Context())
}

func user(kind event.Type, n int) event.Change {
	c := event.Change{
		ID: fmt.Sprintf("%s_%d", kind, n), Type: kind, Object: event.Ref{Kind: event.KindUser, ID: fmt.Sprintf("user_%d", n)}, Stamp: event.Stamp{Event: 1},
	}
	if kind == event.TypeUserDelete {
		c.Stamp.Event = 2
		return c
	}
	c.Fields = event.Values{event.FieldUsername: fmt.Sprintf("person%d", n), event.FieldPrimaryUnit: "ou_root"}
	return c
}

func TestPeopleAreToldWhatWaitsForThem(t *testing.T) {
	s, next := newsStage(t)
	s.edit(accountDN, adminDN)
	s.write("bind.secret", "admin\n")
	s.put("server", s.issuer.issue(time.Now().Add(-time.Hour), time.Now().Add(10*24*time.Hour)))
	end := s.begin()

	if m := next("certificate"); m.Subject != "receiver.tls.cert_file" || !strings.Contains(m.Text, "ends on") {
		t.Errorf("told %+v", m)
	}

	s.said(user(event.TypeUserCreate, 1), user(event.TypeUserCreate, 2), user(event.TypeUserCreate, 3))
	s.said(user(event.TypeUserDelete, 1))
	s.said(user(event.TypeUserDelete, 2))
	if m := next("held"); m.Subject != "corp" || m.Count != 1 || !slices.Equal(m.Names, []string{"person2"}) || m.Text != "Held now: 1 by the guard of delete." {
		t.Errorf("told %+v", m)
	}

	for i := range 3 {
		s.said(event.Change{ID: fmt.Sprint("broken", i), Problem: "it cannot be read"})
	}
	if m := next("failed"); m.Count != 3 || m.Title != "3 events of no directory have failed" {
		t.Errorf("told %+v", m)
	}

	page := s.page("/metrics")
	for _, metric := range []string{
		`directory_last_success_timestamp_seconds{directory="corp"}`, `directory_worked_on{directory="corp"} 1`, `backlog_oldest_timestamp_seconds{directory="corp"} 0`,
		`jwks_usable{application="`, `jwks_age_seconds{application="`, `store_bytes `, `store_free_bytes `,
		`notifications_total{receiver="ops",result="sent"}`,
	} {
		if !strings.Contains(page, "\nidaas_ldap_"+metric) {
			t.Errorf("there is no metric %s", metric)
		}
	}
	end()

	// What lasts is not told again by the next process.
	s.write("bind.secret", "wrong\n")
	defer s.begin()()
	for s.check() == nil { // until it has tried
	}
	if m := next("directory_down"); m.Over || !strings.Contains(m.Text, "refuses our login: directories[0].bind_password_file") {
		t.Errorf("told %+v", m)
	}
	s.write("bind.secret", "admin\n")
	for s.check() != nil {
		s.app.Directories()[0].Server.LogInAgain()
	}
	if m := next("directory_down"); !m.Over || m.Title != "the directory corp is back" {
		t.Errorf("told %+v", m)
	}
}

// A receiver whose secret is replaced is told with the new one, and files that are not good are shown with their key.
func TestFilesOfReceiversAreReadAgain(t *testing.T) {
	s := newStage(t)
	s.write("hook.url", "https://hooks.example.org/first\n")
	cfg, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Notifications.Receivers = []config.NotificationReceiver{{Name: "ops", Webhook: config.Webhook{Form: config.WebhookSlack, URLFile: config.Path(s.path("hook.url"))}}}
	if _, err := app.OpenReceivers(cfg, nil, dispatch.SystemClock{}); err != nil {
		t.Error(err)
	}
	s.write("hook.url", "http://hooks.example.org/first\n")
	_, err = app.OpenReceivers(cfg, nil, dispatch.SystemClock{})
	if err == nil || !strings.Contains(err.Error(), "notifications.receivers[0].webhook.url_file") || strings.Contains(err.Error(), "/first") {
		t.Errorf("the error is %v", err)
	}
}
