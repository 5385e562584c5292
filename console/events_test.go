package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// listed is a page of events as the API gives it.
type listed struct {
	Events []struct {
		Seq     int64         `json:"seq"`
		Outcome event.Outcome `json:"outcome"`
	} `json:"events"`
	Next int64 `json:"next"`
	Cut  bool  `json:"cut"`
}

// Page by page everything is listed once, the newest first, whatever is asked for.
func TestEventsAreListedPageByPage(t *testing.T) {
	s := serve(t, inMemory(t), "")
	var events []store.NewEvent
	for i := range 180 {
		n := store.NewEvent{
			Application: "app", Instance: "idaas",
			Change: event.Change{ID: fmt.Sprintf("evt_%d", i), Type: event.TypeUserUpdateInfo, Object: event.Ref{Kind: event.KindUser, ID: fmt.Sprintf("u_%d", i%3)}, Stamp: event.Stamp{Event: 1}},
		}
		outcome := event.Outcome{State: event.Skipped, Code: event.CodeOutOfScope, Message: "outside"}
		if i%3 == 0 {
			outcome = event.Outcome{State: event.Failed, Code: event.CodeMalformed, Message: "broken"}
		}
		n.Outcome = &outcome
		events = append(events, n)
	}
	if _, err := s.Store.Accept(t.Context(), 1, events); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	for query, want := range map[string]int{
		"": 180, "state=done": 120, "object=u_1": 60, "event=evt_7": 1, "type=ud:user:update_info": 180, "type=ud:user:push": 0, "state=done&object=u_2": 60,
		"directory=corp": 0,
	} {
		seen := map[int64]bool{}
		for before := int64(0); ; {
			a := b.get(fmt.Sprintf("/api/v1/events?%s&before=%d", query, before))
			var page listed
			if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != http.StatusOK {
				t.Fatalf("%s: %d %s %v", query, a.status, a.body, err)
			}
			last := before
			for _, e := range page.Events {
				if seen[e.Seq] || last != 0 && e.Seq >= last {
					t.Errorf("%s: %d comes after %d", query, e.Seq, last)
				}
				seen[e.Seq], last = true, e.Seq
			}
			if page.Next == 0 {
				break
			}
			before = page.Next
		}
		if len(seen) != want {
			t.Errorf("%s lists %d events, not %d", query, len(seen), want)
		}
	}
	for _, query := range []string{"state=odd", "before=x", "before=-1"} {
		b.is(query, b.get("/api/v1/events?"+query), http.StatusBadRequest)
		b.is(query, b.get("/console/events?"+query), http.StatusBadRequest)
	}
	b.is("an event that is not there", b.get("/console/events/one?seq=100000"), http.StatusNotFound)
	b.is("an event without a number", b.get("/api/v1/events/one"), http.StatusNotFound)
}

// Of an object with very many events so many are looked at for a page, and the next one goes on where that has ended.
func TestEventsOfABusyObjectAreLookedAtInParts(t *testing.T) {
	s := serve(t, inMemory(t), "")
	var events []store.NewEvent
	for i := range 5050 {
		outcome := event.Outcome{State: event.Skipped, Code: event.CodeOutOfScope, Message: "outside"}
		if i == 0 {
			outcome = event.Outcome{State: event.Failed, Code: event.CodeMalformed, Message: "broken"}
		}
		events = append(events, store.NewEvent{
			Application: "app", Instance: "idaas", Outcome: &outcome,
			Change: event.Change{ID: fmt.Sprintf("evt_%d", i), Type: event.TypeGroupAddUser, Object: event.Ref{Kind: event.KindGroup, ID: "g_all"}, Stamp: event.Stamp{Event: 1}},
		})
	}
	if _, err := s.Store.Accept(t.Context(), 1, events); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	var first, second listed
	a := b.get("/api/v1/events?state=failed&object=g_all")
	if err := json.Unmarshal([]byte(a.body), &first); err != nil || len(first.Events) != 0 || !first.Cut || first.Next == 0 {
		t.Fatalf("the first page is %.300s, %v", a.body, err)
	}
	a = b.get(fmt.Sprintf("/api/v1/events?state=failed&object=g_all&before=%d", first.Next))
	if err := json.Unmarshal([]byte(a.body), &second); err != nil || len(second.Events) != 1 || second.Cut || second.Next != 0 {
		t.Errorf("the second page is %.300s, %v", a.body, err)
	}
}

// A program decides as a person does: it asks, gets what it is about with a confirmation, and sends that.
func TestAProgramDecidesWithAConfirmation(t *testing.T) {
	s := serve(t, inMemory(t), "")
	s.company()
	held := s.in(event.Held, 4)
	b := s.browser()
	body := fmt.Sprintf(`{"action":"retry","seqs":[%d]`, held[0].Seq)
	b.is("a decision without a session", b.json(http.MethodPost, "/api/v1/events/decide", body+"}"), http.StatusUnauthorized)
	b.is("a session", b.json(http.MethodPost, "/api/v1/session", ""), http.StatusOK)
	b.is("a form", b.ask(http.MethodPost, "/api/v1/events/decide", "text/plain", body+"}"), http.StatusUnsupportedMediaType)
	a := b.json(http.MethodPost, "/api/v1/events/decide", body+"}")
	b.is("the proposal", a, http.StatusOK)
	var proposal struct {
		Confirm string            `json:"confirm"`
		Events  []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal([]byte(a.body), &proposal); err != nil || len(proposal.Events) != 1 {
		t.Fatalf("%s, %v", a.body, err)
	}
	b.is("a wrong confirmation", b.json(http.MethodPost, "/api/v1/events/decide", body+`,"by":"cron","confirm":"x"}`), http.StatusForbidden)
	b.is("a decision of nobody", b.json(http.MethodPost, "/api/v1/events/decide", body+`,"confirm":"`+proposal.Confirm+`"}`), http.StatusBadRequest)
	s.in(event.Held, 4)
	b.has("the decision", b.json(http.MethodPost, "/api/v1/events/decide", body+`,"by":"cron","confirm":"`+proposal.Confirm+`"}`), `{"changed":1}`)
	s.in(event.Held, 3)
	b.is("the end of the session", b.json(http.MethodDelete, "/api/v1/session", ""), http.StatusNoContent)
	b.is("a decision afterwards", b.json(http.MethodPost, "/api/v1/events/decide", body+"}"), http.StatusUnauthorized)
}
