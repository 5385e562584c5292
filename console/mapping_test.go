package console_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/workbench"
)

// edited returns the mapping in force with an edit.
func (s *service) edited(old, now string) string {
	s.Helper()
	source := s.onDisk()
	if !strings.Contains(source, old) {
		s.Fatalf("the mapping has no %q", old)
	}
	return strings.Replace(source, old, now, 1)
}

func (s *service) onDisk() string {
	s.Helper()
	raw, err := os.ReadFile(s.mapping)
	if err != nil {
		s.Fatal(err)
	}
	return string(raw)
}

// draft is the form of the workbench.
func (s *service) draft(source string) url.Values {
	s.Helper()
	return url.Values{"directory": {"corp"}, "source": {source}, "opened": {workbench.DigestOf([]byte(s.onDisk()))}, "with": {"sample"}}
}

// The story of an edit: it is wrong, mended, tried on a sample, on somebody and on everybody, and put in force, with the former file kept.
func TestAMappingIsEditedTriedAndPutInForce(t *testing.T) {
	s := serve(t, inMemory(t), "")
	people := s.company()
	b := s.browser()
	page := b.get("/console/mappings/one?directory=corp")
	b.has("the workbench", page, "mail: lower(user.email)", "tests pass", "uid=jo.park,ou=Research", "would write the same")
	b.has("the list", b.get("/console/mappings"), "mapping.yaml", "in force")

	wrong := s.draft(s.edited("mail: lower(user.email)", "mail: lowr(user.email)"))
	b.has("what is wrong", b.post("/console/mappings/check", wrong), `data-line="39"`, "lowr", "lower")
	b.is("what is wrong, put in force", b.post("/console/mappings/force", wrong), http.StatusConflict)
	b.has("a trial of what is wrong", b.post("/console/mappings/try", wrong), "nothing can be tried")

	failing := s.draft(s.edited("mail: lower(user.email)", "mail: upper(user.email)"))
	b.has("a test that fails", b.post("/console/mappings/check", failing), "Tests that fail: 2", "&#43; mail: ")
	b.is("a mapping whose tests fail, put in force", b.post("/console/mappings/force", failing), http.StatusConflict)

	good := s.draft(s.edited("    displayName: user.displayName\n", "    displayName: user.displayName\n    title: { const: Dr, when: 'user.username in [\"jo.park\", \"gus.may\", \"wei.zhang\"]' }\n"))
	b.has("what would be written", b.post("/console/mappings/try", good), "<ins>+ title: Dr</ins>", "  cn: Jo Park")
	good.Set("with", "person")
	good.Set("who", people.people[6].ID)
	b.has("for somebody", b.post("/console/mappings/try", good), "gus.may", "<ins>+ title: Dr</ins>")
	good.Set("who", "gus")
	b.has("for somebody by name", b.post("/console/mappings/try", good), "gus.may", "<ins>+ title: Dr</ins>")
	good.Set("who", "a-name-of-nobody")
	b.has("for nobody", b.post("/console/mappings/try", good), "nobody is known")
	good.Set("with", "event")
	good.Set("seq", seqsOf(s.in(event.Waiting, 1))[0])
	b.has("for an event that waits", b.post("/console/mappings/try", good), "wei.zhang", "ou_missing")
	good.Set("with", "sample")
	all := b.post("/console/mappings/everybody", good)
	b.has("everybody", all, "to be changed", "title: Dr", "The first")
	s.in(event.Held, 4)

	asked := b.post("/console/mappings/force", good)
	b.is("the question", asked, http.StatusOK)
	b.has("the question", asked, "<ins>+     title: {", "Your name")
	before := s.onDisk()
	good.Set("confirm", asked.hidden("confirm"))
	b.has("without a name", b.post("/console/mappings/force", good), "Say who decides")
	good.Set("by", "Ann Admin")
	other := s.draft(strings.Replace(good.Get("source"), "Dr", "Prof", 1))
	other.Set("by", "Ann Admin")
	other.Set("confirm", good.Get("confirm"))
	b.is("the confirmation of another edit", b.post("/console/mappings/force", other), http.StatusOK) // which asks once more
	if s.onDisk() != before {
		t.Fatal("it is written without a confirmation")
	}
	done := b.post("/console/mappings/force", good)
	b.is("the confirmation", done, http.StatusSeeOther)
	b.has("the workbench afterwards", b.get(done.header.Get("Location")), "in force. The former file is kept", "title: { const: Dr")
	kept, err := filepath.Glob(s.mapping + ".*")
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	if former, err := os.ReadFile(kept[0]); err != nil || string(former) != before || s.onDisk() != good.Get("source") {
		t.Errorf("%s is kept: %v", former, err)
	}
	b.has("the audit", b.get("/console/audit"), "Ann Admin (console, 127.0.0.1)", "put a mapping in force", "mapping.yaml of corp")
	b.has("what is in force", b.post("/console/mappings/try", s.draft(s.onDisk())), "would write the same", "title: Dr")
	b.is("the same again", b.post("/console/mappings/force", good), http.StatusConflict)
}

// A file that has changed since it was opened is not overwritten, and one that has no directory is not found: no path is taken from who asks.
func TestAMappingIsNotOverwrittenNorNamedByAPath(t *testing.T) {
	s := serve(t, inMemory(t), "")
	b := s.browser()
	b.get("/console/mappings")
	good := s.draft(s.edited("mail: lower(user.email)", "mail: lower(user.email) # edited"))
	asked := b.post("/console/mappings/force", good)
	good.Set("confirm", asked.hidden("confirm"))
	good.Set("by", "ann")
	s.write(s.mapping, s.onDisk()+"# somebody else\n")
	refused := b.post("/console/mappings/force", good)
	b.is("the confirmation of what has changed", refused, http.StatusConflict)
	b.has("the confirmation of what has changed", refused, "has changed since it was opened", "# edited")
	if !strings.HasSuffix(s.onDisk(), "# somebody else\n") {
		t.Error("it is overwritten")
	}
	for _, name := range []string{"", "../corp", s.mapping, "corp/../corp", "\x00"} {
		b.is(name, b.get("/console/mappings/one?directory="+url.QueryEscape(name)), http.StatusNotFound)
		form := s.draft(s.onDisk())
		form.Set("directory", name)
		b.is(name, b.post("/console/mappings/force", form), http.StatusNotFound)
	}
	form := s.draft(strings.Repeat("a", workbench.MaxSource+1))
	b.is("a long one", b.post("/console/mappings/check", form), http.StatusRequestEntityTooLarge)
	form.Set("source", strings.Repeat("a", 2<<20))
	b.is("a body that is too long", b.post("/console/mappings/check", form), http.StatusRequestEntityTooLarge)
	file := b.post("/console/mappings/file", s.draft("version: 1\r\nbase: dc=x\r\n"))
	if file.body != "version: 1\nbase: dc=x\n" || file.header.Get("Content-Disposition") != `attachment; filename="mapping.yaml"` {
		t.Errorf("the download is %q, %v", file.body, file.header)
	}
	stranger := s.browser()
	stranger.is("a trial without a session", stranger.post("/console/mappings/try", s.draft(s.onDisk())), http.StatusSeeOther)
}

// A program edits a mapping with the same steps.
func TestAProgramEditsAMapping(t *testing.T) {
	s := serve(t, inMemory(t), "")
	s.company()
	b := s.browser()
	b.is("a session", b.json(http.MethodPost, "/api/v1/session", ""), http.StatusOK)
	b.has("the list", b.get("/api/v1/mappings"), `"directory":"corp"`, `"since":`)
	var file struct{ Source, Opened string }
	if err := json.Unmarshal([]byte(b.get("/api/v1/mappings/one?directory=corp").body), &file); err != nil || file.Source != s.onDisk() {
		t.Fatal(file, err)
	}
	ask := func(what string, more map[string]any) answer {
		body := map[string]any{"directory": "corp", "source": file.Source, "opened": file.Opened}
		for name, value := range more {
			body[name] = value
		}
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		return b.json(http.MethodPost, "/api/v1/mappings/"+what, string(encoded))
	}
	b.has("the check", ask("check", nil), `"good":true`, `"problems":[]`)
	b.has("a mistake", ask("check", map[string]any{"source": "version: 1\nbase: x y\nuser: {}\n"}), `"line":2`, `"good":false`)
	b.has("a trial", ask("try", nil), `"differs":false`, "uid=jo.park")
	b.has("a trial of a wrong sample", ask("try", map[string]any{"sample": "type: odd"}), `"wrong":[{"line":1`)
	b.has("a trial on somebody", ask("try", map[string]any{"who": "gus.may"}), `"kind":"user"`)
	another := strings.ReplaceAll(file.Source, "dc=example,dc=org", "dc=example,dc=com")
	b.has("a trial on somebody below another base", ask("try", map[string]any{"who": "gus.may", "source": another}), "a sample can be tried")
	b.has("words", ask("words", map[string]any{"source": "user:\n  attributes:\n    mail: low", "line": 3, "column": 14}), `"text":"lower"`, `"typed":3`)
	b.is("without a source", b.json(http.MethodPost, "/api/v1/mappings/check", "[]"), http.StatusBadRequest)

	body, err := json.Marshal(map[string]any{"directory": "corp", "source": file.Source})
	if err != nil {
		t.Fatal(err)
	}
	stream := b.json(http.MethodPost, "/api/v1/mappings/everybody", string(body))
	last := ""
	for lines := bufio.NewScanner(strings.NewReader(stream.body)); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			last = data
		}
	}
	if !strings.Contains(last, `"ended":true`) || !strings.Contains(last, `"equal":`) || stream.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("the stream ends with %s", last)
	}

	changed := map[string]any{"source": file.Source}
	b.is("the same file", ask("force", changed), http.StatusConflict)
	changed["source"] = file.Source + "# by a program\n"
	var e struct{ Confirm string }
	if a := ask("force", changed); json.Unmarshal([]byte(a.body), &e) != nil || e.Confirm == "" {
		t.Fatal(a.body)
	}
	changed["confirm"] = "wrong"
	b.is("a wrong confirmation", ask("force", changed), http.StatusForbidden)
	changed["confirm"] = e.Confirm
	b.is("a decision of nobody", ask("force", changed), http.StatusBadRequest)
	changed["by"] = "cron"
	b.has("the decision", ask("force", changed), `"kept":"mapping.yaml.`+time.Now().UTC().Format("2006"))
	if s.onDisk() != changed["source"] {
		t.Error("it is not written")
	}
}
