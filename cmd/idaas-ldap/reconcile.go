package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/explain"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

type reconcileCommand struct {
	configFlag
	Directory       string `placeholder:"NAME" help:"One directory; all of them otherwise."`
	Apply           bool   `help:"Write what differs, within the guards of the mapping; entries without a known object stay as they are. A running service does it, and this command does where none runs."`
	ExitCode        bool   `help:"End with 1 where anything differs or is blocked, or an entry with our mark belongs to no known object; for scripts that only look."`
	AcceptDirectory bool   `help:"With --directory: what answers is another directory than the one that is known, and is to be taken for it from now on. The entries that are known are then found by the rules of the mapping."`
	By              string `placeholder:"WHO" help:"With --accept-directory: who decides, for the record; you on this machine if absent."`
	Output          string `enum:"text,json" default:"text" help:"Form of the output: text, which is LDIF, or json, one object in a line with the summary last; text without it."`
	Who             string `arg:"" optional:"" help:"One user, unit or group: its IDaaS id, its name, or the DN of its entry. Without it everybody who is known."`
}

// Run compares known objects with the directory, and writes what differs where that is asked for.
func (c reconcileCommand) Run(ctx context.Context, t terminal) error {
	if c.Apply && c.ExitCode {
		return usageError{errors.New("--exit-code is for looking: with --apply the exit code says whether everything that was asked for was written")}
	}
	if c.AcceptDirectory && c.Directory == "" {
		return usageError{errors.New("--accept-directory needs --directory: say which")}
	}
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	if err := knownDirectory(cfg, c.Directory); err != nil {
		return err
	}
	directories, err := app.OpenDirectories(cfg, quietLog(t.Err), nil)
	if err != nil {
		return err
	}
	defer func() {
		for _, d := range directories {
			d.Server.Close()
		}
	}()
	if c.Directory != "" {
		directories = slices.DeleteFunc(slices.Clone(directories), func(d *app.Directory) bool { return d.Name != c.Directory })
	}
	open := app.OpenStoreToRead
	if c.Apply || c.AcceptDirectory {
		open = func(ctx context.Context, cfg *config.Config) (store.Store, error) {
			return app.OpenStore(ctx, cfg, store.ToChange)
		}
	}
	memory, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer memory.Close()
	for _, d := range directories {
		if c.AcceptDirectory {
			if err := accept(ctx, t, d, memory, whoDecides(c.By)); err != nil {
				return err
			}
		}
		d.RecogniseBy(memory, false)
	}
	return c.each(ctx, t, cfg, memory, directories)
}

// each compares each of the directories, and then writes.
func (c reconcileCommand) each(ctx context.Context, t terminal, cfg *config.Config, memory store.Store, directories []*app.Directory) error {
	failed, differs, met := false, false, false
	asked := map[store.Key]bool{}
	for _, d := range directories {
		r := &reconciliation{
			directory: d, store: memory, json: c.Output == "json", out: t.Out, apply: c.Apply, asked: asked,
			counts: map[dispatch.Verdict]int{}, takes: map[processor.Act]int{},
		}
		found, err := r.choose(ctx, c.Who)
		if err == nil && found {
			met = true
			err = r.compare(ctx, t)
		}
		if err != nil {
			fmt.Fprintf(t.Err, "%s: %s\n", d.Name, oneLine(err.Error()))
			failed = true
		}
		differs = differs || r.differ()
	}
	if !met && !failed {
		return nobodyKnown(c.Who)
	}
	if c.Apply {
		// What one directory could be asked for is written even where another one did not answer.
		clean, err := writing{cfg: cfg, store: memory, asked: asked}.run(ctx, t)
		if err != nil {
			return err
		}
		failed = failed || !clean
	}
	if failed || c.ExitCode && differs {
		return errReported
	}
	return nil
}

// reconciliation is the comparison of one directory.
type reconciliation struct {
	directory *app.Directory
	store     store.Store
	json      bool
	out       io.Writer
	apply     bool
	// only are those who are compared; everybody where there are none.
	only   []event.Ref
	counts map[dispatch.Verdict]int
	takes  map[processor.Act]int
	// open are those of whom an earlier comparison is held or has failed.
	open map[event.Ref]bool
	// next are to be asked for; asked are those for whom that was done.
	next  []store.Key
	asked map[store.Key]bool
}

// askAtOnce is how many objects are asked for in one transaction.
const askAtOnce = 200

// choose finds out who is to be compared. It reports false where that is nobody.
func (r *reconciliation) choose(ctx context.Context, who string) (bool, error) {
	if who == "" {
		return true, nil
	}
	var err error
	r.only, err = explain.Find(ctx, r.store, explain.Directory{
		Name: r.directory.Name, Inspector: r.directory.Processor, Entries: r.directory.Server, Mapping: r.directory.Mapping(),
	}, who)
	return len(r.only) > 0, err
}

// differ reports whether anything was found that somebody should look at.
func (r *reconciliation) differ() bool {
	n := r.counts
	return n[dispatch.Drift]+n[dispatch.Missing]+n[dispatch.Surplus]+n[dispatch.Blocked]+n[dispatch.Orphan] > 0
}

func (r *reconciliation) compare(ctx context.Context, t terminal) error {
	total, err := r.known(ctx)
	if err != nil {
		return err
	}
	if r.apply {
		if err := r.listOpen(ctx); err != nil {
			return err
		}
	}
	progress := t.progress("objects of "+r.directory.Name+" are compared", total)
	comparison := dispatch.Comparison{
		Store: r.store, Directory: r.directory.Name, Server: r.directory.Server, Mapping: r.directory.Mapping(),
		Now: event.Millis(time.Now().UnixMilli()), Only: r.only, Progress: progress.at,
	}
	err = comparison.Run(ctx, func(f dispatch.Found) error {
		r.counts[f.Verdict]++
		r.takes[f.Takes]++
		// An earlier try that is open ends when the lane finds that nothing is left to be done.
		if r.apply && (f.Differs() || r.open[f.Object]) {
			r.next = append(r.next, store.Key{Directory: r.directory.Name, Object: f.Object})
			if len(r.next) >= askAtOnce {
				if err := r.ask(ctx); err != nil {
					return err
				}
			}
		}
		if f.Verdict == dispatch.Equal || f.Verdict == dispatch.Left {
			return nil
		}
		progress.end() // what is shown goes to its place
		return r.show(f)
	})
	progress.end()
	if err != nil {
		return err
	}
	if r.apply {
		if err := r.ask(ctx); err != nil {
			return err
		}
	}
	if err := r.leftInPlace(ctx); err != nil {
		return err
	}
	return r.summary(ctx)
}

// listOpen lists those of whom an earlier comparison is held or has failed.
func (r *reconciliation) listOpen(ctx context.Context) error {
	r.open = map[event.Ref]bool{}
	return eachEvent(ctx, r.store, store.Filter{
		Directory: r.directory.Name, Type: event.TypeReconcile, States: []event.State{event.Held, event.Failed},
	}, func(e store.EventRecord) error {
		r.open[e.Object] = true
		return nil
	})
}

// eachEvent calls yield for all events that a filter selects.
func eachEvent(ctx context.Context, s store.Store, filter store.Filter, yield func(store.EventRecord) error) error {
	filter.Limit = maxListed
	for {
		records, err := s.Events(ctx, filter)
		if err != nil {
			return err //nolint:wrapcheck // It says what was listed.
		}
		for _, e := range records {
			filter.Before = e.Seq
			if err := yield(e); err != nil {
				return err
			}
		}
		if len(records) < filter.Limit {
			return nil
		}
	}
}

// verdictKept is the verdict on an entry that a person has left in place although its object is gone.
const verdictKept dispatch.Verdict = "left_in_place"

// leftInPlace shows the entries whose deletion a person has dropped, and nobody has said since that they exist.
func (r *reconciliation) leftInPlace(ctx context.Context) error {
	filter := store.Filter{Directory: r.directory.Name, States: []event.State{event.Discarded}}
	shown := map[event.Ref]bool{}
	return eachEvent(ctx, r.store, filter, func(e store.EventRecord) error {
		if !e.LeftInPlace() || shown[e.Object] || len(r.only) > 0 && !slices.Contains(r.only, e.Object) {
			return nil
		}
		object, record, err := dispatch.Known(ctx, r.store, store.Key{Directory: r.directory.Name, Object: e.Object})
		if err != nil {
			return err //nolint:wrapcheck // It names the object.
		}
		if !e.Leaves(object) {
			return nil
		}
		shown[e.Object] = true
		r.counts[verdictKept]++
		return r.showKept(e, record.DN)
	})
}

func (r *reconciliation) showKept(e store.EventRecord, dn plan.DN) error {
	if r.json {
		return json.NewEncoder(r.out).Encode(foundLine{Directory: r.directory.Name, Verdict: verdictKept, Object: &e.Object, DN: dn.String(), Outcome: &e.Outcome})
	}
	_, err := fmt.Fprintf(r.out, "# left in place: %s, %s: %s (event %s)\n\n", oneLine(e.Object.String()), oneLine(dn.String()), oneLine(e.Outcome.Message), oneLine(e.EventID))
	return err
}

// known returns how many objects there are to compare.
func (r *reconciliation) known(ctx context.Context) (int, error) {
	if len(r.only) > 0 {
		return len(r.only), nil
	}
	total := 0
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		n, err := r.store.CountObjects(ctx, r.directory.Name, kind, 0)
		if err != nil {
			return 0, fmt.Errorf("count the objects of %s: %w", r.directory.Name, err)
		}
		total += n
	}
	return total, nil
}

func (r *reconciliation) ask(ctx context.Context) error {
	if len(r.next) == 0 {
		return nil
	}
	err := r.store.Ask(ctx, event.Millis(time.Now().UnixMilli()), r.next)
	for _, key := range r.next {
		r.asked[key] = true
	}
	r.next = r.next[:0]
	return err
}

// foundLine is one line of the output in JSON.
type foundLine struct {
	Directory string           `json:"directory"`
	Verdict   dispatch.Verdict `json:"verdict"`
	Object    *event.Ref       `json:"object,omitempty"`
	DN        string           `json:"dn,omitempty"`
	Outcome   *event.Outcome   `json:"outcome,omitempty"`
	LDIF      string           `json:"ldif,omitempty"`
}

// show prints one difference.
func (r *reconciliation) show(f dispatch.Found) error {
	if !r.json {
		return r.showLDIF(f)
	}
	line := foundLine{Directory: r.directory.Name, Verdict: f.Verdict, DN: f.DN.String()}
	if !f.Object.Zero() {
		line.Object = &f.Object
	}
	if f.Verdict == dispatch.Blocked {
		line.Outcome = &f.Outcome
	}
	var ldif bytes.Buffer
	if err := plan.WriteLDIF(&ldif, f.Operations...); err != nil {
		return fmt.Errorf("write LDIF: %w", err)
	}
	line.LDIF = ldif.String()
	return json.NewEncoder(r.out).Encode(line)
}

func (r *reconciliation) showLDIF(f dispatch.Found) error {
	switch f.Verdict {
	case dispatch.Orphan:
		_, err := fmt.Fprintf(r.out, "# orphan: %s has our mark, and no known object; it stays as it is\n\n", oneLine(f.DN.String()))
		return err
	case dispatch.Blocked:
		_, err := fmt.Fprintf(r.out, "# blocked: %s, %s (%s): %s\n\n", oneLine(f.Object.String()), f.Outcome.State, f.Outcome.Code, oneLine(f.Outcome.Message))
		return err
	}
	fmt.Fprintf(r.out, "# %s: %s\n", f.Verdict, oneLine(f.Object.String()))
	return plan.WriteLDIF(r.out, f.Operations...)
}

// summaryLine is the last line of a directory in JSON.
type summaryLine struct {
	Directory string                   `json:"directory"`
	Summary   map[dispatch.Verdict]int `json:"summary"`
	Deletes   int                      `json:"deletes"`
	Disables  int                      `json:"disables"`
}

func (r *reconciliation) summary(ctx context.Context) error {
	if r.json {
		return json.NewEncoder(r.out).Encode(summaryLine{
			Directory: r.directory.Name, Summary: r.counts, Deletes: r.takes[processor.ActDelete], Disables: r.takes[processor.ActDisable],
		})
	}
	n := r.counts
	fmt.Fprintf(r.out, "# %s: %d equal, %d drifted, %d missing, %d surplus, %d left out by the mapping, %d blocked, %d orphans\n",
		r.directory.Name, n[dispatch.Equal], n[dispatch.Drift], n[dispatch.Missing], n[dispatch.Surplus], n[dispatch.Left], n[dispatch.Blocked], n[dispatch.Orphan])
	guards := r.directory.Mapping().Guards()
	known, err := r.store.CountObjects(ctx, r.directory.Name, event.KindUser, 0)
	if err != nil {
		return fmt.Errorf("count the users of %s: %w", r.directory.Name, err)
	}
	if d := r.takes[processor.ActDelete]; d > 0 {
		fmt.Fprintf(r.out, "# %d deletions; %s\n", d, lets("deletes", guards.Deletes, known))
	}
	if d := r.takes[processor.ActDisable]; d > 0 {
		fmt.Fprintf(r.out, "# %d users to be disabled; %s\n", d, lets("disables", guards.Disables, known))
	}
	if n[dispatch.Missing] > 0 {
		fmt.Fprintln(r.out, "# an entry that is made anew has no password until IDaaS sends one")
	}
	fmt.Fprintln(r.out)
	return nil
}

// lets says how many users a guard lets through, and which of its two bounds that is.
func lets(guard string, limit mapping.Limit, known int) string {
	allowed := limit.Allows(known)
	bound := fmt.Sprintf("guards.%s.max", guard)
	if allowed < limit.Max {
		bound = fmt.Sprintf("guards.%s.percent, %g %% of %d users and at least 1", guard, limit.Percent, known)
	}
	return fmt.Sprintf("the guard lets through at most %d users in %s (%s), what was done in that time counted; the others wait for 'events retry --held'",
		allowed, limit.Window, bound)
}
