package dispatch

import (
	"fmt"
	"slices"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// settlement says what is to be stored after a reconcile. It is pure.
func settlement(job store.Job, known event.Object, merged event.Merged, result processor.Result, now event.Millis) store.Settlement {
	s := store.Settlement{
		Key:      job.Key,
		Version:  job.Version,
		Outcomes: outcomes(job, merged, result, now),
		WaitsFor: result.WaitsFor,
		Record:   job.Record,
	}
	// Only what is settled becomes known: what waits comes again with its event.
	settled := event.Merge(known, settledChanges(job, s.Outcomes))
	s.Known = settled.Object
	s.Memberships = map[string]event.Membership{}
	for user, m := range settled.Object.Members {
		// Who was deleted after that word, and comes back, comes back without it, whichever arrived first.
		code := result.MemberOutcomes[user].Code
		over := m.Present && (code == event.CodeNoObject || code == event.CodeStale)
		if known.Members[user] != m && !over {
			s.Memberships[user] = m
		}
	}
	s.Record.Link, s.Record.DN, s.Record.Owned, s.Record.RemovedAt = result.Link, result.DN, result.Owned, result.RemovedAt
	s.Wake = result.Freed || changed(job, merged, result)
	// Who has another entry than before, or is back from the leavers, is in no group, whatever was written once. The link
	// tells that also where the entry was made by a try that was cut off. Who has the same one although there was a deletion, as
	// that was overtaken, is still in groups of which that was the end.
	if merged.Object.Ref.Kind == event.KindUser && merged.Object.Exists() && result.Link != "" {
		s.Entered = result.Link != job.Record.Link || job.Record.RemovedAt != 0 && result.RemovedAt == 0 ||
			s.Known.Exists() && (known.Deleted() || s.Known.Floor != known.Floor)
	}
	s.Rejoined = rejoined(job, result)
	left := result.Gone || result.RemovedAt != 0 && result.Outcome.State == event.Done
	s.ForgetMember = left && merged.Object.Ref.Kind == event.KindUser && merged.Object.Deleted()
	if merged.Object.Ref.Kind == event.KindUnit && !job.Record.DN.Empty() && !result.DN.Empty() && !job.Record.DN.Exactly(result.DN) {
		s.RenamedFrom, s.RenamedTo = job.Record.DN, result.DN
	}
	if !job.Record.DN.Empty() && !result.ChildrenAt.Empty() {
		s.RenamedFrom, s.RenamedTo = job.Record.DN, result.ChildrenAt
	}
	waits := result.Outcome.State == event.Waiting || isThrough(result.Outcome) && len(s.Rejoined) < len(job.Rejoin)
	for _, o := range s.Outcomes {
		waits = waits || o.State == event.Waiting
	}
	if waits {
		s.Attempts = job.Attempts + 1
	}
	// Whatever came of the events: a lock, an account and the keeping of an entry end at their time.
	s.Due = result.PurgeAt
	if s.Known.Exists() {
		s.Due = earliest(s.Due, s.Known.Account().NextChange(now))
	}
	if job.More && len(s.Rejoined) > 0 {
		s.Due = now // even if nobody is left to go on with the others
	}
	s.Held = string(result.Held)
	if state := result.Outcome.State; (state == event.Held || state == event.Failed) && !slices.Contains(merged.Roles, event.Effective) {
		// Nobody asked, so there is no event whose outcome this is.
		s.Alone = &result.Outcome
	}
	for _, user := range s.Rejoined {
		if o := result.MemberOutcomes[user]; o.State == event.Failed && s.Alone == nil {
			s.Alone = &o
		}
	}
	return s
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
	return result.Outcome.State == event.Done &&
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

// effective is the outcome of an event that had something to say.
func effective(c event.Change, hasPassword bool, result processor.Result) event.Outcome {
	outcome := result.Outcome
	if outcome.State != event.Done {
		return outcome
	}
	if hasPassword && result.PasswordOutcome != nil && (result.PasswordOutcome.State == event.Failed || c.Type == event.TypeUserUpdatePassword) {
		return *result.PasswordOutcome
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

func settledChanges(job store.Job, outcomes map[int64]event.Outcome) []event.Change {
	var changes []event.Change
	for _, p := range job.Pending {
		if outcomes[p.Seq].State.Settled() {
			changes = append(changes, p.Change)
		}
	}
	return changes
}
