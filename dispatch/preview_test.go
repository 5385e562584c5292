package dispatch_test

import (
	"context"
	"testing"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
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
