package telemetry_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// described finds in the source how each metric is made: its name, what it tells, and its labels.
var described = regexp.MustCompile(`(?s)(?:m\.(?:counters?|gauges|histograms)\(|Name: |NewDesc\(namespace\+)"_?([a-z_]+)",\s*(?:Help: )?"([^"]+)"((?:, "[a-z]+")*)(?:,\s*\[\]string\{([^}]*)\})?`)

// metrics are the rows of docs/metrics.md by the names of the metrics.
func metrics(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, found := range described.FindAllStringSubmatch(read(t, name), -1) {
			labels := strings.ReplaceAll(strings.TrimPrefix(found[3], ", ")+found[4], `"`, "`")
			rows["idaas_ldap_"+found[1]] = "| `idaas_ldap_" + found[1] + "` | " + found[2] + " | " + labels + " |\n"
		}
	}
	if len(rows) < 20 {
		t.Fatalf("only %d metrics are found in the source", len(rows))
	}
	return rows
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every metric is in the documentation as it is in the program, and no other one.
func TestEveryMetricIsInTheDocument(t *testing.T) {
	document := read(t, "../../docs/metrics.md")
	rows := metrics(t)
	for name, row := range rows {
		if strings.Count(document, row) != 1 {
			t.Errorf("docs/metrics.md needs, once, the row of %s:\n%s", name, row)
		}
	}
	for _, name := range regexp.MustCompile("(?m)^\\| `([a-z_]+)`").FindAllStringSubmatch(document, -1) {
		if rows[name[1]] == "" {
			t.Errorf("docs/metrics.md has %s, which there is not", name[1])
		}
	}
}

// The alerts and the dashboard ask for metrics that there are.
func TestAlertsAndDashboardAskForWhatThereIs(t *testing.T) {
	rows := metrics(t)
	for _, file := range []string{"alerts.yaml", "alerts_test.yaml", "dashboard.json"} {
		text := read(t, filepath.Join("../../configs/prometheus", file))
		names := regexp.MustCompile(`idaas_ldap_[a-z_]+`).FindAllString(text, -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing", file)
		}
		for _, name := range names {
			if rows[name] == "" && rows[regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")] == "" {
				t.Errorf("%s asks for %s, which there is not", file, name)
			}
		}
		if strings.HasSuffix(file, ".json") && !json.Valid([]byte(text)) {
			t.Errorf("%s is not JSON", file)
		}
	}
}

// Every alert says what is wrong and what to do, and is fired by a test.
func TestEveryAlertIsTried(t *testing.T) {
	alerts, tried := read(t, "../../configs/prometheus/alerts.yaml"), read(t, "../../configs/prometheus/alerts_test.yaml")
	names := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(alerts, -1)
	for _, name := range names {
		if !strings.Contains(tried, "- name: "+name[1]+"\n") || !strings.Contains(tried, `ALERTS{alertname="`+name[1]+`",alertstate="firing"`) {
			t.Errorf("%s is not tried", name[1])
		}
	}
	if summaries, actions := strings.Count(alerts, "summary: "), strings.Count(alerts, "action: "); len(names) == 0 || summaries != len(names) || actions != len(names) {
		t.Errorf("%d alerts have %d summaries and say %d times what to do", len(names), summaries, actions)
	}
}
