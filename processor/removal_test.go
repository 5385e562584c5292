package processor_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// Who is gone and cannot be deleted is kept out and belongs to no group, and the reason is said. When the reason is gone, so is
// the entry.
func TestWhoCannotBeDeletedIsKeptOut(t *testing.T) {
	for name, c := range map[string]struct {
		refuses *connector.OutcomeError
		code    event.Code
		words   string
	}{
		"no right to delete": {&connector.OutcomeError{Kind: connector.KindRefused, Code: ldap.LDAPResultInsufficientAccessRights, Verb: "delete"}, event.CodeRefused, "may not do this"},
		"an entry below that nobody may see": {
			&connector.OutcomeError{Kind: connector.KindNotEmpty, Code: ldap.LDAPResultNotAllowedOnNonLeaf, Verb: "delete"}, event.CodeWaitsForEmpty, "may not see",
		},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, nil, func(s *stage) {
				s.process(ann, s.named(ann, "ann", event.RootUnitID))
				s.process(vpn, s.is(vpn, "Vpn"), s.joins(ann))
				s.directory.meddle = func(op plan.Operation, write func() error) error {
					if op.Verb() == "delete" {
						return c.refuses
					}
					return write()
				}
				result := s.process(ann, s.say(event.TypeUserDelete, ann, nil))
				if result.Outcome.Code != c.code || !strings.Contains(result.Outcome.Message, c.words) || !strings.Contains(result.Outcome.Message, "login is ended") {
					s.Errorf("it is %+v", result.Outcome)
				}
				entry, err := s.directory.Target.Read(s.Context(), plan.MustParseDN("uid=ann,"+people), []string{"pwdAccountLockedTime"})
				if err != nil || !result.Left || result.RemovedAt == 0 || entry.Value("pwdAccountLockedTime") == "" {
					s.Errorf("the result is %+v, and the entry %+v, %v", result, entry, err)
				}
				s.hasMembers("cn=nobody," + suffix)
				s.directory.meddle = nil
				s.process(ann, s.say(event.TypeUserDelete, ann, nil))
				s.absent("uid=ann," + people)
			})
		})
	}
}

// A bind account that may add and change, and not delete, ends the access of a leaver all the same. With the right the entry goes.
func TestOpenLDAPWithoutTheRightToDelete(t *testing.T) {
	server := ldaptest.StartSlapd(t, ldaptest.SlapdConfig{})
	w := enter(t, server.Access, ldaps, "openldap.yaml")
	ref := user("ann")
	w.create(ref, "ann", "Correct-Horse-1", nil)
	staff := group("staff")
	w.must(event.CodeApplied, staff, w.say(event.TypeGroupCreate, staff, event.Values{event.FieldName: "staff"}), w.joins(staff, ref))
	at := w.dn(ref)
	restore := deleteNothing(t, server)
	gone := w.say(event.TypeUserDelete, ref, nil)
	r := w.process(ref, gone)
	if r.Outcome.Code != event.CodeRefused || !strings.Contains(r.Outcome.Message, "login is ended") || w.bindsAs(at, "Correct-Horse-1") || w.isIn(staff, at) {
		t.Errorf("it is %+v; logs in %t, in the group %t", r.Outcome, w.bindsAs(at, "Correct-Horse-1"), w.isIn(staff, at))
	}
	restore()
	w.must(event.CodeApplied, ref, w.again(gone))
	w.gone(at)
}

// deleteNothing takes the right to delete from the bind account, which may do everything else, and returns what gives it back. Other
// rules may come first.
func deleteNothing(t *testing.T, server *ldaptest.Slapd, first ...string) (restore func()) {
	t.Helper()
	login := fmt.Sprintf("to attrs=userPassword by anonymous auth by dn.exact=%q manage", server.BindDN)
	everything := fmt.Sprintf("to * by dn.exact=%q manage", server.BindDN)
	// Without z on the children of the entry above nothing is deleted there (slapd.access(5)).
	noDeletion := fmt.Sprintf("to attrs=children by dn.exact=%q =arscxd", server.BindDN)
	server.Configure(t, "olcAccess", append(slices.Clone(first), login, noDeletion, everything)...)
	return func() { server.Configure(t, "olcAccess", append(slices.Clone(first), login, everything)...) }
}

// delegateNoDeletion takes the rights to delete users out of those that are delegated to the bind account in a domain. In a security
// descriptor the mask of an entry is right before the account that it is for ([MS-DTYP] 2.4.4.2).
func (w *world) delegateNoDeletion() {
	w.Helper()
	account := []byte(w.values(plan.MustParseDN(w.access.BindDN), "objectSid")[0])
	descriptor := []byte(w.values(plan.MustParseDN(people), "nTSecurityDescriptor")[0])
	const all, deletes = 0x000f01ff, 0x00010042 // the tree, a child, the entry itself
	found := false
	for i := 4; i+len(account) <= len(descriptor); i++ {
		if bytes.Equal(descriptor[i:i+len(account)], account) {
			binary.LittleEndian.PutUint32(descriptor[i-4:i], all&^deletes)
			found = true
		}
	}
	if !found {
		w.Fatal("nothing is delegated to the bind account")
	}
	w.replace(plan.MustParseDN(people), "nTSecurityDescriptor", string(descriptor))
}

// gone fails the test where there is still an entry.
func (w *world) gone(dn plan.DN) {
	w.Helper()
	if entry, err := w.dir.Read(w.Context(), dn, nil); err != nil || entry != nil {
		w.Fatalf("%s is there: %+v, %v", dn, entry, err)
	}
}
