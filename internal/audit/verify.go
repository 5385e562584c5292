package audit

import "fmt"

// Report is what a look through a log has found.
type Report struct {
	// First and Last are the numbers of the first and the last record, zero where there is none, and Records how many there are.
	First   int64 `json:"first"`
	Last    int64 `json:"last"`
	Records int64 `json:"records"`
	// Problems say what is wrong, each with file and line.
	Problems []string `json:"problems,omitempty"`
}

// mostProblems is how many are listed: what comes after the first is often its consequence.
const mostProblems = 20

// Verify looks through a log with the key. Known is the last record that is remembered elsewhere; the zero value for none.
func Verify(path string, digest Digest, known End) (Report, error) {
	var report Report
	problem := func(format string, about ...any) {
		if len(report.Problems) < mostProblems {
			report.Problems = append(report.Problems, fmt.Sprintf(format, about...))
		}
	}
	before, met := "", known.Seq == 0
	err := lines(path, func(name string, number int, line []byte) (bool, error) {
		r, mac, genuine, err := unseal(digest, before, line)
		if err != nil {
			problem("%s:%d: %v", name, number, err)
			return true, nil
		}
		switch {
		case report.Records == 0 && r.Seq > 1:
			// Older files are gone, by Keep or by hand; the first record of those that are there follows one that nobody can see.
		case genuine:
		case report.Records > 0 && r.Seq != report.Last+1:
			problem("%s:%d: record %d follows record %d: lines were removed, added or put elsewhere", name, number, r.Seq, report.Last)
		default:
			problem("%s:%d: record %d, or the one before it, was changed", name, number, r.Seq)
		}
		if r.Seq == known.Seq {
			met = true
			if mac != known.Mac {
				problem("%s:%d: record %d is not the one that the store remembers", name, number, r.Seq)
			}
		}
		if report.Records == 0 {
			report.First = r.Seq
		}
		report.Records++
		report.Last, before = r.Seq, mac
		return true, nil
	})
	if !met && report.Last < known.Seq {
		problem("%s: it ends with record %d, and the store remembers record %d: the end was removed", path, report.Last, known.Seq)
	}
	return report, err
}
