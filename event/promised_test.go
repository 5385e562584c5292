package event_test

import (
	"os"
	"regexp"
	"testing"

	"idaas-ldap/internal/promised"
)

// Codes of outcomes, by which programs tell what became of an event, are those of every earlier version, or more.
func TestCodesKeepTheirPromises(t *testing.T) {
	source, err := os.ReadFile("outcome.go")
	if err != nil {
		t.Fatal(err)
	}
	var has []string
	for _, code := range regexp.MustCompile(`(?m)^\s+Code\w+ +Code = "([A-Z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		has = append(has, "code "+code[1])
	}
	promised.Keep(t, "..", "codes", has)
}
