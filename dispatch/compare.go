package dispatch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Scanner is a directory whose entries can be read one after the other. *connector.Directory is one.
type Scanner interface {
	processor.Target
	Scan(ctx context.Context, base plan.DN, filter string, attributes []string, page func([]*plan.Entry) error) error
}

// Verdict says what a comparison came to.
type Verdict string

// The verdicts.
const (
	// Equal: the directory says what the mapping wants.
	Equal Verdict = "equal"
	// Drift: the entry is not as the mapping wants it.
	Drift Verdict = "drift"
	// Missing: there is no entry, and there should be one.
	Missing Verdict = "missing"
	// Surplus: there is an entry, and there should be none: the object is gone, or not in the scope of the mapping.
	Surplus Verdict = "surplus"
	// Left: the mapping does not want the object in the directory, and it is not there.
	Left Verdict = "left out"
	// Blocked: what is to be written cannot be told, or cannot be done now; the outcome says why.
	Blocked Verdict = "blocked"
	// Orphan: an entry with our mark and without an object that we know.
	Orphan Verdict = "orphan"
)

// Found is what was found out about one object, or about one orphan.
type Found struct {
	// Object is zero for an orphan.
	Object  event.Ref
	Verdict Verdict
	// DN is where the entry is, or where it will be if there is none; empty if that cannot be told.
	DN plan.DN
	// Operations lead to what the mapping wants; Takes is what they take away that the guards count.
	Operations []plan.Operation
	Takes      processor.Act
	Outcome    event.Outcome
}

// Differs reports whether something would be written.
func (f Found) Differs() bool { return len(f.Operations) > 0 }

// Comparison compares every known object of one directory with its entry. It writes nothing.
//
// The directory is read once, in pages, whatever the number of objects: an entry finds its object by its stable id. Only an
// object whose entry was not met this way is searched for. Of each object no more is kept in memory than its id.
type Comparison struct {
	Store     store.Store
	Directory string
	Server    Scanner
	// Mapping is the one that the objects are compared by.
	Mapping *mapping.Set
	Now     event.Millis
	// Only, if there are any, are the objects that are compared; the directory is not read for others then.
	Only []event.Ref
	// Progress, if set, is told now and then how many objects were compared.
	Progress func(compared int)
}

// Run calls yield for everything that was found, in no particular order, until it returns an error.
func (c Comparison) Run(ctx context.Context, yield func(Found) error) error {
	w := &walk{
		Comparison: c, yield: yield,
		seen: map[event.Ref]struct{}{}, orphans: map[string]plan.DN{}, units: newUnits(),
	}
	profile, err := c.Server.Profile(ctx)
	if err != nil {
		return fmt.Errorf("look at %s: %w", c.Directory, err)
	}
	w.page = &pageOf{Target: c.Server, entries: map[string]*plan.Entry{}}
	w.planner = processor.New(w.page, func() *mapping.Set { return c.Mapping })
	if len(c.Only) > 0 {
		return w.only(ctx)
	}
	filter, attributes := w.scope(profile)
	if err := c.Server.Scan(ctx, c.Mapping.Base(), filter, attributes, func(entries []*plan.Entry) error { return w.entries(ctx, entries) }); err != nil {
		return fmt.Errorf("read %s: %w", c.Directory, err)
	}
	clear(w.page.entries)
	for _, kind := range kinds {
		if err := w.others(ctx, kind); err != nil {
			return err
		}
	}
	for _, link := range slices.Sorted(maps.Keys(w.orphans)) {
		if err := yield(Found{Verdict: Orphan, DN: w.orphans[link]}); err != nil {
			return err
		}
	}
	return nil
}

// only compares the objects that were asked for.
func (w *walk) only(ctx context.Context) error {
	for _, ref := range w.Only {
		object, record, err := w.Store.Lookup(ctx, store.Key{Directory: w.Directory, Object: ref})
		if errors.Is(err, store.ErrNotFound) {
			object = event.Object{Ref: ref}
		} else if err != nil {
			return fmt.Errorf("look up %s: %w", ref, err)
		}
		if err := w.compare(ctx, object, record); err != nil {
			return err
		}
	}
	return nil
}

// kinds are in the order in which missing entries are made: what is above others comes first.
var kinds = []event.Kind{event.KindUnit, event.KindUser, event.KindGroup}

// walk is a comparison under way.
type walk struct {
	Comparison
	yield   func(Found) error
	planner *processor.Processor
	page    *pageOf
	// seen are the objects that were compared.
	seen map[event.Ref]struct{}
	// orphans are the entries with our mark that belong to no object met so far, by their stable ids.
	orphans  map[string]plan.DN
	marks    []string
	units    *units
	compared int
}

// scope returns what to read: entries that have a mark of ours, or are of the classes that we write.
func (w *walk) scope(profile *connector.Profile) (filter string, attributes []string) {
	var parts []string
	add := func(part string) {
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	names := profile.Flavour.StatusAttributes()
	for _, kind := range kinds {
		for _, mark := range w.Mapping.Marks(kind) {
			add("(" + mark + "=*)")
			w.marks = append(w.marks, mark)
			names = append(names, mark)
		}
		for _, class := range w.Mapping.ObjectClasses(kind) {
			add("(objectClass=" + class + ")")
		}
		names = append(names, w.Mapping.Attributes(kind)...)
	}
	for _, name := range names {
		if !slices.ContainsFunc(attributes, func(n string) bool { return strings.EqualFold(n, name) }) {
			attributes = append(attributes, name)
		}
	}
	return "(|" + strings.Join(parts, "") + ")", attributes
}

// entries compares the objects of one page of entries.
func (w *walk) entries(ctx context.Context, entries []*plan.Entry) error {
	clear(w.page.entries)
	var links []string
	for _, e := range entries {
		if e.Link != "" {
			w.page.entries[e.Link] = e
			links = append(links, e.Link)
		}
	}
	known, err := w.Store.ByLink(ctx, w.Directory, links)
	if err != nil {
		return fmt.Errorf("look up who has %d entries: %w", len(links), err)
	}
	owned := make(map[string]bool, len(known))
	for _, k := range known {
		owned[k.Record.Link] = true
		if err := w.compare(ctx, k.Object, k.Record); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if !owned[e.Link] && w.isMarked(e) {
			w.orphans[orphanKey(e)] = e.DN
		}
	}
	return nil
}

// orphanKey tells entries apart where the server gives them no stable id, too.
func orphanKey(e *plan.Entry) string {
	if e.Link != "" {
		return e.Link
	}
	return e.DN.Key()
}

func (w *walk) isMarked(e *plan.Entry) bool {
	return slices.ContainsFunc(w.marks, func(mark string) bool { return len(e.Values(mark)) > 0 })
}

// others compares the objects whose entries were not among those that were read: there is none, or one that is not linked.
func (w *walk) others(ctx context.Context, kind event.Kind) error {
	var failed error
	err := w.Store.Objects(ctx, w.Directory, kind, func(o event.Object, r store.Record) bool {
		if _, seen := w.seen[o.Ref]; seen || o.Deleted() || !o.Exists() && r.Link == "" {
			return true
		}
		failed = w.compare(ctx, o, r)
		return failed == nil
	})
	if err != nil {
		return fmt.Errorf("list the objects of %s: %w", w.Directory, err)
	}
	return failed
}

// compare compares one object and hands on what came of it.
func (w *walk) compare(ctx context.Context, o event.Object, r store.Record) error {
	if _, again := w.seen[o.Ref]; again {
		return nil
	}
	w.seen[o.Ref] = struct{}{}
	key := store.Key{Directory: w.Directory, Object: o.Ref}
	if o.Ref.Kind == event.KindGroup {
		var err error
		if o.Members, err = w.Store.Memberships(ctx, key, nil); err != nil {
			return fmt.Errorf("load the members of %s: %w", o.Ref, err)
		}
	}
	memory := newPreviewMemory(w.Store, store.Job{Key: key}, w.Now, nil, nil)
	memory.units, memory.grants = w.units, true
	inspection := w.planner.Inspect(ctx, processor.Task{
		Record: r, Known: o, Merged: event.Merge(o, nil), Now: w.Now, TryRefused: true, Memory: memory,
	})
	if inspection.Outcome.Code == event.CodeUnavailable {
		return fmt.Errorf("compare %s: %s", o.Ref, inspection.Outcome.Message)
	}
	found := Found{
		Object: o.Ref, Verdict: verdict(inspection), DN: inspection.DN,
		Operations: inspection.Operations, Takes: inspection.Takes, Outcome: inspection.Outcome,
	}
	if e := inspection.Current; e != nil {
		found.DN = e.DN
		delete(w.orphans, orphanKey(e)) // it is found by a rule, and will be linked
	}
	if w.compared++; w.Progress != nil && w.compared%progressEvery == 0 {
		w.Progress(w.compared)
	}
	return w.yield(found)
}

// progressEvery is how many objects are compared between two words about the progress.
const progressEvery = 100

func verdict(i processor.Inspection) Verdict {
	switch {
	case i.Outcome.State == event.Skipped:
		return Left
	case i.Outcome.State != event.Done:
		return Blocked
	case len(i.Operations) == 0:
		return Equal
	case i.Desired != nil && i.Desired.Removal != nil:
		return Surplus
	case i.Current == nil:
		return Missing
	}
	return Drift
}

// pageOf is a directory of which one page of entries is at hand: those need no search.
type pageOf struct {
	processor.Target
	entries map[string]*plan.Entry // by the stable id
}

// Find returns the entry at hand with the stable id, and asks the directory for others.
func (p *pageOf) Find(ctx context.Context, key plan.Key) (*plan.Entry, error) {
	if e := p.entries[key.Link]; e != nil && key.Link != "" {
		return e, nil
	}
	return p.Target.Find(ctx, key) //nolint:wrapcheck // It stands in for the directory.
}
