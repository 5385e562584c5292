package dispatch_test

import (
	"context"
	"testing"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// planner puts users below their unit, as a mapping would, and writes nothing.
type planner struct{}

func (planner) Preview(ctx context.Context, task processor.Task) processor.Result {
	object := task.Merged.Object
	above := plan.MustParseDN("dc=example,dc=org")
	if id := object.Text(event.FieldPrimaryUnit); id != "" {
		_, record, found, err := task.Memory.Lookup(ctx, unit(id))
		if err != nil || !found {
			return parked(task, event.CodeWaitsForObject, unit(id))
		}
		above = record.DN
	}
	result := applied(task)
	result.DN = above.Child(plan.RDN{{Type: "cn", Value: object.Ref.ID}})
	return result
}

// What is planned later sees what was planned before; the store and the directory see nothing of it.
func TestAPreviewBuildsOnWhatItHasShown(t *testing.T) {
	s := openStore(t)
	p := dispatch.NewPreview(s, corp, planner{})
	inSales := func(at int64) event.Change {
		return said(event.TypeUserCreate, user("ann"), at, event.Values{event.FieldPrimaryUnit: "sales"})
	}
	show := func(c event.Change) processor.Result {
		t.Helper()
		result, err := p.Plan(t.Context(), c, 946_684_800_000)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if r := show(inSales(2)); r.Outcome.Code != event.CodeWaitsForObject {
		t.Errorf("without its unit the user is %+v", r.Outcome)
	}
	show(said(event.TypeUnitCreate, unit("sales"), 1, nil))
	if r := show(inSales(3)); r.DN.String() != "cn=ann,cn=sales,dc=example,dc=org" {
		t.Errorf("the user is planned at %s: %+v", r.DN, r.Outcome)
	}
	if r := show(inSales(2)); r.Outcome.Code != event.CodeStale {
		t.Errorf("an older event is %+v", r.Outcome)
	}
	for _, ref := range []event.Ref{user("ann"), unit("sales")} {
		if object, _, err := s.Lookup(t.Context(), store.Key{Directory: corp, Object: ref}); err == nil {
			t.Errorf("planning has stored %+v", object)
		}
	}
}

// remover deletes whoever it is asked about, within a guard that lets three users pass.
type remover struct{}

func (remover) Preview(ctx context.Context, task processor.Task) processor.Result {
	result := applied(task)
	permission, err := task.Memory.Permit(ctx, processor.ActDelete, []event.Ref{task.Merged.Object.Ref}, mapping.Limit{Max: 3, Percent: 100, Window: time.Hour})
	if err != nil || !permission.Granted {
		result.Outcome = event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: permission.Beyond}
	}
	return result
}

// A preview says what a guard would hold, counts what it has shown before, and takes nothing from the guard.
func TestAPreviewAsksTheGuards(t *testing.T) {
	s := openStore(t)
	const now event.Millis = 946_684_800_000
	spend := func(id string) bool {
		t.Helper()
		ok, err := s.Spend(t.Context(), store.Spending{
			Directory: corp, Act: string(processor.ActDelete), Objects: []event.Ref{user(id)}, Now: now, Window: time.Hour, Max: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	known := map[int64]event.Outcome{}
	for _, id := range []string{"a", "b", "c", "d"} {
		_, err := s.Accept(t.Context(), now, []store.NewEvent{{
			Application: app, Change: said(event.TypeUserCreate, user(id), 1, nil), Targets: []store.Target{{Directory: corp}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		job, err := s.Load(t.Context(), store.Key{Directory: corp, Object: user(id)}, 1)
		if err != nil {
			t.Fatal(err)
		}
		known[job.Pending[0].Seq] = event.Outcome{State: event.Done}
		_, err = s.Settle(t.Context(), now, store.Settlement{
			Key: job.Key, Version: job.Version, Known: event.Merge(job.Known, []event.Change{job.Pending[0].Change}).Object, Outcomes: known,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	spend("elsewhere")
	for range 2 {
		p := dispatch.NewPreview(s, corp, remover{})
		for i, id := range []string{"a", "b", "c", "a"} {
			result, err := p.Plan(t.Context(), said(event.TypeUserDelete, user(id), int64(10+i), nil), now)
			if err != nil {
				t.Fatal(err)
			}
			if held := result.Outcome.State == event.Held; held != (id == "c") {
				t.Errorf("the deletion of %s is planned as %+v", id, result.Outcome)
			}
		}
	}
	if !spend("x") || !spend("y") || spend("z") {
		t.Error("the previews have taken from the guard")
	}
}
