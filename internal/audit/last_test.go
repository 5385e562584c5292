package audit_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"idaas-ldap/internal/audit"
)

// Page by page, from the end on, each record is there once, over full files, and with a line that is being written at the end.
func TestALogIsReadFromItsEnd(t *testing.T) {
	l := newLogs(t, func(cfg *audit.Config) { cfg.MaxBytes = 3000 })
	l.write(t, 1, 60)
	file, err := os.OpenFile(l.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(`{"seq":61,"at"`); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{1, 7, 100} {
		want := int64(60)
		for before := int64(0); ; {
			records, err := audit.Last(l.Path, before, most)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				if r.Seq != want {
					t.Fatalf("%d at a time: %d comes where %d should", most, r.Seq, want)
				}
				want, before = want-1, r.Seq
			}
			if len(records) == 0 {
				break
			}
		}
		if want != 0 {
			t.Errorf("%d at a time: it ends before %d", most, want)
		}
	}
	if records, err := audit.Last(l.Path, 1_000_000, 2); err != nil || len(records) != 2 || records[0].Seq != 60 {
		t.Errorf("before one that is not there yet: %v, %v", records, err)
	}
}

// What is read does not grow with the log: of long lines there are fewer at a time.
func TestALookAtALogIsBounded(t *testing.T) {
	l := newLogs(t, nil)
	log := l.open(t)
	for i := range 8 {
		r := record(i)
		r.Changes = []audit.Change{{Attribute: "jpegPhoto", Kind: "replace", New: []string{strings.Repeat("a", 1<<20)}}}
		if err := log.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	records, err := audit.Last(l.Path, 0, 100)
	if err != nil || len(records) < 1 || len(records) > 5 {
		t.Errorf("%d records: %v", len(records), err)
	}
	if more, err := audit.Last(l.Path, records[len(records)-1].Seq, 100); err != nil || len(more) == 0 || more[0].Seq != records[len(records)-1].Seq-1 {
		t.Errorf("it does not go on: %v", err)
	}
	if _, err := audit.Last(fmt.Sprint(t.TempDir(), "/nowhere/audit.log"), 0, 1); err == nil {
		t.Error("a log that is not there is read")
	}
}
