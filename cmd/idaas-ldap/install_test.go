package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Whoever has the source and Go installs the program as any other of the language, with nothing to be fetched but what go.mod names. What that
// would do is looked at, as the program itself is built elsewhere.
func TestGoInstall(t *testing.T) {
	bin := t.TempDir()
	install := exec.CommandContext(t.Context(), "go", "install", "-n", "idaas-ldap/cmd/idaas-ldap")
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOPROXY=off")
	if out, err := install.CombinedOutput(); err != nil || !strings.Contains(string(out), bin+"/idaas-ldap") {
		t.Fatalf("%v: %.2000s", err, out)
	}
}
