package pull_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"idaas-ldap/idaastest"
)

// A trial says what is missing, each time by its name, and asks for no more than one page of each list.
func TestATrialSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		unkind      func(w *world)
		wrong, note string
		requests    int
	}{
		"nothing":                 {func(*world) {}, "", "", 5},
		"the right to accounts":   {func(w *world) { w.api.Denied = []string{"users"} }, "the right urn:alibaba:idaas:scope:user:read_all is missing: list the users of unit ou_root from api.example.org: IDaaS answers 403 permission_denied", "", 5},
		"the right to units":      {func(w *world) { w.api.Denied = []string{"organizationalUnits"} }, "the right urn:alibaba:idaas:scope:organizational_unit:read_all is missing: list the units below ou_root", "", 5},
		"the right to groups":     {func(w *world) { w.api.Denied = []string{"groups"} }, "", "the groups stay as they are: list the groups from api.example.org", 5},
		"a scope":                 {func(w *world) { w.api.ScopeUnits = nil }, "names no unit and no group; set it in the console", "", 2},
		"a unit in the scope":     {func(w *world) { w.api.ScopeUnits, w.api.ScopeGroups = nil, []string{"group_1"} }, "", "nobody who is gone is deleted", 3},
		"the secret":              {func(w *world) { w.client = w.newClient("wrong", 1000) }, "ask for a token: IDaaS answers 401 invalid_client", "", 1},
		"the API":                 {func(w *world) { w.api.Closed = true }, "open the Developer API", "", 1},
		"a server that has time":  {every2(problem(500, "InternalError")), "read the synchronization scope from api.example.org: IDaaS answers 500 InternalError", "", 2},
		"a server at all":         {every2(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }), "read the synchronization scope from api.example.org: IDaaS cannot be asked", "", 2},
		"the API at that address": {every2(func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") }), "not the JSON", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, idaastest.Generate(1, 250, 3), func(w *world) {
				c.unkind(w)
				requests := 0
				before := w.api.Before
				w.api.Before = func(n int, rw http.ResponseWriter, r *http.Request) bool {
					requests++
					return before != nil && before(n, rw, r)
				}
				got := w.client.Try(w.Context())
				var wrong []string
				for _, err := range got.Wrong {
					wrong = append(wrong, err.Error())
				}
				said, notes := strings.Join(wrong, "; "), strings.Join(got.Notes, "; ")
				if (said == "") != (c.wrong == "") || !strings.Contains(said, c.wrong) || (notes == "") != (c.note == "") || !strings.Contains(notes, c.note) || requests != c.requests {
					t.Errorf("wrong is %q, notes are %q, after %d requests", said, notes, requests)
				}
				if strings.Contains(said+notes, canary) {
					t.Errorf("the secret is shown: %q", said)
				}
			})
		})
	}
}
