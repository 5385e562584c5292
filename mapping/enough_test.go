package mapping_test

import (
	"testing"

	"pgregory.net/rapid"

	"idaas-ldap/mapping"
)

// To know how many objects there are beyond what is enough changes nothing of what a limit allows.
func TestWhatIsEnoughForALimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := mapping.Limit{Max: rapid.IntRange(0, 5000).Draw(t, "max"), Percent: rapid.Float64Range(0, 120).Draw(t, "percent")}
		known := rapid.IntRange(0, 1_000_000).Draw(t, "known")
		if got, want := l.Allows(min(known, l.Enough())), l.Allows(known); got != want {
			t.Fatalf("%+v allows %d of %d, and %d of what is enough, %d", l, want, known, got, l.Enough())
		}
	})
}
