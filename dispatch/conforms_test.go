package dispatch_test

import (
	"testing"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/processor/conformance"
	"idaas-ldap/store"
)

// What a processor relies on is kept by the store, with the memory of a task in front of it.
func TestWhatIsRememberedConforms(t *testing.T) {
	conformance.Memory(t, func(t *testing.T) conformance.Memories {
		t.Helper()
		s := openStore(t)
		load := func(t *testing.T, ref event.Ref) store.Job {
			t.Helper()
			job, err := s.Load(t.Context(), store.Key{Directory: corp, Object: ref}, 10)
			if err != nil {
				t.Fatal(err)
			}
			return job
		}
		return conformance.Memories{
			Of: func(t *testing.T, ref event.Ref) processor.Memory {
				t.Helper()
				return dispatch.MemoryOf(s, load(t, ref))
			},
			Remember: func(t *testing.T, o event.Object, r plan.Record) {
				t.Helper()
				job := load(t, o.Ref)
				if _, err := s.Settle(t.Context(), 1, store.Settlement{Key: job.Key, Version: job.Version, Known: o, Record: r}); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
