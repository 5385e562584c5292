package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// Where the database runs full it ends the transaction by itself. Nothing of the settlement is written after that either.
func TestASettlementThatDoesNotFitChangesNothing(t *testing.T) {
	s := open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), MaxPages: 200})
	key := store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindGroup, ID: "g_1"}}
	if name, err := s.Claim(t.Context(), key, "cn", []string{"staff"}); err != nil || name != "staff" {
		t.Fatal(name, err)
	}
	there := store.Settlement{
		Key: key, Version: 1, Known: event.Object{Ref: key.Object, Existence: event.Existence{Present: true}},
		Record: store.Record{DN: plan.MustParseDN("cn=staff,dc=example")},
	}
	if _, err := s.Settle(t.Context(), 1, there); err != nil {
		t.Fatal(err)
	}
	gone := there
	gone.Record, gone.Memberships = store.Record{}, map[string]event.Membership{}
	for i := range 20_000 {
		gone.Memberships[fmt.Sprintf("user_with_a_long_name_%06d", i)] = event.Membership{Present: true}
	}
	if _, err := s.Settle(t.Context(), 2, gone); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("the settlement is answered with %v", err)
	}
	other := key
	other.Object.ID = "g_2"
	if name, err := s.Claim(t.Context(), other, "cn", []string{"staff"}); err != nil || name != "" {
		t.Errorf("the name of the first group is free: %q, %v", name, err)
	}
	if _, record, err := s.Lookup(t.Context(), key); err != nil || record.DN.Empty() {
		t.Errorf("it is remembered at %s: %v", record.DN, err)
	}
}
