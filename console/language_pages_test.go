package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// What pages show of files and entries, such as the names of tests, is what those say in whatever language.
var asItIs = regexp.MustCompile(`(?s)<summary\b.*?</summary>|<(?:code|pre|textarea)\b.*?</(?:code|pre|textarea)>`)

var tag = regexp.MustCompile(`(?s)<[^>]*>`)

// englishWords are several of them in a row, in lower case as in a sentence.
var englishWords = regexp.MustCompile(`[a-z]{2,},? [a-z]{2,},? [a-z]{2,}`)

// The pages in Chinese say nothing in English: what is wrong with a mapping, why an event waits or is held, and what is refused.
func TestPagesInChineseSayNothingInEnglish(t *testing.T) {
	s := serve(t, inMemory(t), "")
	s.company()
	held := s.in(event.Held, 4)
	b := s.browser()
	b.header.Set("Accept-Language", "zh-CN,zh;q=0.9,en;q=0.5")
	paths := []string{"/console/people?who=nobody", "/console/events/one?seq=99999", "/console/events?before=x", "/console/nowhere", "/console/held/set?directory=corp&code=GUARDED&act=delete"}
	for _, path := range lookedAt() {
		if strings.HasPrefix(path, "/console/") && !strings.Contains(path, "assets") {
			paths = append(paths, path)
		}
	}
	open, err := s.Store.Events(t.Context(), store.Filter{States: []event.State{event.Held, event.Waiting}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range append(open[:2:2], open[len(open)-1]) {
		person := url.Values{"directory": {"corp"}, "kind": {string(e.Object.Kind)}, "id": {e.Object.ID}}.Encode()
		paths = append(paths, "/console/events/one?seq="+seqsOf([]store.EventRecord{e})[0], "/console/people/one?"+person)
	}
	inChinese := func(what string, a answer) {
		t.Helper()
		if a.status >= http.StatusInternalServerError {
			t.Errorf("%s is answered with %d", what, a.status)
		}
		saysNothingInEnglish(t, what, a.body)
	}
	for _, path := range paths {
		inChinese(path, b.get(path))
	}
	for old, now := range map[string]string{"mail: lower(": "mail: lowr(", "mail: lower(u": "mail: upper(u", "version: 1": "version: 1\nversion: 1", "match:": "match: 3 #"} {
		draft := s.draft(s.edited(old, now))
		for _, step := range []string{"check", "try", "force"} {
			inChinese(step+" of "+now, b.post("/console/mappings/"+step, draft))
		}
	}
	inChinese("the question", b.post("/console/events/decide", url.Values{"action": {"retry"}, "seq": seqsOf(held[:1])}))
	words := b.json(http.MethodPost, "/api/v1/mappings/words", b.draftJSON("user:\n  ", map[string]any{"line": 2, "column": 3}))
	b.has("what may stand there", words, "条目的位置")
	inChinese("a body that is too long", b.post("/console/mappings/check", s.draft(strings.Repeat("a", 2<<20))))
	inChinese("a page that is too old", b.post("/console/logout", nil))

	// What people have decided.
	dropped := []store.EventRecord{held[3], s.in(event.Waiting, 1)[0]}
	if _, err := s.Store.Discard(t.Context(), event.Millis(time.Now().UnixMilli()), "Ann", []int64{dropped[0].Seq, dropped[1].Seq}); err != nil {
		t.Fatal(err)
	}
	for _, seq := range seqsOf(dropped) {
		one := b.get("/console/events/one?seq=" + seq)
		inChinese("what was dropped", one)
		b.has("what was dropped", one, "由 Ann ")
	}
	audit := b.get("/console/audit")
	inChinese("the audit", audit)
	b.has("the audit", audit, "号投递，账户 "+dropped[0].Object.ID+"，目录 corp")
}

// saysNothingInEnglish looks through what a page shows.
func saysNothingInEnglish(t *testing.T, what, body string) {
	t.Helper()
	shown := html.UnescapeString(tag.ReplaceAllString(asItIs.ReplaceAllString(body, " "), " "))
	for _, found := range englishWords.FindAllStringIndex(shown, -1) {
		t.Errorf("%s says %q", what, shown[max(0, found[0]-60):min(len(shown), found[1]+60)])
	}
}
