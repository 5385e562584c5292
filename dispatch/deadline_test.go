package dispatch_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// boundedRoutes are those of a rig, with a bound on the work on one object.
func (r *rig) boundedRoutes(longest time.Duration) []dispatch.Route {
	routes := r.routes()
	routes[0].Longest = longest
	return routes
}

func (r *rig) wantState(eventID string, state event.State) {
	r.Helper()
	if got := r.outcome(corp, eventID); got.State != state {
		r.Errorf("%s is %+v; want %s", eventID, got, state)
	}
}

// Work that does not come to an end is cut off and tried again; the directory is not taken for one that is down, and what was known
// of the object until then counts.
func TestWorkThatNeverEndsIsCutOff(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		r.configure(r.boundedRoutes(10 * time.Minute))
		r.start()
		var tries atomic.Int32
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			if task.Merged.Object.Ref != user("ann") || tries.Add(1) > 1 {
				return applied(task)
			}
			<-ctx.Done()
			result := unavailable(task, ctx.Err())
			result.Link, result.DN = "link of ann", plan.MustParseDN("cn=ann,dc=example,dc=org")
			result.Facets = map[event.Facet]event.Outcome{
				event.FacetAccess: {State: event.Done, Code: event.CodeApplied, Message: "the login is changed"},
				event.FacetSecret: {State: event.Waiting, Code: event.CodeUnavailable, Message: ctx.Err().Error()},
			}
			return result
		})
		r.accept(update("ann", 1))
		r.pass(10*time.Minute - time.Second)
		r.wantState("ann@1", event.Pending)
		if got := r.answer(update("bob", 2)); got.Code != event.CodeApplied {
			t.Errorf("beside it bob is %+v", got)
		}
		r.pass(time.Second)
		if got := r.outcome(corp, "ann@1"); got.Code != event.CodeRetry || !strings.Contains(got.Message, "10m0s") || !strings.Contains(got.Message, "timeout") {
			t.Errorf("ann is %+v", got)
		}
		if down := r.Availability()[corp]; down != "" {
			t.Errorf("the directory counts as down: %s", down)
		}
		if _, record, err := r.store.Lookup(r.Context(), store.Key{Directory: corp, Object: user("ann")}); err != nil || record.Link != "link of ann" {
			t.Errorf("of ann %+v is remembered, %v", record, err)
		}
		r.pass(time.Minute)
		r.wantCode("ann@1", event.CodeApplied)
	})
}

// slow is a directory that answers everything, each thing after a while.
type slow struct {
	*looked
	pause atomic.Int64
}

func (s *slow) wait(ctx context.Context) error {
	select {
	case <-time.After(time.Duration(s.pause.Load())):
		return nil
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // As a connection that is closed would say.
	}
}

func (s *slow) Find(ctx context.Context, k plan.Key) (*plan.Entry, error) {
	return after(s.wait(ctx), func() (*plan.Entry, error) { return s.looked.Find(ctx, k) })
}

func (s *slow) Read(ctx context.Context, dn plan.DN, attributes []string) (*plan.Entry, error) {
	return after(s.wait(ctx), func() (*plan.Entry, error) { return s.looked.Read(ctx, dn, attributes) })
}

func (s *slow) Apply(ctx context.Context, op plan.Operation) error {
	if err := s.wait(ctx); err != nil {
		return err
	}
	return s.looked.Apply(ctx, op)
}

func after[V any](err error, do func() (V, error)) (V, error) {
	if err != nil {
		var none V
		return none, err
	}
	return do()
}

// A server that answers each question just in time keeps nobody for ever, and what it was asked for is done when it is well.
func TestAServerThatTrickles(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.stop()
		set, err := mapping.Compile("mapping.yaml", []byte(plainMapping))
		if err != nil {
			t.Fatal(err)
		}
		server := &slow{looked: newLooked(r.T, "openldap", func(plan.Operation, []*plan.Entry, *plan.Entry) {})}
		server.pause.Store(int64(9 * time.Second))
		routes := r.boundedRoutes(15 * time.Second)
		routes[0].Processor = processor.New(server, func() *mapping.Set { return set })
		r.configure(routes)
		r.start()
		create := said(event.TypeUserCreate, user("ann"), 1, event.Values{"username": "ann", "displayName": "Ann", "primaryOuId": event.RootUnitID})
		r.accept(create)
		r.pass(14 * time.Second)
		r.wantState(create.ID, event.Pending)
		r.pass(time.Second)
		if got := r.outcome(corp, create.ID); got.Code != event.CodeRetry || !strings.Contains(got.Message, "given up after 15s") {
			t.Errorf("ann is %+v", got)
		}
		server.pause.Store(0)
		r.pass(time.Minute)
		r.wantCode(create.ID, event.CodeApplied)
	})
}
