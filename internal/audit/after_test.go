package audit_test

import (
	"testing"

	"idaas-ldap/internal/audit"
)

func TestLinesAfterARecord(t *testing.T) {
	l := newLogs(t, func(c *audit.Config) { c.MaxBytes = 2000 })
	l.write(t, 1, 40)
	if n := len(l.files(t)); n < 3 {
		t.Fatalf("%d files", n)
	}
	for _, tt := range []struct{ after, most, first, n int64 }{{0, 100, 1, 40}, {0, 7, 1, 7}, {17, 100, 18, 23}, {39, 1, 40, 1}, {40, 5, 0, 0}, {99, 5, 0, 0}} {
		lines, err := audit.After(l.Path, tt.after, int(tt.most))
		if err != nil || int64(len(lines)) != tt.n {
			t.Errorf("after %d: %d lines, want %d (%v)", tt.after, len(lines), tt.n, err)
			continue
		}
		for i, line := range lines {
			if line.Seq != tt.first+int64(i) || line.Text[0] != '{' || line.Text[len(line.Text)-1] != '}' {
				t.Errorf("after %d: line %d is record %d: %s", tt.after, i, line.Seq, line.Text)
			}
		}
	}
}
