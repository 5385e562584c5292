package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

func acceptTests() []test {
	return []test{
		{"an event comes back as it was", acceptRoundTrip},
		{"a new event is pending and its object is due", acceptPending},
		{"a repeat gets what is recorded and changes nothing", acceptRepeat},
		{"a repeat within one call is one", acceptRepeatWithin},
		{"the same id of another application is another event", acceptOtherApplication},
		{"one event that cannot be stored keeps all of its call out", acceptAllOrNone},
		{"an event with an outcome is settled at once", acceptSettled},
		{"each directory has a delivery of its own", acceptDirectories},
		{"a new event is a new reason to try", acceptFresh},
		{"an object that is due longer keeps its place", acceptKeepsPlace},
		{"everybody whom an event asks to look at is due", acceptOthers},
		{"an object belongs to the instance that brought it", acceptOwner},
		{"a hint, and the unit above all others, belong to no instance", acceptOfNobody},
		{"names may hold anything", acceptHostileNames},
		{"a caller who has gone stores nothing", acceptCancelled},
		{"many callers with the same event store it once", acceptConcurrent},
	}
}

func acceptRoundTrip(w world) {
	e := withPassword(update("evt_1", "user_1"), "s3cret \x01 ü")
	e.Change.Type = event.TypeUserCreate
	e.Change.Stamp = event.Stamp{Event: noon - 5, Update: noon - 7}
	e.Change.Fields = event.Values{
		event.FieldID: "user_1", "displayName": "<Zoë & Ann>", "email": nil, "phoneVerified": true, "createTime": int64(noon),
		event.FieldUnits: []any{map[string]any{"id": "ou_1", "name": "Sales", "primary": true}},
		"custom.title":   "", "raw.nested": map[string]any{"a": []any{int64(1), 2.5, "x", nil}},
	}
	e.Change.Members = []event.Member{{User: "user_2", Present: true}, {User: "user_3"}}
	e.Change.Problem = "none"
	w.accept(noon, e)

	job := w.load(in(corp, user("user_1")))
	equal(w, "pending events", len(job.Pending), 1)
	p := job.Pending[0]
	equal(w, "change", p.Change, e.Change)
	equal(w, "event id", p.EventID, "evt_1")
	equal(w, "tried and approved", []any{p.PasswordTried, p.Approved}, []any{false, ""})
}

func acceptPending(w world) {
	a := w.accept(noon, update("evt_1", "user_1"))[0]
	equal(w, "repeat", a.Repeat, false)
	equal(w, "deliveries", len(a.Deliveries), 1)
	d := a.Deliveries[0]
	equal(w, "delivery", []any{d.Key, d.EventID, d.Outcome.State, d.Outcome.Code},
		[]any{in(corp, user("user_1")), "evt_1", event.Pending, event.CodeAccepted})
	equal(w, "due before", w.due(corp, noon-1), nil)
	equal(w, "due", w.due(corp, noon), []event.Ref{user("user_1")})
	equal(w, "due elsewhere", w.due(lab, noon), nil)
	if later := w.seq(update("evt_2", "user_1")); later <= d.Seq {
		w.Fatalf("the later delivery has number %d, the earlier one %d", later, d.Seq)
	}
}

func acceptRepeat(w world) {
	first := w.accept(noon, update("evt_1", "user_1"))[0]
	again := w.accept(noon+1, update("evt_1", "user_1"))[0]
	equal(w, "repeat while pending", again, store.Accepted{Repeat: true, Outcome: first.Outcome, Deliveries: first.Deliveries})

	w.finish(noon+2, in(corp, user("user_1")), done())
	again = w.accept(noon+3, update("evt_1", "user_1"))[0]
	equal(w, "repeat", again.Repeat, true)
	equal(w, "outcome", again.Deliveries[0].Outcome, done())
	equal(w, "number", again.Deliveries[0].Seq, first.Deliveries[0].Seq)
	equal(w, "due", w.due(corp, noon+10), nil)
}

func acceptRepeatWithin(w world) {
	a := w.accept(noon, update("evt_1", "user_1"), update("evt_2", "user_2"), update("evt_1", "user_1"))
	equal(w, "repeats", []bool{a[0].Repeat, a[1].Repeat, a[2].Repeat}, []bool{false, false, true})
	equal(w, "deliveries", a[2].Deliveries, a[0].Deliveries)
	equal(w, "pending", len(w.load(in(corp, user("user_1"))).Pending), 1)
}

func acceptOtherApplication(w world) {
	other := update("evt_1", "user_1")
	other.Application = "app_other"
	other.Change.Fields["displayName"] = "other"
	a := w.accept(noon, update("evt_1", "user_1"), other)
	equal(w, "repeats", []bool{a[0].Repeat, a[1].Repeat}, []bool{false, false})
	pending := w.load(in(corp, user("user_1"))).Pending
	equal(w, "pending", len(pending), 2)
	equal(w, "the other one's name", pending[1].Change.Fields["displayName"], any("other"))
	equal(w, "applications", []string{pending[0].Application, pending[1].Application}, []string{app, "app_other"})
}

func acceptAllOrNone(w world) {
	nowhere := update("evt_2", "user_2")
	nowhere.Targets = nil
	about := update("evt_3", "")
	about.Change.Object = event.Ref{}
	for _, bad := range []store.NewEvent{nowhere, about} {
		_, err := w.Accept(w.Context(), noon, []store.NewEvent{update("evt_1", "user_1"), bad})
		if err == nil || errors.Is(err, store.ErrUnavailable) {
			w.Fatalf("an event that can never be stored is answered with %v", err)
		}
	}
	equal(w, "due", w.due(corp, noon), nil)
	equal(w, "repeat", w.accept(noon, update("evt_1", "user_1"))[0].Repeat, false)
}

func acceptSettled(w world) {
	e := withPassword(update("evt_1", "user_1"), "pass")
	e.Change.Object, e.Targets = event.Ref{}, nil
	e.Outcome = &event.Outcome{State: event.Skipped, Code: event.CodeUnknownType, Message: "not known"}
	a := w.accept(noon, e)[0]
	equal(w, "outcome", a.Outcome, *e.Outcome)

	records, err := w.Events(w.Context(), store.Filter{})
	w.must(err)
	equal(w, "records", records, []store.EventRecord{{
		Seq: a.Deliveries[0].Seq, EventID: "evt_1", Application: app, Type: event.TypeUserUpdateInfo,
		Time: noon, ReceivedAt: noon, SettledAt: noon, Outcome: *e.Outcome,
	}})
	again := w.accept(noon, e)[0]
	equal(w, "repeat", []any{again.Repeat, again.Outcome}, []any{true, *e.Outcome})
	equal(w, "due", w.due("", noon), nil)
}

func acceptDirectories(w world) {
	e := withPassword(update("evt_1", "user_1"), "pass")
	e.Targets = []store.Target{{Directory: corp, KeepPassword: true}, {Directory: lab}}
	a := w.accept(noon, e)[0]
	equal(w, "deliveries", []string{a.Deliveries[0].Key.Directory, a.Deliveries[1].Key.Directory}, []string{corp, lab})

	w.finish(noon, in(corp, user("user_1")), failed())
	equal(w, "outcome in corp", w.outcome(corp, "evt_1"), failed())
	equal(w, "outcome in lab", w.outcome(lab, "evt_1").State, event.Pending)
	equal(w, "password in lab", w.load(in(lab, user("user_1"))).Pending[0].Change.Password, secret.Text{})
	equal(w, "due in lab", w.due(lab, noon), []event.Ref{user("user_1")})
}

func acceptFresh(w world) {
	key := in(corp, user("user_1"))
	w.accept(noon, update("evt_1", "user_1"))
	s := settlement(w.load(key), waiting())
	s.Due, s.Attempts = noon+1000, 3
	w.settle(noon, s)
	equal(w, "attempts", w.load(key).Attempts, 3)
	equal(w, "due in the pause", w.due(corp, noon+10), nil)

	w.accept(noon+10, update("evt_2", "user_1"))
	equal(w, "due", w.due(corp, noon+10), []event.Ref{user("user_1")})
	equal(w, "attempts", w.load(key).Attempts, 0)
}

func acceptKeepsPlace(w world) {
	w.accept(noon, update("evt_1", "user_1"))
	w.accept(noon+1, update("evt_2", "user_2"))
	w.accept(noon+2, update("evt_3", "user_1"))
	equal(w, "due", w.due(corp, noon+2), []event.Ref{user("user_1"), user("user_2")})
}

func acceptOthers(w world) {
	e := update("evt_1", "user_1")
	e.Change.Type, e.Change.Others = event.TypeUnitAddUser, []event.Ref{user("user_2"), user("user_3")}
	e.Targets = []store.Target{{Directory: corp}, {Directory: lab}}
	w.accept(noon, e)
	for _, directory := range []string{corp, lab} {
		equal(w, "due", len(w.due(directory, noon)), 3)
		equal(w, "events of the first", len(w.load(in(directory, user("user_1"))).Pending), 1)
		equal(w, "events of the second", len(w.load(in(directory, user("user_2"))).Pending), 0)
	}
}

// from is an event of another application, which is of an instance.
func from(instance, application string, e store.NewEvent) store.NewEvent {
	e.Instance, e.Application = instance, application
	return e
}

func acceptOwner(w world) {
	key := in(corp, user("user_1"))
	foreign := func(id string) event.Code {
		w.Helper()
		deletion := withPassword(update(id, "user_1"), "pass")
		deletion.Change.Type = event.TypeUserDelete
		return w.accept(noon, from("idaas_other", "app_other", deletion))[0].Deliveries[0].Outcome.Code
	}
	w.accept(noon, update("evt_1", "user_1"))
	equal(w, "while the first is pending", foreign("evt_2"), event.CodeOtherInstance)
	w.finish(noon, key, done())
	equal(w, "due after the first", w.due(corp, noon), nil)
	equal(w, "when it is known", foreign("evt_3"), event.CodeOtherInstance)
	equal(w, "again", foreign("evt_3"), event.CodeOtherInstance)
	equal(w, "due", w.due(corp, noon), nil)
	equal(w, "pending", len(w.load(key).Pending), 0)
	equal(w, "recorded", w.outcome(corp, "evt_3").State, event.Skipped)

	a := w.accept(noon, from("idaas_example", "app_second", update("evt_4", "user_1")))[0]
	equal(w, "another application of the instance", a.Deliveries[0].Outcome.State, event.Pending)
	elsewhere := from("idaas_other", "app_other", update("evt_5", "user_1"))
	elsewhere.Targets[0].Directory = lab
	equal(w, "in another directory", w.accept(noon, elsewhere)[0].Deliveries[0].Outcome.State, event.Pending)
}

func acceptOfNobody(w world) {
	hint := update("evt_1", "user_1")
	hint.Change.Type = event.TypeUnitAddUser
	w.accept(noon, from("idaas_other", "app_other", hint))
	equal(w, "after a hint", w.accept(noon, update("evt_2", "user_1"))[0].Deliveries[0].Outcome.State, event.Pending)
	equal(w, "a hint about it", w.accept(noon, from("idaas_other", "app_third", hint))[0].Deliveries[0].Outcome.State, event.Pending)

	root := update("evt_3", event.RootUnitID)
	root.Change.Type, root.Change.Object.Kind = event.TypeUnitPush, event.KindUnit
	w.accept(noon, root)
	equal(w, "the root of another", w.accept(noon, from("idaas_other", "app_other", root))[0].Deliveries[0].Outcome.State, event.Pending)

	// Who is known from a time when nobody asked for the instance is the first's to speak.
	w.must(w.Ask(w.Context(), noon, []store.Key{in(corp, user("user_4"))}))
	equal(w, "after a comparison", w.accept(noon, from("idaas_other", "app_other", update("evt_4", "user_4")))[0].Deliveries[0].Outcome.State, event.Pending)
	unnamed := from("", app, update("evt_5", "user_5"))
	equal(w, "without an instance", w.accept(noon, unnamed)[0].Deliveries[0].Outcome.State, event.Pending)
	equal(w, "the first with one", w.accept(noon, update("evt_6", "user_5"))[0].Deliveries[0].Outcome.State, event.Pending)
	unnamed.Change.ID = "evt_7"
	equal(w, "without an instance after that", w.accept(noon, unnamed)[0].Deliveries[0].Outcome.Code, event.CodeOtherInstance)
}

func acceptHostileNames(w world) {
	names := []string{"a b", "b c", "a", `"`, `\`, "'; DROP TABLE event; --", "%", "é", "x\ny", "x\x00y", "🙂", "A"}
	for _, application := range names {
		for _, id := range names {
			e := update(id, "user "+application+id)
			e.Application = application
			e.Change.Fields = event.Values{"displayName": application + "|" + id}
			w.accept(noon, e)
			job := w.load(in(corp, e.Change.Object))
			last := job.Pending[len(job.Pending)-1]
			equal(w, fmt.Sprintf("fields of %q of %q", id, application), last.Change.Fields, e.Change.Fields)
		}
	}
}

func acceptCancelled(w world) {
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	_, err := w.Accept(ctx, noon, []store.NewEvent{update("evt_1", "user_1")})
	w.fails(err, store.ErrUnavailable)
	w.fails(err, context.Canceled)
	equal(w, "due", w.due(corp, noon), nil)
}

func acceptConcurrent(w world) {
	const callers, events = 16, 20
	seqs := make([][]int64, callers)
	fresh := make([]int, callers)
	w.together(callers, func(ctx context.Context, i int) error {
		for n := range events {
			a, err := w.Accept(ctx, noon, []store.NewEvent{update(numbered("evt", n), "user_1")})
			if err != nil {
				return err //nolint:wrapcheck // The test shows it.
			}
			seqs[i] = append(seqs[i], a[0].Deliveries[0].Seq)
			if !a[0].Repeat {
				fresh[i]++
			}
		}
		return nil
	})
	total := 0
	for i := range callers {
		total += fresh[i]
		equal(w, "numbers that every caller got", seqs[i], seqs[0])
	}
	equal(w, "events stored", total, events)
	slices.Sort(seqs[0])
	equal(w, "different numbers", len(slices.Compact(seqs[0])), events)
}
