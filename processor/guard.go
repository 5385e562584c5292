package processor

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// Act is something that the guards of a mapping count.
type Act string

// The acts. An entry that is moved to where leavers are kept counts as deleted, and so does one that is deleted there
// later. An account counts as disabled when it can log in no more, or not for longer than the window of the guard,
// whatever the reason: disabled, locked, expired, or its entry kept in place of being deleted. An end of an account that
// is farther away is a date and no disabling: there is time to see it.
const (
	ActDelete  Act = "delete"
	ActDisable Act = "disable"
	// ActAdopt: an entry that somebody else has made is taken over. ActRename: an entry gets another name or place. ActChange: an
	// entry is written at all. ActVanish: an entry is gone that nobody here has deleted.
	ActAdopt  Act = "adoption"
	ActRename Act = "rename"
	ActChange Act = "change"
	ActVanish Act = "vanished"
)

// Limits are the guards of a mapping by the acts that they count, without those that it does not set.
func Limits(g mapping.Guards) map[Act]mapping.Limit {
	all := map[Act]mapping.Limit{
		ActDelete: g.Deletes, ActDisable: g.Disables, ActAdopt: g.Adoptions, ActRename: g.Renames, ActChange: g.Changes, ActVanish: g.Vanished,
	}
	maps.DeleteFunc(all, func(_ Act, l mapping.Limit) bool { return l.Zero() })
	return all
}

// Permission is the answer of a guard.
type Permission struct {
	Granted bool
	// Approved says that a person has allowed it. Nothing is counted then, and nothing says that it was done before.
	Approved bool
	// Beyond says, where it is not granted, how many are let through, and by which key of the mapping.
	Beyond string
}

// plural names the guard on an act, as the mapping file does.
func (a Act) plural() string {
	if a == ActVanish {
		return string(a)
	}
	return string(a) + "s"
}

// kindEntry stands for entries that belong to no object that we know. As none of them is known, percent of them is one.
const kindEntry event.Kind = "entry"

// heldBack asks the guards on what a draft does to an entry, and returns the outcome where that may not be done; nil where it may.
func (w *work) heldBack(ctx context.Context, d draft) *event.Outcome {
	guards := w.set.Guards()
	limit, objects, what := guards.Deletes, []event.Ref{w.task.Merged.Object.Ref}, d.current.DN.String()
	act := w.takes(d)
	switch act {
	case "":
		return w.changeHeldBack(ctx, d)
	case ActDisable:
		if w.mayDisable {
			return nil // What ends the access may be written in several steps.
		}
		limit = guards.Disables
	case ActDelete:
		if d.desired.Removal.Action != plan.RemoveSubtree {
			break
		}
		more, err := w.below(ctx, d.current.DN, limit.Max)
		if err != nil {
			outcome := outcomeOf(err)
			return &outcome
		}
		objects = append(objects, more...)
		if len(more) > 0 {
			what = fmt.Sprintf("%s and %d entries below it", d.current.DN, len(more))
		}
		if len(more) > limit.Max {
			what = fmt.Sprintf("%s and more than %d entries below it", d.current.DN, limit.Max)
		}
	}
	held := w.asks(ctx, act, objects, limit, what)
	w.mayDisable = held == nil && act == ActDisable
	return held
}

// asks asks a guard, and returns the outcome where it does not grant what is to be done; nil where it does.
func (w *work) asks(ctx context.Context, act Act, objects []event.Ref, limit mapping.Limit, what string) *event.Outcome {
	permission, err := w.task.Memory.Permit(ctx, act, objects, limit)
	if err != nil {
		outcome := outcomeOf(err)
		return &outcome
	}
	if permission.Granted {
		return nil
	}
	return w.hold(act, permission, what)
}

// hold returns the outcome of what a guard holds until a person approves the act. The outcome carries the act, as one try may be held
// by two guards, and whoever approves the one has not approved the other.
func (w *work) hold(act Act, refused Permission, what string) *event.Outcome {
	beyond := refused.Beyond
	if beyond != "" {
		beyond = ", which lets through " + beyond
	}
	return &event.Outcome{State: event.Held, Code: event.CodeGuarded, Act: string(act), Message: fmt.Sprintf(
		"held by the guard on %s of the mapping%s: %s. Approve with 'events retry', or drop with 'events discard'", act.plural(), beyond, what)}
}

// isGuarded reports whether a guard holds anything of the object.
func (w *work) isGuarded() bool {
	return w.result.Outcome.Act != "" || w.result.Facets[event.FacetAccess].Act != ""
}

// changeHeldBack asks the guards that a mapping may set on entries that are renamed, or written at all.
func (w *work) changeHeldBack(ctx context.Context, d draft) *event.Outcome {
	guards := w.set.Guards()
	act, limit := ActChange, guards.Changes
	if slices.ContainsFunc(d.plan.Operations, d.renames) {
		act, limit = ActRename, guards.Renames
	}
	if d.current == nil || d.plan.Empty() || limit.Zero() {
		return nil
	}
	return w.asks(ctx, act, []event.Ref{w.ref()}, limit, d.current.DN.String())
}

// takes returns what a draft takes away that the guards count, empty for nothing.
func (w *work) takes(d draft) Act {
	removal := d.desired.Removal
	switch {
	case d.current == nil || d.plan.Empty():
		return ""
	case removal != nil && (removal.Action == plan.RemoveDisable || removal.Action == plan.RemoveMove && !d.moves()):
		return ActDisable
	case removal != nil:
		return ActDelete
	case d.disables && (w.writes(d, d.status) || d.elsewhere && d.moves()), w.writesStatusByRule(d):
		return ActDisable
	}
	return ""
}

// moves reports whether the plan moves the entry below another one.
func (d draft) moves() bool {
	return slices.ContainsFunc(d.plan.Operations, func(op plan.Operation) bool {
		move, is := op.(plan.ModifyDN)
		return is && !move.NewSuperior.Empty()
	})
}

// writes reports whether the plan writes an attribute that one of the rules speaks about.
func (w *work) writes(d draft, rules []plan.Rule) bool {
	return slices.ContainsFunc(d.modifications(), func(m plan.Modification) bool { return w.speaks(rules, m.Name) })
}

// writesStatusByRule reports whether an attribute by which the server keeps users out is written by a rule of the mapping
// that is none about the status. Nobody knows what its value means, so it counts as disabling.
func (w *work) writesStatusByRule(d draft) bool {
	return slices.ContainsFunc(d.modifications(), func(m plan.Modification) bool {
		isStatus := slices.ContainsFunc(d.statusOf, func(name string) bool { return plan.SameDescription(w.comparison(), name, m.Name) })
		return isStatus && m.Type != plan.DeleteValues && len(m.Values) > 0 && !w.speaks(d.status, m.Name)
	})
}

func (d draft) modifications() []plan.Modification {
	var out []plan.Modification
	for _, op := range d.plan.Operations {
		if modify, ok := op.(plan.Modify); ok {
			out = append(out, modify.Modifications...)
		}
	}
	return out
}

// speaks reports whether one of some rules is about an attribute.
func (w *work) speaks(rules []plan.Rule, attribute string) bool {
	return slices.ContainsFunc(rules, func(rule plan.Rule) bool { return plan.SameDescription(w.comparison(), rule.Attribute, attribute) })
}

// endsSoon reports whether an account ends within the window of the guard: that is disabling it, by another name.
func (w *work) endsSoon(a event.Account) bool {
	window := event.Millis(w.set.Guards().Disables.Window.Milliseconds())
	return a.ExpiresAt > 0 && a.ExpiresAt <= w.task.Now+window
}

// below returns the objects whose entries lie below one. Beyond the limit it does not matter how many there are.
func (w *work) below(ctx context.Context, dn plan.DN, limit int) ([]event.Ref, error) {
	var out []event.Ref
	for level := []plan.DN{dn}; len(level) > 0 && len(out) <= limit; level = level[1:] {
		children, _, err := w.target.FirstChildren(ctx, level[0], limit+1-len(out))
		if err != nil {
			return nil, err
		}
		for _, child := range children {
			holder, err := w.holder(ctx, child)
			if err != nil {
				return nil, err
			}
			if holder.Zero() {
				holder = event.Ref{Kind: kindEntry, ID: child.Key()}
			}
			out = append(out, holder)
		}
		level = append(level, children...)
	}
	return out, nil
}
