package app_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// A directory that is not the one of before is held, and says so, until it is accepted; a new one is remembered.
func TestAnotherDirectoryIsHeld(t *testing.T) {
	base := plan.MustParseDN("dc=example,dc=org")
	s := newStage(t)
	memory, err := store.Open(t.Context(), store.SQLiteConfig{Path: s.path("data/store.db")}, s.path("data/store.key"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := memory.Identify(t.Context(), "corp", base, "of-before"); err != nil {
		t.Fatal(err)
	}
	if err := memory.Close(); err != nil {
		t.Fatal(err)
	}
	s.run()
	if err := s.check(); err == nil {
		t.Error("another directory is taken for ours")
	}
	state := s.readiness()
	if got := state.Directories["corp"]; !state.Ready || !strings.HasPrefix(got, "held: ") || !strings.Contains(got, "another directory") || !strings.Contains(got, "--accept-directory") {
		t.Errorf("ready: %t, the directory is %q", state.Ready, got)
	}
	id := s.server.Entry(base.String()).Value("entryUUID")
	if err := s.app.Store.AcceptDirectory(t.Context(), event.Millis(1), "eve", "corp", base, id); err != nil {
		t.Fatal(err)
	}
	if err := s.check(); err != nil {
		t.Errorf("after it was accepted: %v", err)
	}
	if got := s.readiness().Directories["corp"]; got != "ok" {
		t.Errorf("after it was accepted the directory is %q", got)
	}
}

func TestADirectoryIsRememberedWhenItIsFirstMet(t *testing.T) {
	base := plan.MustParseDN("dc=example,dc=org")
	s := newStage(t)
	s.run()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	known, err := s.app.Store.Identity(t.Context(), "corp", base)
	if want := s.server.Entry(base.String()).Value("entryUUID"); err != nil || known == "" || known != want {
		t.Errorf("it is known as %q, and has %q (%v)", known, want, err)
	}
}
