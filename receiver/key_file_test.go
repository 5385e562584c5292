package receiver_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"idaas-ldap/receiver"
)

func TestAKeySetInAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jwks.json")
	put := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	open := func() (*receiver.FileKeys, error) {
		return receiver.NewFileKeys(path, silentLog(), func() time.Time { return now })
	}
	if _, err := open(); err == nil || !strings.Contains(err.Error(), "jwks_file") {
		t.Errorf("a file that is not there: %v", err)
	}
	put([]byte(`{"keys":[]}`))
	if _, err := open(); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a set without a key: %v", err)
	}
	put(keySet(t, "KEY1"))
	keys, err := open()
	if err != nil {
		t.Fatal(err)
	}
	state := func() string {
		now = now.Add(time.Minute)
		_, state := keys.State()
		return state
	}
	if !knows(t, keys, "KEY1") || knows(t, keys, "KEY2") || state() != "ok" {
		t.Error("the file is read wrong")
	}
	if at := keys.Confirmed(); !at.Equal(now) {
		t.Errorf("the set was confirmed at %s, and it is %s", at, now)
	}
	put([]byte("half a fi"))
	confirmed := now
	if !strings.HasPrefix(state(), "refused, the one from before is in force: "+path) || !knows(t, keys, "KEY1") {
		t.Error("a broken file changes the keys")
	}
	if at := keys.Confirmed(); !at.Equal(confirmed) {
		t.Errorf("a broken file confirms the set, at %s", at)
	}
	put(keySet(t, "KEY2", "KEY1"))
	now = now.Add(time.Second)
	if !knows(t, keys, "KEY2") || !knows(t, keys, "KEY1") {
		t.Error("a new key in the file is not found at once")
	}
	// What is taken out counts no more within a minute, whatever else is asked for.
	put(keySet(t, "KEY2"))
	now = now.Add(time.Minute)
	if found, err := keys.Find("KEY1"); err != nil || len(found) != 0 {
		t.Errorf("a withdrawn key is found: %v", err)
	}
	if found, err := keys.Find("KEY2"); err != nil || len(found) != 1 {
		t.Errorf("the key that is left is not found: %v", err)
	}
	put([]byte(`{"keys":[]}`))
	now = now.Add(time.Minute)
	if _, err := keys.Find("KEY2"); !errors.Is(err, receiver.ErrNoKeys) {
		t.Errorf("all keys are withdrawn: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s := state(); !strings.Contains(s, "no such file") {
		t.Errorf("without the file the state is %q", s)
	}
}
