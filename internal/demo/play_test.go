package demo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/demo"
	"idaas-ldap/ldaptest"
)

// The whole week is played, every event is shown beside its change, and the page can be read: no line is wider than a
// hundred columns, nothing colours it where nobody sees colours, and no password stands in it.
func TestTheWeek(t *testing.T) {
	var page bytes.Buffer
	if err := demo.Play(context.Background(), demo.Config{Out: &page}); err != nil {
		t.Fatalf("%v\n%s", err, page.String())
	}
	text := page.String()
	for what, words := range map[string][]string{
		"connection test":  {"common:test", "TEST_OK"},
		"OU tree":          {"organizational_unit:create", `dn: ou=R&D\, Hangzhou,ou=Research,ou=people`},
		"hires":            {"user:create", "dn: uid=ann.lee,ou=Research,ou=people,dc=example,dc=org", "changetype: add", "# 诸葛亮"},
		"password set":     {"password    (secret)", "# the password is set; it is never shown", "Ann can log in"},
		"password changed": {"user:update_password", "ok the new password works", "ok the old one does not"},
		"rename":           {"user:update_info", "newrdn: uid=ann.kim", "its entryUUID has not changed"},
		"department move":  {"user:update_primary_ou", "newsuperior: ou=Sales,ou=people,dc=example,dc=org"},
		"disable":          {"user:disable", "pwdAccountLockedTime: 000001010000Z", "user:enable"},
		"lock":             {"user:lock", "user:unlock"},
		"group changes":    {"group:create", "group:add_user", "group:remove_user", "delete: member", "member: cn=nobody,dc=example,dc=org"},
		"out of order":     {"ACCEPTED: waits for unit", "follows its unit by itself"},
		"twice":            {"the repeat got the same answer, and nothing was written"},
		"directory outage": {"which does not", "what was kept is applied when the directory is back"},
		"forged request":   {"401 invalid_token", "HS256 with the public key"},
		"leaver":           {"user:delete", "changetype: delete", "his membership has gone with him"},
		"full push":        {"user:push  Ann Kim           UNCHANGED", "group:push Vpn users         UNCHANGED"},
		"how to look":      {"ldapsearch -x -LLL -H ldap://127.0.0.1:", "-b dc=example,dc=org", "--keep"},
		"what it all was":  {"checks passed", "LDAP writes"},
		"how it is sent":   {"RS256", "A256GCM", "http://127.0.0.1:"},
		"the days":         {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"},
	} {
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s: there is no %q", what, word)
			}
		}
	}
	for _, line := range strings.Split(text, "\n") {
		if n := demo.Columns(line); n > demo.PageWidth {
			t.Errorf("a line of %d columns: %q", n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("a line ends with spaces: %q", line)
		}
	}
	for _, never := range []string{"\x1b", "FAILED", "correct horse", "staple 42", "%!"} {
		if strings.Contains(text, never) {
			t.Errorf("there is %q on the page", never)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestTheWeekInColour(t *testing.T) {
	var page bytes.Buffer
	if err := demo.Play(context.Background(), demo.Config{Out: &page, Colour: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "\x1b[32mok\x1b[0m") {
		t.Error("there is no colour on the page")
	}
}

// Whatever step goes wrong, the week goes on, shows it, and does not count as played.
func TestAStepThatGoesWrongFailsTheWeek(t *testing.T) {
	refuse := func(verb string) func(*ldaptest.Server) {
		return func(s *ldaptest.Server) {
			s.Fault(func(op ldaptest.Operation) ldaptest.Fault {
				if op.Verb == verb {
					return ldaptest.Fault{Code: ldap.LDAPResultUnwillingToPerform, Message: "says the directory"}
				}
				return ldaptest.Fault{}
			})
		}
	}
	for verb, words := range map[string]string{
		"password": "FAILED Ann can log in at the directory with her password",
		"modrdn":   "FAILED uid=ann.kim,ou=Research,ou=people,dc=example,dc=org is there",
		"delete":   "FAILED uid=john.oneil,ou=Sales,ou=people,dc=example,dc=org is gone",
	} {
		t.Run(verb, func(t *testing.T) {
			var page bytes.Buffer
			if err := demo.PlayWith(context.Background(), demo.Config{Out: &page}, refuse(verb)); !errors.Is(err, demo.ErrFailed) {
				t.Errorf("the week ends with %v", err)
			}
			for _, word := range []string{words, "checks FAILED", "A full push"} {
				if !strings.Contains(page.String(), word) {
					t.Errorf("there is no %q in\n%s", word, page.String())
				}
			}
		})
	}
}

// With Keep it stays up until it is told to end.
func TestItStaysUpToBeLookedAt(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	reader, writer := io.Pipe()
	var once sync.Once
	done := make(chan error, 1)
	go func() {
		defer writer.Close()
		done <- demo.Play(ctx, demo.Config{Out: writer, Keep: true})
	}()
	var page strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := reader.Read(buffer)
		page.Write(buffer[:n])
		if err != nil {
			break
		}
		if strings.Contains(page.String(), "/metrics") {
			once.Do(func() { lookAndStop(t, page.String(), stop) })
		}
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// lookAndStop reads the directory with the words that are on the page, and ends the demonstration.
func lookAndStop(t *testing.T, page string, stop func()) {
	t.Helper()
	defer stop()
	_, after, _ := strings.Cut(page, "ldapsearch -x -LLL -H ")
	url, after, _ := strings.Cut(after, " ")
	_, after, _ = strings.Cut(after, "-D ")
	dn, after, _ := strings.Cut(after, " -w ")
	password, _, _ := strings.Cut(after, "\n")
	conn, err := ldap.DialURL(url)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	if err := conn.Bind(dn, password); err != nil {
		t.Error(err)
	}
	found, err := conn.Search(ldap.NewSearchRequest("dc=example,dc=org", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=ann.kim)", nil, nil))
	if err != nil || len(found.Entries) != 1 {
		t.Errorf("found is %+v, %v", found, err)
	}
}
