package pull

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

const (
	groupShown  = 2 * time.Second // how long after an event a group is asked for
	mostGroups  = 10_000          // that wait to be read alone; for more there is the next round
	toldWithin  = time.Minute     // after an event was stored the schedule is told of it
	recalledBy  = 1000            // events are looked through at a time
	groupsNamed = "pull-groups:"
)

// alone is a group that is to be read alone.
type alone struct {
	at, heard event.Millis // when the last event happened, and when the first one was heard of
	due       event.Millis
	failures  int
}

// Read asks for one group to be read, as an event that happened at a moment does not say who is in it.
func (s *Schedule) Read(group string, at event.Millis) {
	now := event.Millis(s.Clock.Now().UnixMilli())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read(group, alone{at: at, heard: now, due: now + event.Millis(groupShown.Milliseconds())})
}

// read is Read with the lock.
func (s *Schedule) read(group string, a alone) {
	if s.groups == nil {
		s.groups = map[string]alone{}
	}
	known, waits := s.groups[group]
	if !waits && len(s.groups) >= mostGroups {
		return
	}
	if waits {
		a.at, a.heard = max(a.at, known.at), min(a.heard, known.heard)
	}
	s.groups[group] = a
}

// readGroups reads the groups that were asked for a while ago. One that cannot be read now is read again after a pause.
func (s *Schedule) readGroups(ctx context.Context) {
	due := map[string]alone{}
	now := event.Millis(s.Clock.Now().UnixMilli())
	latest := now + event.Millis(longestAgain.Milliseconds()) // one that is due later was put off by a clock that was ahead
	s.set(func() {
		for group, a := range s.groups {
			if now >= a.due || a.due > latest {
				due[group] = a
			}
		}
	})
	if len(due) == 0 {
		return
	}
	round := s.Round()
	for group, a := range due {
		err := round.Group(ctx, group, a.at)
		if ctx.Err() != nil {
			return
		}
		s.set(func() {
			if s.groups[group] == a { // Nothing was heard of it meanwhile.
				delete(s.groups, group)
			}
		})
		if err == nil {
			continue
		}
		log := s.Log.WithError(err).WithField("object", "group "+group)
		if errors.Is(err, ErrDenied) || errors.Is(err, ErrOutside) {
			log.Warn("cannot read who is in the group")
			continue
		}
		log.Warn("cannot read who is in the group; it is tried again after a pause")
		a.failures++
		a.due = event.Millis(s.Clock.Now().Add(growing(a.failures)).UnixMilli())
		s.set(func() { s.read(group, a) })
	}
}

// noteGroups notes since when groups have been waiting to be read alone, so that they are found again among the events.
func (s *Schedule) noteGroups(ctx context.Context) {
	var since event.Millis
	s.set(func() {
		for a := range maps.Values(s.groups) {
			if since == 0 || a.heard < since {
				since = a.heard
			}
		}
	})
	if since == s.noted {
		return
	}
	note, err := json.Marshal(since)
	if err == nil {
		err = s.Rounds.SetNote(ctx, groupsNamed+s.Application, note, s.Application, nil)
	}
	if err != nil {
		s.Log.WithError(err).Warn("cannot note which groups are to be read alone")
		return
	}
	s.noted = since
}

// recall asks for the groups to be read that were waiting for it when the service ended, or made way for this one: those of which an event
// came in since the first of them began to wait, or else since callbacks were last known to be taken in.
func (s *Schedule) recall(ctx context.Context) error {
	since, err := s.lastPulse(ctx)
	if err != nil || since == 0 || s.AtStart != Never && s.Clock.Now().Sub(since.Time()) > outage {
		return err // A round is due that reads all of them.
	}
	note, err := s.Rounds.Note(ctx, groupsNamed+s.Application)
	if err == nil && note != nil {
		err = json.Unmarshal(note, &s.noted)
	}
	if err != nil {
		return err //nolint:wrapcheck // Either says what was read.
	}
	if s.noted != 0 {
		since = min(since, s.noted)
	}
	since -= event.Millis(toldWithin.Milliseconds())
	events := s.Round().Known
	for before := int64(0); ; {
		found, err := events.Events(ctx, store.Filter{Before: before, Limit: recalledBy})
		if err != nil {
			return err //nolint:wrapcheck // It says what was read.
		}
		for _, e := range found {
			if e.ReceivedAt < since {
				return nil
			}
			before = e.Seq
			if effect := e.Type.Effect(); e.Application == s.Application && e.Type.Kind() == event.KindGroup && (effect == event.EffectAssert || effect == event.EffectPatch) {
				s.Read(e.Object.ID, min(e.Time, event.Millis(s.Clock.Now().UnixMilli())))
			}
		}
		if len(found) < recalledBy {
			return nil
		}
	}
}
