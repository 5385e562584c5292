package store_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
	"idaas-ldap/store/conformance"
)

// It conforms however much is done by the same statements: by itself as far as nobody else waits, and never by itself.
func TestSQLiteConforms(t *testing.T) {
	ran := statements{}
	for name, from := range map[string]int{"one by one": 2, "together": 1} {
		t.Run(name, func(t *testing.T) {
			conformance.Run(t, ran.gatheredBy(func(t *testing.T) *store.SQLite {
				t.Helper()
				s := open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "data", "store.db")})
				store.DoneTogetherFrom(t, s, from)
				return s
			}))
		})
	}
	ran.readLittle(t)
	ran.needAll(t)
}

// open opens a store that is closed at the end of the test.
func open(tb testing.TB, cfg store.SQLiteConfig) *store.SQLite {
	tb.Helper()
	if cfg.Seal == nil {
		cfg.Seal = seal(tb, 1)
	}
	s, err := store.OpenSQLite(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// seal returns a seal whose key is made of one byte.
func seal(tb testing.TB, b byte) *store.Seal {
	tb.Helper()
	s, err := store.NewSeal(secret.New(string(bytes.Repeat([]byte{'0', '0' + b}, 32))))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
