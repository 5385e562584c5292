package dispatch

import (
	"fmt"
	"slices"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/plan"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// settlement says what is to be stored after a reconcile. It is pure.
func settlement(job store.Job, known event.Object, merged event.Merged, result processor.Result, now event.Millis) store.Settlement {
	outcomes := outcomes(job, merged, result, now)
	after := knownAfter(job, known, outcomes, result)
	if known.Deleted() && merged.Object.Exists() && !after.Exists() {
		waitUntilBack(job, merged, outcomes)
		after = knownAfter(job, known, outcomes, result)
	}
	s := store.Settlement{
		Key: job.Key, Version: job.Version, Outcomes: outcomes, WaitsFor: result.WaitsFor,
		Known: after, Record: result.Record,
		Memberships:  memberships(known, after, result),
		Wake:         result.Freed || changed(job, merged, result),
		Entered:      entered(job, known, after, merged, result),
		Rejoined:     rejoined(job, result),
		ForgetMember: forgetsMember(merged, result),
	}
	s.RenamedFrom, s.RenamedTo = renamed(job, merged, result)
	s.Matching = result.Matching
	if waits(job, s, result) {
		s.Attempts = job.Attempts + 1
	}
	s.Due = due(job, s, merged, result, now)
	s.Alone = alone(merged, s, result)
	s.Mended = mended(result)
	return s
}

// mended reports whether all of the object is as it should be now.
func mended(result processor.Result) bool {
	o := result.Outcome
	if o.State != event.Done && o.Code != event.CodeOutOfScope {
		return false
	}
	for _, facet := range result.Facets {
		if !isThrough(facet) {
			return false
		}
	}
	for _, member := range result.MemberOutcomes {
		if !isThrough(member) {
			return false
		}
	}
	return true
}

// knownAfter returns what is known from now on. Only what is settled becomes known, as what waits comes again with its event;
// but of a user whose access has ended with the deletion, everybody has to know at once, although the entry is there still. A deletion that
// was overtaken by another one becomes known with that.
func knownAfter(job store.Job, known event.Object, outcomes map[int64]event.Outcome, result processor.Result) event.Object {
	var settled []event.Change
	deletionWaits := slices.ContainsFunc(job.Pending, func(p store.Pending) bool {
		return p.Change.Type.Effect() == event.EffectDelete && !outcomes[p.Seq].State.Settled()
	})
	for _, p := range job.Pending {
		isDeletion := p.Change.Type.Effect() == event.EffectDelete
		overtaken := isDeletion && deletionWaits && outcomes[p.Seq].Code == event.CodeSuperseded
		if outcomes[p.Seq].State.Settled() && !overtaken || result.Left && isDeletion {
			settled = append(settled, p.Change)
		}
	}
	return event.Merge(known, settled).Object
}

// waitUntilBack lets what was said of an object since it is back wait for as long as that news does, whatever came of it in the
// directory. Of an object that is gone nothing is known, so it would be forgotten, and what is older would count in its place.
func waitUntilBack(job store.Job, merged event.Merged, outcomes map[int64]event.Outcome) {
	for i, p := range job.Pending {
		o := outcomes[p.Seq]
		if merged.Roles[i] != event.Effective || p.Change.Type.Effect() != event.EffectPatch || !o.State.Settled() {
			continue
		}
		outcomes[p.Seq] = event.Outcome{
			State: event.Waiting, Code: event.CodeWaitsForRecord,
			Message: fmt.Sprintf("%s; settled together with the news that %s is back, which waits", o.Message, p.Change.Object),
		}
	}
}

// memberships returns the words about members that are applied now. Who was deleted after such a word, and comes back, comes
// back without it, whichever arrived first.
func memberships(known, after event.Object, result processor.Result) map[string]event.Membership {
	words := map[string]event.Membership{}
	for user, m := range after.Members {
		code := result.MemberOutcomes[user].Code
		over := m.Present && (code == event.CodeNoObject || code == event.CodeStale)
		if known.Members[user] != m && !over {
			words[user] = m
		}
	}
	return words
}

// entered reports whether the entry of the user is new, restored from the leavers, or survived an overtaken deletion. No
// membership recorded before still holds then, so every group that lists the user is reconciled. The new link tells it also where
// the entry was made by a try that was cut off.
func entered(job store.Job, known, after event.Object, merged event.Merged, result processor.Result) bool {
	if merged.Object.Ref.Kind != event.KindUser || !merged.Object.Exists() || result.Link == "" {
		return false
	}
	return result.Link != job.Record.Link || job.Record.RemovedAt != 0 && result.RemovedAt == 0 ||
		after.Exists() && (known.Deleted() || after.Floor != known.Floor)
}

// forgetsMember reports whether all memberships of the object end, as it is a user who is gone.
func forgetsMember(merged event.Merged, result processor.Result) bool {
	left := result.Gone || result.Left || result.RemovedAt != 0 && result.Outcome.State == event.Done
	return left && merged.Object.Ref.Kind == event.KindUser && merged.Object.Deleted()
}

// renamed returns from where to where the entries below this one have moved along; empty where none have.
func renamed(job store.Job, merged event.Merged, result processor.Result) (from, to plan.DN) {
	switch was := job.Record.DN; {
	case was.Empty():
		return nil, nil
	case !result.ChildrenAt.Empty():
		return was, result.ChildrenAt
	case merged.Object.Ref.Kind == event.KindUnit && !result.DN.Empty() && !was.Exactly(result.DN):
		return was, result.DN
	}
	return nil, nil
}

// waits reports whether anything of the object is still to be done.
func waits(job store.Job, s store.Settlement, result processor.Result) bool {
	for _, o := range s.Outcomes {
		if o.State == event.Waiting {
			return true
		}
	}
	return result.Outcome.State == event.Waiting || isThrough(result.Outcome) && len(s.Rejoined) < len(job.Rejoin)
}

// due returns when the object is to be looked at again by itself. Whatever came of the events: a lock, an account and the
// keeping of an entry end at their time.
func due(job store.Job, s store.Settlement, merged event.Merged, result processor.Result, now event.Millis) event.Millis {
	if job.More && (len(s.Rejoined) > 0 || settlesAny(s.Outcomes)) {
		return now // even if nobody is left to go on with the others
	}
	at := result.PurgeAt
	if isUnseen(result) {
		pause := lastPause
		if result.AccessOwed {
			pause = owedPause
		}
		at = earliest(at, now+event.Millis(pause.Milliseconds()))
	}
	// An account changes at its time also where the event that says so waits or is held, and is not among what is known.
	for _, object := range []event.Object{s.Known, merged.Object} {
		if object.Exists() {
			at = earliest(at, object.Account().NextChange(now))
		}
	}
	return at
}

// settlesAny reports whether nothing is to be done any more for one of some events.
func settlesAny(outcomes map[int64]event.Outcome) bool {
	for _, o := range outcomes {
		if o.State.Settled() {
			return true
		}
	}
	return false
}

// isUnseen reports whether the object is held because its entry is not to be seen: it goes on by itself when that is seen again.
func isUnseen(result processor.Result) bool {
	return result.Outcome.State == event.Held && result.Outcome.Act == string(processor.ActVanish)
}

// alone returns what a person should see although there is no event whose outcome it is, as nobody asked; nil for nothing.
func alone(merged event.Merged, s store.Settlement, result processor.Result) *event.Outcome {
	if state := result.Outcome.State; (state == event.Held || state == event.Failed) && !slices.Contains(merged.Roles, event.Effective) {
		return &result.Outcome
	}
	for _, user := range s.Rejoined {
		if o := result.MemberOutcomes[user]; o.State == event.Failed {
			return &o
		}
	}
	return nil
}

// isThrough reports whether a task went through to its end.
func isThrough(o event.Outcome) bool { return o.State == event.Done || o.State == event.Skipped }

// rejoined returns the members who came back and are done with.
func rejoined(job store.Job, result processor.Result) []string {
	if !isThrough(result.Outcome) {
		return nil
	}
	var done []string
	for _, user := range job.Rejoin {
		if result.MemberOutcomes[user].State != event.Waiting {
			done = append(done, user)
		}
	}
	return done
}

// earliest returns the earlier of two moments, of which zero is none.
func earliest(a, b event.Millis) event.Millis {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// changed reports whether something of the object is different now that others may wait for. To wake them without a
// reason could go on for ever.
func changed(job store.Job, merged event.Merged, result processor.Result) bool {
	if result.Outcome.Code == event.CodeOutOfScope {
		// Who waits for the entry need not any more. It is an event that has led out of the scope, so that is said once.
		return slices.Contains(merged.Roles, event.Effective)
	}
	return result.Of(event.FacetRecord).State == event.Done &&
		(len(result.Operations) > 0 || result.Link != job.Record.Link || !result.DN.Exactly(job.Record.DN) || merged.Object.Exists() != job.Known.Exists())
}

// outcomes gives each pending event its own outcome.
func outcomes(job store.Job, merged event.Merged, result processor.Result, now event.Millis) map[int64]event.Outcome {
	out := make(map[int64]event.Outcome, len(job.Pending))
	for i, p := range job.Pending {
		switch role := merged.Roles[i]; {
		case lacksPassword(p.Change) && (role == event.Stale || role == event.Moot || role == event.Effective && result.Outcome.State == event.Done):
			out[p.Seq] = event.Outcome{State: event.Skipped, Code: event.CodeSwitchedOff, Message: "the event carries no password; switch on password synchronisation in IDaaS and here"}
		case role == event.Stale:
			out[p.Seq] = event.Outcome{State: event.Skipped, Code: event.CodeStale, Message: "something newer is known already"}
		case role == event.Superseded:
			out[p.Seq] = event.Outcome{State: event.Skipped, Code: event.CodeSuperseded, Message: "overtaken by a newer event"}
		case role == event.Moot:
			out[p.Seq] = aboutOneWhoIsGone(p.Change, now)
		default:
			out[p.Seq] = effective(p.Change, i == merged.PasswordFrom, result)
		}
	}
	return out
}

// backWithin is how long the news that somebody is back may take longer than what happened afterwards.
const backWithin = time.Hour

// aboutOneWhoIsGone is the outcome of an event that is newer than the deletion of its object. There is none such unless the
// object is back, so the news of that is on its way.
func aboutOneWhoIsGone(c event.Change, now event.Millis) event.Outcome {
	if now-c.Stamp.Event > event.Millis(backWithin.Milliseconds()) {
		return event.Outcome{State: event.Skipped, Code: event.CodeNoObject, Message: c.Object.String() + " is gone"}
	}
	return event.Outcome{State: event.Waiting, Code: event.CodeWaitsForRecord, Message: c.Object.String() + " is gone; waits for its record, in case that it is back"}
}

// lacksPassword reports whether an event is about a password and has none.
func lacksPassword(c event.Change) bool {
	return c.Type == event.TypeUserUpdatePassword && c.Password.Empty()
}

// effective is the outcome of an event that had something to say: the worst of the facets that it speaks about.
func effective(c event.Change, hasPassword bool, result processor.Result) event.Outcome {
	outcome := ofFacets(c, result)
	secret, differs := result.Facets[event.FacetSecret]
	if hasPassword && differs && c.Type != event.TypeUserUpdatePassword && (secret.State == event.Failed || secret.State == event.Waiting) && severity(secret.State) > severity(outcome.State) {
		return secret
	}
	if outcome.State != event.Done {
		return outcome
	}
	outside := 0
	for _, m := range c.Members {
		o, differs := result.MemberOutcomes[m.User]
		if o.Code == event.CodeOutOfScope {
			outside++
		}
		if differs && severity(o.State) > severity(outcome.State) {
			outcome = o
		}
	}
	if outside > 0 {
		if outside == len(c.Members) && c.Type == event.TypeGroupAddUser {
			outcome.State, outcome.Code, outcome.Message = event.Skipped, event.CodeOutOfScope, "nothing to apply"
		}
		outcome.Message += fmt.Sprintf("; %d of %d members are outside the scope of the mapping", outside, len(c.Members))
		return outcome
	}
	if len(c.Members) == 1 {
		if o, differs := result.MemberOutcomes[c.Members[0].User]; differs {
			return o
		}
	}
	return outcome
}

// ofFacets returns the worst outcome among the facets that an event speaks about. Of a record of which the server has refused
// attributes, that concerns the events that say something of these.
func ofFacets(c event.Change, result processor.Result) event.Outcome {
	worst := event.Outcome{State: event.Skipped}
	first := true
	for _, facet := range c.Type.Facets() {
		o := result.Of(facet)
		if facet == event.FacetRecord && !result.Concerns(c) {
			o = result.Outcome
		}
		if first || severity(o.State) > severity(worst.State) {
			worst, first = o, false
		}
	}
	return worst
}
