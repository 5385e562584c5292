package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/mappingtest"
	"idaas-ldap/mapping"
)

// Mappings of every earlier version are taken, with the results that the tests in them expect. What is in testdata is never changed: a version
// that is released adds a folder with its name.
func TestMappingsOfEveryEarlierVersionAreTaken(t *testing.T) {
	paths, err := filepath.Glob("testdata/compat/*/mappings/*.yaml")
	if err != nil || len(paths) < 5 {
		t.Fatalf("there are %v: %v", paths, err)
	}
	for _, path := range paths {
		set, err := mapping.Compile(path, source(t, path))
		if err != nil {
			t.Error(err)
			continue
		}
		results := mappingtest.Run(set)
		if len(results) == 0 {
			t.Errorf("%s has no tests", path)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Errorf("%s: %s: %v", path, r.Name, r.Err)
			}
		}
	}
}

// Configurations of every earlier version are taken, with all keys that there were.
func TestConfigurationsOfEveryEarlierVersionAreTaken(t *testing.T) {
	paths, err := filepath.Glob("testdata/compat/*/idaas-ldap.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are %v: %v", paths, err)
	}
	for _, path := range paths {
		folder := t.TempDir()
		for name, content := range map[string]string{"idaas-ldap.yaml": string(source(t, path)), "encryption.secret": strings.Repeat("ab", 32), "bind.secret": "secret"} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, warnings, err := config.Load(filepath.Join(folder, "idaas-ldap.yaml"), nil)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v %v", path, warnings, err)
			continue
		}
		if len(cfg.Directories) != 1 || cfg.Directories[0].BindPassword.Reveal() != "secret" || len(cfg.Applications[0].EncryptionKeys) != 1 {
			t.Errorf("%s says something else than it did: %+v", path, cfg)
		}
	}
}
