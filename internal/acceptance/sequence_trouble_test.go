package acceptance_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// trouble is what is wrong with a directory for a while.
type trouble struct {
	name       string
	begin, end func(tb testing.TB)
}

// embeddedTroubles are those of the directory in memory. One address in twenty is refused at all times.
func embeddedTroubles(s *ldaptest.Server, dir *directory) []trouble {
	suffers := func(name string, t dit.Trouble) trouble {
		t.Refuse = refusesAddresses
		return trouble{name, func(testing.TB) { s.Suffer(t) }, func(testing.TB) { s.Suffer(dit.Trouble{Refuse: refusesAddresses}) }}
	}
	fails := func(name string, decide func(op ldaptest.Operation) ldaptest.Fault) trouble {
		return trouble{name, func(testing.TB) {
			s.Fault(func(op ldaptest.Operation) ldaptest.Fault {
				if !strings.HasPrefix(op.BoundAs, "cn=connector,") {
					return ldaptest.Fault{}
				}
				return decide(op)
			})
		}, func(testing.TB) { s.Fault(nil) }}
	}
	return []trouble{
		suffers("read-only", dit.Trouble{ReadOnly: true}),
		suffers("all hidden", dit.Trouble{Hidden: plan.MustParseDN(testBase).Equal}),
		suffers("people hidden", dit.Trouble{Hidden: plan.MustParseDN("ou=people," + testBase).Equal}),
		suffers("groups hidden", dit.Trouble{Hidden: plan.MustParseDN("ou=groups," + testBase).Equal}),
		{"some hidden", func(tb testing.TB) {
			tb.Helper()
			s.Suffer(dit.Trouble{Refuse: refusesAddresses, Hidden: hidesSome(tb, dir)})
		}, func(testing.TB) { s.Suffer(dit.Trouble{Refuse: refusesAddresses}) }},
		suffers("cut short", dit.Trouble{Limit: 1, Cut: ldap.LDAPResultSizeLimitExceeded}),
		fails("out of time", func(op ldaptest.Operation) ldaptest.Fault {
			if op.Verb == "search" && op.DN != "" {
				return ldaptest.Fault{Code: ldap.LDAPResultTimeLimitExceeded}
			}
			return ldaptest.Fault{}
		}),
		fails("login lost", func(ldaptest.Operation) ldaptest.Fault {
			return ldaptest.Fault{Code: ldap.LDAPResultOperationsError, Message: "a successful bind must be completed on the connection"}
		}),
		fails("connections lost", func(op ldaptest.Operation) ldaptest.Fault { return ldaptest.Fault{DropAfter: op.Connection%2 == 0} }),
	}
}

// hidesSome chooses which of the people, units and groups that are there are not to be seen: a third of them, by their names.
func hidesSome(tb testing.TB, dir *directory) func(plan.DN) bool {
	tb.Helper()
	unseen := map[string]bool{}
	for _, e := range dir.search(tb, "(objectClass=*)") {
		dn, err := plan.ParseDN(e.DN)
		if err != nil {
			tb.Fatal(err)
		}
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(dn.RDN().Key())) // it never fails
		isOne := dn.Below(plan.MustParseDN("ou=people,"+testBase)) || dn.Below(plan.MustParseDN("ou=groups,"+testBase))
		unseen[dn.Key()] = isOne && sum.Sum32()%3 == 0
	}
	return func(dn plan.DN) bool { return unseen[dn.Key()] }
}

// address is one of a hundred.
func (c *company) address() string { return fmt.Sprintf("u%d@Example.org", c.pick("address", 100)) }

// isRefused reports whether an address is one of those that a directory in trouble never takes: one in twenty.
func isRefused(address string) bool {
	digits, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(address), "u"), "@")
	n, err := strconv.Atoi(digits)
	return err == nil && n%20 == 7
}

// allowedAddresses is the same as a regular expression of all that are taken.
const allowedAddresses = "^([^@]*[^7]|[^@]*[13579]7)@.*$"

func refusesAddresses(attribute, value string) uint16 {
	if attribute == "mail" && isRefused(value) {
		return ldap.LDAPResultConstraintViolation
	}
	return 0
}

// countsWhatVanishes lets one entry vanish, which the product believes.
var countsWhatVanishes = edit{"guards:", "guards:\n  vanished: { max: 1, percent: 100, window: 8760h }"}

// startTroubled starts the product for a directory with troubles. One entry has vanished already, so that none that is not to be seen is
// taken for gone: the guard holds that, and the model approves when the trouble is over.
func startTroubled(tb testing.TB, dir *directory, atOnce int) *product {
	tb.Helper()
	p := startProductWith(tb, setup{atOnce: atOnce, directories: []configured{{name: "corp", dir: dir, edits: []edit{countsWhatVanishes}}}})
	ghost := idaastest.User{ID: p.tenant.NewUserID(), Username: "ghost", DisplayName: "Ann Lee"}
	p.apply(event.CodeApplied, p.tenant.CreateUser(ghost, ""))
	if err := dir.reader(tb).Del(ldap.NewDelRequest(p.user(ghost.ID).DN, nil)); err != nil {
		tb.Fatal(err)
	}
	p.apply(event.CodeUnchanged, p.tenant.DeleteUser(ghost.ID))
	return p
}

// becomes changes what is wrong with the directory: nothing, or one of its troubles, counted from one.
func (f *feed) becomes(tb testing.TB, kind int) {
	tb.Helper()
	if f.suffers > 0 {
		f.dir.troubles[f.suffers-1].end(tb)
	}
	if f.suffers = kind; kind > 0 {
		f.dir.troubles[kind-1].begin(tb)
	}
}

// calms ends what is wrong, and checks that those cannot log in of whom it was said that they may not.
//
// A directory that takes no writes, hides entries, answers in part or has forgotten who we are cannot be told to keep somebody out, so
// the half minute that the product has for that begins when the trouble is over. No time of the machine goes into this: the product's
// clock is put forward by half a minute in steps, and after each the store has nothing left that is due.
func (f *feed) calms(tb testing.TB) error {
	tb.Helper()
	if f.suffers == 0 {
		return nil
	}
	f.becomes(tb, 0)
	const soon = 30 * time.Second
	for _, step := range []time.Duration{soon / 2, soon / 4, soon / 4} {
		f.p.clock.Forward(step)
		if open := f.p.await(tb, func() []store.EventRecord { return f.isDue(tb) }); len(open) > 0 {
			return fmt.Errorf("after its trouble it is still at work on %s", open[0].Object)
		}
	}
	return f.keepsOut(tb)
}

// isDue returns what is being worked on or has to be at this moment, after approving what a guard holds.
func (f *feed) isDue(tb testing.TB) []store.EventRecord {
	tb.Helper()
	now := event.Millis(f.p.clock.Now().UnixMilli())
	open := f.p.events(tb, store.Filter{Directory: f.directory, States: []event.State{event.Pending}, Limit: 1})
	var held []int64
	for _, r := range f.p.events(tb, store.Filter{Directory: f.directory, States: []event.State{event.Held}, Limit: 1000}) {
		if r.Outcome.Code == event.CodeGuarded {
			held, open = append(held, r.Seq), append(open, r)
		}
	}
	if _, err := f.p.app.Store.Retry(tb.Context(), now, "somebody", held); err != nil {
		tb.Fatal(err)
	}
	due, _, err := f.p.app.Store.Due(tb.Context(), f.directory, now, 1)
	if err != nil {
		tb.Fatal(err)
	}
	for _, d := range due {
		open = append(open, store.EventRecord{Object: d.Key.Object})
	}
	return open
}

// access is what was said of a user as far as it decides about logging in.
type access struct {
	gone, disabled, outside bool
	locked, expires         int64
	passwords               []string
}

// keepsOut checks what was sent so far.
func (f *feed) keepsOut(tb testing.TB) error {
	tb.Helper()
	now := f.p.clock.Now().UnixMilli()
	for id, a := range f.accesses() {
		if !a.gone && !a.outside && !a.disabled && a.locked <= now && (a.expires == 0 || a.expires > now) || len(a.passwords) == 0 {
			continue
		}
		entry := f.dir.user(tb, id)
		if entry != nil && f.dir.canBind(tb, entry.DN, a.passwords[len(a.passwords)-1]) {
			return fmt.Errorf("%s logs in half a minute after the trouble, and may not: %+v", entry.DN, *a)
		}
	}
	return nil
}

// accesses are what was said of the users so far, the newest word counting.
func (f *feed) accesses() map[string]*access {
	slices.SortStableFunc(f.heard, func(a, b idaastest.Event) int { return a.Time.Compare(b.Time) })
	out := map[string]*access{}
	for _, e := range f.heard {
		if e.Type.Kind() != event.KindUser {
			continue
		}
		a := cmp.Or(out[e.BizID], &access{})
		out[e.BizID] = a
		switch e.Type.Effect() {
		case event.EffectDelete:
			*a = access{gone: true, passwords: a.passwords}
		case event.EffectAssert:
			a.gone = false
		}
		a.hear(e)
	}
	return out
}

func (a *access) hear(e idaastest.Event) {
	for name, value := range e.BizData {
		switch name {
		case "status":
			a.disabled = value == event.StatusDisabled
		case "username":
			a.outside = strings.HasPrefix(fmt.Sprint(value), "svc-")
		case "lockExpireTime":
			a.locked = moment(e.BizData, name)
		case "accountExpireTime":
			a.expires = moment(e.BizData, name)
		case "password":
			a.passwords = append(a.passwords, fmt.Sprint(value))
		}
	}
	if e.Type == event.TypeUserUnlock {
		a.locked = 0
	}
}

// slapdTroubles are those of a slapd, made by its configuration. What is hidden may be written all the same: a right that is taken away
// is another trouble, which fails what needs it until a person has given it back.
func slapdTroubles(s *ldaptest.Slapd) []trouble {
	configures := func(name, attribute string, bad, good []string) trouble {
		return trouble{name, func(tb testing.TB) {
			tb.Helper()
			s.Configure(tb, attribute, bad...)
		}, func(tb testing.TB) {
			tb.Helper()
			s.Configure(tb, attribute, good...)
		}}
	}
	blind := fmt.Sprintf("by dn.exact=%q =w by * none", s.BindDN)
	login := fmt.Sprintf("to attrs=userPassword by dn.exact=%q write by anonymous auth by * none", s.BindDN)
	rules := []string{login, fmt.Sprintf("to * by dn.exact=%q manage by users read", s.BindDN)}
	hides := func(place string) []string {
		return append([]string{login, fmt.Sprintf("to dn.subtree=%q ", place+","+testBase) + blind}, rules[1:]...)
	}
	return []trouble{
		configures("read-only", "olcReadOnly", []string{"TRUE"}, []string{"FALSE"}),
		configures("people hidden", "olcAccess", hides("ou=people"), rules),
		configures("groups hidden", "olcAccess", hides("ou=groups"), rules),
		configures("all hidden", "olcAccess", []string{login, "to * " + blind}, rules),
		configures("cut short", "olcSizeLimit", []string{"1"}, []string{"unlimited"}),
	}
}
