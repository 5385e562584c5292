package audit_test

import (
	"bytes"
	"os"
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
		lines, err := audit.After(l.Path, tt.after, 40, int(tt.most))
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

// Lines that are damaged, or give themselves another number, are passed over, and the rest is found.
func TestDamagedLinesArePassedOver(t *testing.T) {
	for name, damage := range map[string]func(line []byte) []byte{
		"no JSON":            func(line []byte) []byte { return line[:len(line)/2] },
		"nothing":            func([]byte) []byte { return nil },
		"zeros":              func(line []byte) []byte { return make([]byte, len(line)) },
		"a number far ahead": func(line []byte) []byte { return bytes.Replace(line, []byte(`{"seq":`), []byte(`{"seq":999`), 1) },
		"a number of before": func(line []byte) []byte { return bytes.Replace(line, []byte(`{"seq":1`), []byte(`{"seq":`), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLogs(t, nil)
			l.write(t, 1, 40)
			lines := bytes.SplitAfter(must(os.ReadFile(l.Path)), []byte("\n"))
			for _, at := range []int{13, 14, 17} {
				lines[at] = append(damage(bytes.TrimSuffix(lines[at], []byte("\n"))), '\n')
			}
			if err := os.WriteFile(l.Path, bytes.Join(lines, nil), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, after := range []int64{0, 12, 13, 14, 17, 18, 33, 39} {
				found, err := audit.After(l.Path, after, 40, 100)
				if err != nil {
					t.Fatal(err)
				}
				seen := after
				for _, line := range found {
					if line.Seq <= seen || line.Seq > 40 {
						t.Errorf("after %d, %d follows %d", after, line.Seq, seen)
					}
					seen = line.Seq
				}
				if seen != 40 {
					t.Errorf("after %d it ends with %d", after, seen)
				}
				if after >= 18 && int64(len(found)) != 40-after {
					t.Errorf("after %d there are %d", after, len(found))
				}
			}
		})
	}
}
