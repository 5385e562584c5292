package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
)

// draftJSON is what a program sends about the mapping.
func (b *browser) draftJSON(source string, more map[string]any) string {
	b.Helper()
	body := map[string]any{"directory": "corp", "source": source, "opened": b.draft(source).Get("opened")}
	for name, value := range more {
		body[name] = value
	}
	text, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// Of those who have opened the same file and put it in force at the same moment, one does, and all others are told.
func TestTwoPeoplePutAMappingInForceAtOnce(t *testing.T) {
	s := serve(t, inMemory(t), "")
	const people = 6
	var browsers []*browser
	var bodies []string
	for i := range people {
		b := s.browser()
		b.is("a session", b.json(http.MethodPost, "/api/v1/session", ""), http.StatusOK)
		source := s.onDisk() + fmt.Sprintf("# by %d\n", i)
		var asked struct{ Confirm string }
		if a := b.json(http.MethodPost, "/api/v1/mappings/force", b.draftJSON(source, nil)); json.Unmarshal([]byte(a.body), &asked) != nil || asked.Confirm == "" {
			t.Fatal(a.body)
		}
		browsers, bodies = append(browsers, b), append(bodies, b.draftJSON(source, map[string]any{"confirm": asked.Confirm, "by": fmt.Sprint(i)}))
	}
	var done sync.WaitGroup
	var answers [people]answer
	for i, b := range browsers {
		done.Go(func() { answers[i] = b.json(http.MethodPost, "/api/v1/mappings/force", bodies[i]) })
	}
	done.Wait()
	in := 0
	for i, a := range answers {
		switch a.status {
		case http.StatusOK:
			in++
			if !strings.HasSuffix(s.onDisk(), fmt.Sprintf("# by %d\n", i)) {
				t.Errorf("%d was told that it is in force, and it is not", i)
			}
		case http.StatusConflict, http.StatusServiceUnavailable: // somebody else was first, or they are too many for this machine
		default:
			t.Errorf("%d is answered with %d: %s", i, a.status, a.body)
		}
	}
	kept, err := filepath.Glob(s.mapping + ".*")
	if err != nil || in != 1 || len(kept) != 1 {
		t.Errorf("%d are in force, kept are %v: %v", in, kept, err)
	}
}

// Who leaves while everybody is compared ends that, also where the directory does not answer, and the next one may compare. Neither
// writes anything to the directory.
func TestWhoLeavesEndsTheComparison(t *testing.T) {
	server, err := ldaptest.Start(ldaptest.Config{
		AdminDN: "cn=admin,dc=example,dc=org", AdminPassword: secret.New("b1nd-c4n4ry"),
		LDIF: "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\ndn: ou=groups,dc=example,dc=org\nobjectClass: organizationalUnit\nou: groups\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, target{server.URL(), "cn=admin,dc=example,dc=org", "b1nd-c4n4ry"}, "")
	t.Cleanup(server.Close)
	s.company()
	b := s.browser()
	b.is("a session", b.json(http.MethodPost, "/api/v1/session", ""), http.StatusOK)
	before := server.LDIF()
	var hangs atomic.Bool
	asked, never := make(chan struct{}, 1), make(chan struct{})
	server.Fault(func(op ldaptest.Operation) ldaptest.Fault {
		if op.Verb == "search" && hangs.Load() {
			select {
			case asked <- struct{}{}:
			default:
			}
			return ldaptest.Fault{Wait: never}
		}
		return ldaptest.Fault{}
	})
	hangs.Store(true)
	body := b.draftJSON(s.onDisk(), nil)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/api/v1/mappings/everybody", strings.NewReader(body))
		if err == nil {
			request.Header.Set("Content-Type", "application/json")
			var response *http.Response
			if response, err = b.http.Do(request); err == nil {
				err = response.Body.Close()
			}
		}
		left <- err
	}()
	<-asked
	b.is("another comparison", b.json(http.MethodPost, "/api/v1/mappings/everybody", body), http.StatusConflict)
	hangs.Store(false)
	leave()
	if err := <-left; err == nil {
		t.Error("it has ended by itself")
	}
	s.eventually("the next one may compare", func() bool {
		a := b.json(http.MethodPost, "/api/v1/mappings/everybody", body)
		return a.status == http.StatusOK && strings.Contains(a.body, `"ended":true`)
	})
	if after := server.LDIF(); after != before {
		t.Errorf("it is written:\n%s\nbefore\n%s", after, before)
	}
}
