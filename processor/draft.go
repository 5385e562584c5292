package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/connector"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// draft is what one look at the mapping and at the directory comes to.
type draft struct {
	current *plan.Entry
	desired plan.Desired
	plan    plan.Plan
	// unique are the attributes whose values the server allows once.
	unique []connector.UniqueAttribute
	// afterPassword: what the status asks for is another thing once the password is set; secondLook: so it is looked at
	// again, as the password is being set.
	afterPassword, secondLook bool
	// status are the rules that express the login status; statusOf are the attributes by which the server does so itself.
	// Elsewhere: the user is kept at a place of its own because of the status.
	status    []plan.Rule
	statusOf  []string
	elsewhere bool
	// belowItself: the entry belongs below where it is itself, so there is no plan until what is between has moved away.
	belowItself bool
	// disables: with all this the user cannot log in, or not for long.
	disables bool
}

// renames reports whether an operation of the draft gives the entry of the object another name or place.
func (d draft) renames(op plan.Operation) bool {
	move, ok := op.(plan.ModifyDN)
	return ok && d.current != nil && move.DN.Equal(d.current.DN)
}

// leavesPlace reports whether the entry will not be where it is.
func (d draft) leavesPlace() bool {
	return d.plan.DN.Empty() || slices.ContainsFunc(d.plan.Operations, d.renames)
}

// movesChildren reports whether the entry is deleted and what is below it goes to the entry above.
func (d draft) movesChildren() bool {
	return d.current != nil && d.desired.Removal != nil && d.desired.Removal.Action == plan.RemoveMoveChildren
}

// movesOthers reports whether a draft gives entries of other objects another place, or did so in an earlier try that is not
// remembered yet: those below a unit come along with it.
func (r *run) movesOthers(d draft) bool {
	if d.current == nil || r.task.Merged.Object.Ref.Kind != event.KindUnit {
		return false
	}
	if !r.task.DN.Empty() && !d.plan.DN.Empty() && !r.task.DN.Equal(d.plan.DN) {
		return true
	}
	return slices.ContainsFunc(d.plan.Operations, func(op plan.Operation) bool {
		_, moves := op.(plan.ModifyDN)
		remove, removes := op.(plan.Delete)
		return moves || removes && (remove.Subtree || d.movesChildren())
	})
}

// draft computes what is to be written now. It returns false where the task has ended, with its outcome set and what
// was found out until then.
func (r *run) draft(ctx context.Context) (draft, bool) {
	object := r.task.Merged.Object
	if object.Ref == (event.Ref{Kind: event.KindUnit, ID: event.RootUnitID}) {
		r.end(event.Skipped, event.CodeSwitchedOff, "the root unit is fixed by the mapping (organizational_unit.root)")
		return draft{}, false
	}
	if !r.set.Handles(object.Ref.Kind) {
		r.end(event.Skipped, event.CodeSwitchedOff, fmt.Sprintf("the mapping has no section for a %s", object.Ref.Kind))
		return draft{}, false
	}
	r.looked = false
	desired, missing, ok := r.desire(ctx)
	if !ok {
		return draft{}, false
	}
	profile, err := r.target.Profile(ctx)
	if err != nil {
		return draft{desired: desired}, r.failed(err)
	}
	d := draft{desired: desired, unique: profile.Flavour.UniqueAttributes()}
	if d.current, err = r.find(ctx, desired.Match); err != nil {
		return d, r.failed(err)
	}
	if !r.mayWrite(ctx, d.current, desired, missing) {
		return d, false
	}
	r.purge(&d.desired, d.current)
	if !r.express(profile, &d) || !r.members(ctx, &d) {
		return d, false
	}
	d.plan, err = r.build(ctx, profile, d)
	var below *plan.BelowItself
	switch {
	case errors.As(err, &below):
		d.belowItself = true
	case err != nil:
		return d, r.failed(err)
	}
	return d, true
}

// mayWrite decides whether the task can go on with the entry that was found, or with none.
func (r *run) mayWrite(ctx context.Context, current *plan.Entry, desired plan.Desired, missing []string) bool {
	object := r.task.Merged.Object
	switch {
	case current != nil && current.Link != r.task.Link:
		return r.mayLink(ctx, current)
	case current != nil || desired.Removal != nil:
		return true
	case !object.Exists():
		r.wait(event.CodeWaitsForRecord, fmt.Sprintf("%s is not known yet and no entry matches; waits for its record", object.Ref))
		return false
	case desired.DN.Empty():
		r.wait(event.CodeWaitsForRecord, fmt.Sprintf("waits for more of the record of %s: %s was never said, and the DN needs it", object.Ref, strings.Join(missing, ", ")))
		return false
	}
	return true
}

// mayLink decides whether an entry that was found by a match rule may become ours: not where it belongs to another
// object that we know.
func (r *run) mayLink(ctx context.Context, current *plan.Entry) bool {
	holder, err := r.task.Memory.Holder(ctx, current.DN)
	if err != nil {
		return r.failed(err)
	}
	if holder.Zero() || holder == r.task.Merged.Object.Ref {
		return true
	}
	r.wait(event.CodeWaitsForDN, fmt.Sprintf("the entry %s matches %s and belongs to %s", current.DN, r.task.Merged.Object.Ref, holder), holder)
	return false
}

// express turns the wanted status and password into what the server understands.
func (r *run) express(profile *connector.Profile, d *draft) bool {
	if d.desired.Removal != nil && d.current == nil {
		return true
	}
	rule := r.set.PasswordRule()
	if account := d.desired.Account; account != nil {
		if d.desired.Removal != nil {
			account.State.Disabled, account.State.StatusSeen = true, true
		}
		if d.desired.Removal == nil {
			d.desired.DN, d.elsewhere = account.Place(d.desired.DN, d.current, r.task.Now)
		}
		account.Unlock = r.task.Unlock
		account.HasPassword = r.passwordSet || rule.MustChange && !r.task.Merged.Object.Password.Zero()
		status, err := profile.Flavour.Status(*account, d.current, r.task.Now)
		if err != nil {
			r.end(event.Failed, event.CodeRefused, err.Error())
			return false
		}
		d.status, d.afterPassword, r.note = status.Rules, status.AfterPassword, status.Note
		if problem := status.Problem(); problem != "" {
			if removal := d.desired.Removal; removal == nil || removal.Action == plan.RemoveDisable {
				r.end(event.Failed, event.CodeRefused, problem)
				return false
			}
			r.note = problem // the entry goes to the leavers all the same: there it is at least no member of anything
		}
		d.statusOf = profile.Flavour.StatusAttributes()
		d.desired.Rules = append(slices.Clone(d.desired.Rules), status.Rules...)
		d.disables = !account.State.Usable(r.task.Now) || account.Expire.Auto && r.endsSoon(account.State)
	}
	password := r.task.Merged.Password
	if password.Empty() || r.noPassword || d.desired.Removal != nil {
		return true
	}
	if !rule.Write {
		r.result.PasswordOutcome = &event.Outcome{State: event.Skipped, Code: event.CodeSwitchedOff, Message: "the mapping says not to write passwords (user.password.write)"}
		return true
	}
	d.desired.Password = &plan.Password{Text: password, Hash: rule.Hash, MustChange: rule.MustChange}
	d.secondLook = d.afterPassword
	return true
}

func (r *run) build(ctx context.Context, profile *connector.Profile, d draft) (plan.Plan, error) {
	if d.movesChildren() {
		children, err := r.target.Children(ctx, d.current.DN, 0)
		if err != nil {
			return plan.Plan{}, err
		}
		operations := plan.MoveChildren(children, d.current.DN.Parent())
		return plan.Plan{Operations: append(operations, plan.Delete{DN: d.current.DN})}, nil
	}
	built, err := plan.Build(d.current, d.desired, plan.Policy{Matching: profile.Matching})
	if err != nil {
		return plan.Plan{}, fmt.Errorf("plan %s: %w", r.task.Merged.Object.Ref, err)
	}
	return built, nil
}

// desire asks the mapping, and whatever the mapping asks for in turn, until it can say what the entry should be.
func (r *run) desire(ctx context.Context) (plan.Desired, []string, bool) {
	object := r.task.Merged.Object
	in := mapping.Input{
		Object:   object,
		DN:       r.result.DN,
		Resolved: map[event.Ref]plan.DN{},
		Numbers:  map[string]int64{},
		Names:    map[string]string{},
		Owned:    r.task.Owned,
		Deleted:  object.Deleted(),
	}
	if !r.resolveAbove(ctx, &in) {
		return plan.Desired{}, nil, false
	}
	for range questions {
		result, err := r.set.Desired(in)
		var unresolved *mapping.Unresolved
		var skipped *mapping.Skipped
		switch {
		case err == nil && len(result.Failed) > 0:
			return plan.Desired{}, nil, r.failed(result.Failed[0])
		case err == nil:
			return result.Desired, result.Missing, true
		case errors.Is(err, mapping.ErrOutOfScope) && r.task.Link != "" && !in.Deleted:
			// It was ours and leaves the scope: the same as if it were gone.
			in.Deleted = true
		case errors.Is(err, mapping.ErrOutOfScope):
			r.end(event.Skipped, event.CodeOutOfScope, "the scope of the mapping leaves "+object.Ref.String()+" out")
			return plan.Desired{}, nil, false
		case errors.As(err, &skipped):
			r.end(event.Skipped, event.CodeOutOfScope, skipped.Error())
			return plan.Desired{}, nil, false
		case errors.As(err, &unresolved):
			if !r.resolve(ctx, &in, unresolved) {
				return plan.Desired{}, nil, false
			}
		default:
			return plan.Desired{}, nil, r.failed(err)
		}
	}
	r.end(event.Failed, event.CodeMapping, "the mapping keeps asking for more objects; a rule of it refers to itself")
	return plan.Desired{}, nil, false
}

// questions bounds how often a mapping may ask for something before it answers.
const questions = 8

// resolveAbove finds the unit that a user or a unit belongs to, where one is known.
func (r *run) resolveAbove(ctx context.Context, in *mapping.Input) bool {
	id := in.Object.PrimaryUnit()
	if id == "" || !r.set.ReadsAbove(in.Object.Ref.Kind) || in.Deleted {
		return true
	}
	if id == event.RootUnitID {
		in.Above = r.set.RootAbove()
		return true
	}
	above, err := r.unitAbove(ctx, id)
	if err != nil {
		return r.failed(err)
	}
	in.Above = above
	return true
}

// unitAbove returns a unit where one is known and has an entry, nil otherwise.
func (r *run) unitAbove(ctx context.Context, id string) (*mapping.Above, error) {
	unit, dn, found, err := r.task.Memory.Lookup(ctx, event.Ref{Kind: event.KindUnit, ID: id})
	if err != nil || !found || !unit.Exists() || dn.Empty() {
		return nil, err //nolint:wrapcheck // It names the unit.
	}
	return &mapping.Above{Object: unit, DN: dn}, nil
}

// resolve answers what the mapping asked for. It returns false where something is not there yet.
func (r *run) resolve(ctx context.Context, in *mapping.Input, asked *mapping.Unresolved) bool {
	var absent []event.Ref
	for _, needed := range asked.Objects {
		ref := needed.Ref
		other, dn, found, err := r.task.Memory.Lookup(ctx, ref)
		outside := false
		if err == nil && found && ref.Kind == event.KindUser && !other.Deleted() && dn.Empty() {
			outside, err = r.outOfScope(ctx, other)
		}
		switch {
		case err != nil:
			return r.failed(err)
		case outside:
			// Nobody knows whether the mapping will ever let that user in. The reference is written on the day it does.
			in.Resolved[ref] = nil
			if !slices.Contains(r.result.WaitsFor, ref) {
				r.result.WaitsFor = append(r.result.WaitsFor, ref)
			}
		case found && other.Deleted() && in.Object.PrimaryUnit() != ref.ID:
			in.Resolved[ref] = nil // gone, and nobody knows whether for good; a reference to it says nothing
		case !found || dn.Empty() || in.Object.PrimaryUnit() == ref.ID:
			absent = append(absent, ref)
		default:
			in.Resolved[ref], r.named[ref] = dn, dn
		}
	}
	if len(absent) > 0 {
		names := make([]string, len(absent))
		for i, ref := range absent {
			names[i] = ref.String()
		}
		r.wait(event.CodeWaitsForObject, "waits for "+strings.Join(names, " and ")+", which is not in the directory yet", absent...)
		return false
	}
	return r.decide(ctx, in, asked)
}
