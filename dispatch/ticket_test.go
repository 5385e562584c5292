package dispatch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Who is told that a user is there may name the user as a member at once: nothing is written for the user any more.
func TestWhoeverIsToldOfIsFree(t *testing.T) {
	inBubble(t, func(r *rig) {
		busy := func() bool { return dispatch.Busy(r.Dispatcher, corp, group("vpn"), user("ann")) }
		var before, after bool
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			before = busy()
			return applied(task)
		})
		r.seen.told = func() { after = busy() }
		r.answer(update("ann", 1))
		synctest.Wait()
		if !before || after {
			r.Errorf("while written busy is %v, want true; when it is told %v, want false", before, after)
		}
	})
}

func TestAnswersSayWhatBecameOfEachEvent(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			switch task.Merged.Object.Ref.ID {
			case "refused":
				return processor.Result{Outcome: event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: "object class violation"}}
			case "held":
				return processor.Result{Outcome: event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: "too many"}}
			case "waits":
				return parked(task, event.CodeWaitsForObject, unit("sales"))
			}
			return applied(task)
		})
		malformed := update("malformed", 1)
		malformed.Problem = "username is not text"
		about := func(kind event.Type, ref event.Ref) event.Change { return said(kind, ref, 1, nil) }
		changes := []event.Change{
			update("fine", 1), update("refused", 1), update("held", 1), update("waits", 1), malformed,
			about("ud:spaceship:launch", event.Ref{}),
			{ID: "touch", Type: event.TypeUnitAddUser, Stamp: event.Stamp{Event: 1}},
			{ID: "test", Type: event.TypeTest},
			about(event.TypeUserDisable, user("gone")), // newer than the deletion
		}
		r.answer(said(event.TypeUserDelete, user("gone"), 0, nil))
		start := time.Now()
		outcomes := r.await(r.accept(changes...))
		for i, want := range []struct {
			state event.State
			code  event.Code
		}{
			{event.Done, event.CodeApplied},
			{event.Failed, event.CodeRefused},
			{event.Held, event.CodeGuarded},
			{event.Waiting, event.CodeWaitsForObject},
			{event.Failed, event.CodeMalformed},
			{event.Skipped, event.CodeUnknownType},
			{event.Skipped, event.CodeNoObject},
			{event.Done, event.CodeTestOK},
			{event.Waiting, event.CodeWaitsForRecord},
		} {
			if got := outcomes[i]; got.State != want.state || got.Code != want.code || got.Message == "" {
				r.Errorf("%s is answered with %+v; want %s %s", changes[i].ID, got, want.state, want.code)
			}
		}
		if took := time.Since(start); took > 0 {
			r.Errorf("it took %s although nothing was left to wait for", took)
		}
		if n := dispatch.Watched(r.Dispatcher); n != 0 {
			r.Errorf("after the answer %d events are still watched", n)
		}
	})
}

// What is not known when the time for the answer ends is ours: the answer says so, and the event is applied later.
func TestAnAnswerDoesNotWaitForEver(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := make(chan struct{})
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			<-release
			return applied(task)
		})
		start := time.Now()
		o := r.answer(update("ann", 1))
		if o.State != event.Pending || o.Code != event.CodeAccepted || !strings.Contains(o.Message, "stored") {
			r.Errorf("answered with %+v", o)
		}
		if took := time.Since(start); took != 8*time.Second {
			r.Errorf("the answer took %s", took)
		}
		close(release)
		synctest.Wait()
		r.wantCode("ann@1", event.CodeApplied)
	})
}

func TestARepeatGetsTheRecordedResultAndIsNotAppliedAgain(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.pass(time.Hour)
		first := len(r.directories[corp].tasks())
		if o := r.answer(update("ann", 1)); o.Code != event.CodeApplied || o.Message != "add" {
			r.Errorf("the repeat is answered with %+v", o)
		}
		// Twice in one request, one of them new.
		twice := r.await(r.accept(update("ann", 1), update("ann", 2), update("ann", 2)))
		for i, o := range twice {
			if o.Code != event.CodeApplied {
				r.Errorf("number %d is answered with %+v", i+1, o)
			}
		}
		if n := len(r.directories[corp].tasks()); n != first+1 {
			r.Errorf("%d reconciles for one new event", n-first)
		}
	})
}

// A repeat that comes while the first is still worked on waits for the same result.
func TestARepeatOfWhatIsUnderWayWaitsForIt(t *testing.T) {
	inBubble(t, func(r *rig) {
		release := make(chan struct{})
		r.script(func(_ context.Context, task processor.Task) processor.Result {
			<-release
			return applied(task)
		})
		first, second := r.accept(update("ann", 1)), r.accept(update("ann", 1))
		go func() {
			<-time.After(time.Second)
			close(release)
		}()
		for _, ticket := range []*dispatch.Ticket{first, second} {
			if o := r.await(ticket)[0]; o.Code != event.CodeApplied {
				r.Errorf("answered with %+v", o)
			}
		}
		synctest.Wait()
		if n := len(r.directories[corp].tasks()); n != 1 {
			r.Errorf("%d reconciles for one event", n)
		}
	})
}

// The directories that an application feeds may change between an event and its repeat.
func TestARepeatForADirectoryThatIsFedNoMore(t *testing.T) {
	inBubble(t, func(r *rig) {
		r.answer(update("ann", 1))
		r.stop()
		for _, routes := range [][]dispatch.Route{nil, {{Directory: "lab", Workers: 1}}} {
			r.configure(routes)
			if o := r.await(r.accept(update("ann", 1)))[0]; o.State != event.Done || o.Code != event.CodeApplied {
				r.Errorf("with %d other directories the repeat is answered with %+v", len(routes), o)
			}
		}
	})
}

func TestSeveralDirectoriesAreAnsweredTogether(t *testing.T) {
	routes := []dispatch.Route{
		{Directory: corp, Workers: 1, PasswordSync: true, Applications: []string{app}}, {Directory: "lab", Workers: 1}, {Directory: "other", Workers: 1, Applications: []string{"app_other"}},
	}
	inBubbleOf(t, routes, func(r *rig) {
		if o := r.answer(update("ann", 1)); o.Code != event.CodeApplied || o.Message != "add" {
			r.Errorf("where both say the same the answer is %+v", o)
		}
		r.directories["lab"].script(func(_ context.Context, task processor.Task) processor.Result {
			return parked(task, event.CodeWaitsForObject, unit("sales"))
		})
		if o := r.answer(update("bob", 1)); o.Code != event.CodeWaitsForObject || o.Message != "corp: add; lab: not yet" {
			r.Errorf("where one waits the answer is %+v", o)
		}
		if n := len(r.directories["other"].tasks()); n != 0 {
			r.Errorf("a directory that the application does not feed was given %d tasks", n)
		}
		c := update("eve", 1)
		c.Password = secret.New("correct horse")
		r.answer(c)
		for name, has := range map[string]bool{corp: true, "lab": false} {
			if got := !r.directories[name].tasksOf(user("eve"))[0].task.Merged.Password.Empty(); got != has {
				r.Errorf("the password reaches %s: %t", name, got)
			}
		}
	})
}

func TestTheConnectionTestAsksTheDirectoriesOfTheApplication(t *testing.T) {
	routes := []dispatch.Route{{Directory: corp, Workers: 1, Applications: []string{app}}, {Directory: "lab", Workers: 1, Applications: []string{"app_other"}}}
	inBubbleOf(t, routes, func(r *rig) {
		r.directories["lab"].goDown(errDown)
		if o := r.answer(event.Change{ID: "t1", Type: event.TypeTest}); o.State != event.Done || o.Code != event.CodeTestOK {
			r.Errorf("with a directory down that is not concerned: %+v", o)
		}
		r.directories[corp].goDown(errDown)
		if o := r.answer(event.Change{ID: "t2", Type: event.TypeTest}); o.State != event.Failed || o.Code != event.CodeTestFailed || o.Message != "corp: connection refused" {
			r.Errorf("with the directory down: %+v", o)
		}
		ticket, err := r.Accept(r.Context(), "app_other", "i", []event.Change{{ID: "t3", Type: event.TypeTest}})
		if err != nil {
			r.Fatal(err)
		}
		if o := r.await(ticket)[0]; o.State != event.Failed || o.Message != "lab: connection refused" {
			r.Errorf("of another application: %+v", o)
		}
	})
}

func TestTheConnectionTestOfAnApplicationThatFeedsNothingFails(t *testing.T) {
	inBubbleOf(t, []dispatch.Route{{Directory: corp, Workers: 1, Applications: []string{"app_other"}}}, func(r *rig) {
		if o := r.answer(event.Change{ID: "t", Type: event.TypeTest}); o.State != event.Failed || o.Code != event.CodeTestFailed {
			r.Errorf("the test is answered with %+v", o)
		}
		if o := r.answer(update("ann", 1)); o.State != event.Skipped || o.Code != event.CodeSwitchedOff {
			r.Errorf("an event is answered with %+v", o)
		}
	})
}

// full is a store that takes nothing in.
type full struct{ store.Store }

func (full) Accept(context.Context, event.Millis, []store.NewEvent) ([]store.Accepted, error) {
	return nil, fmt.Errorf("%w: the disk is full", store.ErrUnavailable)
}

func TestWhatCannotBeStoredIsNotAccepted(t *testing.T) {
	log := logrus.New()
	log.SetOutput(t.Output())
	directory := &scripted{}
	d := dispatch.New(dispatch.Config{
		Store: full{}, Clock: dispatch.SystemClock{}, Rand: rand.New(rand.NewPCG(1, 2)), Log: log,
		Routes: []dispatch.Route{{Directory: corp, Workers: 1, Processor: directory, Check: directory.check}},
	})
	if _, err := d.Accept(t.Context(), app, "i", []event.Change{update("ann", 1), {ID: "t", Type: event.TypeTest}}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the error is %v", err)
	}
	if n := dispatch.Watched(d); n != 0 {
		t.Errorf("%d events are watched that were not accepted", n)
	}
	// The connection test alone loses nothing: it is answered with the reason.
	ticket, err := d.Accept(t.Context(), app, "i", []event.Change{{ID: "t", Type: event.TypeTest}})
	if err != nil {
		t.Fatal(err)
	}
	if o := ticket.Wait(t.Context())[0]; o.State != event.Failed || o.Code != event.CodeTestFailed || !strings.Contains(o.Message, "the disk is full") {
		t.Errorf("the connection test is answered with %+v", o)
	}
}
