package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// shellPrograms look, by the program that a line for the shell begins with, whether what it names is there: files, targets, services, tests, addresses.
var shellPrograms = map[string]func(t *testing.T, words []string) error{
	"make":      typedMake,
	"go":        typedGoTest,
	"docker":    typedDocker,
	"kubectl":   typedKubectl,
	"helm":      typedHelm,
	"curl":      typedCurl,
	"systemctl": typedSystemctl,
	"openssl":   typedOpenSSL,
	"apt":       typedInstall,
	"dnf":       typedInstall,
}

// typedProduct lets the program parse what is behind its name.
func typedProduct(t *testing.T, words []string) error {
	t.Helper()
	_, err := docsParser(t).Parse(words)
	return err //nolint:wrapcheck // The line is named beside it.
}

// Lines that the README does not show are not run as a whole, as what they are about differs from place to place; each is looked at by its program.
func TestLinesForTheShellCanBeTyped(t *testing.T) {
	found := 0
	for page, source := range documentation(t, "English") {
		if page == "README.md" {
			continue
		}
		for _, block := range regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$").FindAllStringSubmatch(source, -1) {
			for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
				found++
				if err := typedLine(t, line); err != nil {
					t.Errorf("%s: %s: %v", page, strings.TrimSpace(line), err)
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("%d lines were found", found)
	}
}

func typedLine(t *testing.T, line string) error {
	t.Helper()
	if words := commandIn(line); words != nil {
		return typedProduct(t, words)
	}
	line, _, _ = strings.Cut(line, " # ")
	words := regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(line, -1)
	for i, word := range words {
		words[i] = strings.Trim(word, `'"`)
	}
	if len(words) == 0 || shellPrograms[words[0]] == nil {
		return fmt.Errorf("nobody looks at lines with this program")
	}
	return shellPrograms[words[0]](t, words[1:])
}

// ofProject reads a file of the project.
func ofProject(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	return string(text), err //nolint:wrapcheck // It names the file.
}

func typedMake(_ *testing.T, words []string) error {
	makefile, err := ofProject("Makefile")
	if err != nil {
		return err
	}
	for _, word := range words {
		name, _, isVariable := strings.Cut(word, "=")
		if isVariable && !strings.Contains(makefile, "\n"+name+" ?=") || !isVariable && !strings.Contains(makefile, "\n"+name+":") {
			return fmt.Errorf("the Makefile has no %s", name)
		}
	}
	return nil
}

func typedGoTest(_ *testing.T, words []string) error {
	for i, word := range words {
		if word != "-run" && word != "-bench" || words[i+1] == "^$" || words[i+1] == "." {
			continue
		}
		of := map[string]string{"-run": "", "-bench": "Benchmark"}[word]
		tests, err := filepath.Glob(filepath.Join("..", "..", words[1], "*_test.go"))
		if err != nil {
			return err //nolint:wrapcheck // The line is named beside it.
		}
		isThere := slices.ContainsFunc(tests, func(path string) bool {
			source, err := os.ReadFile(path)
			return err == nil && regexp.MustCompile(`(?m)^func `+of+`\w*`+regexp.QuoteMeta(words[i+1])).Match(source)
		})
		if !isThere {
			return fmt.Errorf("%s has no %s", words[1], words[i+1])
		}
	}
	for _, word := range words[1:] {
		if strings.HasPrefix(word, "./") {
			if _, err := os.Stat(filepath.Join("..", "..", word)); err != nil {
				return err //nolint:wrapcheck // It names the folder.
			}
		}
	}
	return nil
}

func typedDocker(t *testing.T, words []string) error {
	t.Helper()
	at := slices.Index(words, "-f")
	if at < 0 {
		return fmt.Errorf("it names no file")
	}
	text, err := ofProject(words[at+1])
	if err != nil {
		return err
	}
	for i, word := range words {
		if name, _, _ := strings.Cut(words[min(i+1, len(words)-1)], "="); word == "--build-arg" && !strings.Contains(text, "\nARG "+name) {
			return fmt.Errorf("%s has no ARG %s", words[at+1], name)
		}
	}
	var composed struct {
		Services map[string]any `yaml:"services"`
	}
	if words[0] != "compose" {
		return nil
	}
	if err := yaml.Unmarshal([]byte(text), &composed); err != nil {
		return err //nolint:wrapcheck // The line is named beside it.
	}
	for i, word := range words {
		if word != "run" && word != "exec" {
			continue
		}
		rest := words[i+1:]
		for strings.HasPrefix(rest[0], "--") {
			rest = rest[1:]
		}
		if composed.Services[rest[0]] == nil {
			return fmt.Errorf("%s has no service %s", words[at+1], rest[0])
		}
		if len(rest) > 1 && strings.HasSuffix(rest[1], "/idaas-ldap") {
			return typedProduct(t, rest[2:])
		}
	}
	return nil
}

// typedKubectl looks whether the secret that is made is one of which the chart speaks, with files that it or the configuration in it names.
func typedKubectl(_ *testing.T, words []string) error {
	values, err := ofProject("configs/helm/idaas-ldap/values.yaml")
	if err != nil {
		return err
	}
	if len(words) < 4 || words[0] != "create" || words[1] != "secret" {
		return fmt.Errorf("nobody looks at this command of kubectl")
	}
	key := map[string]string{"generic": "secrets: ", "tls": "certificate: "}[words[2]]
	if !strings.Contains(values, "\n"+key+words[3]+"\n") {
		return fmt.Errorf("values.yaml does not say %s%s", key, words[3])
	}
	for _, word := range words[4:] {
		if name, is := strings.CutPrefix(word, "--from-file="); is && !strings.Contains(values, name) {
			return fmt.Errorf("values.yaml names no file %s", name)
		}
	}
	return nil
}

func typedHelm(_ *testing.T, words []string) error {
	for i, word := range words {
		if word != "install" && word != "upgrade" {
			continue
		}
		text, err := ofProject(words[i+2] + "/values.yaml")
		if err != nil {
			return err
		}
		var values map[string]any
		if err := yaml.Unmarshal([]byte(text), &values); err != nil {
			return err //nolint:wrapcheck // The line is named beside it.
		}
		for j, flag := range words {
			if flag != "--set" {
				continue
			}
			name, _, _ := strings.Cut(words[j+1], "=")
			var value any = values
			for part := range strings.SplitSeq(name, ".") {
				inside, _ := value.(map[string]any)
				value = inside[part]
			}
			if value == nil {
				return fmt.Errorf("values.yaml has no %s", name)
			}
		}
	}
	return nil
}

// typedCurl looks whether the admin listener has the address, by its own description.
func typedCurl(_ *testing.T, words []string) error {
	text, err := ofProject("console/openapi.json")
	if err != nil {
		return err
	}
	var api struct {
		Paths map[string]map[string]struct {
			Parameters []struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(text), &api); err != nil {
		return err //nolint:wrapcheck // The line is named beside it.
	}
	address, err := url.Parse(words[len(words)-1])
	if err != nil {
		return err //nolint:wrapcheck // It has the address.
	}
	if slices.Contains([]string{"/livez", "/readyz", "/metrics"}, address.Path) && address.RawQuery == "" {
		return nil
	}
	operation, is := api.Paths[address.Path]["get"]
	if !is {
		return fmt.Errorf("the API has no %s", address.Path)
	}
	for name := range address.Query() {
		if !slices.ContainsFunc(operation.Parameters, func(p struct{ Name string }) bool { return p.Name == name }) {
			return fmt.Errorf("%s takes no %s", address.Path, name)
		}
	}
	return nil
}

func typedSystemctl(_ *testing.T, words []string) error {
	_, err := ofProject("configs/systemd/" + words[len(words)-1] + ".service")
	return err
}

// typedInstall looks whether the package is one that "make release" makes, by the table of the page; the deb is installed by a test of its own.
func typedInstall(t *testing.T, words []string) error {
	t.Helper()
	if page := documentation(t, "English")["packages.md"]; words[0] != "install" || !strings.Contains(page, "| `"+filepath.Base(words[1])+"`") {
		return fmt.Errorf("make release makes no %s", words[1])
	}
	return nil
}

// typedOpenSSL runs the line, and expects a key for the store.
func typedOpenSSL(t *testing.T, words []string) error {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", words[:slices.IndexFunc(words, redirected.MatchString)]...).Output()
	if err != nil {
		return err //nolint:wrapcheck // The line is named beside it.
	}
	if !regexp.MustCompile(`^[0-9a-f]{64}\n$`).Match(out) {
		return fmt.Errorf("it makes %q", out)
	}
	return nil
}
