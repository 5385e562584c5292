//go:build !race

package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/configs"
	"idaas-ldap/connector"
	"idaas-ldap/console"
	"idaas-ldap/event"
	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/workbench"
	"idaas-ldap/mapping"
	"idaas-ldap/memdir"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// town is a console above a store that knows many people and events.
type town struct {
	*store.SQLite
	url    string
	events int
	ticks  atomic.Int64
}

// unscanned is a directory of which nobody asks for everybody.
type unscanned struct{ *memdir.Directory }

// Scan finds nobody.
func (unscanned) Scan(context.Context, plan.DN, string, []string, func([]*plan.Entry) error) error {
	return nil
}

// The newest events, those in the middle, and the first people and those in the middle are sealed: a page that opened more than it
// shows would find that the others are not.
const (
	newestSealed = 10_000
	middleSealed = 1000
	peopleSealed = 200
)

// newTown makes a store with so many people, events, decisions and writes, and its console.
func newTown(tb testing.TB, people, events, decisions int) *town {
	tb.Helper()
	folder := tb.TempDir()
	v := &town{SQLite: open(tb, store.SQLiteConfig{Path: filepath.Join(folder, "store.db")}), events: events}
	store.Populate(tb, v.SQLite, people, 0, 0)
	store.PopulateEvents(tb, v.SQLite, events)
	store.PopulateAudit(tb, v.SQLite, decisions)
	store.SealEvents(tb, v.SQLite, events-newestSealed, events)
	store.SealEvents(tb, v.SQLite, events/2-middleSealed, events/2)
	store.SealEvents(tb, v.SQLite, 1, peopleSealed)
	store.SealPeople(tb, v.SQLite, 0, peopleSealed)
	store.SealPeople(tb, v.SQLite, people/2, people/2+peopleSealed)
	for i := range 24 * 60 {
		if err := v.RecordSample(tb.Context(), store.Sample{At: event.Millis(began().Add(-time.Duration(i) * time.Minute).UnixMilli()), Accepted: int64(i)}); err != nil {
			tb.Fatal(err)
		}
	}
	trail := filepath.Join(folder, "audit.log")
	log, _, err := audit.Open(audit.Config{Path: trail, Digest: seal(tb, 1).Digest})
	for i := 0; i < decisions && err == nil; i++ {
		err = log.Append(audit.Record{At: began(), Directory: "corp", Object: event.Ref{Kind: event.KindUser, ID: "user_1"}, Operation: "modify", DN: "uid=user_1", Outcome: audit.Done})
	}
	if err == nil {
		err = log.Close()
	}
	file := filepath.Join(folder, "mapping.yaml")
	if err == nil {
		err = os.WriteFile(file, configs.OpenLDAP, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	v.serve(tb, file, trail)
	return v
}

// serve makes the console of a directory in memory.
func (v *town) serve(tb testing.TB, file, trail string) {
	tb.Helper()
	set, err := mapping.Compile("mapping.yaml", configs.OpenLDAP)
	if err != nil {
		tb.Fatal(err)
	}
	empty, err := memdir.Empty(connector.OpenLDAP, v.clock, strings.NewReader(strings.Repeat("x", 1000)))
	if err == nil {
		err = empty.LoadLDIF("dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n")
	}
	if err != nil {
		tb.Fatal(err)
	}
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	c, err := console.New(console.Config{
		Store: v.SQLite, Log: quiet, Clock: v.clock, Random: func() string { return "a text that nobody guesses" }, Stopping: make(chan struct{}), Wake: func([]store.Key) {},
		Token: func() secret.Text { return secret.New("t0k3n") }, States: func() map[string]string { return map[string]string{"corp": "ok"} },
		Origin:   func(r *http.Request) (string, bool) { return r.RemoteAddr, false },
		Settings: func() console.Settings { return console.Settings{Version: "test"} }, Trail: func() string { return trail }, Asker: func(string) explain.Asker { return nil },
		Directories: func() []explain.Directory {
			return []explain.Directory{
				{Name: "corp", Inspector: processor.New(empty, func() *mapping.Set { return set }), Entries: empty, Mapping: set}, {Name: "lab", Entries: empty, Mapping: set},
			}
		},
		Workbench: func() []workbench.Directory {
			return []workbench.Directory{{Name: "corp", Path: file, InForce: set, Server: unscanned{empty}, Reload: func() {}}}
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	server := httptest.NewServer(c)
	tb.Cleanup(server.Close)
	v.url = server.URL
}

// clock goes on by a second at each look, so that nothing is answered with what was made a moment before.
func (v *town) clock() time.Time { return began().Add(time.Duration(v.ticks.Add(1)) * time.Second) }

func began() time.Time { return time.Unix(1_800_000_000, 0) }

// asked is one thing that is asked of the console.
type asked struct{ name, method, path, body string }

// everything is what there is to be asked for: by the path below /console and /api/v1, with what is asked of it. A route that is not
// here fails the test.
func (v *town) everything() map[string][]string {
	middle, one := fmt.Sprint(v.events/2), fmt.Sprintf("user_%06d", v.events-1)
	before := "before=" + middle
	events := []string{"", before, "event=evt_000007", "event=nothing", "object=g_1", "object=g_1&" + before, "object=nobody", "type=ud:user:update_info", "type=ud:user:push", "type=ud:user:push&" + before, "directory=corp", "directory=lab"}
	for _, state := range []string{"failed", "held", "waiting", "done"} {
		events = append(events, "state="+state, "state="+state+"&directory=corp", "state="+state+"&directory=lab", "state="+state+"&type=ud:user:push", "state="+state+"&"+before, "state="+state+"&object=g_1", "state="+state+"&object=nobody")
	}
	who := func(text string) string { return "who=" + url.QueryEscape(text) }
	person := "directory=corp&kind=user&id="
	return map[string][]string{
		"/overview": {""}, "/overview/live": {""}, "/settings": {""}, "/mappings": {""}, "/audit": {""}, "/openapi.json": {""}, "/login": {""}, "/language": {"choose=zh"}, "/assets/:name": {""},
		"/audit/writes": {"", "before=900"}, "/events": events, "/events/one": {"seq=" + middle, fmt.Sprint("seq=", v.events)},
		"/held": {""}, "/held/set": {"directory=corp&code=GUARDED&act=delete", "directory=corp&code=GUARDED&act=delete&" + before},
		"/people": {
			"", "directory=corp", "directory=lab", who("l"), who("login_"), who("label"), who("login_000001"), who("LABEL 000001"), who("nobody"), who("user_000001"), who("g_1"),
			who("uid=user_000001,ou=people,dc=example,dc=org"), who("uid=nobody,dc=example,dc=org"), who("l") + "&directory=lab", who("nobody") + "&directory=lab", who(one),
		},
		"/people/one":   {person + "user_000001", person + one},
		"/mappings/one": {"directory=corp", "directory=corp&who=user_000001", "directory=corp&who=l", "directory=corp&who=nobody", "directory=corp&seq=" + middle},
	}
}

// routes are the GET routes that the console has, as its source says.
func routes(tb testing.TB) map[string][]string {
	tb.Helper()
	source, err := os.ReadFile("../console/routes.go")
	if err != nil {
		tb.Fatal(err)
	}
	found := map[string][]string{}
	for _, m := range regexp.MustCompile(`(page|api)\("([^"]+)"|MethodGet, path: (pages|api)Path \+ "(/[^"]+)"`).FindAllStringSubmatch(string(source), -1) {
		prefix := "/console"
		if m[1] == "api" || m[3] == "api" {
			prefix = "/api/v1"
		}
		found[m[2]+m[4]] = append(found[m[2]+m[4]], prefix)
	}
	return found
}

// all is everything that is asked for by each of its routes, and what asks for more than a page.
func (v *town) all(tb testing.TB) (all []asked) {
	tb.Helper()
	queries := v.everything()
	for path, prefixes := range routes(tb) {
		if queries[path] == nil {
			tb.Errorf("nobody asks for %s", path)
		}
		for _, prefix := range prefixes {
			for _, query := range queries[path] {
				address := strings.Replace(prefix+path, ":name", "console.css", 1) + "?" + query
				all = append(all, asked{address, http.MethodGet, address, ""})
			}
		}
	}
	set := fmt.Sprintf(`{"action":"retry","set":{"directory":"corp","code":"GUARDED","act":"delete","newest":%d,"count":10000}}`, v.events)
	all = append(all, asked{"deciding a set", http.MethodPost, "/api/v1/events/decide", set})
	draft := fmt.Sprintf(`{"directory":"corp","source":%q,"who":"user_000001"}`, configs.OpenLDAP)
	for _, what := range []string{"check", "try", "words"} {
		all = append(all, asked{what, http.MethodPost, "/api/v1/mappings/" + what, draft})
	}
	return all
}

// ask asks the console, and returns how much it answers. Of a stream the first event is read.
func (v *town) ask(tb testing.TB, a asked) int {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, a.method, v.url+a.path, strings.NewReader(a.body))
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer t0k3n")
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		body, _ := io.ReadAll(response.Body)
		tb.Fatalf("%s is answered with %d: %.500s", a.name, response.StatusCode, body)
	}
	if strings.HasSuffix(strings.TrimSuffix(a.path, "?"), "/live") {
		n := 0
		for lines := bufio.NewScanner(response.Body); lines.Scan() && lines.Text() != ""; {
			n += len(lines.Bytes())
		}
		return n
	}
	n, err := io.Copy(io.Discard, response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return int(n)
}

// What the console does for a page does not grow with the people, events, decisions and writes that there are: each of its routes is asked
// with each kind of question, and what the database does is counted. Only who asks for the people of a directory that has few waits while the
// names of the others are passed over.
func TestEveryPageCostsTheSameHoweverMuchThereIs(t *testing.T) {
	small, large := newTown(t, 1000, 85_000, 2000), newTown(t, 100_000, 150_000, 20_000)
	before := small.cost(t)
	for name, cost := range large.cost(t) {
		few, room := before[name], 500.0
		if strings.Contains(name, "/people?") && strings.Contains(name, "directory=lab") {
			room += 40 * 100_000
		}
		if cost.Steps > few.Steps*1.2+room || cost.Statements > few.Statements+10 || cost.answer > few.answer*1.2+1000 {
			t.Errorf("%s takes %+v where there is much, and %+v where there is little", name, cost, few)
		}
	}
}

// cost is what a page takes.
type cost struct {
	store.Work
	answer float64 // bytes of the answer
}

// cost returns what each page takes, by its name; those with another number in their address have the same.
func (v *town) cost(t *testing.T) map[string]cost {
	t.Helper()
	costs := map[string]cost{}
	for _, a := range v.all(t) {
		before := store.WorkOf(t, v.SQLite)
		answer := v.ask(t, a)
		after := store.WorkOf(t, v.SQLite)
		name := regexp.MustCompile(`[0-9]{4,}`).ReplaceAllString(a.name, "N")
		took := cost{store.Work{Steps: after.Steps - before.Steps, Statements: after.Statements - before.Statements}, float64(answer)}
		if took.Steps > costs[name].Steps {
			costs[name] = took
		}
	}
	return costs
}

// BenchmarkPages measures what the console takes for each page with 100,000 people and 1,000,000 events, half of which are open.
func BenchmarkPages(b *testing.B) {
	v := newTown(b, 100_000, 1_000_000, 20_000)
	for _, a := range v.all(b) {
		b.Run(a.name, func(b *testing.B) {
			for b.Loop() {
				v.ask(b, a)
			}
		})
	}
}
