package console

import (
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/audit"
)

func catalogues(t *testing.T) map[language]catalogue {
	t.Helper()
	texts, err := readTexts()
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// templates returns all of them as one text.
func templates(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("templates/*.html")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}

var places = regexp.MustCompile(`%[a-z]`)

// Each catalogue has every text, with the same places for values, and none that nothing uses.
func TestBothLanguagesAreComplete(t *testing.T) {
	texts, used := catalogues(t), map[string]bool{}
	source := templates(t)
	for _, name := range regexp.MustCompile(`(?:\{\{|[( ])t "([^"]+)"`).FindAllStringSubmatch(source, -1) {
		used[name[1]] = true
	}
	for _, page := range regexp.MustCompile(`render\(ctx, [^,]+, "([a-z_]+)"|show\(ctx, "([a-z_]+)"`).FindAllStringSubmatch(sources(t), -1) {
		used["title."+page[1]+page[2]] = true
	}
	for _, action := range []string{actionRetry, actionDiscard} {
		for _, kind := range []string{"confirm.", "confirm.do.", "notice.", "did."} {
			used[kind+action] = true
		}
	}
	for _, name := range []string{"notice." + actionMapping, "did." + actionMapping, "did." + actionMapping + " failed", "did.accept directory", "did.restore", "did.salvage"} {
		used[name] = true
	}
	for _, verdict := range []dispatch.Verdict{dispatch.Equal, dispatch.Drift, dispatch.Missing, dispatch.Surplus, dispatch.Left, dispatch.Blocked, dispatch.Orphan} {
		used["verdict."+string(verdict)] = true
	}
	for _, outcome := range []audit.Outcome{audit.Done, audit.Refused, audit.InDoubt} {
		used["outcome."+string(outcome)] = true
	}
	for _, s := range states {
		used["filter."+s.name] = true
	}
	for _, state := range []event.State{event.Pending, event.Waiting, event.Held, event.Done, event.Skipped, event.Failed, event.Discarded} {
		used["state."+string(state)] = true
	}
	for _, kind := range []event.Kind{event.KindUser, event.KindUnit, event.KindGroup} {
		used["kind."+string(kind)] = true
	}
	for _, act := range []string{"delete", "disable", "adoption", "rename", "change", "vanished"} {
		used["guard."+act] = true
	}
	for _, p := range plots(overview{}) {
		used[p.Name] = true
	}
	for _, state := range []string{"ok", "not tried yet", "read-only", "down", "held", "refuses our login"} {
		used["directory."+state] = true
	}
	for _, presence := range []string{"present", "deleted", "unsaid"} {
		used["presence."+presence] = true
	}
	outcomes, err := os.ReadFile("../event/outcome.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range regexp.MustCompile(`Code = "([A-Z_]+)"`).FindAllStringSubmatch(string(outcomes), -1) {
		used["code."+code[1]] = true
	}
	for name := range used {
		if texts[english][name] == "" || texts[chinese][name] == "" {
			t.Errorf("%s lacks a text", name)
		}
	}
	for name, text := range texts[english] {
		if strings.HasPrefix(name, "fix.") && !used["code."+strings.TrimPrefix(name, "fix.")] || !strings.HasPrefix(name, "fix.") && !used[name] {
			t.Errorf("nothing uses %s", name)
		}
		if got, want := places.FindAllString(texts[chinese][name], -1), places.FindAllString(text, -1); strings.Join(got, "") != strings.Join(want, "") {
			t.Errorf("%s has places for %v in Chinese, and for %v in English", name, got, want)
		}
	}
	if len(texts[english]) != len(texts[chinese]) {
		t.Errorf("there are %d texts in English and %d in Chinese", len(texts[english]), len(texts[chinese]))
	}
}

// sources returns the program as one text.
func sources(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}

// A template has no words of its own, but the name of the program.
func TestNoTemplateHasWordsOfItsOwn(t *testing.T) {
	source := regexp.MustCompile(`(?s)\{\{.*?\}\}`).ReplaceAllString(templates(t), "")
	for _, attribute := range regexp.MustCompile(`(?:aria-label|title|placeholder|alt|data-label)="([^"]*)"`).FindAllStringSubmatch(source, -1) {
		if strings.ContainsFunc(attribute[1], unicode.IsLetter) {
			t.Errorf("an attribute says %q", attribute[1])
		}
	}
	bare := html.UnescapeString(regexp.MustCompile(`(?s)<[^>]*>`).ReplaceAllString(source, " "))
	for _, word := range strings.Fields(bare) {
		if word != "idaas-ldap" && strings.ContainsFunc(word, unicode.IsLetter) {
			t.Errorf("a template says %q", word)
		}
	}
}

func TestTheLanguageIsTheBrowsersWish(t *testing.T) {
	for header, want := range map[string]language{
		"": english, "zh": chinese, "zh-CN,zh;q=0.9,en;q=0.8": chinese, "en-GB,en;q=0.9,zh;q=0.8": english, "de,fr;q=0.5": english,
		"de;q=1.0, zh-Hant;q=0.3, en;q=0.2": chinese, "zh;q=x": english, "*": english,
	} {
		if got := wished(header); got != want {
			t.Errorf("%q wishes %s, not %s", header, got, want)
		}
	}
	r := &http.Request{Header: http.Header{"Accept-Language": {"en"}, "Cookie": {languageCookie + "=zh"}}}
	if got := languageOf(r); got != chinese {
		t.Errorf("the chosen language is %s", got)
	}
}

func TestTheWayBackLeadsToAPageOfOurs(t *testing.T) {
	for _, path := range []string{"", "https://evil.example.net", "//evil.example.net", "/console", "/consoles/x", "/metrics", "/console/\\x", "/console/x\r\nSet-Cookie: a=b"} {
		if got := ownPath(path); got != homePage {
			t.Errorf("%q leads to %q", path, got)
		}
	}
	if got := ownPath("/console/events?state=failed"); got != "/console/events?state=failed" {
		t.Errorf("a page of ours leads to %q", got)
	}
}
