package pull_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/pull"
	"idaas-ldap/store"
)

// rounds notes when rounds were tried.
type rounds struct {
	mu    sync.Mutex
	tried []time.Time
	bad   int
	// When the last round ended well and the next one is due.
	succeeded, next time.Time
}

// Planned notes when rounds were and will be.
func (r *rounds) Planned(_ string, succeeded, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.succeeded, r.next = succeeded, next
}

// Pulled notes a round.
func (r *rounds) Pulled(_ string, _ pull.Progress, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = append(r.tried, time.Now())
	if err != nil {
		r.bad++
	}
}

func (r *rounds) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tried)
}

// schedule runs a schedule until the returned function is called.
func (p *product) schedule(start pull.Start, seen *rounds) (s *pull.Schedule, stop func()) {
	p.Helper()
	return p.scheduleOn(p.store, start, seen)
}

// scheduleOn does so with notes in another place.
func (p *product) scheduleOn(notes store.Rounds, start pull.Start, seen *rounds) (s *pull.Schedule, stop func()) {
	p.Helper()
	return p.scheduleLed(notes, start, seen, nil)
}

// scheduleLed does so where several processes could make the rounds.
func (p *product) scheduleLed(notes store.Rounds, start pull.Start, seen *rounds, leads func(context.Context) bool) (s *pull.Schedule, stop func()) {
	p.Helper()
	log := logrus.New()
	log.SetOutput(io.MultiWriter(p.Output(), &p.log))
	s = &pull.Schedule{
		Round: p.round, Rounds: notes, Application: p.api.Tenant.Application, Every: 2 * time.Hour, AtStart: start,
		Leads: leads, Clock: p.clockOf(), Rand: random(), Log: log, Observer: seen,
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	return s, func() {
		cancel()
		<-done
	}
}

// want fails the test unless there were so many rounds so far.
func (p *product) want(seen *rounds, n int, when string) {
	p.Helper()
	if got := seen.count(); got != n {
		p.Fatalf("%s there were %d rounds; want %d", when, got, n)
	}
}

// Everything is read at the first start, at its times, and where the service was away for longer than IDaaS repeats a callback.
func TestWhenEverythingIsRead(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		seen := &rounds{}
		_, stop := p.schedule(pull.AfterOutage, seen)
		p.pass(10 * time.Second)
		p.want(seen, 1, "at the first start")
		p.pass(110 * time.Minute)
		p.want(seen, 1, "after 110 minutes")
		p.pass(20 * time.Minute)
		p.want(seen, 2, "after 130 minutes")
		stop()
		p.pass(20 * time.Second)
		_, stop = p.schedule(pull.AfterOutage, seen)
		p.pass(time.Minute)
		p.want(seen, 2, "after a restart")
		stop()
		p.pass(2 * time.Minute)
		_, stop = p.schedule(pull.AfterOutage, seen)
		p.pass(time.Minute)
		p.want(seen, 3, "after two minutes away")
		stop()
		p.pass(2 * time.Minute)
		_, stop = p.schedule(pull.Never, seen)
		p.pass(time.Minute)
		p.want(seen, 3, "with never")
		stop()
		_, stop = p.schedule(pull.Always, seen)
		p.pass(time.Minute)
		p.want(seen, 4, "with always")
		stop()
	})
}

// Of several instances one makes the rounds. Another one that takes over goes on from what that has left.
func TestOneInstanceMakesTheRounds(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		var one, two rounds
		var leads atomic.Int64
		leads.Store(1)
		_, stopOne := p.scheduleLed(p.store, pull.AfterOutage, &one, func(context.Context) bool { return leads.Load() == 1 })
		_, stopTwo := p.scheduleLed(p.store, pull.AfterOutage, &two, func(context.Context) bool { return leads.Load() == 2 })
		p.pass(10 * time.Second)
		p.want(&one, 1, "of the first, at its start,")
		p.want(&two, 0, "of the second, at its start,")
		p.pass(130 * time.Minute)
		p.want(&one, 2, "of the first, after 130 minutes,")
		leads.Store(2)
		p.pass(60 * time.Minute)
		p.want(&one, 2, "of the first, when the second one leads,")
		before := two.count()
		p.pass(2 * time.Hour)
		p.want(&two, before+1, "of the second, within its times,")
		stopOne()
		stopTwo()
	})
}

// What a person has asked for is done at once, and a round that was broken off goes on at the next start.
func TestARoundIsAskedForAndGoneOnWith(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		seen := &rounds{}
		s, stop := p.schedule(pull.Never, seen)
		p.pass(time.Minute)
		p.want(seen, 0, "before anybody asks")
		if err := pull.Ask(p.Context(), p.store, p.api.Tenant.Application, pull.Request{At: 1, Full: true}); err != nil {
			p.Fatal(err)
		}
		p.pass(10 * time.Second)
		p.want(seen, 1, "after a person has asked")
		if got := p.api.Requests()["user"]; got != 3 || !strings.HasPrefix(s.State(), "ok, read from ") || !strings.Contains(s.State(), "; next at 2000-01-01T0") {
			p.Errorf("%d users were read alone; the state is %s", got, s.State())
		}
		p.api.Change(func(a *idaastest.API) {
			a.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/groups") {
					return false
				}
				problem(403, "application_api_disabled")(w)
				return true
			}
		})
		if err := pull.Ask(p.Context(), p.store, p.api.Tenant.Application, pull.Request{At: 2}); err != nil {
			p.Fatal(err)
		}
		p.pass(10 * time.Second)
		p.want(seen, 2, "when the API is switched off")
		if seen.bad != 1 || !strings.Contains(s.State(), "open the Developer API") {
			p.Errorf("%d stopped; the state is %s", seen.bad, s.State())
		}
		stop()
		listed := p.api.Requests()["users"]
		p.api.Change(func(a *idaastest.API) { a.Before = nil })
		_, stop = p.schedule(pull.Never, seen)
		p.pass(10 * time.Second)
		stop()
		p.want(seen, 3, "after the restart")
		if got := p.api.Requests()["users"]; got != listed {
			p.Errorf("users were listed %d times more", got-listed)
		}
	})
}

// While a round is under way it is shown how far it is, and the log says at its end what it found, how long it took and when the next one is.
func TestHowFarARoundIsIsShown(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		s, stop := p.schedule(pull.Never, &rounds{})
		shown := ""
		p.api.Change(func(a *idaastest.API) {
			a.Before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/groups") {
					shown = s.State()
				}
				return false
			}
		})
		if err := pull.Ask(p.Context(), p.store, p.api.Tenant.Application, pull.Request{At: 1}); err != nil {
			p.Fatal(err)
		}
		p.pass(10 * time.Second)
		stop()
		if !strings.HasPrefix(shown, "reading since 2000-01-01T00:1") || !strings.Contains(shown, "(groups): 3 units, 3 users, 0 groups; 0 changed, 0 gone, ") {
			p.Errorf("it shows %q", shown)
		}
		for _, part := range []string{"changed=0", "absent=0", "users=3", "duration=", `next="2000-01-01T02:`} {
			if !strings.Contains(p.log.String(), part) {
				p.Errorf("the log does not say %s:\n%s", part, p.log.String())
			}
		}
	})
}

// A round that stops is tried again with growing pauses.
func TestARoundThatStopsIsTriedAgain(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		p.api.Closed = true
		seen := &rounds{}
		_, stop := p.schedule(pull.Always, seen)
		p.pass(10 * time.Minute)
		p.want(seen, 4, "within ten minutes")
		p.api.Change(func(a *idaastest.API) { a.Closed = false })
		p.pass(10 * time.Minute)
		stop()
		p.want(seen, 5, "when the API is open")
		if seen.bad != 4 {
			p.Errorf("%d stopped", seen.bad)
		}
	})
}

// A group of which an event does not say who is in it is read a moment later, and no other.
func TestAGroupIsReadAfterAnEventWithoutMembers(t *testing.T) {
	inProduct(t, small(), true, func(p *product) {
		seen := &rounds{}
		s, stop := p.schedule(pull.Never, seen)
		p.pass(10 * time.Second)
		p.live.Join("group_1", "user_2")
		now := event.Millis(time.Now().UnixMilli())
		s.Read("group_1", now)
		s.Read("group_1", now)
		synctest.Wait()
		p.pass(10 * time.Second)
		stop()
		p.want(seen, 0, "after the event")
		if !slices.Contains(p.summary(), "own:pull group_1 user_2:true") || p.api.Requests()["members"] != 1 || p.api.Requests()["users"] != 0 {
			p.Errorf("said %v with %v", p.summary(), p.api.Requests())
		}
	})
}

// A store that cannot be written takes no callbacks in; what came meanwhile is read afterwards.
func TestAnOutageOfTheStoreIsCaughtUp(t *testing.T) {
	inProduct(t, idaastest.Organization{}, true, func(p *product) {
		seen := &rounds{}
		broken := &brokenStore{Store: p.store}
		_, stop := p.scheduleOn(broken, pull.AfterOutage, seen)
		p.pass(time.Minute)
		before := seen.count()
		broken.set(errors.New("the disk is full"))
		p.pass(10 * time.Minute)
		p.want(seen, before, "while the store is broken")
		broken.set(nil)
		p.pass(time.Minute)
		p.want(seen, before+1, "when it is mended")
		stop()
	})
}
