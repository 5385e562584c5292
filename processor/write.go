package processor

import (
	"context"
	"errors"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// write makes the operations of the plan, up to the password.
func write(ctx context.Context, w *work) verdict {
	d := w.draft
	if w.blocked {
		return proceed
	}
	if err := w.announce(ctx, d); err != nil {
		w.failed(err)
		return w.block()
	}
	w.noteJoining()
	for _, op := range d.plan.Operations {
		if !d.renames(op) {
			if err := w.arrive(ctx, d); err != nil {
				w.failed(err)
				return w.block()
			}
		}
		if _, isPassword := op.(plan.SetPassword); isPassword {
			continue // that is a step of its own
		}
		if v := w.apply(ctx, d, op); v != proceed || w.blocked {
			return v
		}
	}
	return proceed
}

// announce remembers where an entry is about to be made, where the match rules could not tell after a crash that it is ours.
func (w *work) announce(ctx context.Context, d draft) error {
	if d.current != nil || d.desired.Removal != nil || len(w.set.Marks(w.ref().Kind)) > 0 || plan.SameDN(w.comparison(), w.task.DN, d.desired.DN) {
		return nil
	}
	return w.task.Memory.Moved(ctx, "", d.desired.DN, w.comparison()) //nolint:wrapcheck // It names the object.
}

// apply makes one operation, and what has to go with it at once.
func (w *work) apply(ctx context.Context, d draft, op plan.Operation) verdict {
	if err := w.beforeDeletion(ctx, d, op); err != nil {
		w.failed(err)
		return w.block()
	}
	if err := w.target.Apply(ctx, op); err != nil {
		return w.applyFailed(ctx, d, op, err)
	}
	move, isMove := op.(plan.ModifyDN)
	if isMove && d.current != nil && !move.DN.Exactly(d.current.DN) {
		w.result.Operations = append(w.result.Operations, op)
		if err := w.followChild(ctx, move); err != nil {
			w.failed(err)
			return w.block()
		}
		return proceed
	}
	w.wrote(op)
	hidden, err := w.seesHidden(ctx, d, op)
	switch {
	case err != nil:
		w.failed(err)
		return w.block()
	case hidden:
		return lookAgain
	}
	if _, isDelete := op.(plan.Delete); isDelete {
		w.found = nil
	}
	return proceed
}

// beforeDeletion brings references along to what will not be found any more once the entry above is gone.
func (w *work) beforeDeletion(ctx context.Context, d draft, op plan.Operation) error {
	remove, isDelete := op.(plan.Delete)
	switch {
	case !isDelete:
		return nil
	case remove.Subtree:
		return w.dropBelow(ctx, remove.DN)
	case d.movesChildren():
		return w.followChildren(ctx, remove.DN)
	}
	return nil
}

// arrive brings references along once the entry is where it belongs. That is done before anything else is written to it:
// what is refused or lost later must not leave them behind.
func (w *work) arrive(ctx context.Context, d draft) error {
	if d.current == nil || d.desired.Removal != nil {
		return nil
	}
	w.result.DN = d.plan.DN
	return w.follow(ctx)
}

// applyFailed decides what an operation that was not confirmed means for the task: another look at the entry wherever the
// directory was not as planned, or where it is unknown whether the write happened.
func (w *work) applyFailed(ctx context.Context, d draft, op plan.Operation, err error) verdict {
	var outcome *connector.OutcomeError
	if !errors.As(err, &outcome) {
		w.failed(err)
		return w.block()
	}
	if add, isAdd := op.(plan.Add); isAdd && outcome.InDoubt {
		w.result.Doubted = add.DN
	}
	if d.renames(op) && !outcome.InDoubt {
		switch left, lookErr := w.isLeftBehind(ctx, d); {
		case lookErr != nil:
			w.failed(lookErr)
			return w.block()
		case left:
			w.wait(event.CodeRetry, leftBehindText(d.current.DN, d.plan.DN, err.Error()))
			return w.block()
		}
	}
	switch outcome.Kind {
	case connector.KindMissingParent, connector.KindConflict, connector.KindRefused:
		waits, err := w.refusedForStrays(ctx)
		if err != nil {
			w.failed(err)
		}
		if waits || err != nil {
			return w.block()
		}
	}
	if outcome.Kind == connector.KindRefused && outcome.AboutValues() || outcome.Kind == connector.KindExists && w.sawLeave {
		// Not every server says that it is about a value of somebody else, nor that this is no name of an entry.
		if again, known := w.takenByAnother(ctx, d, outcome); known {
			return w.once(again)
		}
	}
	if w.remakes && !outcome.InDoubt && (outcome.Kind == connector.KindExists || outcome.Kind == connector.KindMissingParent || outcome.Kind == connector.KindRefused) {
		return w.remakeFailed(outcome.Kind == connector.KindExists)
	}
	if hidden, err := w.foundHidden(ctx, d, outcome); hidden || err != nil {
		if err != nil {
			w.failed(err)
			return w.block()
		}
		return lookAgain
	}
	switch outcome.Kind {
	case connector.KindAlreadySo, connector.KindConflict, connector.KindElsewhere:
		return lookAgain
	case connector.KindExists:
		return w.exists(ctx, d)
	case connector.KindNotUnique:
		return w.once(w.notUnique(ctx, d, outcome))
	case connector.KindMissingParent:
		return w.once(w.missingParent(ctx, d))
	case connector.KindNotEmpty:
		return w.once(w.notEmpty(ctx, d))
	}
	if outcome.InDoubt {
		return lookAgain
	}
	if members := d.desired.Members; members != nil && members.Placeholder != "" && d.current != nil && !w.lastMember && outcome.EmptiesGroup() {
		w.lastMember = true
		return lookAgain
	}
	if outcome.Kind == connector.KindRefused && d.desired.Removal == nil {
		return w.writeInParts(ctx, d, op, outcome)
	}
	w.failed(err)
	return w.block()
}

// exists handles a DN that another entry has.
func (w *work) exists(ctx context.Context, d draft) verdict {
	if removal := d.desired.Removal; removal != nil && removal.Action == plan.RemoveMove && !w.nameTaken {
		w.nameTaken = true // the next round takes another name
		return lookAgain
	}
	if w.chose {
		return lookAgain // Somebody has taken the name meanwhile; the next one is tried.
	}
	return w.once(w.waitForPlace(ctx, d))
}
