package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

type reconcileCommand struct {
	configFlag
	Directory string `placeholder:"NAME" help:"One directory; all of them otherwise."`
	Apply     bool   `help:"Write what differs, within the guards of the mapping; entries without a known object stay as they are. A running service does it, and this command does where none runs."`
	Output    string `enum:"text,json" default:"text" help:"Form of the output: ${enum}. Text is LDIF; json is one object in a line, the summary last."`
}

// Run compares every known object with the directory, and writes what differs where that is asked for.
func (c reconcileCommand) Run(ctx context.Context, t terminal) error {
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
	open := app.OpenStoreToRead
	if c.Apply {
		open = func(ctx context.Context, cfg *config.Config) (store.Store, error) {
			return app.OpenStore(ctx, cfg, store.ToChange)
		}
	}
	memory, err := open(ctx, cfg)
	if err != nil {
		return err
	}
	defer memory.Close()
	failed := false
	var names []string
	for _, d := range directories {
		if c.Directory != "" && c.Directory != d.Name {
			continue
		}
		names = append(names, d.Name)
		r := &reconciliation{directory: d, store: memory, json: c.Output == "json", out: t.Out, counts: map[dispatch.Verdict]int{}, takes: map[processor.Act]int{}}
		if err := r.compare(ctx, t, c.Apply); err != nil {
			fmt.Fprintf(t.Err, "%s: %v\n", d.Name, err)
			failed = true
		}
	}
	if c.Apply {
		// What one directory could be asked for is written even where another one did not answer.
		clean, err := writing{cfg: cfg, store: memory, directories: names}.run(ctx, t)
		if err != nil {
			return err
		}
		failed = failed || !clean
	}
	if failed {
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
	counts    map[dispatch.Verdict]int
	takes     map[processor.Act]int
	differs   []store.Key // not asked for yet
}

// askAtOnce is how many objects are asked for in one transaction.
const askAtOnce = 200

func (r *reconciliation) compare(ctx context.Context, t terminal, apply bool) error {
	total, err := r.known(ctx)
	if err != nil {
		return err
	}
	progress := t.progress("objects of "+r.directory.Name+" are compared", total)
	comparison := dispatch.Comparison{
		Store: r.store, Directory: r.directory.Name, Server: r.directory.Server, Mapping: r.directory.Mapping(),
		Now: event.Millis(time.Now().UnixMilli()), Progress: progress.at,
	}
	err = comparison.Run(ctx, func(f dispatch.Found) error {
		r.counts[f.Verdict]++
		r.takes[f.Takes]++
		if apply && f.Differs() {
			r.differs = append(r.differs, store.Key{Directory: r.directory.Name, Object: f.Object})
			if len(r.differs) >= askAtOnce {
				if err := r.ask(ctx); err != nil {
					return err
				}
			}
		}
		if f.Verdict == dispatch.Equal || f.Verdict == dispatch.Left {
			return nil
		}
		return r.show(f)
	})
	progress.end()
	if err != nil {
		return err
	}
	if apply {
		if err := r.ask(ctx); err != nil {
			return err
		}
	}
	if err := r.leftInPlace(ctx); err != nil {
		return err
	}
	return r.summary(ctx)
}

// verdictKept is the verdict on an entry that a person has left in place although its object is gone.
const verdictKept dispatch.Verdict = "left_in_place"

// leftInPlace shows the entries whose deletion a person has dropped, and nobody has said since that they exist.
func (r *reconciliation) leftInPlace(ctx context.Context) error {
	filter := store.Filter{Directory: r.directory.Name, States: []event.State{event.Discarded}, Limit: maxListed}
	for {
		records, err := r.store.Events(ctx, filter)
		if err != nil {
			return fmt.Errorf("list what was left in place: %w", err)
		}
		for _, e := range records {
			filter.Before = e.Seq
			if !e.LeftInPlace() {
				continue
			}
			object, record, err := dispatch.Known(ctx, r.store, store.Key{Directory: r.directory.Name, Object: e.Object})
			if err != nil {
				return err
			}
			if !object.Exists() || object.Existence.At.Event > e.Time {
				continue
			}
			r.counts[verdictKept]++
			if err := r.showKept(e, record.DN); err != nil {
				return err
			}
		}
		if len(records) < filter.Limit {
			return nil
		}
	}
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
	total := 0
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		n, err := r.store.CountObjects(ctx, r.directory.Name, kind)
		if err != nil {
			return 0, fmt.Errorf("count the objects of %s: %w", r.directory.Name, err)
		}
		total += n
	}
	return total, nil
}

func (r *reconciliation) ask(ctx context.Context) error {
	if len(r.differs) == 0 {
		return nil
	}
	err := r.store.Ask(ctx, event.Millis(time.Now().UnixMilli()), r.differs)
	r.differs = r.differs[:0]
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
	known, err := r.store.CountObjects(ctx, r.directory.Name, event.KindUser)
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
