package configs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// Prometheus takes what docs/metrics.md shows of its configuration, beside the alerts that it names.
func TestPrometheusTakesTheExample(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	switch {
	case err == nil:
	case os.Getenv("CI") != "": //nolint:forbidigo // Tests are told by the environment that they run in CI.
		t.Fatal("nothing is left out in CI. promtool is not installed; run: sudo make install-servers")
	default:
		t.Skip("promtool is not installed; run: sudo make install-servers")
	}
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?ms)^```yaml prometheus\n(.*?)^```$").FindSubmatch(page)
	if example == nil {
		t.Fatal("the page has no example")
	}
	folder := t.TempDir()
	for name, content := range map[string][]byte{"prometheus.yaml": example[1], "alerts.yaml": source(t, "prometheus/alerts.yaml")} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "config", filepath.Join(folder, "prometheus.yaml")).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
