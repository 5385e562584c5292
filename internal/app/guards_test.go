package app

import (
	"context"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/store"
)

// spentStore is a store of which it is known how much was granted, and to how many objects that is.
type spentStore struct {
	store.Store

	spent, known map[event.Kind]int
}

func (s spentStore) Spent(_ context.Context, _, _ string, kind event.Kind, _ event.Millis) (int, error) {
	if kind == "" {
		all := 0
		for _, n := range s.spent {
			all += n
		}
		return all, nil
	}
	return s.spent[kind], nil
}

func (s spentStore) CountObjects(_ context.Context, _ string, kind event.Kind, most int) (int, error) {
	return min(s.known[kind], most), nil
}

// Of the two bounds that a guard has the one that will hold first is shown.
func TestHowMuchOfAGuardIsUsed(t *testing.T) {
	limit := mapping.Limit{Max: 20, Percent: 5, Window: time.Hour}
	for name, tt := range map[string]struct {
		spent, known map[event.Kind]int
		want         float64
	}{
		"nothing":                      {known: map[event.Kind]int{event.KindUser: 100}, want: 0},
		"of many":                      {spent: map[event.Kind]int{event.KindUser: 5, event.KindGroup: 5}, known: map[event.Kind]int{event.KindUser: 9000, event.KindGroup: 9000}, want: 0.5},
		"a share of few":               {spent: map[event.Kind]int{event.KindUser: 4}, known: map[event.Kind]int{event.KindUser: 100, event.KindGroup: 9000}, want: 0.8},
		"the only one of another kind": {spent: map[event.Kind]int{event.KindUnit: 1}, known: map[event.Kind]int{event.KindUser: 100}, want: 1},
	} {
		if got, err := guardUse(t.Context(), spentStore{spent: tt.spent, known: tt.known}, "corp", "delete", limit, 0); err != nil || got != tt.want {
			t.Errorf("%s: %v (%v), want %v", name, got, err, tt.want)
		}
	}
}
