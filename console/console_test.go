package console_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"idaas-ldap/console"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

// The story of a mass deletion: it is seen as a set with its guard, count and limit, approved in part and dropped in part, and who did
// that is in the audit.
func TestAHeldSetIsSeenAndDecidedInParts(t *testing.T) {
	s := serve(t, inMemory(t), "")
	s.company()
	held := s.in(event.Held, 4)
	b := s.browser()
	page := b.get("/console/held")
	b.is("what is held", page, http.StatusOK)
	b.has("what is held", page, "Deletions · corp", `<span class="count">4</span>`, "lets through 2")
	set := b.get("/console/held/set?directory=corp&code=GUARDED&act=delete")
	b.has("the set", set, `name="seq" value="`+seqsOf(held)[0]+`"`)

	asked := b.post("/console/events/decide", url.Values{"action": {"retry"}, "seq": seqsOf(held[:2]), "to": {"/console/held"}})
	b.is("the question", asked, http.StatusOK)
	b.has("the question", asked, "2 events are to be tried again")
	form := url.Values{"action": {"retry"}, "seq": {asked.hidden("seq")}, "confirm": {asked.hidden("confirm")}, "to": {"/console/held"}}
	b.has("the question without a name", b.post("/console/events/decide", form), "Say who decides")
	s.in(event.Held, 4)
	form.Set("by", "Ann  Admin")
	done := b.post("/console/events/decide", form)
	b.is("the approval", done, http.StatusSeeOther)
	b.has("what is held after the approval", b.get(done.header.Get("Location")), `<span class="count">2</span>`, "It is being tried again")
	s.in(event.Held, 2)

	asked = b.post("/console/events/decide", url.Values{
		"action": {"discard"}, "all": {"all"}, "directory": {"corp"}, "code": {"GUARDED"}, "act": {"delete"}, "newest": {seqsOf(held)[0]}, "count": {"2"},
	})
	more := b.post("/console/events/decide", url.Values{
		"action": {"discard"}, "all": {"all"}, "directory": {"corp"}, "code": {"GUARDED"}, "act": {"delete"}, "newest": {seqsOf(held)[0]}, "count": {"10001"},
	})
	b.has("a set of which not all are counted", more, "more than 9998 remain")
	b.has("the name from before", asked, `name="by" value="Ann Admin"`)
	form = url.Values{"action": {"discard"}, "seq": {asked.hidden("seq")}, "confirm": {asked.hidden("confirm")}, "by": {"Ann Admin"}}
	b.is("the drop", b.post("/console/events/decide", form), http.StatusSeeOther)
	s.in(event.Held, 0)
	b.has("what is held at last", b.get("/console/held"), "Nothing waits for a decision")
	b.has("the audit", b.get("/console/audit"), "Ann Admin (console, 127.0.0.1)")
	left := s.in(event.Discarded, 2)[0]
	b.has("who was left", b.get("/console/people/one?directory=corp&kind=user&id="+left.Object.ID), "left in place by Ann Admin (console, 127.0.0.1)")
}

// Nothing changes without what the page has given for just that.
func TestAChangeNeedsSessionAndConfirmation(t *testing.T) {
	s := serve(t, inMemory(t), `token: "`+token+`",`)
	s.company()
	held := seqsOf(s.in(event.Held, 4))
	stranger, b := s.browser(), s.browser()
	b.is("signing in", b.post("/console/login", url.Values{"token": {token}, "who": {"ann"}}), http.StatusSeeOther)
	asked := b.post("/console/events/decide", url.Values{"action": {"discard"}, "seq": held[:1]})
	confirm := asked.hidden("confirm")
	good := func() url.Values {
		return url.Values{"action": {"discard"}, "seq": held[:1], "confirm": {confirm}, "by": {"ann"}}
	}
	other := good()
	other.Set("seq", held[1])
	action := good()
	action.Set("action", "retry")
	for name, form := range map[string]url.Values{"another event": other, "another action": action} {
		b.is("the confirmation of "+name, b.post("/console/events/decide", form), http.StatusOK) // which asks once more
	}
	b.is("a confirmation without a session", stranger.post("/console/events/decide", good()), http.StatusSeeOther)
	second := s.browser()
	second.is("signing in", second.post("/console/login", url.Values{"token": {token}}), http.StatusSeeOther)
	second.is("a confirmation of another session", second.post("/console/events/decide", good()), http.StatusOK)
	for name, value := range map[string]string{"Origin": "https://evil.example.net", "Sec-Fetch-Site": "cross-site"} {
		b.header = http.Header{name: {value}}
		b.is("a form of another site", b.post("/console/events/decide", good()), http.StatusForbidden)
	}
	b.header = http.Header{"Origin": {s.url}, "Sec-Fetch-Site": {"same-origin"}}
	s.in(event.Held, 4)
	b.is("the confirmation", b.post("/console/events/decide", good()), http.StatusSeeOther)
	s.in(event.Held, 3)
	b.header = http.Header{}
	b.is("signing out without confirmation", b.post("/console/logout", nil), http.StatusForbidden)
	b.is("signing out", b.post("/console/logout", url.Values{"leave": {b.get("/console/events").hidden("leave")}}), http.StatusSeeOther)
	b.is("a page afterwards", b.get("/console/events"), http.StatusSeeOther)
}

// Every page but those that say nothing asks for the token, and every answer forbids what a page does not need.
func TestEveryRouteAsksForTheTokenAndIsProtected(t *testing.T) {
	s := serve(t, inMemory(t), `token: "`+token+`",`)
	open := map[string]int{
		"/": 303, "/console": 303, "/console/": 303, "/console/login": 200, "/console/language": 303, "/console/assets/console.css": 200,
		"/console/assets/console.js": 200, "/console/assets/icon.svg": 200, "/api/v1/openapi.json": 200,
	}
	for _, path := range append(lookedAt(), "/", "/console", "/console/login", "/console/assets/console.css", "/console/nothing", "/api/v1/nothing") {
		b := s.browser()
		a := b.get(path)
		want, isOpen := open[path]
		switch {
		case isOpen:
		case strings.HasSuffix(path, "/nothing"):
			want = http.StatusNotFound
		case strings.HasPrefix(path, "/api/"):
			want = http.StatusUnauthorized
		default:
			want = http.StatusSeeOther
			if to := a.header.Get("Location"); !strings.HasPrefix(to, "/console/login?to=") {
				t.Errorf("%s leads to %q", path, to)
			}
		}
		b.is(path, a, want)
		if got := a.header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || strings.Contains(got, "unsafe") {
			t.Errorf("%s has the policy %q", path, got)
		}
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin"} {
			if a.header.Get(name) != value {
				t.Errorf("%s has %s: %q", path, name, a.header.Get(name))
			}
		}
	}
	for _, r := range console.Routes() {
		if r.Open || r.Method == http.MethodGet {
			continue // looked at above
		}
		b, want := s.browser(), http.StatusSeeOther
		if strings.HasPrefix(r.Path, "/api/") {
			want = http.StatusUnauthorized
		}
		b.is(r.Method+" "+r.Path, b.ask(r.Method, r.Path, "", ""), want)
	}
	b := s.browser()
	b.is("a wrong token", b.post("/console/login", url.Values{"token": {"t0k3n"}}), http.StatusUnauthorized)
	b.header = http.Header{"Authorization": {"Bearer " + token}}
	b.is("the API with the token", b.get("/api/v1/events"), http.StatusOK)
	b.header = http.Header{"Authorization": {"Bearer wrong"}}
	s.eventually("who shows wrong tokens is kept waiting", func() bool {
		a := b.get("/api/v1/events")
		return a.status == http.StatusTooManyRequests && a.header.Get("Retry-After") == "5"
	})
}

// Whoever adds a page says how it is looked at.
func TestEveryPageIsLookedAt(t *testing.T) {
	asked := map[string]bool{"/console/overview/live": true, "/api/v1/overview/live": true, "/console/people/one": true, "/api/v1/people/one": true, "/console/assets/:name": true}
	for _, address := range append(lookedAt(), "/", "/console", "/console/", "/console/login") {
		path, _, _ := strings.Cut(address, "?")
		asked[path] = true
	}
	for _, r := range console.Routes() {
		if r.Method == http.MethodGet && !asked[r.Path] {
			t.Errorf("nobody looks at %s", r.Path)
		}
	}
}

// lookedAt are all pages and answers that only show something.
func lookedAt() []string {
	return []string{
		"/console/overview", "/api/v1/overview",
		"/console/events", "/console/events?state=failed", "/console/events?state=waiting&type=ud:user:create", "/console/events?state=done&directory=corp",
		"/console/events/one?seq=1", "/console/held", "/console/held/set?directory=corp&code=GUARDED&act=delete", "/console/people", "/console/people?who=ann",
		"/console/audit", "/console/audit/writes", "/api/v1/audit/writes", "/console/settings", "/api/v1/settings", "/console/mappings", "/console/mappings/one?directory=corp", "/api/v1/mappings", "/api/v1/mappings/one?directory=corp", "/api/v1/events", "/api/v1/events?state=done", "/api/v1/events/one?seq=1", "/api/v1/held", "/api/v1/held/set?directory=corp&code=GUARDED&act=delete",
		"/api/v1/people", "/api/v1/people?who=a", "/api/v1/audit", "/api/v1/openapi.json", "/console/language",
	}
}

// No answer has anything secret, and each page shows text from outside as text.
func TestNoSecretsAndNoMarkupFromOutside(t *testing.T) {
	s := serve(t, inMemory(t), `token: "`+token+`",`)
	s.company()
	long := strings.Repeat("長", 70_000)
	for _, u := range []idaastest.User{
		{ID: "user_<script>alert(1)</script>", Username: `<img src=x onerror="alert(1)">`, DisplayName: "\u202egnp.exe\u2066<b>bold</b>", Email: "a@example.org"},
		{ID: "user_'\";--", Username: "javascript:alert(1)", DisplayName: long},
	} {
		e := s.tenant.CreateUser(u, userPassword)
		e.ID += "<b>bold</b>"
		s.send(e)
	}
	s.eventually("all are tried", func() bool {
		pending, err := s.Store.Events(t.Context(), store.Filter{States: []event.State{event.Pending}, Limit: 1})
		return err == nil && len(pending) == 0
	})
	b := s.browser()
	b.is("signing in", b.post("/console/login", url.Values{"token": {token}, "who": {"<i>ann</i>"}}), http.StatusSeeOther)
	form := url.Values{"action": {"discard"}, "seq": seqsOf(s.in(event.Held, 4))[:1], "by": {"<i>ann</i>\u2066"}}
	form.Set("confirm", b.post("/console/events/decide", form).hidden("confirm"))
	b.is("a decision of somebody with a hostile name", b.post("/console/events/decide", form), http.StatusSeeOther)
	b.has("the audit", b.get("/console/audit"), `&lt;i&gt;ann&lt;/i&gt; (console`)
	paths := lookedAt()
	all, err := s.Store.Events(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		person := url.Values{"directory": {"corp"}, "kind": {string(e.Object.Kind)}, "id": {e.Object.ID}}.Encode()
		paths = append(paths, "/console/events/one?seq="+seqsOf([]store.EventRecord{e})[0], "/api/v1/events/one?seq="+seqsOf([]store.EventRecord{e})[0],
			"/console/people/one?"+person, "/api/v1/people/one?"+person)
	}
	tried := url.Values{"directory": {"corp"}, "source": {s.onDisk()}, "with": {"person"}, "who": {"user_<script>alert(1)</script>"}}
	b.has("the hostile name in the workbench", b.post("/console/mappings/try", tried), "&lt;img src=x")
	clean := func(path string, a answer) {
		if a.status >= http.StatusInternalServerError {
			t.Errorf("%s is answered with %d: %.500s", path, a.status, a.body)
		}
		for _, canary := range []string{token, userPassword, "b1nd-c4n4ry", s.tenant.EncryptionKey.Reveal()} {
			if strings.Contains(a.body, canary) {
				t.Errorf("%s shows %s", path, canary)
			}
		}
		if strings.HasPrefix(path, "/console/") {
			for _, raw := range []string{"<script>alert", "<img src", "<b>bold", "<i>ann", "\u202e", "\u2066", `href="javascript`} {
				if strings.Contains(a.body, raw) {
					t.Errorf("%s has %q as it came", path, raw)
				}
			}
			if lists := !strings.Contains(path, "/one"); lists && strings.Contains(a.body, long[:3000]) {
				t.Errorf("the list %s has the long name whole", path)
			}
		}
	}
	for _, path := range paths {
		clean(path, b.get(path))
	}
	for _, e := range all {
		if e.Outcome.State == event.Done {
			continue
		}
		form := url.Values{"directory": {"corp"}, "source": {s.onDisk()}, "with": {"event"}, "seq": seqsOf([]store.EventRecord{e})}
		clean("/console/mappings/one/try", b.post("/console/mappings/try", form))
	}
	edit := s.edited("    displayName: user.displayName\n", "    displayName: user.displayName\n    title: user.username\n")
	compared := b.post("/console/mappings/everybody", s.draft(edit))
	b.has("the hostile names compared", compared, "&lt;img src=x", "title: &lt;img")
	clean("/console/mappings/everybody", compared)
	asks := b.post("/console/mappings/force", s.draft(s.onDisk()+"# <b>bold</b> \u202e\n"))
	asks.body = regexp.MustCompile(`(?s)<textarea name="source" hidden.*?</textarea>`).ReplaceAllString(asks.body, "") // goes back as it came
	clean("/console/mappings/force", asks)
	clean("/console/mappings/check", b.post("/console/mappings/check", s.draft(edit+"<script>alert(1)</script>\u202e: 1\n")))
	for _, what := range []string{"check", "try", "words", "everybody", "force"} {
		clean("/api/v1/mappings/"+what, b.json(http.MethodPost, "/api/v1/mappings/"+what, b.draftJSON(edit, map[string]any{"who": "wei.zhang", "line": 1, "column": 1})))
	}
	good := s.onDisk()
	s.write(s.mapping, good+"<script>alert(1)</script>\u202e: 1\n")
	s.eventually("the hostile mapping is refused", func() bool { return strings.Contains(b.get("/console/settings").body, "&lt;script&gt;alert(1)") })
	for _, path := range []string{"/console/settings", "/console/mappings", "/api/v1/settings"} {
		clean(path, b.get(path))
	}
	s.write(s.mapping, good)
	b.has("the hostile event", b.get("/console/people?who=javascript"), "長長")
	b.has("the hostile name", b.get("/console/people?who="+url.QueryEscape("<img")), "&lt;img src=x", `\u202egnp.exe\u2066&lt;b&gt;`)
	asked := b.post("/console/events/decide", url.Values{"action": {"discard"}, "seq": {seqsOf(all)[0]}})
	b.has("the name of who decides", asked, "&lt;i&gt;ann")
}

// People are found by name, id and DN, also those of whom only an event that waits speaks, and their story says what lacks.
func TestPeopleAreFoundAndTheirStoryTold(t *testing.T) {
	s := serve(t, inMemory(t), "")
	c := s.company()
	b := s.browser()
	for who, id := range map[string]string{
		"gus": c.people[6].ID, "Gus M": c.people[6].ID, c.people[6].ID: c.people[6].ID, "uid=gus.may,ou=Research,ou=people,dc=example,dc=org": c.people[6].ID,
		"wei": c.waiter.ID, "张": c.waiter.ID, c.waiter.ID: c.waiter.ID, "resea": c.unit.ID,
	} {
		var found struct {
			People []struct {
				Object event.Ref `json:"object"`
			} `json:"people"`
		}
		a := b.get("/api/v1/people?who=" + url.QueryEscape(who))
		if err := json.Unmarshal([]byte(a.body), &found); err != nil || len(found.People) != 1 || found.People[0].Object.ID != id {
			t.Errorf("%s finds %s, %v; want %s", who, a.body, err, id)
		}
		b.has("the page for "+who, b.get("/console/people?who="+url.QueryEscape(who)), id)
	}
	b.has("who is not there", b.get("/console/people?who=nobody"), "Nobody was found")
	story := b.get("/console/people/one?directory=corp&kind=user&id=" + c.waiter.ID)
	b.is("a story", story, http.StatusOK)
	b.has("a story", story, "wei.zhang", "waits for another object", "ou_missing", "No entry.", "It goes on by itself when the other object arrives")
	b.has("a story of somebody with an entry", b.get("/console/people/one?directory=corp&kind=user&id="+c.people[6].ID), "dn: uid=gus.may", "Nothing: the directory holds")
	b.is("a story of nobody", b.get("/console/people/one?directory=corp&kind=user&id=user_x"), http.StatusNotFound)
	b.is("a story in no directory", b.get("/console/people/one?directory=x&kind=user&id=user_x"), http.StatusNotFound)
}
