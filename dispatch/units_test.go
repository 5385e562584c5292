package dispatch

import (
	"context"
	"errors"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// asked counts how often somebody had to ask.
type asked struct {
	times int
	dn    string
}

func (a *asked) ask(context.Context, event.Ref) (looked, error) {
	a.times++
	return looked{record: plan.Record{DN: plan.MustParseDN(a.dn)}, found: true}, nil
}

func lookIn(t *testing.T, u *units, ref event.Ref, a *asked, wantDN string, wantTimes int) {
	t.Helper()
	l, err := u.lookup(t.Context(), ref, a.ask)
	if err != nil || l.record.DN.String() != wantDN || a.times != wantTimes {
		t.Errorf("%s is at %s after asking %d times, %v; want %s after %d", ref, l.record.DN, a.times, err, wantDN, wantTimes)
	}
}

// A unit is asked about once, until any unit is settled. Others are asked about every time.
func TestUnitsAreRememberedUntilOneIsSettled(t *testing.T) {
	sales, ann := event.Ref{Kind: event.KindUnit, ID: "ou_1"}, event.Ref{Kind: event.KindUser, ID: "user_1"}
	u, a := newUnits(), &asked{dn: "ou=sales"}
	lookIn(t, u, sales, a, "ou=sales", 1)
	a.dn = "ou=retail"
	lookIn(t, u, sales, a, "ou=sales", 1)
	u.settle(ann, func() {})
	lookIn(t, u, sales, a, "ou=sales", 1)
	u.settle(event.Ref{Kind: event.KindUnit, ID: "ou_above"}, func() {
		lookIn(t, u, sales, a, "ou=retail", 2)
		a.dn = "ou=shops"
		lookIn(t, u, sales, a, "ou=shops", 3)
	})
	lookIn(t, u, sales, a, "ou=shops", 4)
	lookIn(t, u, sales, a, "ou=shops", 4)
	lookIn(t, u, ann, a, "ou=shops", 5)
	lookIn(t, u, ann, a, "ou=shops", 6)
	lookIn(t, nil, sales, a, "ou=shops", 7)
}

// What was read before a settlement and comes in after it is not remembered, and neither is an error.
func TestUnitsThatWereReadTooEarlyAreNotRemembered(t *testing.T) {
	sales := event.Ref{Kind: event.KindUnit, ID: "ou_1"}
	u, a := newUnits(), &asked{dn: "ou=sales"}
	_, err := u.lookup(t.Context(), sales, func(ctx context.Context, ref event.Ref) (looked, error) {
		before, err := a.ask(ctx, ref)
		u.settle(sales, func() { a.dn = "ou=retail" })
		return before, err
	})
	if err != nil {
		t.Fatal(err)
	}
	lookIn(t, u, sales, a, "ou=retail", 2)
	broken := errors.New("broken")
	other := event.Ref{Kind: event.KindUnit, ID: "ou_2"}
	if _, err := u.lookup(t.Context(), other, func(context.Context, event.Ref) (looked, error) { return looked{}, broken }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	lookIn(t, u, other, a, "ou=retail", 3)
}

// No more are remembered than there is room for.
func TestUnitsAreRememberedWithinBounds(t *testing.T) {
	u, a := newUnits(), &asked{dn: "ou=sales"}
	for i := range unitsKept + 10 {
		lookIn(t, u, event.Ref{Kind: event.KindUnit, ID: string(rune(i + 0x20000))}, a, "ou=sales", i+1)
	}
	if len(u.known) > unitsKept {
		t.Errorf("%d are remembered", len(u.known))
	}
}
