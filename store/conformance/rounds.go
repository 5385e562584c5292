package conformance

import (
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

func roundTests() []test {
	return []test{
		{"a note is kept until it is replaced", noteKept},
		{"an object that was read is not opened again", markStays},
		{"who exists, or of whom an event is not settled, and was not listed is found, page by page", unmarkedFound},
		{"a round is forgotten alone", marksForgotten},
	}
}

func (w world) mark(application string, stage store.Reading, refs ...event.Ref) {
	w.Helper()
	marks := make([]store.Mark, len(refs))
	for i, ref := range refs {
		marks[i] = store.Mark{Object: ref, Stage: stage}
	}
	w.must(w.SetNote(w.Context(), "round", []byte("{}"), application, marks))
}

func (w world) marked(application string, kind event.Kind, stage store.Reading) []event.Ref {
	w.Helper()
	refs, err := w.Marked(w.Context(), application, kind, stage, 10)
	w.must(err)
	return refs
}

func noteKept(w world) {
	note := func(name, want string) {
		w.Helper()
		got, err := w.Note(w.Context(), name)
		w.must(err)
		equal(w, name, string(got), want)
	}
	note("one", "")
	w.must(w.SetNote(w.Context(), "one", []byte("first"), app, nil))
	w.must(w.SetNote(w.Context(), "seal", []byte("other"), app, nil)) // the store's own notes have other names
	note("one", "first")
	w.must(w.SetNote(w.Context(), "one", []byte("second"), app, nil))
	note("one", "second")
	note("seal", "other")
	w.must(w.Check(w.Context()))
}

func markStays(w world) {
	w.mark(app, store.ReadingOpen, unit("ou_2"), unit("ou_1"), user("user_1"))
	equal(w, "open", w.marked(app, event.KindUnit, store.ReadingOpen), []event.Ref{unit("ou_1"), unit("ou_2")})
	w.mark(app, store.ReadingDone, unit("ou_1"))
	w.mark(app, store.ReadingOpen, unit("ou_1"))
	equal(w, "open after one was read", w.marked(app, event.KindUnit, store.ReadingOpen), []event.Ref{unit("ou_2")})
	equal(w, "of another application", w.marked("app_other", event.KindUnit, store.ReadingOpen), nil)
	w.mark(app, store.ReadingAbsent, unit("ou_2"))
	equal(w, "absent", w.marked(app, event.KindUnit, store.ReadingAbsent), []event.Ref{unit("ou_2")})
	for ref, want := range map[event.Ref]bool{unit("ou_1"): true, user("user_1"): true, user("ou_1"): false} {
		got, err := w.HasMark(w.Context(), app, ref)
		w.must(err)
		equal(w, "mark of "+ref.String(), got, want)
	}
}

func unmarkedFound(w world) {
	exists := func(instance string, refs ...event.Ref) {
		w.Helper()
		for _, ref := range refs {
			e := store.NewEvent{
				Application: app, Instance: instance, Targets: []store.Target{{Directory: corp}},
				Change: event.Change{ID: "e" + ref.ID, Type: event.TypeUserPush, Object: ref, Stamp: event.Stamp{Event: noon}},
			}
			w.accept(noon, e)
			s := settlement(w.load(in(corp, ref)), done())
			s.Known = known(ref)
			w.settle(noon, s)
		}
	}
	exists("idaas_example", user("user_1"), user("user_2"), user("user_3"), user("user_4"), user("user_5"))
	exists("", user("user_6"))
	exists("idaas_other", user("user_7"))
	s := settlement(w.load(in(corp, user("user_5"))), done())
	s.Known = gone(user("user_5"))
	w.settle(noon, s)
	// Of these nothing is known but an event that is not settled; of the last one that is marked, of the first one another instance tells.
	for i, ref := range []event.Ref{user("user_0"), user("user_8"), user("user_9")} {
		w.accept(noon, store.NewEvent{
			Application: app, Instance: []string{"idaas_other", "idaas_example", "idaas_example"}[i], Targets: []store.Target{{Directory: corp}},
			Change: event.Change{ID: "w" + ref.ID, Type: event.TypeUserUpdatePrimaryOU, Object: ref, Stamp: event.Stamp{Event: noon}},
		})
	}
	w.mark(app, store.ReadingDone, user("user_2"), user("user_9"))
	w.mark("app_other", store.ReadingDone, user("user_3"), user("user_8"))
	var found []string
	for after, more := "", true; more; {
		ids, err := w.Unmarked(w.Context(), app, "idaas_example", corp, event.KindUser, after, 2)
		w.must(err)
		found = append(found, ids...)
		if more = len(ids) == 2; more {
			after = ids[1]
		}
	}
	equal(w, "unmarked", found, []string{"user_1", "user_3", "user_4", "user_6", "user_8"})
	ids, err := w.Unmarked(w.Context(), app, "idaas_example", lab, event.KindUser, "", 9)
	w.must(err)
	equal(w, "elsewhere", ids, nil)
}

func marksForgotten(w world) {
	var many []event.Ref
	for i := range 1500 {
		many = append(many, user(fmt.Sprintf("user_%d", i)))
	}
	w.mark(app, store.ReadingDone, many...)
	w.mark("app_other", store.ReadingDone, user("user_1"))
	w.must(w.ForgetMarks(w.Context(), app))
	equal(w, "forgotten", w.marked(app, event.KindUser, store.ReadingDone), nil)
	equal(w, "of another application", w.marked("app_other", event.KindUser, store.ReadingDone), []event.Ref{user("user_1")})
	w.must(w.ForgetMarks(w.Context(), app))
}
