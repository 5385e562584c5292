package app_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/store"
)

// A large database that is found damaged while the service runs ends the work of the service, not its process, and says what to do.
func TestADamagedStoreEndsTheWork(t *testing.T) {
	s := newStage(t)
	cfg, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	begun, err := app.OpenStore(t.Context(), cfg, store.ToServe)
	if err != nil {
		t.Fatal(err)
	}
	// No lane looks at these.
	for i := range 18 {
		c := event.Change{
			ID: fmt.Sprintf("evt_%d", i), Type: event.TypeUserCreate, Object: event.Ref{Kind: event.KindUser, ID: "user_large"},
			Fields: event.Values{"description": strings.Repeat("x", 4<<20)}, Stamp: event.Stamp{Event: 1},
		}
		if _, err := begun.Accept(t.Context(), 1, []store.NewEvent{{Application: "app_example", Change: c, Targets: []store.Target{{Directory: "elsewhere"}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := begun.Close(); err != nil {
		t.Fatal(err)
	}
	damage(t, s.path("data/store.db"))
	s.run()
	for deadline := time.Now().Add(time.Minute); s.readiness().Ready; {
		if time.Now().After(deadline) {
			t.Fatalf("it is ready all the time: %s", s.log)
		}
	}
	if page := s.page("/readyz"); !strings.Contains(page, "the database is damaged") || !strings.Contains(page, "restore it from a backup") {
		t.Errorf("it is not ready for another reason: %s", page)
	}
	if page := s.page("/metrics"); !strings.Contains(page, "\nidaas_ldap_store_damaged 1\n") {
		t.Error("no metric says so")
	}
	if said := s.log.String(); !strings.Contains(said, "Stop the service and restore the database from a backup") {
		t.Errorf("the log does not say what to do: %s", said)
	}
}

// damage writes over a page in the middle of a database.
func damage(t *testing.T, path string) {
	t.Helper()
	const page = 4096
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt(bytes.Repeat([]byte{0x5a}, page), info.Size()/page/2*page); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
