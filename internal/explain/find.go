package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// kinds are those of which objects are kept, in the order in which they are looked through.
var kinds = []event.Kind{event.KindUser, event.KindUnit, event.KindGroup}

// Stories returns what there is to say about somebody in a directory: about the objects with that IDaaS id, or else with
// that DN, or else with that name. Where no object is known but the directory has an entry, that is all of the story; where
// there is nothing, there is no story.
func Stories(ctx context.Context, s store.Store, d Directory, who string, now event.Millis) ([]Story, error) {
	refs, err := Find(ctx, s, d, who)
	if err != nil {
		return nil, err
	}
	var stories []Story
	for _, ref := range refs {
		story, err := Tell(ctx, s, d, ref, now)
		if err != nil {
			return nil, err
		}
		stories = append(stories, story)
	}
	if len(stories) > 0 {
		return stories, nil
	}
	entry, err := search{s, d}.stranger(ctx, who, asDN(who))
	if err != nil || entry == nil {
		return nil, err
	}
	return []Story{{Directory: d.Name, Holds: entry, Link: entry.Link}}, nil
}

// Find returns the objects that somebody means by an IDaaS id, or else by a DN, or else by a name.
func Find(ctx context.Context, s store.Store, d Directory, who string) ([]event.Ref, error) {
	search := search{s, d}
	refs, err := search.byID(ctx, who)
	if err != nil || len(refs) > 0 {
		return refs, err
	}
	if dn := asDN(who); !dn.Empty() {
		return search.byDN(ctx, dn)
	}
	return search.byName(ctx, who)
}

// asDN reads a DN; what is none is empty.
func asDN(who string) plan.DN {
	dn, err := plan.ParseDN(who)
	if err != nil {
		return nil
	}
	return dn
}

type search struct {
	store     store.Store
	directory Directory
}

func (s search) key(ref event.Ref) store.Key {
	return store.Key{Directory: s.directory.Name, Object: ref}
}

// byID returns the objects with an IDaaS id: those that are known, and those that only events speak about.
func (s search) byID(ctx context.Context, id string) ([]event.Ref, error) {
	var refs []event.Ref
	for _, kind := range kinds {
		ref := event.Ref{Kind: kind, ID: id}
		_, _, err := s.store.Lookup(ctx, s.key(ref))
		if err == nil {
			refs = append(refs, ref)
		} else if !errors.Is(err, store.ErrNotFound) {
			return nil, fmt.Errorf("look up %s: %w", ref, err)
		}
	}
	events, err := s.store.Events(ctx, store.Filter{Directory: s.directory.Name, Object: id})
	if err != nil {
		return nil, fmt.Errorf("list the events of %s: %w", id, err)
	}
	for _, e := range events {
		if !slices.Contains(refs, e.Object) {
			refs = append(refs, e.Object)
		}
	}
	return refs, nil
}

// byDN returns the object whose entry has a DN: as it is remembered, or as the directory has it now, where somebody has
// moved it.
func (s search) byDN(ctx context.Context, dn plan.DN) ([]event.Ref, error) {
	holders, err := s.store.Holders(ctx, s.directory.Name, dn)
	if err != nil {
		return nil, fmt.Errorf("look up who has %s: %w", dn, err)
	}
	for _, h := range holders {
		if h.DN.Equal(dn) {
			return []event.Ref{h.Object}, nil
		}
	}
	entry, err := s.directory.Entries.Read(ctx, dn, nil)
	if err != nil || entry == nil || entry.Link == "" {
		return nil, err //nolint:wrapcheck // It names the entry.
	}
	known, err := s.store.ByLink(ctx, s.directory.Name, []string{entry.Link})
	if err != nil {
		return nil, fmt.Errorf("look up whose entry %s is: %w", dn, err)
	}
	refs := make([]event.Ref, len(known))
	for i, k := range known {
		refs[i] = k.Object.Ref
	}
	return refs, nil
}

// waitingLooked is how many events that wait are looked at for a name that nobody known has: those of a long outage are not opened
// one by one while somebody waits for an answer.
const waitingLooked = 1000

// byName returns the objects with a user name, or a name of a unit or group, without regard to case. Where none is known,
// the newest events that wait are looked at: who they speak about is known once one is applied.
func (s search) byName(ctx context.Context, name string) ([]event.Ref, error) {
	refs, err := s.named(ctx, name)
	if err != nil || len(refs) > 0 {
		return refs, err
	}
	events, err := s.store.Events(ctx, store.Filter{Directory: s.directory.Name, States: []event.State{event.Pending, event.Waiting}, Limit: waitingLooked})
	if err != nil {
		return nil, fmt.Errorf("list what waits: %w", err)
	}
	seen := map[event.Ref]bool{}
	for _, e := range events {
		if e.Object.Zero() || seen[e.Object] {
			continue
		}
		seen[e.Object] = true
		object, _, err := dispatch.Known(ctx, s.store, s.key(e.Object))
		if err != nil {
			return nil, err //nolint:wrapcheck // It names the object.
		}
		if strings.EqualFold(nameOf(object), name) {
			refs = append(refs, e.Object)
		}
	}
	return refs, nil
}

// namedAtOnce is how many objects are read at a time whose names begin like one that is looked for.
const namedAtOnce = 20

// named returns the known objects with a name. In the order of names these come before all that only begin like it.
func (s search) named(ctx context.Context, name string) ([]event.Ref, error) {
	var refs []event.Ref
	filter := store.NameFilter{Prefix: name, Directory: s.directory.Name, Limit: namedAtOnce}
	for {
		found, next, err := s.store.FindByName(ctx, filter)
		if err != nil {
			return nil, fmt.Errorf("look for the name %q: %w", name, err)
		}
		before := len(refs)
		for _, f := range found {
			if strings.EqualFold(nameOf(f.Object), name) {
				refs = append(refs, f.Object.Ref)
			}
		}
		if filter.After = next; next == "" || len(refs) == before {
			break
		}
	}
	slices.SortStableFunc(refs, func(a, b event.Ref) int { return cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)) })
	return refs, nil
}

// stranger returns an entry that no known object belongs to: the one with a DN, or the one that the match rules of the
// mapping find for a user of that name.
func (s search) stranger(ctx context.Context, who string, dn plan.DN) (*plan.Entry, error) {
	set := s.directory.Mapping
	attributes := set.Attributes(event.KindUser)
	if !dn.Empty() {
		return s.directory.Entries.Read(ctx, dn, attributes) //nolint:wrapcheck // It names the entry.
	}
	// For somebody who is gone a mapping names its match rules and nothing else.
	result, err := set.Desired(mapping.Input{
		Object:  event.Object{Ref: event.Ref{Kind: event.KindUser}, Facts: map[string]event.Fact{event.FieldUsername: {Value: who}}},
		Deleted: true,
	})
	if err != nil || len(result.Match) == 0 {
		return nil, nil //nolint:nilerr // A mapping that cannot find anybody by name finds nobody.
	}
	return s.directory.Entries.Find(ctx, plan.Key{Base: set.Base(), Match: result.Match, Attributes: attributes}) //nolint:wrapcheck // It names the filter.
}
