package telemetry_test

import (
	"strings"
	"testing"

	"idaas-ldap/internal/promised"
)

// Metrics with their labels are those of every earlier version, or more.
func TestMetricsKeepTheirPromises(t *testing.T) {
	var has []string
	for name, row := range metrics(t) {
		columns := strings.Split(row, "|")
		has = append(has, strings.TrimSpace(name+" "+strings.TrimSpace(columns[3])))
	}
	promised.Keep(t, "../..", "metrics", has)
}
