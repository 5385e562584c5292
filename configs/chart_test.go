package configs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/goccy/go-yaml"
)

var update = flag.Bool("update", false, "write the plain manifests anew from the chart")

// stores are the two ways to run it, each with its plain manifest.
var stores = []string{"sqlite", "postgres"}

const chart = "helm/idaas-ldap"

// The plain manifests are what the chart makes of its values, so whoever has no Helm gets the same.
func TestPlainManifestsAreThoseOfTheChart(t *testing.T) {
	for _, store := range stores {
		path := filepath.Join("kubernetes", store+".yaml")
		want := "# Made from the chart in configs/helm by 'go test ./configs -update'; docs/kubernetes.md says what to fill in.\n" + rendered(t, store)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the chart makes: run 'go test ./configs -update', and look at the difference", path)
		}
	}
}

// rendered is what "helm template idaas-ldap" makes of the chart with a kind of store. The templates use no more of Helm than these few functions.
func rendered(t *testing.T, store string) string {
	t.Helper()
	all := template.New("")
	all.Funcs(template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := all.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
		"nindent": func(n int, text string) string {
			margin := "\n" + strings.Repeat(" ", n)
			return margin + strings.ReplaceAll(text, "\n", margin)
		},
		"toYaml": func(value any) (string, error) {
			text, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(text), "\n"), err
		},
		"quote":     func(text string) string { return fmt.Sprintf("%q", text) },
		"fail":      func(text string) (string, error) { return "", errors.New(text) },
		"sha256sum": func(text string) string { sum := sha256.Sum256([]byte(text)); return hex.EncodeToString(sum[:]) },
	})
	if _, err := all.ParseGlob(chart + "/templates/*"); err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(source(t, chart+"/values.yaml"), &values); err != nil {
		t.Fatal(err)
	}
	values["store"] = store
	var documents []string
	for _, name := range []string{"configuration.yaml", "network.yaml", "workload.yaml"} {
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, name, map[string]any{"Values": values, "Release": map[string]any{"Name": "idaas-ldap"}}); err != nil {
			t.Fatal(err)
		}
		documents = append(documents, strings.TrimSpace(out.String()))
	}
	return strings.Join(documents, "\n---\n") + "\n"
}

func source(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Each template is one that is rendered here, and the chart says of itself what Helm wants to know.
func TestChartIsComplete(t *testing.T) {
	files, err := filepath.Glob(chart + "/templates/*")
	if err != nil || len(files) != 4 {
		t.Errorf("the templates are %v: %v", files, err)
	}
	var about struct {
		APIVersion  string `yaml:"apiVersion"`
		Name        string `yaml:"name"`
		Description string `yaml:"description"`
		Type        string `yaml:"type"`
		Version     string `yaml:"version"`
		AppVersion  string `yaml:"appVersion"`
		KubeVersion string `yaml:"kubeVersion"`
	}
	if err := yaml.UnmarshalWithOptions(source(t, chart+"/Chart.yaml"), &about, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if about.APIVersion != "v2" || about.Name != filepath.Base(chart) || about.Version == "" || about.Type != "application" {
		t.Errorf("%+v", about)
	}
}
