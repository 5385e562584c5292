package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// Clock is the time, and what waits for it.
type Clock interface {
	Now() time.Time
	At(moment time.Time) (reached <-chan time.Time, stop func())
}

// Feed is a directory that the application feeds.
type Feed struct {
	Directory string
	// Alone: no other application of the same instance feeds it. Otherwise who is absent from the scope of one may be in that of another.
	Alone bool
}

// Round reads everything that the application may see, and says what differs from what is known.
type Round struct {
	API *Client
	// Known is what is known of the objects; Rounds is where the round remembers how far it is.
	Known  store.Store
	Rounds store.Rounds
	// Application and Instance are whom the round is for.
	Application, Instance string
	Feeds                 []Feed
	// Say takes in what is news. What it has taken in is never said again.
	Say func(ctx context.Context, changes []event.Change) error
	// Full: each account is asked for by itself, as some changes do not show in lists.
	Full bool
	// NewScope: a scope that names less than the last one is what is meant.
	NewScope bool
	// MostUnits is after how many units the tree of them is taken to have no end; zero for 100,000.
	MostUnits int
	// Pause is how long after the first time an absent object is asked for again.
	Pause time.Duration
	Clock Clock
	// Told, which may be nil, is told how far the round is.
	Told func(Progress)

	status   Status
	loaded   bool
	requests int // of this round, less those that the client counts
}

// Status is what is remembered of the rounds of an application.
type Status struct {
	// Scope is that of the last round that was complete, and Known tells whether there was one.
	Scope Scope `json:"scope"`
	Known bool  `json:"known"`
	// Last is the round under way, or the last one.
	Last Progress `json:"last"`
	// Succeeded is when the last round ended well, Tried when one was tried for the last time, whatever came of it.
	Succeeded event.Millis `json:"succeeded,omitempty"`
	Tried     event.Millis `json:"tried,omitempty"`
}

// Progress is how far a round is, and what it has found.
type Progress struct {
	Started  event.Millis `json:"started"`
	Finished event.Millis `json:"finished,omitempty"`
	// Stage is what the round is about.
	Stage Stage `json:"stage"`
	Full  bool  `json:"full,omitempty"`
	Scope Scope `json:"scope"`
	// Units, Users and Groups are how many were listed.
	Units  int `json:"units"`
	Users  int `json:"users"`
	Groups int `json:"groups"`
	// Changed is of how many objects something was news, Absent how many are proven to be gone.
	Changed int `json:"changed"`
	Absent  int `json:"absent"`
	// Unlisted is how many known objects were not listed and are not proven to be gone, and Unproven why not.
	Unlisted int      `json:"unlisted"`
	Unproven []string `json:"unproven,omitempty"`
	// Requests is how many requests it took so far.
	Requests int `json:"requests"`
	// Problem is why the round stopped before its end.
	Problem string `json:"problem,omitempty"`

	// NoGroups is why the groups could not be read.
	NoGroups string `json:"noGroups,omitempty"`
	// Lost are units that went away while they were read, the first of them.
	Lost []string `json:"lost,omitempty"`
	// AbsentAt is when the last absent object was asked for the first time.
	AbsentAt event.Millis `json:"absentAt,omitempty"`
}

// Stage is what a round is about.
type Stage string

// The stages, in their order.
const (
	StageUnits  Stage = "units"  // the units, and the users in them
	StageGroups Stage = "groups" // the groups and their members
	StageAbsent Stage = "absent" // who is known and was not listed is asked for
	StageAgain  Stage = "again"  // and once more after a pause
	StageDone   Stage = "done"
)

// resumable is how old a round may be that is gone on with.
const resumable = 24 * time.Hour

// NoteName is the name under which the status of an application's rounds is noted.
func NoteName(application string) string { return "pull:" + application }

// StatusOf returns what is remembered of the rounds of an application.
func StatusOf(ctx context.Context, rounds store.Rounds, application string) (Status, error) {
	var s Status
	note, err := rounds.Note(ctx, NoteName(application))
	if err != nil || note == nil {
		return s, err //nolint:wrapcheck // It says what was read.
	}
	if err := json.Unmarshal(note, &s); err != nil {
		return s, fmt.Errorf("read how far the rounds of %s are: %w", application, err)
	}
	return s, nil
}

// Run goes on with the round that was broken off, or makes a new one. It returns how far it came, also with an error.
func (r *Round) Run(ctx context.Context) (Progress, error) {
	err := r.run(ctx)
	p := &r.status.Last
	if err != nil && r.loaded {
		p.Problem, r.status.Tried = err.Error(), event.Millis(r.Clock.Now().UnixMilli())
		if noted := r.keep(context.WithoutCancel(ctx)); noted != nil {
			err = errors.Join(err, noted)
		}
	}
	return *p, err
}

func (r *Round) run(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	steps := map[Stage]struct {
		run  func(context.Context) error
		next Stage
	}{
		StageUnits: {r.walk, StageGroups}, StageGroups: {r.groups, StageAbsent}, StageAbsent: {r.missing, StageAgain}, StageAgain: {r.again, StageDone},
	}
	for p := &r.status.Last; p.Stage != StageDone; {
		step, known := steps[p.Stage]
		if !known {
			return fmt.Errorf("the round of %s is at an unknown stage %q; it was written by another version", r.Application, p.Stage)
		}
		if err := step.run(ctx); err != nil {
			return err
		}
		if p.Stage = step.next; p.Stage == StageDone {
			break
		}
		if err := r.keep(ctx); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// begin takes up the round that was broken off, unless it is too old, of another sort or of another scope, or begins a new one.
func (r *Round) begin(ctx context.Context) error {
	var err error
	if r.status, err = StatusOf(ctx, r.Rounds, r.Application); err != nil {
		return err
	}
	r.loaded = true
	before := r.API.Requests()
	scope, err := r.API.Scope(ctx)
	if err != nil {
		return err
	}
	last, now := &r.status.Last, event.Millis(r.Clock.Now().UnixMilli())
	goesOn := last.Started != 0 && last.Finished == 0 && last.Full == r.Full && last.Units < r.mostUnits()
	if goesOn && last.Scope.Equal(scope) && now-last.Started < event.Millis(resumable.Milliseconds()) {
		r.requests, last.Problem = last.Requests-before, ""
		return r.keep(ctx)
	}
	if err := r.Rounds.ForgetMarks(ctx, r.Application); err != nil {
		return err //nolint:wrapcheck // It says what was to be done.
	}
	r.requests = -before
	*last = Progress{Started: now, Stage: StageUnits, Full: r.Full, Scope: scope}
	if len(scope.Units) == 0 {
		r.unproven("the synchronization scope names no unit, so nobody in one is listed")
	}
	if before := r.status.Scope; r.status.Known && !scope.Holds(before) && !r.NewScope {
		r.unproven("the synchronization scope was %s and is %s; whoever is not in it any more is left as it is until a person says that this is meant (pull --apply --new-scope)", before, scope)
	}
	marks := make([]store.Mark, 0, len(scope.Units))
	for _, id := range scope.Units {
		marks = append(marks, store.Mark{Object: event.Ref{Kind: event.KindUnit, ID: id}, Stage: store.ReadingOpen})
	}
	return r.keep(ctx, marks...)
}

// unproven notes a reason why absence proves nothing in this round.
func (r *Round) unproven(format string, args ...any) {
	p := &r.status.Last
	if reason := fmt.Sprintf(format, args...); len(p.Unproven) < 20 {
		p.Unproven = append(p.Unproven, reason)
	}
}

// keep notes how far the round is, with what it has read since.
func (r *Round) keep(ctx context.Context, marks ...store.Mark) error {
	p := &r.status.Last
	p.Requests = r.requests + r.API.Requests()
	note, err := json.Marshal(r.status)
	if err != nil {
		return fmt.Errorf("note how far the round is: %w", err)
	}
	if err := r.Rounds.SetNote(ctx, NoteName(r.Application), note, r.Application, marks); err != nil {
		return err //nolint:wrapcheck // It says what was to be done.
	}
	if r.Told != nil {
		r.Told(*p)
	}
	return nil
}

// finish ends a round that came to its end.
func (r *Round) finish(ctx context.Context) error {
	p := &r.status.Last
	p.Finished = event.Millis(r.Clock.Now().UnixMilli())
	r.status.Succeeded, r.status.Tried, p.Problem = p.Finished, p.Finished, ""
	if before := r.status.Scope; !r.status.Known || r.NewScope || p.Scope.Holds(before) {
		r.status.Scope, r.status.Known = p.Scope, true
	}
	return r.keep(ctx)
}

// knownOf returns what each directory knows of an object, with what is on its way there.
func (r *Round) knownOf(ctx context.Context, ref event.Ref, members bool) ([]event.Object, error) {
	known := make([]event.Object, len(r.Feeds))
	for i, feed := range r.Feeds {
		_, merged, err := r.underWay(ctx, feed, ref, members)
		if err != nil {
			return nil, err
		}
		known[i] = merged.Object
	}
	return known, nil
}

// underWay returns the changes of an object that are on their way to a directory, and what they come to on top of what is known there.
func (r *Round) underWay(ctx context.Context, feed Feed, ref event.Ref, members bool) ([]event.Change, event.Merged, error) {
	key := store.Key{Directory: feed.Directory, Object: ref}
	job, err := r.Known.Load(ctx, key, pendingLimit)
	if err == nil && members {
		job.Known.Members, err = r.Known.Memberships(ctx, key, nil)
	}
	if err != nil {
		return nil, event.Merged{}, err //nolint:wrapcheck // It names the object.
	}
	changes := make([]event.Change, len(job.Pending))
	for i, p := range job.Pending {
		changes[i] = p.Change
	}
	return changes, event.Merge(job.Known, changes), nil
}

// pendingLimit bounds how many events that are on their way are looked at.
const pendingLimit = 1000

// say hands on what is news, and counts it.
func (r *Round) say(ctx context.Context, changes []event.Change) error {
	if len(changes) == 0 {
		return nil
	}
	for _, c := range changes {
		if c.Type == event.TypePullAbsent {
			r.status.Last.Absent++
		} else {
			r.status.Last.Changed++
		}
	}
	return r.Say(ctx, changes)
}

func done(ref event.Ref) store.Mark { return store.Mark{Object: ref, Stage: store.ReadingDone} }
