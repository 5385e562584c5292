package config_test

import (
	"os"
	"strings"
	"testing"

	"idaas-ldap/internal/config"
)

const mark = "\ufeff"

// A byte order mark in front of the configuration or of a secret is as if it were not there.
func TestByteOrderMarksAreNotRead(t *testing.T) {
	folder := t.TempDir()
	minimal, err := os.ReadFile("testdata/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(minimal)
	plain := write(t, folder, "plain.yaml", text, 0o600)
	marked := write(t, folder, "marked.yaml", mark+strings.ReplaceAll(text, "\n", "\r\n"), 0o600)
	want, got := load(t, plain), load(t, marked)
	if want.Directories[0].BindDN != got.Directories[0].BindDN {
		t.Errorf("with a mark bind_dn is %q", got.Directories[0].BindDN)
	}
	s, err := config.SecretIn([]byte(mark + "hidden\r\n"))
	if err != nil || s.Reveal() != "hidden" {
		t.Errorf("the secret is read as %q (%v)", s.Reveal(), err)
	}
	if _, err := config.SecretIn([]byte(mark)); err == nil {
		t.Error("a mark alone is taken for a secret")
	}
}

// Who can write a file decides what it says.
func TestFilesThatOthersCanWriteAreWarnedOf(t *testing.T) {
	folder := t.TempDir()
	minimal, err := os.ReadFile("testdata/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, folder, "idaas-ldap.yaml", string(minimal), 0o600)
	mapping := write(t, folder, "openldap.yaml", "", 0o600)
	for _, file := range []string{path, mapping} {
		if err := os.Chmod(file, 0o620); err != nil {
			t.Fatal(err)
		}
	}
	_, warnings, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, w := range warnings {
		if strings.Contains(w.String(), "chmod go-w") {
			said = append(said, w.String())
		}
	}
	if len(said) != 2 || !strings.HasPrefix(said[0], path+": ") || !strings.Contains(said[1], "directories[0].mapping: others than its owner can write "+mapping) {
		t.Errorf("the warnings are %q", said)
	}
}
