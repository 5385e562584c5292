package store_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
	"idaas-ldap/store/conformance"
)

// The test binary is its own victim: with these flags it writes to a store until it is killed.
var (
	crashPath  = flag.String("crash-path", "", "the store to write to until killed")
	crashRound = flag.String("crash-round", "", "the name of the round")
)

const crashKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

func TestMain(m *testing.M) {
	flag.Parse()
	if *crashPath == "" {
		m.Run()
		return
	}
	if err := writeUntilKilled(context.Background()); err != nil {
		panic(err) // a child process that was not killed
	}
}

func writeUntilKilled(ctx context.Context) error {
	seal, err := store.NewSeal(secret.New(crashKey))
	if err != nil {
		return err
	}
	var s store.Store
	if strings.HasPrefix(*crashPath, "postgres:") {
		s, err = store.OpenPostgres(ctx, store.PostgresConfig{URL: secret.New(*crashPath), Seal: seal, Clock: time.Now}, "", rand.Reader)
	} else {
		s, err = store.OpenSQLite(ctx, store.SQLiteConfig{Path: *crashPath, Seal: seal})
	}
	if err != nil {
		return err
	}
	return conformance.WriteUntilKilled(ctx, s, *crashRound, os.Stdout)
}

func TestSQLiteSurvivesBeingKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	conformance.Crash(t, 150, func(ctx context.Context, round string) *exec.Cmd {
		return exec.CommandContext(ctx, os.Args[0], "-crash-path", path, "-crash-round", round)
	}, func(t *testing.T) store.Store {
		t.Helper()
		seal, err := store.NewSeal(secret.New(crashKey))
		if err != nil {
			t.Fatal(fmt.Errorf("the key: %w", err))
		}
		return open(t, store.SQLiteConfig{Path: path, Seal: seal})
	})
}
