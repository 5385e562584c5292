package store_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"idaas-ldap/store"
)

func TestKeyIsMadeOnceForItsOwnerOnly(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(folder, "store.key")
	if _, err := store.LoadOrCreateKey(path, bytes.NewReader(bytes.Repeat([]byte{0xab}, 32))); err != nil {
		t.Fatal(err)
	}
	checkMode(t, path, 0o600)
	checkMode(t, folder, fs.ModeDir|0o700)
	raw, err := os.ReadFile(path)
	if err != nil || string(raw) != strings.Repeat("ab", 32)+"\n" {
		t.Fatalf("the file holds %q (%v)", raw, err)
	}
	// Randomness that would fail shows that no second key is made.
	if _, err := store.LoadOrCreateKey(path, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the folder holds %v (%v)", entries, err)
	}
}

func TestKeyIsTheSameForAllWhoMakeItAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.key")
	db := filepath.Join(t.TempDir(), "store.db")
	var wg sync.WaitGroup
	seals := make([]*store.Seal, 8)
	for i := range seals {
		wg.Go(func() {
			var err error
			if seals[i], err = store.LoadOrCreateKey(path, rand.Reader); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range seals {
		open(t, store.SQLiteConfig{Path: db, Seal: s})
	}
}

func TestKeyRefused(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		mode    fs.FileMode
		want    string
	}{
		"the group may read it":       {strings.Repeat("ab", 32), 0o640, "chmod 600"},
		"everybody may read it":       {strings.Repeat("ab", 32), 0o604, "chmod 600"},
		"it is too short":             {strings.Repeat("ab", 31), 0o600, "64 hex digits"},
		"it is not in hex":            {strings.Repeat("xy", 32), 0o600, "64 hex digits"},
		"it is empty, as after a cut": {"", 0o600, "64 hex digits"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.key")
			if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := store.LoadOrCreateKey(path, rand.Reader)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("the error is %v", err)
			}
			if c.content != "" && strings.Contains(err.Error(), c.content) {
				t.Fatalf("the error shows the key: %v", err)
			}
			if raw, err := os.ReadFile(path); err != nil || string(raw) != c.content {
				t.Fatalf("the file was changed to %q (%v)", raw, err)
			}
		})
	}
	if _, err := store.LoadOrCreateKey(t.TempDir(), rand.Reader); err == nil {
		t.Error("a folder was taken for a key")
	}
}

func TestKeyIsNotMadeWithoutRandomness(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.key")
	if _, err := store.LoadOrCreateKey(path, strings.NewReader("too little")); err == nil {
		t.Fatal("a key was made of too little randomness")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("there is a file: %v", err)
	}
}

func checkMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode() != want {
		t.Fatalf("%s has mode %v, want %v (%v)", path, info.Mode(), want, err)
	}
}
