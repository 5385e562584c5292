package audit

import (
	"bytes"
	"fmt"
)

// Report is what a look through a log has found.
type Report struct {
	// First and Last are the numbers of the first and the last record, zero where there is none, and Records how many there are.
	First   int64 `json:"first"`
	Last    int64 `json:"last"`
	Records int64 `json:"records"`
	// Remembered: it is known elsewhere where the log ends. Without that nobody can tell whether its last lines, or its first ones, were cut off.
	Remembered bool `json:"remembered"`
	// Problems say what is wrong, each with file and line.
	Problems []string `json:"problems,omitempty"`
}

// mostProblems is how many are listed: what comes after the first is often its consequence.
const mostProblems = 20

func (r *Report) problem(format string, about ...any) {
	if len(r.Problems) < mostProblems {
		r.Problems = append(r.Problems, fmt.Sprintf(format, about...))
	}
}

// reading is a look through a log.
type reading struct {
	Report

	digest Digest
	known  End
	before string // the digest of the record before
	met    bool   // the last record that is known
	// The first record, as what it follows may be known only later.
	first     []byte
	firstName string
	firstAt   int
}

// Verify looks through a log with the key. Known returns the end that is remembered elsewhere, the zero value for none. It is asked before and
// after, as the log may be written to meanwhile.
func Verify(path string, digest Digest, known func() (End, error)) (Report, error) {
	before, err := known()
	if err != nil {
		return Report{}, err
	}
	r := &reading{digest: digest, known: before, met: before.Seq == 0}
	r.Remembered = before.Seq > 0
	if err := lines(path, r.look); err != nil {
		return r.Report, err
	}
	if !r.met && r.Last < before.Seq {
		r.problem("%s: it ends with record %d, and the store remembers record %d: the end was removed", path, r.Last, before.Seq)
	}
	after, err := known()
	if err != nil {
		return r.Report, err
	}
	r.beginning(path, before, after)
	return r.Report, nil
}

// look looks at one line.
func (r *reading) look(name string, number int, line []byte) (bool, error) {
	record, mac, genuine, err := unseal(r.digest, r.before, line)
	if err != nil {
		r.problem("%s:%d: %v", name, number, err)
		return true, nil
	}
	switch {
	case r.Records == 0 && record.Seq > 1:
		r.first, r.firstName, r.firstAt = bytes.Clone(line), name, number
	case genuine:
	case r.Records > 0 && record.Seq != r.Last+1:
		r.problem("%s:%d: record %d follows record %d: lines were removed, added or put elsewhere", name, number, record.Seq, r.Last)
	default:
		r.problem("%s:%d: record %d, or the one before it, was changed", name, number, record.Seq)
	}
	if record.Seq == r.known.Seq {
		r.met = true
	}
	if isOther(r.known.Mark, record.Seq, mac) || isOther(r.known.Removed, record.Seq, mac) {
		r.problem("%s:%d: record %d is not the one that the store remembers", name, number, record.Seq)
	}
	if r.Records == 0 {
		r.First = record.Seq
	}
	r.Records++
	r.Last, r.before = record.Seq, mac
	return true, nil
}

// isOther reports whether a record is not the one that is known under its number.
func isOther(known Mark, seq int64, mac string) bool {
	return known.Seq == seq && known.Mac != "" && known.Mac != mac
}

// beginning looks whether the log begins where it should, and whether its first record is the one that followed those that were removed.
func (r *reading) beginning(path string, known ...End) {
	if last := known[len(known)-1]; last.Begun && r.Records > 0 && r.First > last.Removed.Seq+1 {
		r.problem("%s: it begins with record %d, and the store remembers that those from %d on were kept: the beginning was removed", path, r.First, last.Removed.Seq+1)
	}
	for _, end := range known {
		if r.first == nil || end.Removed.Seq != r.First-1 || end.Removed.Mac == "" {
			continue
		}
		if _, _, genuine, err := unseal(r.digest, end.Removed.Mac, r.first); err != nil || !genuine {
			r.problem("%s:%d: record %d was changed", r.firstName, r.firstAt, r.First)
		}
		return
	}
}
