package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/promised"
	"idaas-ldap/store"
)

// Commands, flags, exit statuses and the members of what is printed as JSON are those of every earlier version, or more.
func TestTheCommandLineKeepsItsPromises(t *testing.T) {
	has := []string{fmt.Sprint("exit status of failure: ", exitFailed), fmt.Sprint("exit status of wrong usage: ", exitUsage), fmt.Sprint("exit status of wrong configuration: ", exitConfig)}
	for _, c := range commandTree(docsParser(t).Model.Node, nil) {
		name := strings.TrimSpace("idaas-ldap " + strings.Join(c.path, " "))
		has = append(has, name)
		var demands []string
		for i, p := range c.node.Positional {
			has = append(has, fmt.Sprintf("%s takes argument %d: %s", name, i+1, p.Name))
			if p.Required {
				demands = append(demands, p.Name)
			}
		}
		for _, f := range c.node.Flags {
			has = append(has, fmt.Sprintf("%s takes --%s", name, f.Name))
			if f.HasDefault {
				has = append(has, fmt.Sprintf("%s takes --%s=%s without it", name, f.Name, f.Default))
			}
			for _, word := range enum(f.Value) {
				has = append(has, fmt.Sprintf("%s takes --%s=%s", name, f.Name, word))
			}
			if f.Required {
				demands = append(demands, "--"+f.Name)
			}
		}
		slices.Sort(demands)
		has = append(has, fmt.Sprintf("%s demands %v", name, demands))
	}
	for name, printed := range map[string]any{
		"audit list": []audit.Record{}, "audit verify": audit.Report{}, "backup": backupReport{}, "doctor": doctorReport{}, "events list": []store.EventRecord{},
		"events show": []shownEvent{}, "explain": []explain.Story{}, "plan": []plannedEvent{}, "pull": pullLine{}, "reconcile": foundLine{}, "reconcile, at the end": summaryLine{},
		"simulate": summary{}, "store migrate": migrateReport{}, "test": []testLine{}, "validate": []validated{},
	} {
		has = append(has, promised.Members(name+" --output json:", printed)...)
	}
	promised.Keep(t, "../..", "commands", has)
}
