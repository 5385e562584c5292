package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// Config says how the week is played.
type Config struct {
	Out io.Writer
	// Colour is for terminals.
	Colour bool
	// Keep stays up afterwards until ctx ends.
	Keep bool
}

// ErrFailed says that a step did not end as it should; it is shown where it happened.
var ErrFailed = errors.New("the demonstration did not end as it should")

// stepWithin bounds a step, so that a week never hangs.
const stepWithin = 30 * time.Second

// Play plays the week. It returns ErrFailed unless every step ended as it should.
func Play(ctx context.Context, cfg Config) error {
	s, err := build(ctx)
	if err != nil {
		return err
	}
	defer s.tearDown()
	w := &week{stage: s, page: page{out: cfg.Out, colour: cfg.Colour}, staff: newStaff(s.tenant)}
	w.opening()
	start := time.Now()
	for _, step := range w.steps() {
		if ctx.Err() != nil {
			return fmt.Errorf("the demonstration was interrupted: %w", ctx.Err())
		}
		w.play(ctx, step)
	}
	w.closing(time.Since(start))
	if cfg.Keep {
		w.line("\nIt stays up until you press Ctrl-C.")
		<-ctx.Done()
	}
	if w.failed > 0 {
		return ErrFailed
	}
	return nil
}

// week is the play: a stage, a page to write on, and the people in it.
type week struct {
	*stage
	page
	staff
	passed, failed int
	events, writes int
}

// step is one thing that happens in the week.
type step struct {
	day, title string
	play       func(ctx context.Context)
}

func (w *week) play(ctx context.Context, s step) {
	ctx, cancel := context.WithTimeout(ctx, stepWithin)
	defer cancel()
	w.title(s.day, s.title)
	s.play(ctx)
}

// send sends events one by one, and shows each beside what it became. It returns the last answer.
func (w *week) send(ctx context.Context, events ...idaastest.Event) idaastest.Answer {
	var answer idaastest.Answer
	for _, e := range events {
		w.directory.ClearJournal()
		var err error
		answer, err = w.client.Send(ctx, e)
		w.events++
		if err != nil {
			w.expect(err, "the event is answered")
			return answer
		}
		w.page.event(e, answer)
		if list, result := answer.Of(e.ID); list == "failed" {
			w.expect(errors.New(result.EventMessage), "the event is applied")
		}
		if _, result := answer.Of(e.ID); result.EventCode != string(event.CodeAccepted) && e.Type != event.TypeTest {
			w.show()
		}
	}
	return answer
}

// show shows what the directory was told since the last look.
func (w *week) show() {
	records := w.directory.Journal()
	w.directory.ClearJournal()
	w.page.writes(records)
	w.writes += len(records)
}

// expect shows a check and counts it.
func (w *week) expect(err error, format string, args ...any) {
	w.check(err, format, args...)
	if err == nil {
		w.passed++
	} else {
		w.failed++
	}
}

// login checks that a user can or cannot log in.
func (w *week) login(dn, password string, can bool, what string) {
	err := w.bind(dn, password)
	switch {
	case can:
		w.expect(err, "%s", what)
	case err == nil:
		w.expect(errors.New("the bind succeeded"), "%s", what)
	default:
		w.expect(nil, "%s", what)
	}
}

// at checks that an entry is where it should be, and with some values.
func (w *week) at(dn string, values ...string) {
	entry := w.directory.Entry(dn)
	if entry == nil {
		w.expect(errors.New("there is no such entry"), "%s", dn)
		return
	}
	for i := 0; i+1 < len(values); i += 2 {
		if got := strings.Join(entry.Values(values[i]), ", "); got != values[i+1] {
			w.expect(fmt.Errorf("%s is %q", values[i], got), "%s of %s is %q", values[i], dn, values[i+1])
			return
		}
	}
	w.expect(nil, "the entry is %s", dn)
}

// gone checks that an entry is not there.
func (w *week) gone(dn string) {
	if w.directory.Entry(dn) != nil {
		w.expect(errors.New("it is still there"), "%s is gone", dn)
		return
	}
	w.expect(nil, "%s is gone", dn)
}

func (w *week) opening() {
	w.line("%s", w.paint(bold, "A company's week: every event of IDaaS beside the LDAP change that it became"))
	w.line("")
	w.line("  IDaaS      simulated; signs with RS256, encrypts with A256GCM, sends over HTTP to %s", w.client.URL)
	w.line("  directory  in memory; speaks LDAP at %s", w.directory.URL())
	w.line("  mapping    configs/mappings/openldap.yaml")
}

func (w *week) closing(took time.Duration) {
	w.line("")
	result := w.paint(green, fmt.Sprintf("%d checks passed", w.passed))
	if w.failed > 0 {
		result = w.paint(red, fmt.Sprintf("%d of %d checks FAILED", w.failed, w.passed+w.failed))
	}
	w.line("%s: %d events became %d LDAP writes in %s.", result, w.events, w.writes, took.Round(time.Millisecond))
	w.line("")
	w.line("With --keep it stays up to be looked at:")
	w.line("  ldapsearch -x -H %s -D %s -w %s -b %s", w.directory.URL(), adminDN, adminPassword, suffix)
	w.line("  curl %s/readyz        curl %s/metrics", w.admin, w.admin)
}
