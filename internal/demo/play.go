package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
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
	return s.play(ctx, cfg)
}

func (s *stage) play(ctx context.Context, cfg Config) error {
	w := &week{stage: s, page: page{out: cfg.Out, colour: cfg.Colour, names: names{}}, staff: newStaff(s.tenant)}
	w.opening()
	start := time.Now()
	for _, step := range w.steps() {
		if ctx.Err() != nil {
			return fmt.Errorf("the demonstration was interrupted: %w", ctx.Err())
		}
		w.play(ctx, step)
	}
	w.closing(time.Since(start), cfg.Keep)
	failed := w.failed > 0
	if cfg.Keep {
		w.stay(ctx)
	}
	if failed {
		return ErrFailed
	}
	return nil
}

// lookEvery is how often it is looked whether another mapping is in force.
const lookEvery = 200 * time.Millisecond

// stay keeps the stage up until ctx ends. When another mapping is in force IDaaS synchronizes, so that whoever has edited it sees what it does.
// What that comes to is shown, and does not count: it is no longer the week that was written.
func (w *week) stay(ctx context.Context) {
	inForce := w.app.Directories()[0].Mapping()
	for {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return
		}
		if now := w.app.Directories()[0].Mapping(); now != inForce {
			inForce = now
			w.play(ctx, step{"", "Another mapping is in force, and IDaaS synchronizes.", w.fullPush})
		}
	}
}

// week is the play: a stage, a page to write on, and the people in it.
type week struct {
	*stage
	page
	staff
	passed, failed int
	events, writes int
	begun          bool // an event of the step is on the page
}

// step is one thing that happens in the week.
type step struct {
	day, title string
	play       func(ctx context.Context)
}

func (w *week) play(ctx context.Context, s step) {
	ctx, cancel := context.WithTimeout(ctx, stepWithin)
	defer cancel()
	if s.day != "" {
		w.day(s.day)
	}
	w.title(s.title)
	w.begun = false
	s.play(ctx)
}

// send sends events one by one, and shows each beside what it became. It returns the last answer.
func (w *week) send(ctx context.Context, events ...idaastest.Event) idaastest.Answer {
	var answer idaastest.Answer
	for _, e := range events {
		w.apart()
		var err error
		answer, err = w.client.Send(ctx, e)
		w.events++
		if err != nil {
			w.expect(err, "the event is answered")
			return answer
		}
		w.page.event(e, answer, w.written())
		if list, result := answer.Of(e.ID); list == "failed" || answer.Status != http.StatusOK {
			w.expect(errors.New(result.EventMessage), "the event is applied")
		}
	}
	return answer
}

// apart leaves a line between the events of a step.
func (w *week) apart() {
	if w.begun {
		w.line("")
	}
	w.begun = true
}

// written returns what the directory was told since the last look.
func (w *week) written() []ldaptest.Record {
	records := w.directory.Journal()
	w.directory.ClearJournal()
	w.writes += len(records)
	return records
}

// follows waits until nothing is left to do, and shows what the directory was told meanwhile.
func (w *week) follows(ctx context.Context, what string) {
	err := w.settled(ctx)
	w.apart()
	w.unattended("(by itself)", w.written())
	w.expect(err, "%s", what)
}

// nothingWritten checks that the directory was told nothing since the last look.
func (w *week) nothingWritten(what string) {
	w.expect(only(len(w.written()) == 0), "%s", what)
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

// only turns a condition into an error.
func only(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("it is not so")
}

// login checks that a user can or cannot log in.
func (w *week) login(dn, password string, can bool, what string) {
	err := w.bind(dn, password)
	if !can {
		err = only(err != nil)
	}
	w.expect(err, "%s", what)
}

// at checks that an entry is where it should be, and with some values.
func (w *week) at(dn string, values ...string) {
	entry := w.directory.Entry(dn)
	if entry == nil {
		w.expect(errors.New("there is no such entry"), "%s is there", dn)
		return
	}
	for i := 0; i+1 < len(values); i += 2 {
		if got := strings.Join(entry.Values(values[i]), ", "); got != values[i+1] {
			w.expect(fmt.Errorf("%s is %q and not %q", values[i], got, values[i+1]), "%s is as it should be", dn)
			return
		}
	}
	w.expect(nil, "%s is there", dn)
}

// absent checks that an entry is not there.
func (w *week) absent(dn, what string) {
	w.expect(only(w.directory.Entry(dn) == nil), "%s %s", dn, what)
}

func (w *week) opening() {
	w.line("%s", w.paint(bold, "A company's week: every event of IDaaS beside the LDAP change that it became"))
	w.line("")
	w.line("  IDaaS      simulated; signs with RS256, encrypts with A256GCM, sends over HTTP to")
	w.line("             %s", w.client.URL)
	w.line("  directory  in memory; speaks LDAP at %s", w.directory.URL())
	w.line("  mapping    configs/mappings/openldap.yaml")
}

func (w *week) closing(took time.Duration, stays bool) {
	w.line("")
	w.line("%s", w.paint(faint, strings.Repeat("─", pageWidth)))
	result := w.paint(green, fmt.Sprintf("%d checks passed", w.passed))
	if w.failed > 0 {
		result = w.paint(red, fmt.Sprintf("%d of %d checks FAILED", w.failed, w.passed+w.failed))
	}
	w.line("%s: %d events became %d LDAP writes in %s.", result, w.events, w.writes, took.Round(time.Millisecond))
	w.line("")
	if stays {
		w.line("It stays up until you press Ctrl-C. Open its console in a browser, at")
		w.line("  %s/console/", w.admin)
		w.line("and edit the mapping there: once that is in force, IDaaS sends everybody again. Or look at it with")
	} else {
		w.line("With 'idaas-ldap demo --keep' it stays up, and says how to look at it:")
	}
	w.line("  ldapsearch -x -LLL -H %s -b %s \\", w.directory.URL(), suffix)
	w.line("    -D %s -w %s", adminDN, adminPassword)
	w.line("  curl %s/readyz", w.admin)
	w.line("  curl %s/metrics", w.admin)
}
