package console_test

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// The overview says what waits, what is held and how the directory is, shows the day, and is sent again when it changes.
func TestTheOverviewShowsHowThingsAreAndWhatChanges(t *testing.T) {
	s := serve(t, inMemory(t), "")
	s.company()
	now := event.Millis(time.Now().UnixMilli())
	for i := range event.Millis(3) {
		if err := s.Store.RecordSample(t.Context(), store.Sample{At: now - i*60_000, Accepted: 10, Failed: 1, Backlog: 2, Operations: 5, Took: time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	b := s.browser()
	page := b.get("/console/overview")
	b.has("the overview", page, `<a href="/console/held">4</a>`)
	b.has("the overview", page, `<a href="/console/events?state=waiting">1</a>`, `<span class="state ok">answers</span>`, "<dd>30</dd>", "<polyline", "at most 200")
	b.has("the overview for programs", b.get("/api/v1/overview"), `"lastHour":30`, `"held":4`)
	if home := b.get("/").header.Get("Location"); home != "/console/overview" {
		t.Errorf("the console opens at %s", home)
	}

	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/overview/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := b.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	// It stays open, and does not keep the service from ending.
	lines := bufio.NewScanner(stream.Body)
	if kind := stream.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("the stream is %s", kind)
	}
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the stream has ended: ", lines.Err())
		return ""
	}
	if first := next(); !strings.Contains(first, `"held":4`) {
		t.Errorf("the first is %s", first)
	}
	if _, err := s.Store.Discard(t.Context(), now, "ann", []int64{s.in(event.Held, 4)[0].Seq}); err != nil {
		t.Fatal(err)
	}
	for !strings.Contains(next(), `"held":3`) { // and what else has changed meanwhile
	}
}
