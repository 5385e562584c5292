package processor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
)

// A domain controller is slow to make, so what is peculiar to it is shown on one.
func TestSambaAsActiveDirectory(t *testing.T) {
	a := ldaptest.StartSamba(t).Access
	w := enter(t, a, ldaps, "active-directory.yaml")
	t.Run("only its own bit of userAccountControl is changed", func(t *testing.T) {
		w := w.in(t)
		ref := user("bits")
		w.create(ref, "bits", "Correct-Horse-1", nil)
		w.wantValues(w.dn(ref), "userAccountControl", "512")
		w.replace(w.dn(ref), "userAccountControl", "66048") // the password never expires
		w.become(ref, standing{}, standing{disabled: true})
		w.wantValues(w.dn(ref), "userAccountControl", "66050")
		w.become(ref, standing{disabled: true}, standing{})
		w.wantValues(w.dn(ref), "userAccountControl", "66048")
		w.quiet(ref)
	})
	t.Run("without a password an account stays disabled, and that is said", func(t *testing.T) {
		w := w.in(t)
		ref := user("later")
		if r := w.create(ref, "later", "", nil); !strings.Contains(r.Outcome.Message, "stays disabled until it has a password") {
			t.Fatal(r.Outcome.Message)
		}
		w.wantValues(w.dn(ref), "userAccountControl", "514")
		w.must(event.CodeUnchanged, ref, w.say(event.TypeUserEnable, ref, event.Values{"status": event.StatusEnabled}))
		w.wantValues(w.dn(ref), "userAccountControl", "514")
		refused(t, w, ref, "short")
		w.wantValues(w.dn(ref), "userAccountControl", "514")
		w.password(ref, "Correct-Horse-1")
		w.login(ref, "Correct-Horse-1", true)
		w.wantValues(w.dn(ref), "userAccountControl", "512")
	})
	t.Run("a password comes and the status was never said", func(t *testing.T) {
		w := w.in(t)
		ref := user("unsaid")
		fields := record("unsaid", nil)
		delete(fields, "status")
		w.must(event.CodeApplied, ref, w.say(event.TypeUserCreate, ref, fields))
		w.password(ref, "Correct-Horse-1")
		w.login(ref, "Correct-Horse-1", true)
		// What an administrator has switched off stays off: nothing was said about it.
		w.replace(w.dn(ref), "userAccountControl", "514")
		w.password(ref, "Correct-Horse-2")
		w.login(ref, "Correct-Horse-2", false)
	})
	t.Run("the end of an account is written as the server counts, and the server looks at it", func(t *testing.T) {
		w := w.in(t)
		ref := user("end")
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		w.create(ref, "end", "Correct-Horse-1", event.Values{"accountExpireTime": at.UnixMilli()})
		w.wantValues(w.dn(ref), "accountExpires", "134116992000000000")
		w.wantValues(w.dn(ref), "userAccountControl", "512")
		w.login(ref, "Correct-Horse-1", false)
		w.become(ref, standing{expired: true}, standing{})
		w.wantValues(w.dn(ref), "accountExpires", "9223372036854775807")
		// Zero says the same, so it is left alone.
		w.replace(w.dn(ref), "accountExpires", "0")
		w.must(event.CodeUnchanged, ref, w.say(event.TypeUserPush, ref, record("end", nil)))
	})
	t.Run("names that a domain wants only once", func(t *testing.T) {
		w := w.in(t)
		long, longer := user("long1"), user("long2")
		w.create(long, "maximilian.mustermann", "", nil)
		w.wantValues(w.dn(long), "sAMAccountName", "maximilian.musterman")
		w.wantValues(w.dn(long), "userPrincipalName", "maximilian.mustermann@example.org")
		r := w.must(event.CodeWaitsForDN, longer, w.say(event.TypeUserCreate, longer, record("maximilian.mustermann-lee", nil)))
		if !strings.Contains(r.Outcome.Message, "sAMAccountName maximilian.musterman") || !strings.Contains(r.Outcome.Message, "user long1") {
			t.Fatal(r.Outcome.Message)
		}
		// With its own name the other one gets through.
		w.must(event.CodeApplied, longer, w.say(event.TypeUserUpdateInfo, longer, record("m.lee", nil)))
	})
	t.Run("what the controller refuses is named in its words", func(t *testing.T) {
		w := w.in(t)
		ref := user("wrong")
		r := w.process(ref, w.say(event.TypeUserCreate, ref, record("wrong", event.Values{"description": strings.Repeat("x", 2000)})))
		if o := r.Of(event.FacetRecord); o.Code != event.CodeRefused || !strings.Contains(o.Message, "description: ") || !strings.Contains(o.Message, "0000") {
			t.Fatalf("%+v", o)
		}
	})
	t.Run("a new password can be asked for at the first login", func(t *testing.T) {
		w := enter(t, a, ldaps, "active-directory.yaml", "write: auto, must_change: false", "write: auto, must_change: true")
		ref := user("first")
		w.create(ref, "first", "Correct-Horse-1", nil)
		err := w.bind(w.dn(ref), "Correct-Horse-1")
		if err == nil || !strings.Contains(err.Error(), "data 773") {
			t.Fatalf("logging in ends with %v; want that the password must be changed", err)
		}
		w.wantValues(w.dn(ref), "userAccountControl", "512")
		w.become(ref, standing{}, standing{disabled: true})
		w.become(ref, standing{disabled: true}, standing{})
		w.wantValues(w.dn(ref), "userAccountControl", "512")
	})
	t.Run("the root of a domain refers to other places, where nobody goes", func(t *testing.T) {
		w := w.in(t)
		ref := user("root")
		w.create(ref, "root", "", nil)
		found, err := w.dir.Find(t.Context(), plan.Key{
			Base: plan.MustParseDN("dc=example,dc=org"), Match: []plan.Match{{Filter: "(sAMAccountName=root)"}}, Attributes: []string{"cn"},
		})
		if err != nil || found == nil || found.Link != w.memory.objects[ref].Link {
			t.Fatalf("found %v, %v", found, err)
		}
	})
	t.Run("a group's members are read in ranges", func(t *testing.T) { manyMembers(t, w.in(t)) })
}

// manyMembers adds more members than are asked about one by one to a group with more than a range of them.
func manyMembers(t *testing.T, w *world) {
	t.Helper()
	const all, old = 1610, 1400
	big := group("big")
	w.must(event.CodeApplied, big, w.say(event.TypeGroupCreate, big, event.Values{"name": "big"}))
	var members []event.Member
	w.asAdmin(func(conn *ldap.Conn) error {
		fill := ldap.NewModifyRequest(w.dn(big).String(), nil)
		var dns []string
		for i := range all {
			ref, name := user(fmt.Sprintf("many%d", i)), fmt.Sprintf("many%d", i)
			dn := peopleOf("", "cn").user(name)
			add := ldap.NewAddRequest(dn.String(), nil)
			add.Attribute("objectClass", []string{"user"})
			add.Attribute("sAMAccountName", []string{name})
			if err := conn.Add(add); err != nil {
				return err
			}
			w.memory.objects[ref] = known{object: event.Object{Ref: ref, Existence: event.Existence{Present: true}}, Record: plan.Record{DN: dn}}
			members = append(members, event.Member{User: ref.ID, Present: true})
			if i < old {
				dns = append(dns, dn.String())
			}
		}
		fill.Add("member", dns)
		return conn.Modify(fill)
	})
	c := w.say(event.TypeGroupAddUser, big, nil)
	c.Members = members
	r := w.must(event.CodeApplied, big, c)
	if len(r.Operations) != 1 {
		t.Fatalf("%d operations", len(r.Operations))
	}
	added := r.Operations[0].(plan.Modify).Modifications
	if len(added) != 1 || added[0].Type != plan.AddValues || len(added[0].Values) != all-old {
		t.Fatalf("written: %d modifications, %d values in the first; want the %d that were missing", len(added), len(added[0].Values), all-old)
	}
	w.quiet(big)
	if got := len(w.values(w.dn(big), "member")); got != all {
		t.Fatalf("%d members; want %d", got, all)
	}
}

func TestSambaRefusesAnUnprotectedBind(t *testing.T) {
	a := ldaptest.StartSamba(t).Access
	_, err := dial(t, a, plainLDAP, newSteady()).Profile(t.Context())
	if kindOf(t, err) != connector.KindConfiguration || !strings.Contains(err.Error(), "Strong Auth Required") {
		t.Fatal(err)
	}
}

// Samba says little in the words of Windows. These are the messages of Windows Server.
func TestRefusalsOfActiveDirectory(t *testing.T) {
	profile := connector.UsualProfile(connector.ActiveDirectory)
	for _, c := range []struct {
		name, verb string
		code       uint16
		message    string
		kind, want connector.Kind
	}{
		{"a member that is there already", "modify", 68, "00000562: UpdErr: DSID-031A122A, problem 6005 (ENTRY_EXISTS), data 0", connector.KindAlreadySo, connector.KindAlreadySo},
		{"a member that is not there any more", "modify", 53, "00000561: SvcErr: DSID-031A1262, problem 5003 (WILL_NOT_PERFORM), data 0", connector.KindRefused, connector.KindConflict},
		{"another refusal", "modify", 53, "0000209A: SvcErr: DSID-031A1081, problem 5003 (WILL_NOT_PERFORM), data 0", connector.KindRefused, connector.KindRefused},
		{"a DN that is taken", "add", 68, "00002071: UpdErr: DSID-0305038D, problem 6005 (ENTRY_EXISTS), data 0", connector.KindExists, connector.KindExists},
		{"a sAMAccountName that is taken", "add", 68, "00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0", connector.KindExists, connector.KindNotUnique},
		{"a sAMAccountName that is taken, changed to", "modify", 68, "00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0", connector.KindAlreadySo, connector.KindNotUnique},
		{"a userPrincipalName that is taken", "modify", 19, "000021C8: AtrErr: DSID-03200E96, #1: 0: 000021C8: DSID-03200E96, problem 1005 (CONSTRAINT_ATT_TYPE), data 0, Att 90290 (userPrincipalName)", connector.KindRefused, connector.KindNotUnique},
		{"a bad password", "password", 53, "0000052D: SvcErr: DSID-031A124C, problem 5003 (WILL_NOT_PERFORM), data 0", connector.KindPasswordRefused, connector.KindPasswordRefused},
		{"enabled without a good password", "modify", 53, "0000052D: SvcErr: DSID-031A124C, problem 5003 (WILL_NOT_PERFORM), data 0", connector.KindRefused, connector.KindRefused},
	} {
		refused := &connector.OutcomeError{Kind: c.kind, Verb: c.verb, Code: c.code, Message: c.message}
		profile.Flavour.Interpret(refused)
		if refused.Kind != c.want || !strings.HasPrefix(refused.Message, c.message) {
			t.Errorf("%s: kind %d, %q; want kind %d", c.name, refused.Kind, refused.Message, c.want)
		}
	}
}
