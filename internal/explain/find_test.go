package explain

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

// bounded is a store that counts how many objects it opens to find somebody.
type bounded struct {
	store.Store
	opened int
}

func (b *bounded) Objects(ctx context.Context, directory string, kind event.Kind, yield func(event.Object, store.Record) bool) error {
	return b.Store.Objects(ctx, directory, kind, func(o event.Object, r store.Record) bool { //nolint:wrapcheck // It stands for the store.
		b.opened++
		return yield(o, r)
	})
}

func (b *bounded) FindByName(ctx context.Context, f store.NameFilter) ([]store.Named, string, error) {
	found, next, err := b.Store.FindByName(ctx, f)
	b.opened += len(found)
	return found, next, err //nolint:wrapcheck // It stands for the store.
}

// Who is looked for by name is found without opening everybody, whatever the case, also where others have names that begin so.
func TestWhoIsNamedIsFoundWithoutOpeningEverybody(t *testing.T) {
	seal, err := store.NewSeal(secret.New(strings.Repeat("01", 32)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenSQLite(t.Context(), store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db"), Seal: seal})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	know := func(ref event.Ref, field, name string) {
		t.Helper()
		known := event.Object{
			Ref: ref, Existence: event.Existence{Present: true, At: event.Stamp{Event: 1}},
			Facts: map[string]event.Fact{field: {Value: name}, "displayName": {Value: "Ann"}},
		}
		if _, err := s.Settle(t.Context(), 1, store.Settlement{Key: store.Key{Directory: "corp", Object: ref}, Version: 1, Known: known}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 {
		know(event.Ref{Kind: event.KindUser, ID: fmt.Sprintf("user_%03d", i)}, event.FieldUsername, fmt.Sprintf("ann%03d", i))
	}
	ann, unit := event.Ref{Kind: event.KindUser, ID: "user_ann"}, event.Ref{Kind: event.KindUnit, ID: "ou_ann"}
	know(unit, event.FieldName, "ANN")
	know(ann, event.FieldUsername, "Ann")
	for name, want := range map[string][]event.Ref{"aNN": {ann, unit}, "ann007": {{Kind: event.KindUser, ID: "user_007"}}, "an": nil, "zoe": nil} {
		b := &bounded{Store: s}
		got, err := Find(t.Context(), b, Directory{Name: "corp"}, name)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, %v; want %v", name, got, err, want)
		}
		if b.opened > 2*namedAtOnce {
			t.Errorf("for %s %d objects are opened", name, b.opened)
		}
	}
}
