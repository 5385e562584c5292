package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"idaas-ldap/ldaptest"
)

// shellBlock is an example of a README that is typed into a shell.
var shellBlock = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")

// typedElsewhere are lines of a README that are not typed here, with the reason.
var typedElsewhere = map[string]string{
	"go run ./cmd/idaas-ldap demo": "TestCommands runs it",
	"make test":                    "it is what runs this test",
}

// signs is what is seen after a block before the next one is typed: a command that succeeds then, by a part of the block.
var signs = map[string]string{
	"/usr/sbin/slapd ":           `ldapsearch -x -H ldap://127.0.0.1:1389 -s base -b ''`,
	"idaas-ldap serve ":          `idaas-ldap simulate --test`,
	"idaas-ldap simulate --file": `test "$(idaas-ldap events list --waiting --output json)" = "[]"`,
}

// Whoever types the commands of a README line by line, in either language, ends with a person who logs in with the password that the
// simulated IDaaS has sent. The server is the one that the README starts, on an address of its own in place of 127.0.0.1.
func TestOpenLDAPReadmeEndsWithALogin(t *testing.T) {
	ldaptest.Require(t, ldaptest.OpenLDAP)
	source := sourceCopy(t)
	for _, page := range []string{"README.md", "README.zh-CN.md"} {
		t.Run(page, func(t *testing.T) {
			address := ldaptest.FreeAddress(t, "1389", "8443", "9090")
			out, err := typed(t, source, strings.ReplaceAll(shellSession(t, filepath.Join(source, page)), "127.0.0.1", address), address)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, want := range []string{"ready for events", "\ndn:uid=ann,ou=people,dc=example,dc=org\n", "\nsn: Lee\n", "user_ann"} {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			if err := os.RemoveAll(filepath.Join(source, "trial")); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("go install", func(t *testing.T) { isInstalled(t, source) })
}

// isInstalled expects that "go install" builds the program from a source without version control, as that in the module cache is.
func isInstalled(t *testing.T, source string) {
	t.Helper()
	to := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", "-trimpath", "-mod=readonly", "-tags", "nomsgpack", "./cmd/idaas-ldap")
	install.Dir = source
	install.Env = append(withoutMake(os.Environ()), "CGO_ENABLED=0", "GOFLAGS=", "GOBIN="+to)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(to, "idaas-ldap"), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "idaas-ldap ") {
		t.Errorf("%v: %s", err, out)
	}
}

// shellSession is what is typed: the blocks of a page in their order, and after each what is waited for. A command that fails ends it, and
// what was started in the background ends with it.
func shellSession(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	script := "trap 'kill $(jobs -p); wait' EXIT\ntrap 'exit 1' TERM\nset -e\n"
	elsewhere, waits := 0, 0
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if _, ok := typedElsewhere[strings.TrimSpace(line)]; ok {
				elsewhere++
				continue
			}
			script += line
		}
		for part, sign := range signs {
			if strings.Contains(block[1], part) {
				waits++
				script += fmt.Sprintf("until %s >/dev/null 2>&1; do sleep 0.1; done\n", sign)
			}
		}
	}
	if elsewhere != len(typedElsewhere) || waits != len(signs) {
		t.Fatalf("%s has other blocks than this test knows of:\n%s", page, script)
	}
	return script
}

// typed runs a session at the top of the source, and returns all that it printed.
func typed(t *testing.T, source, script, address string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // only met where something is wrong
	defer cancel()
	shell := exec.CommandContext(ctx, "bash", "-c", script)
	shell.Dir = source
	shell.Env = append(withoutMake(os.Environ()), "IDAAS_LDAP_RECEIVER_LISTEN="+address+":8443", "IDAAS_LDAP_ADMIN_LISTEN="+address+":9090")
	shell.Cancel = func() error { return shell.Process.Signal(syscall.SIGTERM) }
	shell.WaitDelay = time.Minute
	out, err := shell.CombinedOutput()
	return string(out), err //nolint:wrapcheck // The output says why.
}

// withoutMake leaves out what a make that runs the tests has told those below it.
func withoutMake(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "VERSION"}, name)
	})
}

// sourceCopy copies the source as it is, without its history and what was built in it.
func sourceCopy(t *testing.T) string {
	t.Helper()
	top, to := os.DirFS("../.."), t.TempDir()
	entries, err := fs.ReadDir(top, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if slices.Contains([]string{".git", ".tools", "bin", "dist", "data", "trial"}, e.Name()) {
			continue
		}
		if e.IsDir() {
			var part fs.FS
			if part, err = fs.Sub(top, e.Name()); err == nil {
				err = os.CopyFS(filepath.Join(to, e.Name()), part)
			}
		} else {
			var text []byte
			if text, err = fs.ReadFile(top, e.Name()); err == nil {
				err = os.WriteFile(filepath.Join(to, e.Name()), text, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}
