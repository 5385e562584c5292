package configs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"idaas-ldap/connector"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/initial"
	"idaas-ldap/plan"
)

// The image has the program alone, built as all others are, and what lies about in a folder of the source is no part of it.
func TestImageIsTheProgramAlone(t *testing.T) {
	image := string(source(t, "Dockerfile"))
	for _, line := range []string{"FROM scratch", "USER 65532:65532", `ENTRYPOINT ["/usr/local/bin/idaas-ldap"]`, `CMD ["serve"]`, "VOLUME /var/lib/idaas-ldap"} {
		if !slices.Contains(strings.Split(image, "\n"), line) {
			t.Errorf("the image lacks %s", line)
		}
	}
	_, last, _ := strings.Cut(image, "FROM scratch")
	if strings.Contains(last, "RUN ") {
		t.Error("something is run in an image that has nothing to run it with")
	}
	tags := regexp.MustCompile(`(?m)^TAGS := (\S+)$`).FindStringSubmatch(string(source(t, "../Makefile")))
	if tags == nil || !strings.Contains(image, "-tags "+tags[1]+" ") {
		t.Errorf("the image is built with other tags than %v", tags)
	}
	release := regexp.MustCompile(`(?m)^go (1\.[0-9]+)`).FindStringSubmatch(string(source(t, "../go.mod")))
	if release == nil || !strings.Contains(image, "FROM golang:"+release[1]+"-") {
		t.Errorf("the image is built with another Go than %v", release)
	}
	ignored := strings.Split(string(source(t, "../.dockerignore")), "\n")
	for _, path := range []string{".git", ".tools", "bin", "dist", "data", "trial", "**/*.db", "**/*.key", "**/*.secret"} {
		if !slices.Contains(ignored, path) {
			t.Errorf("%s gets into the image", path)
		}
	}
}

// composed is configs/compose.yaml, as far as it says anything.
type composed struct {
	Name     string `yaml:"name"`
	Services map[string]struct {
		Build struct {
			Context          string `yaml:"context"`
			Dockerfile       string `yaml:"dockerfile"`
			DockerfileInline string `yaml:"dockerfile_inline"`
		} `yaml:"build"`
		Command     []string `yaml:"command"`
		Configs     []struct{ Source, Target string }
		Environment map[string]string `yaml:"environment"`
		Ports       []string          `yaml:"ports"`
		Volumes     []string          `yaml:"volumes"`
		ReadOnly    bool              `yaml:"read_only"`
		CapDrop     []string          `yaml:"cap_drop"`
		SecurityOpt []string          `yaml:"security_opt"`
		Profiles    []string          `yaml:"profiles"`
		Grace       string            `yaml:"stop_grace_period"`
		Restart     string            `yaml:"restart"`
		DependsOn   map[string]struct {
			Condition string `yaml:"condition"`
		} `yaml:"depends_on"`
		Healthcheck struct {
			Test     []string `yaml:"test"`
			Interval string   `yaml:"interval"`
			Timeout  string   `yaml:"timeout"`
			Retries  int      `yaml:"retries"`
		} `yaml:"healthcheck"`
	} `yaml:"services"`
	Configs map[string]struct {
		Content string `yaml:"content"`
	} `yaml:"configs"`
	Volumes map[string]any `yaml:"volumes"`
}

// The file for compose names what is there, and the service takes the configuration that its step "init" writes, with the variables that it sets.
func TestComposeFitsTogether(t *testing.T) {
	var c composed
	if err := yaml.UnmarshalWithOptions(source(t, "compose.yaml"), &c, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		files := []string{filepath.Join(s.Build.Context, s.Build.Dockerfile)}
		for _, copied := range regexp.MustCompile(`(?m)^COPY (.*) \./$`).FindAllStringSubmatch(s.Build.DockerfileInline, -1) {
			for file := range strings.FieldsSeq(copied[1]) {
				files = append(files, filepath.Join(s.Build.Context, file))
			}
		}
		for _, file := range files {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, v := range s.Volumes {
			volume, _, _ := strings.Cut(v, ":")
			if _, ok := c.Volumes[volume]; !ok {
				t.Errorf("%s: there is no volume %s", name, volume)
			}
		}
	}
	service := c.Services["idaas-ldap"]
	if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || !slices.Contains(c.Services["init"].Command, "ldap://openldap:1389") ||
		!strings.Contains(string(source(t, "openldap/slapd.conf")), "\nrootpw "+c.Configs["admin.password"].Content+"\n") {
		t.Errorf("%+v", service)
	}
	folder := t.TempDir()
	files, err := initial.Files(initial.Answers{
		URL: "ldap://openldap:1389", BindDN: "cn=admin,dc=example,dc=org", Base: plan.MustParseDN("dc=example,dc=org"), Type: connector.OpenLDAP, State: "data",
	})
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, initial.File{Name: initial.BindSecret, Content: []byte("x")}, initial.File{Name: initial.EncryptionSecret, Content: []byte(strings.Repeat("ab", 32))})
	for _, f := range files {
		path := filepath.Join(folder, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var environment []string
	for name, value := range service.Environment {
		if name != "IDAAS_LDAP_CONFIG" {
			environment = append(environment, name+"="+value)
		}
	}
	cfg, _, err := config.Load(filepath.Join(folder, initial.ConfigurationFile), environment)
	if err != nil || cfg.Receiver.Listen != "0.0.0.0:8443" {
		t.Errorf("%+v: %v", cfg, err)
	}
}
