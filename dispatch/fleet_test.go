package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/processor"
)

// reroute feeds other directories from now on. The returned function waits until the former routes are not used any more.
func (r *rig) reroute(routes ...dispatch.Route) (ended func()) {
	former := r.stop
	run := r.Reroute(routes)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-done
	}
	return former
}

func (r *rig) route(directory string) dispatch.Route {
	s := r.directories[directory]
	if s == nil {
		s = &scripted{}
		r.directories[directory] = s
	}
	return dispatch.Route{Directory: directory, Workers: 2, PasswordSync: true, Processor: s, Check: s.check}
}

// Nothing that was begun is cut off, and nothing that waits is lost, when other routes take the place of those that there were. Two
// never work on one directory.
func TestOtherRoutesTakeOverWhatIsDue(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := make(chan struct{})
		var mu sync.Mutex
		working, most := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			working += n
			most = max(most, working)
		}
		r.script(func(ctx context.Context, task processor.Task) processor.Result {
			<-release
			if ctx.Err() != nil {
				return parked(task, event.CodeRetry)
			}
			return applied(task)
		})
		first := r.accept(update("ann", 1))
		synctest.Wait()
		former := r.directories[corp]
		delete(r.directories, corp)
		route := r.route(corp)
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			count(1)
			defer count(-1)
			select {
			case <-release:
			default:
				r.Error("the new route works on the directory while the former one does")
			}
			return applied(task)
		})
		ended := r.reroute(route)
		second := r.accept(update("ann", 2), update("bob", 1))
		r.pass(5 * time.Second)
		close(release)
		ended()
		for _, got := range append(r.await(first), r.await(second)...) {
			if got.Code != event.CodeApplied {
				r.Errorf("%+v", got)
			}
		}
		if n := len(former.tasks()); n != 1 {
			r.Errorf("the former route was given %d tasks", n)
		}
		if most == 0 {
			r.Error("the new route was given none")
		}
	})
}

// A directory that is not fed any more keeps its events, and who waits for them is told. When it is fed again they are applied.
func TestADirectoryThatIsNotFedKeepsItsEvents(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result { return parked(task, event.CodeRetry) })
		r.accept(update("eve", 1))
		r.pass(time.Second)
		r.directories[corp].goDown(errors.New("connection refused"))
		r.accept(update("ann", 1))
		r.pass(time.Second)
		ticket := r.accept(update("bob", 1))
		r.reroute(r.route("other"))()
		if got := r.await(ticket)[0]; got.State != event.Waiting || !strings.Contains(got.Message, "corp is in the configuration again") {
			r.Errorf("who waits is told %+v", got)
		}
		repeat := r.answer(update("bob", 1))
		if repeat.State != event.Waiting || !strings.Contains(repeat.Message, "in the configuration again") {
			r.Errorf("a repeat is told %+v", repeat)
		}
		if got := r.answer(update("dan", 1)); got.Code != event.CodeApplied {
			r.Errorf("in the directory that is fed: %+v", got)
		}
		if open := r.counts(); open[event.Pending]+open[event.Waiting] != 3 {
			r.Errorf("the store keeps %v", open)
		}
		r.directories[corp].goDown(nil)
		r.script(func(_ context.Context, task processor.Task) processor.Result { return applied(task) })
		r.reroute(r.route(corp))()
		r.pass(time.Minute)
		for _, id := range []string{"eve@1", "ann@1", "bob@1"} {
			r.wantCode(id, event.CodeApplied)
		}
	})
}

// A connection test that is under way is answered by the routes that it has begun with.
func TestAConnectionTestEndsBeforeItsRoutes(t *testing.T) {
	inBubble(t, func(r *rig) {
		route := r.route("slow")
		over := false
		route.Check = func(ctx context.Context) error {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			if over {
				return errors.New("the directory was closed meanwhile")
			}
			return ctx.Err()
		}
		r.reroute(route)()
		synctest.Wait()
		answer := make(chan event.Outcome)
		go func() { answer <- r.answer(event.Change{ID: "t", Type: event.TypeTest}) }()
		synctest.Wait()
		ended := r.reroute(r.route(corp))
		go func() {
			ended()
			over = true
		}()
		if got := <-answer; got.Code != event.CodeTestOK {
			r.Errorf("%+v", got)
		}
	})
}

// Replaced again before their turn has come, routes never work, and nothing is lost.
func TestManyRoutesInARow(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			<-time.After(30 * time.Millisecond)
			return applied(task)
		})
		var tickets []*dispatch.Ticket
		for i := range 20 {
			tickets = append(tickets, r.accept(update(fmt.Sprint("u", i), 1), update("all", int64(i+1))))
			ended := r.reroute(r.route(corp))
			defer ended()
			r.pass(time.Duration(i) * time.Millisecond)
		}
		for i, ticket := range tickets {
			for _, got := range r.await(ticket) {
				if got.Code != event.CodeApplied && got.Code != event.CodeSuperseded {
					r.Errorf("request %d: %+v", i, got)
				}
			}
		}
	})
}
