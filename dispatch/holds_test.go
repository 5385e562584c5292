package dispatch

import (
	"math/rand/v2"
	"slices"
	"testing"

	"idaas-ldap/event"
)

// Who is held is not worked on until the last one who holds lets go, and who is being worked on is not held.
func TestHeldObjectsAreNotWorkedOn(t *testing.T) {
	l := newLane(Config{}, Route{}, nil, &lockedRand{rand: rand.New(rand.NewPCG(1, 2))})
	ref := func(id string) event.Ref { return event.Ref{Kind: event.KindUser, ID: id} }
	next := func(want string) {
		t.Helper()
		if got, _ := l.next(t.Context()); got.ID != want {
			t.Fatalf("next is %q; want %q", got.ID, want)
		}
	}
	l.enqueue(ref("running"))
	next("running")
	held, busy := l.hold(ref("first"), []event.Ref{ref("running"), ref("member")})
	if !slices.Equal(held, []event.Ref{ref("member")}) || !busy[ref("running")] {
		t.Fatalf("held are %v, busy %v", held, busy)
	}
	l.hold(ref("second"), held)
	l.enqueue(ref("member"), ref("other"))
	next("other")
	l.enqueue(ref("member"))
	next("")
	l.release(held)
	next("")
	l.release(held)
	next("member")
	// The one who found somebody busy looks again after that.
	l.finished(ref("running"))
	next("first")
}
