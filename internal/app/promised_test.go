package app

import (
	"os"
	"regexp"
	"testing"

	"idaas-ldap/internal/promised"
)

// Members of /readyz, and the words that states begin with, are those of every earlier version, or more.
func TestReadinessKeepsItsPromises(t *testing.T) {
	has := append(promised.Members("readyz", readiness{}), "state "+stateOK, "state "+stateUntried)
	for _, name := range []string{"directories.go", "admin.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range regexp.MustCompile(`(?m)(?:return|=) "([a-z -]+)(?:: )?"`).FindAllStringSubmatch(string(source), -1) {
			has = append(has, "state "+state[1])
		}
	}
	promised.Keep(t, "../..", "readyz", has)
}
