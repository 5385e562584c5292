package mapping_test

import (
	"os"
	"path/filepath"
	"testing"

	"idaas-ldap/internal/mappingtest"

	"idaas-ldap/mapping"
)

func TestReadyMappingsPassTheirOwnTests(t *testing.T) {
	files, err := filepath.Glob("../configs/mappings/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no ready mappings: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			set, err := mapping.Compile(file, source)
			if err != nil {
				t.Fatal(err)
			}
			results := mappingtest.Run(set)
			if len(results) == 0 {
				t.Error("it has no tests")
			}
			for _, r := range results {
				if r.Err != nil {
					t.Errorf("%s:\n%v", r.Name, r.Err)
				}
			}
		})
	}
}
