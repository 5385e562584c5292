package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/promised"
)

// Fields of a line are those of every earlier version, or more, and logs that an earlier version has written are whole for this one.
func TestLogsKeepTheirPromises(t *testing.T) {
	promised.Keep(t, "../..", "audit", promised.Members("line", audit.Record{}))
	logs, err := filepath.Glob("../../configs/testdata/compat/*/audit.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("there are %v: %v", logs, err)
	}
	for _, kept := range logs {
		l := newLogs(t, nil)
		text := must(os.ReadFile(kept))
		if err := os.WriteFile(l.Path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		n := int64(bytes.Count(text, []byte("\n")))
		if report := l.verify(t, audit.End{}); len(report.Problems) > 0 || report.Records != n {
			t.Errorf("%s is %+v", kept, report)
		}
		if end := l.write(t, 1, 1); end.Seq != n+1 {
			t.Errorf("%s goes on with %d", kept, end.Seq)
		}
	}
}
