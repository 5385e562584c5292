package dispatch

import (
	"context"
	"sync"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// units are those that were looked up: everybody in a unit asks for it. They are forgotten before one is settled, as the names of
// those below change with it, and nothing is remembered that was read while one was being settled.
type units struct {
	mu       sync.Mutex
	known    map[event.Ref]looked
	settling int
	round    int // counts settlements
}

type looked struct {
	object event.Object
	record plan.Record
	found  bool
}

// unitsKept bounds how many units are remembered.
const unitsKept = 10_000

func newUnits() *units { return &units{known: map[event.Ref]looked{}} }

// lookup returns what is known of an object. Of one that is no unit, and of one that is not remembered, it asks. Nil remembers nothing.
func (u *units) lookup(ctx context.Context, ref event.Ref, ask func(context.Context, event.Ref) (looked, error)) (looked, error) {
	if u == nil || ref.Kind != event.KindUnit {
		return ask(ctx, ref)
	}
	u.mu.Lock()
	l, ok := u.known[ref]
	round := u.round
	u.mu.Unlock()
	if ok {
		return l, nil
	}
	l, err := ask(ctx, ref)
	if err != nil {
		return l, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.settling == 0 && u.round == round {
		if len(u.known) >= unitsKept {
			clear(u.known)
		}
		u.known[ref] = l
	}
	return l, nil
}

// settle calls a settlement of an object. Of a unit nothing is remembered until it has ended.
func (u *units) settle(ref event.Ref, settlement func()) {
	if u == nil || ref.Kind != event.KindUnit {
		settlement()
		return
	}
	count := func(n int) {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.settling += n
		u.round++
		clear(u.known)
	}
	count(1)
	defer count(-1)
	settlement()
}
