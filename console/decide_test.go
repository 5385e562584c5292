package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"idaas-ldap/event"
)

// Somebody else decides while a page that asks once more is open. What was confirmed is not what is there any more, so it is asked again
// and nothing is done: a deletion that was dropped is not taken up by who wanted to approve it before.
func TestWhatHasChangedIsNotConfirmed(t *testing.T) {
	s := serve(t, inMemory(t), "")
	s.company()
	held := s.in(event.Held, 4)
	b := s.browser()
	b.is("a session", b.json(http.MethodPost, "/api/v1/session", ""), http.StatusOK)
	asked := b.post("/console/events/decide", url.Values{"action": {"retry"}, "seq": seqsOf(held[:2])})
	b.is("the question", asked, http.StatusOK)
	body := fmt.Sprintf(`{"action":"retry","seqs":[%d]`, held[2].Seq)
	var proposal struct {
		Confirm string `json:"confirm"`
	}
	if err := json.Unmarshal([]byte(b.json(http.MethodPost, "/api/v1/events/decide", body+"}").body), &proposal); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Store.Discard(t.Context(), 1, "bob", []int64{held[0].Seq, held[2].Seq}); err != nil || n != 2 {
		t.Fatalf("%d are dropped: %v", n, err)
	}
	again := b.post("/console/events/decide", url.Values{"action": {"retry"}, "seq": {asked.hidden("seq")}, "confirm": {asked.hidden("confirm")}, "by": {"ann"}})
	b.is("the confirmation of what has changed", again, http.StatusOK) // which asks once more
	b.is("the same by a program", b.json(http.MethodPost, "/api/v1/events/decide", body+`,"by":"cron","confirm":"`+proposal.Confirm+`"}`), http.StatusForbidden)
	s.in(event.Held, 2)
	s.in(event.Discarded, 2)
}
