package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// What is taken away is counted here a second time, from the operations, in the way that the guards are documented.

// told looks at an operation that was done.
func (g *guarded) told(op plan.Operation, before []*plan.Entry, after *plan.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(before) == 0 {
		return
	}
	e := before[0]
	leavers := plan.MustParseDN("ou=leavers,dc=example,dc=org")
	switch op := op.(type) {
	case plan.Delete:
		g.takes(processor.ActDelete, time.Now(), before)
	case plan.ModifyDN:
		if op.NewSuperior.Equal(leavers) && !op.DN.Below(leavers) {
			g.barred = slices.DeleteFunc(g.barred, func(b barred) bool { return idOf(b.entry) == idOf(e) })
			g.takes(processor.ActDelete, time.Now(), []*plan.Entry{e})
		}
	case plan.Modify:
		if !g.isBarred(e) && g.isBarred(after) {
			g.barred = append(g.barred, barred{e, time.Now()})
		} else {
			g.counted[idOf(e)] = time.Now()
		}
	}
}

// disabled notes the users who were disabled in this step and are not among the leavers.
func (g *guarded) disabled() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.barred {
		g.takes(processor.ActDisable, b.at, []*plan.Entry{b.entry})
	}
	g.barred = nil
}

// waitsToBeEmpty notes the units that wait to be empty after a guard has granted that they are deleted.
func (g *guarded) waitsToBeEmpty() {
	records := g.events(event.Waiting)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range records {
		if r.Outcome.Code == event.CodeWaitsForEmpty {
			g.emptying[r.Object.ID] = time.Now()
		}
	}
}

// isBarred reports whether a user cannot log in, or not for longer than the window of the guard.
func (g *guarded) isBarred(e *plan.Entry) bool {
	if e.Value("pwdAccountLockedTime") != "" || e.Value("nsAccountLock") == "TRUE" || e.Value("employeeType") == "ended" {
		return true
	}
	end, err := time.Parse("20060102150405Z", e.Value("pwdEndTime"))
	return err == nil && !end.After(time.Now().Add(g.set.Load().Guards().Disables.Window))
}

func idOf(e *plan.Entry) string { return e.Value("employeeNumber") + e.Value("businessCategory") }

// kindBelow returns the kind of object that an entry below another one belongs to. Nobody's entry is that of a user who is
// gone and whose entry was kept.
func (g *guarded) kindBelow(e *plan.Entry) event.Kind {
	o, _, err := g.store.Lookup(context.Background(), store.Key{Directory: corp, Object: user(idOf(e))})
	if err == nil && o.Deleted() {
		return "nobody"
	}
	return kindOf(e)
}

func kindOf(e *plan.Entry) event.Kind {
	switch {
	case e.Value("employeeNumber") != "":
		return event.KindUser
	case slices.Contains(e.Values("objectClass"), "groupOfNames"):
		return event.KindGroup
	}
	return event.KindUnit
}

// takes notes one act on an entry, with those below it, and checks it against the limits.
func (g *guarded) takes(act processor.Act, now time.Time, entries []*plan.Entry) {
	g.took.Add(1)
	whole := approval{idOf(entries[0]), act}
	if g.granted[whole] {
		delete(g.granted, whole)
		return
	}
	limit := g.set.Load().Guards().Deletes
	if act == processor.ActDisable {
		limit = g.set.Load().Guards().Disables
	}
	within := map[string]event.Kind{}
	for _, a := range g.acts {
		if a.act == act && a.at.After(now.Add(-limit.Window)) && !a.at.After(now) {
			within[a.object] = a.kind
		}
	}
	fresh := map[event.Kind]bool{}
	for i, e := range entries {
		kind := kindOf(e)
		if i > 0 {
			kind = g.kindBelow(e)
		}
		before := g.counted[idOf(e)]
		if act == processor.ActDelete {
			before = g.emptying[idOf(e)]
		}
		if _, again := within[idOf(e)]; !again && !before.After(now.Add(-limit.Window)) {
			fresh[kind] = true
		}
		within[idOf(e)] = kind
		g.acts = append(g.acts, takenAway{approval{idOf(e), act}, kind, now})
	}
	of := map[event.Kind]int{}
	for _, kind := range within {
		of[kind]++
	}
	for kind := range fresh {
		known, err := g.store.CountObjects(context.Background(), corp, kind, 0)
		if err != nil {
			g.wrong = err.Error()
		}
		if most := limit.Allows(max(known, g.known[kind])); of[kind] > most || len(within) > limit.Max {
			g.wrong = fmt.Sprintf("%s of %v: that makes %d of kind %s where %d are allowed, and %d in all of %d", act, idsOf(entries), of[kind], kind, most, len(within), limit.Max)
		}
	}
}

func idsOf(entries []*plan.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.DN.String())
	}
	return out
}
