package store

import (
	"bytes"
	"fmt"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// CountOpened makes a store count what it opens, and returns how much that was.
func CountOpened(s *SQLite) func() int {
	n, seal := 0, *s.seal
	s.seal = &seal
	open := seal.decrypt
	seal.decrypt = func(compact []byte) ([]byte, error) {
		n++
		return open(compact)
	}
	return func() int { return n }
}

// KeepOpened keeps a thousand objects of 500 bytes, and asks for one of them all the time. It returns which are kept in the end, and
// how much was kept at most.
func KeepOpened(t *testing.T, room int) (first, last, used bool, most int) {
	t.Helper()
	o := &opened{most: room, young: map[Key]openedObject{}}
	row := func(i int) sealedObject {
		return sealedObject{Object: event.Object{Ref: event.Ref{Kind: event.KindUser, ID: fmt.Sprint(i)}}, facts: bytes.Repeat([]byte("x"), 500)}
	}
	kept := func(i int) bool {
		r := row(i)
		_, _, found := o.find("corp", &r)
		return found
	}
	const objects, asked = 1000, 7
	for i := range objects {
		r := row(i)
		o.keep("corp", r, r.Object, plan.Record{})
		kept(asked)
		bytes := 0
		for _, some := range []map[Key]openedObject{o.young, o.old} {
			for _, k := range some {
				bytes += k.size()
			}
		}
		most = max(most, bytes)
	}
	return kept(0), kept(objects - 1), kept(asked), most
}
