package app_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"idaas-ldap/internal/app"
	"idaas-ldap/ldaptest"
)

// grants returns the statements of docs/scale.md that make the database, with the password of tests.
func grants(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/scale.md does not say how the database is made")
	}
	var statements []string
	for line := range strings.Lines(strings.Replace(string(block[1]), "CHANGE-ME", ldaptest.PostgresPassword, 1)) {
		statements = append(statements, line)
	}
	return statements
}

// An instance that takes an event in tells the one that works on the directory, and is told what became of it: nobody finds that by looking
// here, which is done once an hour.
func TestPostgresInstancesTellEachOther(t *testing.T) {
	server := ldaptest.StartPostgres(t, grants(t)...)
	one := newLive(t)
	one.write("store.url", server.URL())
	one.edit("  url: sqlite:data/store.db\n", "  url_file: store.url\n")
	one.options.LookEvery = time.Hour
	one.run()
	await(t, one, "it does not work on the directory", func() bool { return strings.Contains(one.log.String(), "this instance works on the directory") })
	two := one.beside()
	two.run()
	for i := range 4 {
		if got := two.status(); got != "200 success APPLIED" {
			t.Fatalf("event %d is answered with %s; the logs say\n%s\n%s", i, got, one.log, two.log)
		}
	}
}

// beside returns another instance with the same configuration.
func (l *live) beside() *live {
	second := *l
	second.stage = &stage{T: l.T, folder: l.folder, server: l.server, issuer: l.issuer, log: &lockedBuffer{}, options: l.options}
	second.sent = 100 // other names
	return &second
}

// Two instances share a database that was made as docs/scale.md says. Each takes events in, one of them works on the directory, and the
// other one goes on when that ends. The server is away for a while, and nothing is lost by that.
func TestPostgresIsSharedByTwoInstances(t *testing.T) {
	server := ldaptest.StartPostgres(t, grants(t)...)
	one := newLive(t)
	one.write("store.url", server.URL())
	one.edit("  url: sqlite:data/store.db\n", "  url_file: store.url\n")
	cfg, err := one.load()
	if err != nil {
		t.Fatal(err)
	}
	if e := app.Examine(t.Context(), cfg, one.logger()); len(e.Problems) > 0 {
		t.Fatalf("before the first start: %v", e.Problems)
	}
	end := one.begin()
	await(t, one, "the first does not work on the directory", func() bool { return strings.Contains(one.page("/readyz"), `"corp":{"owner":"this instance"`) })
	two := one.beside()
	two.run()
	const good = "200 success APPLIED"
	for i := range 4 {
		if got := []*live{one, two}[i%2].status(); got != good {
			t.Fatalf("event %d is answered with %s; the logs say\n%s\n%s", i, got, one.log, two.log)
		}
	}
	if a, b := one.readiness().Directories["corp"], two.readiness().Directories["corp"]; a != "ok" || !strings.Contains(b, "left to another instance") {
		t.Errorf("the first says %q of the directory and the second %q", a, b)
	}
	end()
	await(t, two, "the other one does not take over", func() bool {
		return !strings.Contains(two.readiness().Directories["corp"], "another instance")
	})
	if got := two.status(); got != good {
		t.Errorf("after the first has ended an event is answered with %s", got)
	}
	server.Stop()
	if got := two.status(); got != "503" {
		t.Errorf("without the database an event is answered with %s", got)
	}
	server.Start(t)
	await(t, two, "it is not ready again", func() bool { return two.readiness().Ready })
	if got := two.status(); got != good {
		t.Errorf("after the database came back an event is answered with %s", got)
	}
	server.Administer(t, ldaptest.PostgresDatabase, "INSERT INTO schema_version (version) VALUES (99)")
	if got := two.status(); got != "503" {
		t.Errorf("with the tables of a newer version an event is answered with %s", got)
	}
	if page := two.page("/readyz"); two.readiness().Ready || !strings.Contains(page, "run that version in the place of this one") {
		t.Errorf("with the tables of a newer version it is %s", page)
	}
	for _, l := range []*live{one, two} {
		if strings.Contains(l.log.String(), ldaptest.PostgresPassword) {
			t.Error("the log holds the password of the database")
		}
	}
}

// await looks until something is so.
func await(t *testing.T, l *live, otherwise string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !reached(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s\n%s", otherwise, l.page("/readyz"), l.log)
		}
	}
}
