package telemetry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/telemetry"
)

// scrape returns what Prometheus would read.
func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if recorder.Code != http.StatusOK {
		t.Fatalf("status %d: %s", recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

func TestMetrics(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	m := telemetry.NewMetrics("v1.2.3", func() time.Time { return now })
	m.Accepted("app_one", 3)
	m.Rejected("signature")
	m.Settled("corp", event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "user c4n4ry"})
	m.Reconciled("corp", 2, 30*time.Millisecond)
	m.Available("corp", true)
	m.Available("lab", true)
	m.Available("lab", false)
	m.Operation("corp", "modify", "0", 4*time.Millisecond)
	m.Request("/accounts/provision", http.StatusOK, time.Millisecond)
	m.Pulled("app_one", map[string]int{"changed": 3, "absent": 1, "unlisted": 2}, 90*time.Second)
	m.Pulled("app_one", map[string]int{"changed": 4}, 0)
	m.Planned("app_one", now, now.Add(time.Hour))
	m.Planned("app_two", time.Time{}, now)
	m.MappingReloaded("corp", true)
	m.MappingReloaded("corp", false)
	m.Leased("corp", "taken")
	m.Forwarded("sent", 4)
	confirmed := now
	now = now.Add(2 * time.Minute)
	m.Configured([]string{"old"}, nil)
	m.Available("old", true)
	m.Configured([]string{"corp", "lab"}, nil)
	m.MappingReloaded("corp", false)
	m.WatchState(func() telemetry.State {
		return telemetry.State{
			Works: map[string]bool{"corp": true, "lab": false}, Sized: true, Bytes: 4096, Free: 8192, Guards: []telemetry.GuardUse{{Directory: "corp", Act: "delete", Used: 0.25}},
			Keys: []telemetry.KeySet{{Application: "app_one", Usable: true, Confirmed: confirmed}, {Application: "app_two"}}, Audited: true, Forwards: true, Unforwarded: 12,
		}
	})
	m.WatchBacklog(t.Context(), func(_ context.Context, directory string) (telemetry.Backlog, error) {
		if directory == "lab" {
			return telemetry.Backlog{}, errors.New("the store does not answer")
		}
		return telemetry.Backlog{Counts: map[event.State]int64{event.Waiting: 7, event.Failed: 1}, Oldest: event.Millis(now.UnixMilli())}, nil
	})

	got := scrape(t, m)
	for _, want := range []string{
		`idaas_ldap_events_accepted_total 3`,
		`idaas_ldap_application_last_event_timestamp_seconds{application="app_one"} 1.7955216e+09`,
		`idaas_ldap_directory_last_success_timestamp_seconds{directory="corp"} 1.7955216e+09`,
		`idaas_ldap_directory_worked_on{directory="corp"} 1`,
		`idaas_ldap_directory_worked_on{directory="lab"} 0`,
		`idaas_ldap_store_bytes 4096`,
		`idaas_ldap_guard_used_ratio{act="delete",directory="corp"} 0.25`,
		`idaas_ldap_store_free_bytes 8192`,
		`idaas_ldap_callbacks_rejected_total{reason="signature"} 1`,
		`idaas_ldap_outcomes_total{code="APPLIED",directory="corp",state="done"} 1`,
		`idaas_ldap_reconcile_seconds_count{directory="corp"} 1`,
		`idaas_ldap_reconcile_writes_total{directory="corp"} 2`,
		`idaas_ldap_directory_available{directory="corp"} 1`,
		`idaas_ldap_directory_available{directory="lab"} 0`,
		`idaas_ldap_ldap_operation_seconds_bucket{directory="corp",operation="modify",result="0",le="0.005"} 1`,
		`idaas_ldap_http_request_seconds_count{route="/accounts/provision",status="200"} 1`,
		`idaas_ldap_mapping_reloads_total{directory="corp",result="in_force"} 1`,
		`idaas_ldap_mapping_reloads_total{directory="corp",result="refused"} 2`,
		`idaas_ldap_mapping_last_reload_successful{directory="corp"} 0`,
		`idaas_ldap_jwks_age_seconds{application="app_one"} 120`,
		`idaas_ldap_jwks_usable{application="app_one"} 1`,
		`idaas_ldap_jwks_usable{application="app_two"} 0`,
		`idaas_ldap_directory_leases_total{directory="corp",result="taken"} 1`,
		`idaas_ldap_audit_written 0`,
		`idaas_ldap_audit_unforwarded_lines 12`,
		`idaas_ldap_audit_forwarded_lines_total{result="sent"} 4`,
		`idaas_ldap_backlog_oldest_timestamp_seconds{directory="corp"} 1.79552172e+09`,
		`idaas_ldap_pull_rounds_total{application="app_one",result="done"} 1`,
		`idaas_ldap_pull_rounds_total{application="app_one",result="stopped"} 1`,
		`idaas_ldap_pull_objects{application="app_one",state="changed"} 4`,
		`idaas_ldap_pull_last_duration_seconds{application="app_one"} 90`,
		`idaas_ldap_pull_next_timestamp_seconds{application="app_one"} 1.7955252e+09`,
		`idaas_ldap_pull_objects{application="app_one",state="unlisted"} 2`,
		`idaas_ldap_pull_last_success_timestamp_seconds{application="app_one"} 1.7955216e+09`,
		`idaas_ldap_backlog_events{directory="corp",state="pending"} 0`,
		`idaas_ldap_backlog_events{directory="corp",state="waiting"} 7`,
		`idaas_ldap_backlog_events{directory="corp",state="failed"} 1`,
		`idaas_ldap_backlog_counted{directory="corp"} 1`,
		`idaas_ldap_backlog_counted{directory="lab"} 0`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if !regexp.MustCompile(`idaas_ldap_build_info{go="go[^"]+",version="v1\.2\.3"} 1`).MatchString(got) {
		t.Error("no build info")
	}
	if strings.Contains(got, `pull_last_success_timestamp_seconds{application="app_two"`) {
		t.Error("a round that never was has ended well")
	}
	if strings.Contains(got, `jwks_age_seconds{application="app_two"`) {
		t.Error("a key set that there never was has an age")
	}
	if strings.Contains(got, `backlog_events{directory="lab"`) {
		t.Error("a backlog that could not be counted is shown")
	}
	if strings.Contains(got, `directory="old"`) {
		t.Error("a directory that is not configured any more is shown")
	}
}

// Ids, DNs and whatever else comes from outside do not become labels, for there is no end of them, and they are about
// people.
func TestLabelsHoldNothingFromOutside(t *testing.T) {
	m := telemetry.NewMetrics("v1", time.Now)
	for _, hostile := range []string{
		"uid=c4n4ry,dc=example,dc=org", "c4n4ry@example.org", "c4n4ry\nx", "", strings.Repeat("c4n4ry", 10), "c4n4ry c4n4ry",
	} {
		m.Rejected(hostile)
		m.Settled("corp", event.Outcome{State: event.State(hostile), Code: event.Code(hostile), Message: "c4n4ry"})
		m.Operation("corp", hostile, hostile, time.Second)
	}
	got := scrape(t, m)
	if strings.Contains(got, "c4n4ry") {
		t.Errorf("a label holds what came from outside:\n%s", got)
	}
	for _, want := range []string{
		`idaas_ldap_callbacks_rejected_total{reason="other"} 6`,
		`idaas_ldap_outcomes_total{code="other",directory="corp",state="other"} 6`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s", want)
		}
	}

	allowed := map[string]bool{}
	for _, name := range []string{"directory", "state", "code", "operation", "result", "reason", "route", "status", "version", "go", "le"} {
		allowed[name] = true
	}
	label := regexp.MustCompile(`([a-z_]+)="`)
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(line, "idaas_ldap_") {
			continue
		}
		for _, found := range label.FindAllStringSubmatch(line, -1) {
			if !allowed[found[1]] {
				t.Errorf("label %s in %s", found[1], line)
			}
		}
	}
}
