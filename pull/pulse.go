package pull

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"idaas-ldap/event"
)

const (
	pulseEvery = 15 * time.Second
	outage     = 45 * time.Second // IDaaS repeats a callback for at least 36 s
)

func pulseName(application string) string { return "alive:" + application }

// lastPulse is when callbacks could be taken in for the last time that is noted, zero for never.
func (s *Schedule) lastPulse(ctx context.Context) (last event.Millis, err error) {
	note, err := s.Rounds.Note(ctx, pulseName(s.Application))
	if err == nil && note != nil {
		err = json.Unmarshal(note, &last)
	}
	return last, err //nolint:wrapcheck // Either says what was read.
}

// pulse notes that callbacks can be taken in, and finds where that was not so for longer than IDaaS repeats them: then what came in
// between is lost.
func (s *Schedule) pulse(ctx context.Context) {
	last, err := s.lastPulse(ctx)
	if err != nil {
		s.Log.WithError(err).Warn("cannot read when callbacks were last taken in; everything is read")
	}
	if s.AtStart == Never {
		last = event.Millis(s.Clock.Now().UnixMilli()) // What was before is nobody's concern.
	}
	for first := true; ; {
		now := event.Millis(s.Clock.Now().UnixMilli())
		why := s.lost(first, last, now)
		if err := s.noteAlive(ctx, now, why); err == nil {
			if why != "" {
				s.set(func() { s.missed = why })
			}
			last, first = now, false
			s.noteGroups(ctx)
		}
		if !s.wait(ctx, s.Clock.Now().Add(pulseEvery)) {
			return
		}
	}
}

// noteAlive notes that callbacks can be taken in, and before that why some may have been lost until now.
func (s *Schedule) noteAlive(ctx context.Context, now event.Millis, why string) error {
	if why != "" {
		if err := s.noteMissed(ctx, why); err != nil {
			return err
		}
	}
	note, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("note that callbacks can be taken in: %w", err)
	}
	return s.Rounds.SetNote(ctx, pulseName(s.Application), note, s.Application, nil) //nolint:wrapcheck // It says what was to be done.
}

func missedName(application string) string { return "pull-missed:" + application }

// noteMissed notes why everything is to be read, until a round has come to its end; the empty text then.
func (s *Schedule) noteMissed(ctx context.Context, why string) error {
	return s.Rounds.SetNote(ctx, missedName(s.Application), []byte(why), s.Application, nil) //nolint:wrapcheck // It says what was to be done.
}

// lost says why callbacks may have been lost.
func (s *Schedule) lost(first bool, last, now event.Millis) string {
	switch away := now - last; {
	case first && s.AtStart == Always:
		return "the service has started"
	case last == 0:
		return "nothing was read before"
	case away > event.Millis(outage.Milliseconds()):
		return fmt.Sprintf("no callback could be taken in from %s to %s", last, now)
	}
	return ""
}
