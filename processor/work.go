package processor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// work is the work on one task: what the steps find out, and what they leave for those after them.
type work struct {
	*Processor
	set    *mapping.Set
	task   Task
	result Result

	look
	memo
}

// look is what is found out in one round. It begins empty in each.
type look struct {
	profile *connector.Profile
	draft   draft
	// found is the entry of the object, nil for none, once it was looked for; by is the match rule that found it, nil where
	// the link did.
	found  *plan.Entry
	looked bool
	by     *plan.Match
	// chose: a name was chosen for a new entry, which somebody else may get first.
	chose bool
	// leaves: the object is gone, or has left the scope of the mapping.
	leaves bool
	// required are objects that the mapping waits for, and later is the outcome that says so, where the rest is written meanwhile.
	// Open are objects that something refers to and that are not there yet. Failures are the rules that cannot be evaluated.
	required []event.Ref
	later    *event.Outcome
	open     []event.Ref
	failures []*mapping.EvaluationError
	// keptBelow is where the entry of a user is kept who may not log in, where nothing but that place keeps the user out.
	keptBelow plan.DN
	// adopts: the entry was made by somebody else and is taken over now.
	adopts bool
	// remakes: the entry is made where the one of before is remembered, which is not to be seen.
	remakes bool
	// blocked: the place and the record of the entry cannot be written now, for the reason that is the outcome. Steps that
	// need neither go on.
	blocked bool
	// note tells people what the written status leaves open.
	note string
	// named are the objects whose DNs went into what is written, with these DNs.
	named map[event.Ref]plan.DN
	// memberBy are the members of the group that words are about, by the values that name them; joining are those who were not in it
	// before this task.
	memberBy map[string]event.Ref
	joining  []plan.FormerName
}

// memo is what the work remembers from one round to the next.
type memo struct {
	// noPassword: the password is dealt with, whatever came of it; passwordSet: the directory has taken it.
	noPassword, passwordSet bool
	// looking: this is the second look after a password was set. What it brings is no new decision, so no guard is asked.
	looking bool
	// lastMember: the server has refused to take the last member from the group.
	lastMember bool
	// refusedOnce: the server has refused a value that it wants once, and nobody was found who has it.
	refusedOnce bool
	// sawLeave: an entry that was in the way of this one was gone when it was looked for.
	sawLeave bool
	// provenGone: the entry of before cannot be made again where it is remembered, for another reason than that it is there.
	provenGone bool
	// sawEmpty: the server has said that something is below the entry, and nothing was to be seen there.
	sawEmpty bool
	// placeMade: a missing place of the mapping was made, which is done once only.
	placeMade bool
	// nameTaken: the name of the entry is taken among the leavers.
	nameTaken bool
	// accessHeld: a guard holds what would end the access of the user.
	accessHeld bool
	// mayDisable: the guard has granted that the access of the user is ended.
	mayDisable bool
	// wroteAccess: the login status was written by itself.
	wroteAccess bool
	// left: the object is gone, so no other entry is to speak of its entry any more, even where that is kept.
	left bool
	// refusals are what the server would not take, by the key of the attribute; tries is how often parts of a write were tried.
	refusals map[string]refusal
	tries    int
	// formerly are the DNs that references to the entry still may hold: where it was at the last settled write, and where it
	// was found.
	formerly []plan.DN
	followed []followed
	// referrers are entries that were seen to refer to the entry by one of those, by the keys of their DNs.
	referrers map[string][]plan.DN
	// former is by what the group of the task may still name members, and mayName by what it may do so as it was written.
	former, mayName []plan.FormerName
	// leftBehind says which entries the server has left at the former place of the unit, and what to do.
	leftBehind []string
}

func (p *Processor) begin(task Task) *work {
	return &work{
		Processor: p,
		set:       p.set(),
		task:      task,
		memo:      memo{formerly: []plan.DN{task.DN}, mayName: slices.Clone(task.MayName), refusals: map[string]refusal{}, referrers: map[string][]plan.DN{}},
		result:    Result{Record: task.Record, Doubted: task.Doubted, Facets: map[event.Facet]event.Outcome{}},
	}
}

// lookAfresh forgets what the last round has found out, and what came of what it could not do.
func (w *work) lookAfresh() {
	w.look = look{named: map[event.Ref]plan.DN{}, memberBy: map[string]event.Ref{}}
	w.result.Outcome, w.result.WaitsFor = event.Outcome{}, nil
	w.result.MemberOutcomes = map[string]event.Outcome{}
	delete(w.result.Facets, event.FacetAccess)
}

func (w *work) ref() event.Ref { return w.task.Merged.Object.Ref }

func (w *work) isUser() bool { return w.ref().Kind == event.KindUser }

// ours reports whether an entry is the one that is linked to the object already.
func (w *work) ours(entry *plan.Entry) bool {
	switch {
	case entry == nil:
		return false
	case w.task.Link != "":
		return entry.Link == w.task.Link
	}
	return !w.task.DN.Empty() && plan.SameDN(w.comparison(), entry.DN, w.task.DN)
}

// block keeps the record from being written in this round. Its reason is the outcome, which is set before.
func (w *work) block() verdict {
	if w.result.Outcome.Code == event.CodeUnavailable || w.result.NeedsAlone {
		return ended
	}
	w.blocked = true
	return proceed
}

// blockedUnless is block where something is not done.
func (w *work) blockedUnless(done bool) verdict {
	if done {
		return proceed
	}
	return w.block()
}

// once is the verdict of a function that reports whether another round is worthwhile.
func (w *work) once(again bool) verdict {
	if again {
		return lookAgain
	}
	return w.block()
}

// end sets the outcome of the object as a whole.
func (w *work) end(state event.State, code event.Code, message string) {
	w.result.Outcome = event.Outcome{State: state, Code: code, Message: message}
}

func (w *work) wait(code event.Code, message string, refs ...event.Ref) {
	w.end(event.Waiting, code, message)
	w.result.WaitsFor = append(w.result.WaitsFor, refs...)
}

// failed turns an error into the outcome of the task. It always returns false: there is no use in another round.
func (w *work) failed(err error) (again bool) {
	w.result.Outcome = outcomeOf(err)
	return false
}

// wrote notes an operation that the directory has confirmed.
func (w *work) wrote(op plan.Operation) {
	w.result.Operations = append(w.result.Operations, op)
	switch op := op.(type) {
	case plan.Add:
		w.result.DN = op.DN
	case plan.ModifyDN:
		w.result.DN = op.NewDN()
		w.wroteAccess = w.wroteAccess || !w.keptBelow.Empty()
		if w.found != nil && w.found.DN.Equal(op.DN) {
			moved := *w.found
			moved.DN = op.NewDN()
			w.found = &moved
		}
	case plan.Modify:
		w.wroteAccess = w.wroteAccess || slices.ContainsFunc(op.Modifications, func(m plan.Modification) bool { return w.speaks(w.draft.status, m.Name) })
	}
}

// conclude says what came of the facets, after the last round.
func (w *work) conclude() Result {
	w.rememberRefusals()
	w.concludeRecord()
	if len(w.leftBehind) > 0 {
		w.result.Outcome.Message = strings.Join(append([]string{w.result.Outcome.Message}, w.leftBehind...), "; ")
	}
	if access, troubled := w.result.Facets[event.FacetAccess]; troubled && w.result.Outcome.State == event.Done {
		// The worst counts for the object as a whole.
		w.result.Facets[event.FacetRecord], w.result.Facets[event.FacetExistence] = w.result.Of(event.FacetRecord), w.result.Outcome
		w.result.Outcome = access
		delete(w.result.Facets, event.FacetAccess)
	}
	if w.result.Outcome.State != event.Done {
		w.concludeAccess()
		if _, said := w.result.Facets[event.FacetSecret]; !said && w.passwordSet {
			w.result.Facets[event.FacetSecret] = event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "the password is set"}
		}
	}
	w.result.AccessOwed = w.owesAccess()
	if w.result.Link != "" || !w.result.DN.Empty() || w.result.Outcome.State == event.Done {
		w.result.Doubted = nil
	}
	return w.result
}

// owesAccess reports whether it is still to be written that a user may not log in. Where no entry is known there is none, unless it
// could not be looked for.
func (w *work) owesAccess() bool {
	object, outcome := w.task.Merged.Object, w.result.Outcome
	switch mayNot := object.Deleted() || w.leaves || object.Exists() && !object.Account().Usable(w.task.Now); {
	case !w.isUser() || !mayNot || outcome.State != event.Waiting && outcome.Act != string(ActVanish):
		return false
	case w.task.Link == "" && w.task.DN.Empty() && outcome.Code != event.CodeRetry:
		return false
	}
	return !w.result.Gone && !w.result.Left && w.result.Of(event.FacetAccess).State != event.Done
}

// concludeRecord says what came of the record where nothing has kept it from being written.
func (w *work) concludeRecord() {
	switch {
	case w.result.Outcome != (event.Outcome{}):
		return
	case w.later != nil:
		w.result.Outcome = *w.later
		return
	}
	if len(w.failures) > 0 && !w.blocked {
		w.result.Facets[event.FacetRecord] = event.Outcome{
			State: event.Failed, Code: event.CodeMapping, Message: w.failures[0].Error() + "; everything else is written",
		}
	}
	for _, ref := range w.open {
		w.addNote("what refers to " + ref.String() + " follows when that is in the directory")
	}
	w.concludeWritten()
}

func (w *work) addNote(text string) {
	w.note = strings.TrimPrefix(w.note+"; "+text, "; ")
}

// concludeAccess says that the access of a user is as it should be, where the record of the user is not.
func (w *work) concludeAccess() {
	if _, said := w.result.Facets[event.FacetAccess]; said || !w.isUser() || !w.blocked && w.later == nil || w.leaves || !w.ours(w.found) || !w.isKept() {
		return
	}
	o := event.Outcome{State: event.Done, Code: event.CodeUnchanged, Message: "the login is as it should be"}
	if w.wroteAccess {
		o.Code, o.Message = event.CodeApplied, "the login is changed"
	}
	if why := w.result.Outcome.Message; why != "" {
		o.Message += "; the rest of the record is not written: " + why
	}
	w.result.Facets[event.FacetAccess] = o
}

// keeps reports whether the mapping leaves the entry of an object alone that is gone.
func (w *work) keeps() bool {
	removal := w.draft.desired.Removal
	return removal != nil && removal.Action == plan.RemoveKeep
}

func (w *work) concludeWritten() {
	code, message := event.CodeApplied, plan.Plan{Operations: w.result.Operations}.Summary()
	switch {
	case len(w.result.Operations) == 0 && w.task.Merged.Object.Deleted() && w.found == nil:
		code, message = event.CodeUnchanged, "the entry is gone already"
	case len(w.result.Operations) == 0 && w.keeps():
		code, message = event.CodeUnchanged, "the entry is kept as it is, by lifecycle.delete of the mapping"
	case len(w.result.Operations) == 0:
		code, message = event.CodeUnchanged, "the directory says so already"
	}
	if w.note != "" {
		message += "; " + w.note
	}
	w.end(event.Done, code, message)
}

// trusted takes back that nothing is left to do, where that was seen on a server which takes no writes: it may lag behind.
func (w *work) trusted(result Result) Result {
	if result.Outcome.State != event.Done || len(result.Operations) > 0 {
		return result
	}
	if err := w.target.ReadOnly(); err != nil {
		result.Outcome = outcomeOf(err)
	}
	return result
}

// outcomeOf says what an error means for an event.
func outcomeOf(err error) event.Outcome {
	var refused *connector.OutcomeError
	var ambiguous *connector.AmbiguousError
	var evaluation *mapping.EvaluationError
	var planning *plan.OutsideBase
	var values *plan.SingleValued
	switch {
	case errors.As(err, &ambiguous):
		names := make([]string, len(ambiguous.Found))
		for i, dn := range ambiguous.Found {
			names[i] = dn.String()
		}
		return event.Outcome{State: event.Held, Code: event.CodeAmbiguous, Message: fmt.Sprintf(
			"%d entries match: %s. Make the match rules of the mapping, or the entries, unambiguous and retry", len(names), strings.Join(names, " and "))}
	case errors.As(err, &evaluation), errors.As(err, &planning), errors.As(err, &values):
		return event.Outcome{State: event.Failed, Code: event.CodeMapping, Message: err.Error()}
	case errors.As(err, &refused):
		switch refused.Kind {
		case connector.KindUnavailable:
			return event.Outcome{State: event.Waiting, Code: event.CodeUnavailable, Message: err.Error()}
		case connector.KindConfiguration:
			// Who cannot even bind finds everything closed. A single operation that is refused so is this object's trouble
			// alone, and over when the settings are mended.
			code := event.CodeRetry
			if refused.Verb == connector.VerbBind {
				code = event.CodeUnavailable
			}
			return event.Outcome{State: event.Waiting, Code: code, Message: refused.Explain()}
		case connector.KindUnseen, connector.KindReadOnly:
			// Nobody can be told from somebody who is gone: the directory as a whole is of no use.
			return event.Outcome{State: event.Waiting, Code: event.CodeUnavailable, Message: refused.Explain()}
		case connector.KindHiddenBelow:
			return event.Outcome{State: event.Waiting, Code: event.CodeWaitsForEmpty, Message: refused.Explain()}
		case connector.KindIncomplete:
			return event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: refused.Explain()}
		case connector.KindRefused, connector.KindNotUnique, connector.KindPasswordRefused:
			return event.Outcome{State: event.Failed, Code: event.CodeRefused, Message: refused.Explain()}
		}
	}
	return event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: err.Error()}
}
