package mapping_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/mapping"
)

var update = flag.Bool("update", false, "write expected messages and generated parts of the documentation anew")

// Every file of testdata/wrong is refused, with exactly the messages in the text beside it.
func TestWrongFilesAreRefusedWithTheirMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/wrong/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d wrong files: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			got := messages(t, file)
			expected := strings.TrimSuffix(file, ".yaml") + ".txt"
			if *update {
				if err := os.WriteFile(expected, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(expected)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// messages returns what is said about a wrong file.
func messages(t *testing.T, file string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = mapping.Compile(filepath.Base(file), source)
	var wrong *mapping.Errors
	if !errors.As(err, &wrong) {
		t.Fatalf("it is accepted: %v", err)
	}
	return wrong.Error() + "\n"
}
