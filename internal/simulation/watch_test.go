package simulation_test

import (
	"fmt"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// watch follows what is written to the directory, operation by operation, and finds what must not be: an older word about an object after a
// newer one, a password a second time, more deletions than the guard lets pass.
type watch struct {
	fail func(format string, args ...any)
	// most is how many objects may be deleted without approval, 0 for any number.
	most int

	seen      int
	at        map[string]string            // ids by the keys of DNs
	newest    map[string]map[string]uint64 // numbers of what was written last, by id and attribute
	passwords map[string]bool
	approved  map[string]bool
	deleted   map[string]bool
	nextTo    map[string]plan.DN
}

func newWatch(most int, fail func(string, ...any)) *watch {
	return &watch{
		fail: fail, most: most, at: map[string]string{}, newest: map[string]map[string]uint64{}, passwords: map[string]bool{},
		approved: map[string]bool{}, deleted: map[string]bool{}, nextTo: map[string]plan.DN{},
	}
}

// look takes in operations that were made.
func (w *watch) look(ops []plan.Operation) {
	w.seen += len(ops)
	for _, op := range ops {
		key := op.Target().Key()
		switch op := op.(type) {
		case plan.Add:
			w.adds(key, op)
		case plan.Modify:
			for _, m := range op.Modifications {
				if m.Type != plan.DeleteValues {
					w.says(w.at[key], m.Name, m.Values)
				}
			}
		case plan.ModifyDN:
			w.renames(op)
		case plan.SetPassword:
			text := op.Password.Reveal()
			if w.passwords[text] {
				w.fail("the password %s of %s was written twice", text, op.DN)
			}
			w.passwords[text] = true
		case plan.Delete:
			w.deletes(key, op)
		}
	}
}

func (w *watch) adds(key string, op plan.Add) {
	e := plan.Entry{DN: op.DN, Attributes: op.Attributes}
	id := e.Value("employeeNumber") + e.Value("businessCategory")
	w.at[key], w.nextTo[key] = id, op.DN
	for _, a := range op.Attributes {
		w.says(id, a.Name, a.Values)
	}
}

// says checks that what is said of an object now was not said before what was written of it.
func (w *watch) says(id, attribute string, values []string) {
	if id == "" || len(values) != 1 {
		return
	}
	var n uint64
	for _, form := range []string{"mail%d@example.org", "Person %d"} {
		if _, err := fmt.Sscanf(values[0], form, &n); err == nil {
			break
		}
	}
	if n == 0 || values[0] == strings.TrimPrefix(values[0], "mail") && values[0] == strings.TrimPrefix(values[0], "Person") {
		return
	}
	if w.newest[id] == nil {
		w.newest[id] = map[string]uint64{}
	}
	if n < w.newest[id][attribute] {
		w.fail("%s of %s became %s, which is older than %d", attribute, id, values[0], w.newest[id][attribute])
	}
	w.newest[id][attribute] = max(n, w.newest[id][attribute])
}

// renames follows an entry with all that is below it.
func (w *watch) renames(op plan.ModifyDN) {
	for key, dn := range w.nextTo {
		if !dn.Equal(op.DN) && !dn.Below(op.DN) {
			continue
		}
		id := w.at[key]
		delete(w.at, key)
		delete(w.nextTo, key)
		moved := append(append(plan.DN{}, dn[:len(dn)-len(op.DN)]...), op.NewDN()...)
		defer func() { w.at[moved.Key()], w.nextTo[moved.Key()] = id, moved }()
	}
}

func (w *watch) deletes(key string, op plan.Delete) {
	id := w.at[key]
	delete(w.at, key)
	delete(w.nextTo, key)
	if id == "" || id == ghost || w.approved[id] {
		return
	}
	w.deleted[id] = true
	if w.most > 0 && len(w.deleted) > w.most {
		w.fail("%s was deleted, one more than the %d that the guard lets pass", op.DN, w.most)
	}
}

// approves notes what a person lets pass.
func (w *watch) approves(ref event.Ref) { w.approved[ref.ID] = true }
