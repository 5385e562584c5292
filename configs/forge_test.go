package configs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// workflow is .github/workflows/test.yaml.
type workflow struct {
	Name string `yaml:"name"`
	On   struct {
		Push struct {
			Branches []string `yaml:"branches"`
			Tags     []string `yaml:"tags"`
		} `yaml:"push"`
		PullRequest any `yaml:"pull_request"`
	} `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		If        string `yaml:"if"`
		Needs     string `yaml:"needs"`
		RunsOn    string `yaml:"runs-on"`
		Container string `yaml:"container"`
		Timeout   int    `yaml:"timeout-minutes"`
		Steps     []struct {
			Uses string            `yaml:"uses"`
			If   string            `yaml:"if"`
			With map[string]string `yaml:"with"`
			Run  string            `yaml:"run"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

// A forge does what README.md and .ci/run do: it runs targets of the Makefile, on the Go of go.mod, and releases what was tested.
func TestForgeRunsTheTargetsOfTheMakefile(t *testing.T) {
	var w workflow
	if err := yaml.UnmarshalWithOptions(source(t, "../.github/workflows/test.yaml"), &w, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile(`(?m)^([a-z0-9-]+):`).FindAllStringSubmatch(string(source(t, "../Makefile")), -1)
	release := regexp.MustCompile(`(?m)^go (1\.[0-9]+)`).FindStringSubmatch(string(source(t, "../go.mod")))
	ran := map[string][]string{}
	for name, job := range w.Jobs {
		if job.Container != "golang:"+release[1]+"-bookworm" {
			t.Errorf("%s runs on %s, and the program is of Go %s", name, job.Container, release[1])
		}
		for _, step := range job.Steps {
			if step.Run == "" {
				continue
			}
			words := strings.Fields(step.Run)
			if len(words) < 2 || words[0] != "make" || !slices.ContainsFunc(targets, func(target []string) bool { return target[1] == words[1] }) {
				t.Errorf("%s runs %q, which is no target", name, step.Run)
				continue
			}
			ran[name] = append(ran[name], words[1])
		}
	}
	if !slices.Equal(ran["test"], []string{"test"}) || !slices.Equal(ran["release"], []string{"release"}) || w.Jobs["release"].Needs != "test" {
		t.Errorf("run are %v", ran)
	}
	if !strings.Contains(string(source(t, "../README.md")), "\nmake test\n") || !strings.Contains(string(source(t, "../.ci/run")), "\nexec make test\n") {
		t.Error("README.md or .ci/run tests by another command")
	}
}

// The changelog tells of every version that somebody may have.
func TestChangelogBeginsWithWhatIsToCome(t *testing.T) {
	text := string(source(t, "../CHANGELOG.md"))
	versions := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(text, -1)
	for i, v := range versions {
		if i == 0 && v[1] != "Unreleased" || i > 0 && !regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+ - 20[0-9]{2}-[0-9]{2}-[0-9]{2}$`).MatchString(v[1]) {
			t.Errorf("the heading %d is %q", i, v[1])
		}
	}
	if len(versions) == 0 {
		t.Error("it has no version")
	}
}
