package main

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/ldaptest"
)

// toLeavers has a mapping keep who is gone for a while.
var toLeavers = []string{"delete: delete", `delete: { move: "ou=leavers,dc=example,dc=org", purge_after: 2160h }`}

// everyWay has it keep users out in every way there is as well.
var everyWay = append([]string{
	"disable: auto", `disable: { move: "ou=disabled,dc=example,dc=org" }`,
	"lock: auto", "lock: { on: { employeeType: locked }, off: { employeeType: staff } }",
}, toLeavers...)

// testNames finds the names of the trial.
var testNames = regexp.MustCompile(`idaas-ldap-test-[0-9a-z]+`)

// rightsOf tries the rights of a bind account.
func rightsOf(ctx context.Context, config string) (code int, said string) {
	var out bytes.Buffer
	code = run(ctx, terminal{In: bytes.NewReader(nil), Out: &out, Err: &out}, []string{"validate", "--config", config, "--online", "--rights"})
	return code, out.String()
}

// asAdmin is how the directory in memory is reached.
var asAdmin = ldaptest.Access{BindDN: adminDN, Password: password}

// Every act that the mapping can need is among the writes, in this order, and nothing stays of them.
func TestValidateTriesEveryAct(t *testing.T) {
	directory := startDirectory(t, "")
	before := directory.LDIF()
	const user, unit = "uid=x,ou=unit-x,ou=people,dc=example,dc=org", "ou=unit-x,ou=people,dc=example,dc=org"
	for _, c := range []struct {
		mapping string
		edits   []string
		acts    []string
	}{
		{"openldap.yaml", everyWay, []string{
			"add ou=below-x," + unit,
			"modify " + user + " replace:pwdAccountLockedTime", "add ou=disabled,dc=example,dc=org",
			"modrdn " + user + " -> uid=x,ou=disabled,dc=example,dc=org", "modrdn uid=x,ou=disabled,dc=example,dc=org -> " + user,
			"modify " + user + " delete:pwdAccountLockedTime",
			"modify " + user + " replace:employeeType", "modify " + user + " replace:employeeType",
			"modify " + user + " replace:pwdEndTime", "modify " + user + " replace:pwdEndTime",
			"modify cn=group-x,ou=groups,dc=example,dc=org replace:member",
			"modrdn " + unit + " -> ou=unit-x,ou=beside-x,ou=people,dc=example,dc=org", "modrdn ou=unit-x,ou=beside-x,ou=people,dc=example,dc=org -> " + unit,
			"modrdn " + unit + " -> ou=unit-x-2,ou=people,dc=example,dc=org", "add ou=leavers,dc=example,dc=org",
			"modrdn uid=x-2,ou=unit-x-2,ou=people,dc=example,dc=org -> uid=x-2,ou=leavers,dc=example,dc=org",
			"modrdn uid=x-2,ou=leavers,dc=example,dc=org -> uid=x-2,ou=unit-x-2,ou=people,dc=example,dc=org",
			"modrdn uid=x-2,ou=unit-x-2,ou=people,dc=example,dc=org -> uid=x-2,ou=leavers,dc=example,dc=org",
			"delete uid=x-2,ou=leavers,dc=example,dc=org", "delete ou=disabled,dc=example,dc=org", "delete ou=leavers,dc=example,dc=org",
		}},
		{"openldap-posix.yaml", nil, []string{
			"add cn=group-x,ou=groups,dc=example,dc=org", "modify cn=group-x,ou=groups,dc=example,dc=org delete:memberUid",
			"modify cn=group-x,ou=groups,dc=example,dc=org add:memberUid",
		}},
	} {
		directory.ClearJournal()
		code, said := rightsOf(t.Context(), onlineConfig(t, asAdmin, directory.URL(), c.mapping, c.edits...))
		if code != exitDone || !strings.Contains(said, "may do all that the mapping can need") {
			t.Errorf("%s: exit %d\n%s", c.mapping, code, said)
		}
		var done []string
		for _, r := range directory.Journal() {
			done = append(done, testNames.ReplaceAllString(r.String(), "x"))
		}
		rest := done
		for _, act := range c.acts {
			i := slices.Index(rest, act)
			if i < 0 {
				t.Fatalf("%s: %q is not among the writes at its place:\n%s", c.mapping, act, strings.Join(done, "\n"))
			}
			rest = rest[i+1:]
		}
		if after := directory.LDIF(); after != before {
			t.Errorf("%s leaves something behind:\n%s", c.mapping, after)
		}
	}
}

// nthWrite goes wrong with one add, rename or deletion, that at a number from 0; the function returned tells how many there were.
func nthWrite(directory *ldaptest.Server, n int, wrong func() ldaptest.Fault) (writes func() int) {
	var mu sync.Mutex
	count := 0
	directory.Fault(func(o ldaptest.Operation) ldaptest.Fault {
		if !slices.Contains([]string{"add", "modrdn", "delete"}, o.Verb) {
			return ldaptest.Fault{}
		}
		mu.Lock()
		defer mu.Unlock()
		count++
		if count-1 == n {
			return wrong()
		}
		return ldaptest.Fault{}
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return count
	}
}

// Nothing is left behind, whichever write goes wrong and in whichever way.
func TestValidateLeavesNothingBehindWhateverFails(t *testing.T) {
	directory := startDirectory(t, "")
	before := directory.LDIF()
	config := onlineConfig(t, asAdmin, directory.URL(), "openldap.yaml", everyWay...)
	ways := []func(context.CancelFunc) ldaptest.Fault{
		func(context.CancelFunc) ldaptest.Fault { return ldaptest.Fault{Code: ldap.LDAPResultOther} },
		func(context.CancelFunc) ldaptest.Fault { return ldaptest.Fault{DropAfter: true} },
		func(context.CancelFunc) ldaptest.Fault { return ldaptest.Fault{DropBefore: true} },
		func(end context.CancelFunc) ldaptest.Fault { end(); return ldaptest.Fault{} },
	}
	for i, wrong := range ways {
		// Each way takes its turn, as all of them at every write would take long.
		for n := i; ; n += len(ways) {
			ctx, end := context.WithCancel(t.Context())
			writes := nthWrite(directory, n, func() ldaptest.Fault { return wrong(end) })
			_, said := rightsOf(ctx, config)
			end()
			directory.Fault(nil)
			if after := directory.LDIF(); after != before {
				t.Fatalf("way %d at write %d:\n%s%s", i, n, said, after)
			}
			if writes() <= n {
				break // there is none with this number
			}
		}
	}
}

// Who may move to the leavers and not delete there is told so, and the test user goes all the same.
func TestValidateNamesTheRightToDeleteLeavers(t *testing.T) {
	directory := startDirectory(t, "")
	before := directory.LDIF()
	directory.Fault(func(o ldaptest.Operation) ldaptest.Fault {
		if o.Verb == "delete" && strings.HasSuffix(o.DN, ",ou=leavers,dc=example,dc=org") {
			return ldaptest.Fault{Code: ldap.LDAPResultInsufficientAccessRights}
		}
		return ldaptest.Fault{}
	})
	code, said := rightsOf(t.Context(), onlineConfig(t, asAdmin, directory.URL(), "openldap.yaml", toLeavers...))
	if code != exitFailed || !strings.Contains(said, "may not delete an entry of inetOrgPerson below ou=leavers,dc=example,dc=org") ||
		!strings.Contains(said, `This grants it: to dn.subtree="ou=leavers,dc=example,dc=org" attrs=entry,children`) || strings.Contains(said, "by hand") {
		t.Errorf("exit %d\n%s", code, said)
	}
	if after := directory.LDIF(); after != before {
		t.Errorf("it leaves something behind:\n%s", after)
	}
}

// Each right that is missing for a way of keeping users out, for leavers, for members and for units is named, and so is the line that
// gives it.
func TestOpenLDAPValidateNamesTheRightOfEveryAct(t *testing.T) {
	lacks := []string{
		`to dn.subtree="ou=leavers,dc=example,dc=org" attrs=children by users read`,
		`to dn.subtree="ou=groups,dc=example,dc=org" attrs=memberUid by users read`,
		`to dn.subtree="ou=people,dc=example,dc=org" attrs=employeeType,pwdAccountLockedTime,pwdEndTime by users read`,
		`to dn.regex="^ou=beside-[^,]+,ou=people,dc=example,dc=org$" attrs=children by users read`,
	}
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessRules: lacks})
	every := append([]string{
		"lock: auto", "lock: { on: { employeeType: locked }, off: { employeeType: staff } }",
		"disable: auto                      #", `disable: auto #`,
	}, toLeavers...)
	_, people := rightsOf(t.Context(), onlineConfig(t, server.Access, server.URL, "openldap.yaml", every...))
	_, posix := rightsOf(t.Context(), onlineConfig(t, server.Access, server.URL, "openldap-posix.yaml"))
	for _, want := range []string{
		"to below ou=leavers,dc=example,dc=org (", `to dn.subtree="ou=leavers,dc=example,dc=org" attrs=entry,children,uid by`,
		"may not write employeeType of", `to dn.subtree="ou=people,dc=example,dc=org" attrs=employeeType by`,
		"may not write pwdAccountLockedTime of", `to dn.subtree="ou=people,dc=example,dc=org" attrs=pwdAccountLockedTime by`,
		"may not write pwdEndTime of", `to dn.subtree="ou=people,dc=example,dc=org" attrs=pwdEndTime by`,
		"may not move an entry of organizationalUnit from below ou=people,dc=example,dc=org to below ou=beside-",
	} {
		if !strings.Contains(people, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if !strings.Contains(posix, "may not write memberUid of") || !strings.Contains(posix, `to dn.subtree="ou=groups,dc=example,dc=org" attrs=memberUid by`) {
		t.Error("it does not name memberUid")
	}
	if t.Failed() || strings.Contains(people+posix, "by hand") {
		t.Fatal(people + posix)
	}
	lines := granted(people + posix)
	slices.Sort(lines)
	granting := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{AccessRules: append(slices.Compact(lines), lacks...)})
	for mapping, edits := range map[string][]string{"openldap.yaml": every, "openldap-posix.yaml": nil} {
		if code, said := rightsOf(t.Context(), onlineConfig(t, granting.Access, granting.URL, mapping, edits...)); code != exitDone {
			t.Errorf("with %q: exit %d\n%s", lines, code, said)
		}
	}
}
