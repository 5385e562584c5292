package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/notify"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/store"
)

// newsEvery is how often it is looked whether there is something to tell.
const newsEvery = 15 * time.Second

// namedInNews is how many of those whom it concerns are looked up.
const namedInNews = 5

// watch looks for what people should know. What was told of what lasts is noted in the store, so that neither a restart nor another
// instance tells it again.
type watch struct {
	app *App
	log logrus.FieldLogger

	outages map[string]*outage // by directory
	broken  bool               // the store cannot be written, and that was told
	full    bool               // its disk is nearly full, and that was told
	ended   map[string]bool    // certificates that were told

	mu       sync.Mutex
	failures map[string][]time.Time // by directory, of those within the limit
	beyond   map[string]int         // by directory, how many have failed beyond it and were not told
}

// outage is a directory that is not written to.
type outage struct {
	since time.Time
	told  bool
}

func newWatch(a *App) *watch {
	return &watch{app: a, log: a.log, outages: map[string]*outage{}, ended: map[string]bool{}, failures: map[string][]time.Time{}, beyond: map[string]int{}}
}

// run looks again and again, until ctx ends.
func (w *watch) run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		in := w.app.current.Load()
		if len(in.told) == 0 {
			continue
		}
		w.look(ctx, in)
	}
}

// look tells what is news.
func (w *watch) look(ctx context.Context, in *setup) {
	w.lookAtDirectories(in)
	if w.lookAtStore(ctx); w.broken {
		return
	}
	w.lookAtFailures(ctx)
	for _, look := range []func(context.Context, *setup) error{w.lookAtHeld, w.lookAtCertificates} {
		if err := look(ctx, in); err != nil && ctx.Err() == nil {
			w.log.WithError(err).Warn("cannot look whether there is something to tell; trying again")
		}
	}
}

// lookAtStore tells that the store cannot be written, or soon cannot.
func (w *watch) lookAtStore(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	free, known := w.space()
	if text := nearlyFull(free, known); text == "" {
		w.full = false
	} else if !w.full {
		w.full = true
		w.app.notifier.Tell(notify.News{Kind: notify.Store, Text: text, InChinese: nearlyFullInChinese(free)})
	}
	err := w.app.Store.Check(ctx)
	switch {
	case err == nil:
		w.broken = false
	case !w.broken && !errors.Is(err, context.Canceled):
		w.broken = true
		w.app.notifier.Tell(notify.News{Kind: notify.Store, Text: err.Error()})
	}
}

// space is what is left on the disk of the store.
func (w *watch) space() (free int64, known bool) {
	_, free, known = w.app.storeSpace()
	return free, known
}

// lookAtDirectories tells of those that have been down for long, and of those of which that was told and that are back.
func (w *watch) lookAtDirectories(in *setup) {
	now := w.app.clock.Now()
	reasons, elsewhere := w.app.Dispatcher.Availability(), w.app.Dispatcher.Elsewhere()
	for _, d := range in.directories {
		if elsewhere[d.Name] != "" {
			delete(w.outages, d.Name) // whoever works on it tells
			continue
		}
		state := d.State(reasons[d.Name])
		before := w.outages[d.Name]
		switch {
		case state == stateOK || state == stateUntried:
			if before != nil && before.told {
				since := before.since.UTC().Format(time.RFC3339)
				w.app.notifier.Tell(notify.News{
					Kind: notify.Down, Subject: d.Name, Over: true, Text: "It was down from " + since + ".", InChinese: "从 " + since + " 起无法写入。",
				})
			}
			delete(w.outages, d.Name)
		case before == nil:
			w.outages[d.Name] = &outage{since: now}
		case !before.told && !now.Before(before.since.Add(in.cfg.Notifications.DownAfter)):
			before.told = true
			since := before.since.UTC().Format(time.RFC3339)
			w.app.notifier.Tell(notify.News{Kind: notify.Down, Subject: d.Name, Text: "Since " + since + ": " + state, InChinese: "自 " + since + " 起：" + state})
		}
	}
}

// failed counts an event that has failed.
func (w *watch) failed(directory string, limit config.FailedLimit, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	recent := append(w.failures[directory], now)
	for now.Sub(recent[0]) > limit.Within {
		recent = recent[1:]
	}
	if w.beyond[directory] > 0 || len(recent) >= limit.Count {
		w.beyond[directory] += len(recent)
		recent = nil
	}
	w.failures[directory] = recent
}

// lookAtFailures tells of directories in which more has failed than may.
func (w *watch) lookAtFailures(ctx context.Context) {
	w.mu.Lock()
	beyond := w.beyond
	w.beyond = map[string]int{}
	w.mu.Unlock()
	for directory, n := range beyond {
		w.app.notifier.Tell(notify.News{
			Kind: notify.Failed, Subject: directory, Count: n, Names: w.names(ctx, store.Filter{Directory: directory, States: []event.State{event.Failed}}),
		})
	}
}

// heldNote is what is noted of what is held for one reason.
type heldNote struct {
	Count  int   `json:"count"`
	Newest int64 `json:"newest"`
}

// lookAtHeld tells what is held since the last look, of the directories that this instance works on.
func (w *watch) lookAtHeld(ctx context.Context, in *setup) error {
	sets, err := w.app.Store.HeldSets(ctx, 0)
	if err != nil {
		return err //nolint:wrapcheck // It says what it does.
	}
	elsewhere := w.app.Dispatcher.Elsewhere()
	for _, d := range in.directories {
		if elsewhere[d.Name] != "" {
			continue
		}
		if err := w.lookAtHeldOf(ctx, d.Name, sets); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) lookAtHeldOf(ctx context.Context, directory string, sets []store.HeldSet) error {
	note := "notify:held:" + directory
	before, now := map[string]heldNote{}, map[string]heldNote{}
	if err := w.recall(ctx, note, &before); err != nil {
		return err
	}
	var fresh []store.HeldSet
	count := 0
	for _, set := range sets {
		if set.Directory != directory {
			continue
		}
		key := string(set.Code) + " " + set.Act
		now[key] = heldNote{set.Count, set.Newest}
		if was := before[key]; set.Count > was.Count || set.Newest > was.Newest {
			fresh = append(fresh, set)
			count += max(set.Count-was.Count, 1)
		}
	}
	if same(before, now) {
		return nil
	}
	if err := w.remember(ctx, note, now); err != nil {
		return err
	}
	if len(fresh) == 0 {
		return nil
	}
	w.app.notifier.Tell(notify.News{
		Kind: notify.Held, Subject: directory, Count: count, Text: reasonsOf(fresh), InChinese: reasonsInChinese(fresh),
		Names: w.names(ctx, store.Filter{Directory: directory, States: []event.State{event.Held}, Held: fresh[0]}),
	})
	return nil
}

func same(a, b map[string]heldNote) bool {
	if len(a) != len(b) {
		return false
	}
	for key, note := range a {
		if b[key] != note {
			return false
		}
	}
	return true
}

// reasonsOf says why events are held.
func reasonsOf(sets []store.HeldSet) string {
	text := "Held now:"
	for i, set := range sets {
		if i > 0 {
			text += ";"
		}
		if set.Act != "" {
			text += fmt.Sprintf(" %d by the guard of %s", set.Count, set.Act)
		} else {
			text += fmt.Sprintf(" %d as %s", set.Count, set.Code)
		}
	}
	return text + "."
}

// reasonsInChinese says the same in Chinese.
func reasonsInChinese(sets []store.HeldSet) string {
	reasons := make([]string, len(sets))
	for i, set := range sets {
		if set.Act != "" {
			reasons[i] = fmt.Sprintf("因安全限额 %s 拦下 %d 个", set.Act, set.Count)
		} else {
			reasons[i] = fmt.Sprintf("因 %s 拦下 %d 个", set.Code, set.Count)
		}
	}
	return "现有：" + strings.Join(reasons, "；") + "。"
}

// names returns how the first few objects of some events are called.
func (w *watch) names(ctx context.Context, which store.Filter) []string {
	if !w.app.current.Load().cfg.Notifications.Names {
		return nil
	}
	which.Limit = namedInNews
	records, err := w.app.Store.Events(ctx, which)
	if err != nil {
		return nil // they are told without
	}
	var names []string
	for _, r := range records {
		name := r.Object.ID
		if known, _, err := w.app.Store.Lookup(ctx, store.Key{Directory: r.Directory, Object: r.Object}); err == nil {
			if called := known.Text(nameField(r.Object.Kind)); called != "" {
				name = called
			}
		}
		names = append(names, name)
	}
	return names
}

// nameField is the field that says how an object is called.
func nameField(kind event.Kind) string {
	if kind == event.KindUser {
		return event.FieldUsername
	}
	return event.FieldName
}

// lastWarning is when a certificate that ends is told the second time.
const lastWarning = 7 * 24 * time.Hour

// lookAtCertificates tells of those that end: three weeks before, one week before, and then. Each is told once, whoever shows it.
func (w *watch) lookAtCertificates(ctx context.Context, in *setup) error {
	now := w.app.clock.Now()
	for _, c := range in.certificates() {
		text, invalidNow := c.trouble(now)
		if text == "" {
			continue
		}
		stage := "soon"
		switch {
		case invalidNow:
			stage = "invalid"
		case c.leaf.NotAfter.Sub(now) < lastWarning:
			stage = "last"
		}
		note := fmt.Sprintf("notify:certificate:%x:%s", sha256.Sum256(c.leaf.Raw), stage)
		if w.ended[note] {
			continue
		}
		var told bool
		if err := w.recall(ctx, note, &told); err != nil {
			return err
		}
		if !told {
			if err := w.remember(ctx, note, true); err != nil {
				return err
			}
			w.app.notifier.Tell(notify.News{Kind: notify.Certificate, Subject: c.key, Text: text, InChinese: c.troubleInChinese(now)})
		}
		w.ended[note] = true
	}
	return nil
}

// recall reads what is noted in the store; what is not leaves into as it is.
func (w *watch) recall(ctx context.Context, name string, into any) error {
	text, err := w.app.Store.Note(ctx, name)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("look what was told: %w", err)
	}
	return nil
}

// remember notes in the store what was told.
func (w *watch) remember(ctx context.Context, name string, what any) error {
	text, err := json.Marshal(what)
	if err == nil {
		err = w.app.Store.SetNote(ctx, name, text, "", nil)
	}
	if err != nil {
		return fmt.Errorf("note what is told: %w", err)
	}
	return nil
}

// observer shows what happens in the metrics, and counts what fails.
type observer struct {
	*telemetry.Metrics
	app *App
}

// Settled notes what became of an event.
func (o observer) Settled(directory string, outcome event.Outcome) {
	o.Metrics.Settled(directory, outcome)
	if outcome.State == event.Failed {
		o.app.watch.failed(directory, o.app.current.Load().cfg.Notifications.Failed, o.app.clock.Now())
	}
}
