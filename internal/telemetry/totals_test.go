package telemetry_test

import (
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/telemetry"
)

func TestTotalsCountWhatIsShownToPeople(t *testing.T) {
	m := telemetry.NewMetrics("test", time.Now)
	m.Accepted("app_one", 3)
	m.Settled("corp", event.Outcome{State: event.Failed})
	m.Settled("corp", event.Outcome{State: event.Done})
	m.Operation("corp", "search", "success", 2*time.Millisecond)
	m.Operation("corp", "add", "success", time.Millisecond)
	if got, want := m.Totals(), (telemetry.Totals{Accepted: 3, Failed: 1, Operations: 2, Took: 3 * time.Millisecond}); got != want {
		t.Errorf("the totals are %+v, not %+v", got, want)
	}
}
