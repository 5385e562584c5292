package pull

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// Start says whether everything is read at the start of the service.
type Start int

// The ways to start.
const (
	AfterOutage Start = iota // where the service did not run for longer than IDaaS repeats a callback
	Always
	Never
)

// How a schedule goes.
const (
	askedEvery   = 3 * time.Second // how often it is looked whether a person has asked for a round
	firstAgain   = time.Minute     // the pause after a round that failed
	longestAgain = time.Hour
)

// Observer is told what comes of rounds, for metrics. Its methods must not wait.
type Observer interface {
	// Pulled: a round was tried, and came this far.
	Pulled(application string, progress Progress, err error)
	// Planned: the last round that ended well did so then, and the next one is due then. Zero is for none.
	Planned(application string, succeeded, next time.Time)
}

// Schedule sees to it that rounds are made, one at a time.
type Schedule struct {
	// Round makes a round; what makes one full is set by the schedule.
	Round       func() *Round
	Rounds      store.Rounds
	Application string
	Every       time.Duration
	AtStart     Start
	// Leads reports whether rounds are ours to make, where several processes could; nil for always.
	Leads    func(ctx context.Context) bool
	Clock    Clock
	Rand     *rand.Rand
	Log      logrus.FieldLogger
	Observer Observer

	mu      sync.Mutex
	groups  map[string]alone // to be read alone
	missed  string           // why everything is to be read now
	running bool
	status  Status
	next    time.Time

	noted event.Millis // since when groups have been waiting to be read alone, as it is noted; of whoever runs the schedule
}

// Run makes rounds until ctx ends.
func (s *Schedule) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	s.begin(ctx)
	wg.Go(func() { s.pulse(ctx) })
	led := s.Leads == nil
	for failures := 0; s.wait(ctx, s.Clock.Now().Add(askedEvery)); {
		s.readGroups(ctx)
		leads := s.Leads == nil || s.Leads(ctx)
		if leads && !led {
			s.begin(ctx) // what another one has left
		}
		if led = leads; !leads {
			continue
		}
		why, request := s.reason(ctx)
		if why == "" {
			continue
		}
		if err := s.round(ctx, why, request); err != nil {
			failures++
			s.set(func() { s.planFor(s.Clock.Now().Add(growing(failures))) })
			continue
		}
		failures = 0
	}
}

// growing is the pause after so many failures in a row.
func growing(failures int) time.Duration { return min(longestAgain, firstAgain<<min(failures-1, 10)) }

// begin takes up what is remembered.
func (s *Schedule) begin(ctx context.Context) {
	status, err := StatusOf(ctx, s.Rounds, s.Application)
	var missed []byte
	if err == nil {
		missed, err = s.Rounds.Note(ctx, missedName(s.Application))
	}
	if err != nil {
		s.Log.WithError(err).Error("cannot read how far the rounds are")
	}
	s.set(func() {
		s.status = status
		s.plan()
		s.missed = string(missed)
		if last := status.Last; last.Started != 0 && last.Finished == 0 {
			s.missed = "the last round was broken off"
		}
	})
	if err := s.recall(ctx); err != nil && ctx.Err() == nil {
		s.Log.WithError(err).Error("cannot read which groups were still to be read alone; the next round reads all")
	}
}

// plan sets when the next round is due: never at the same time for everybody. It is called with the lock.
func (s *Schedule) plan() {
	from, now := s.status.Last.Started.Time(), s.Clock.Now()
	if from.IsZero() || from.After(now) { // by a clock that was ahead
		from = now
	}
	s.planFor(from.Add(time.Duration(float64(s.Every) * (0.95 + s.Rand.Float64()/10))))
}

// planFor sets when the next round is due, and tells of it. It is called with the lock.
func (s *Schedule) planFor(next time.Time) {
	s.next = next
	if s.Observer == nil {
		return
	}
	var succeeded time.Time
	if at := s.status.Succeeded; at != 0 {
		succeeded = at.Time()
	}
	s.Observer.Planned(s.Application, succeeded, next)
}

func (s *Schedule) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// wait waits for a moment and reports whether there is still something to do then.
func (s *Schedule) wait(ctx context.Context, moment time.Time) bool {
	reached, stop := s.Clock.At(moment)
	defer stop()
	select {
	case <-reached:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// Request is what a person asks of the service.
type Request struct {
	At       event.Millis `json:"at"`
	Full     bool         `json:"full"`
	NewScope bool         `json:"newScope"`
}

func requestName(application string) string { return "pull-asked:" + application }

// Ask asks the service for a round.
func Ask(ctx context.Context, rounds store.Rounds, application string, request Request) error {
	note, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("ask for a round: %w", err)
	}
	return rounds.SetNote(ctx, requestName(application), note, application, nil) //nolint:wrapcheck // It says what was to be done.
}

// Asked returns what was asked for and is not begun yet, nil for nothing.
func Asked(ctx context.Context, rounds store.Rounds, application string) (*Request, error) {
	note, err := rounds.Note(ctx, requestName(application))
	if err != nil || len(note) == 0 {
		return nil, err //nolint:wrapcheck // It says what was read.
	}
	var request Request
	if err := json.Unmarshal(note, &request); err != nil {
		return nil, fmt.Errorf("read what was asked for: %w", err)
	}
	return &request, nil
}

// reason says why a round is to be made now, empty for none.
func (s *Schedule) reason(ctx context.Context) (string, Request) {
	asked, err := Asked(ctx, s.Rounds, s.Application)
	if err == nil && asked != nil {
		err = s.Rounds.SetNote(ctx, requestName(s.Application), []byte{}, s.Application, nil)
	}
	if err != nil && ctx.Err() == nil {
		s.Log.WithError(err).Error("cannot read whether somebody has asked for a round")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	why, now := s.missed, s.Clock.Now()
	switch {
	case err == nil && asked != nil:
		s.missed = ""
		return "a person has asked", *asked
	case why != "":
		s.missed = ""
	case !now.Before(s.next):
		why = "it is time"
	case s.next.After(now.Add(2*s.Every + longestAgain)):
		why = "the clock was set back"
	}
	return why, Request{}
}

// round makes one round.
func (s *Schedule) round(ctx context.Context, why string, request Request) error {
	log := s.Log.WithField("why", why)
	log.Info("the organization is read from IDaaS")
	round := s.Round()
	round.Full, round.NewScope = request.Full, request.NewScope
	round.Told = func(p Progress) { s.set(func() { s.status.Last = p }) }
	s.set(func() { s.running = true })
	begun, next, missed := s.Clock.Now(), time.Time{}, ""
	progress, err := round.Run(ctx)
	if s.Observer != nil {
		s.Observer.Pulled(s.Application, progress, err) // so that whoever sees the round at its end finds it counted
	}
	s.set(func() {
		s.running = false
		s.status = round.status
		s.plan()
		next, missed = s.next, s.missed
	})
	log = log.WithFields(logrus.Fields{
		"units": progress.Units, "users": progress.Users, "groups": progress.Groups, "changed": progress.Changed, "absent": progress.Absent,
		"unlisted": progress.Unlisted, "requests": progress.Requests, "duration": s.Clock.Now().Sub(begun),
	})
	if err == nil {
		if err := s.noteMissed(ctx, missed); err != nil && ctx.Err() == nil {
			log.WithError(err).Error("cannot note that everything was read; it is read again at the next start")
		}
		log = log.WithField("next", next.UTC().Format(time.RFC3339))
	}
	switch {
	case err != nil && ctx.Err() != nil:
		log.Info("the round goes on at the next start")
	case err != nil:
		log.WithError(err).Error("the round stopped; it goes on after a pause")
	case len(progress.Unproven) > 0:
		log.WithField("unproven", strings.Join(progress.Unproven, "; ")).Warn("the round is over; nobody who was not listed is deleted")
	default:
		log.Info("the round is over")
	}
	return err
}

// State says how the rounds are, for people.
func (s *Schedule) State() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.status.Last
	var parts []string
	switch {
	case s.running:
		parts = append(parts, fmt.Sprintf("reading since %s (%s): %s", last.Started, last.Stage, last))
	case last.Problem != "":
		parts = append(parts, "the last round stopped: "+last.Problem)
	case last.Finished != 0:
		parts = append(parts, fmt.Sprintf("ok, read from %s to %s: %s", last.Started, last.Finished, last))
	default:
		parts = append(parts, "not read yet")
	}
	if !s.running && !s.next.IsZero() {
		parts = append(parts, "next at "+s.next.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, "; ")
}

// String says what a round has found.
func (p Progress) String() string {
	text := fmt.Sprintf("%d units, %d users, %d groups; %d changed, %d gone, %d requests", p.Units, p.Users, p.Groups, p.Changed, p.Absent, p.Requests)
	if p.Unlisted > 0 {
		text += fmt.Sprintf("; %d are known and were not listed, and stay", p.Unlisted)
	}
	for _, reason := range p.Unproven {
		text += "; " + reason
	}
	if p.NoGroups != "" {
		text += "; the groups stay as they are: " + p.NoGroups
	}
	return text
}
