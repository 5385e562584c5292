package store

import (
	"fmt"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// SealPeople seals the rows of some of those whom Populate has made, so that they can be loaded.
func SealPeople(tb testing.TB, s *SQLite, from, to int) {
	tb.Helper()
	err := s.writer.do(tb.Context(), func(t *tx) error {
		for i := from; i < to; i++ {
			id := fmt.Sprintf("user_%06d", i)
			o := event.Object{Ref: event.Ref{Kind: event.KindUser, ID: id}, Facts: map[string]event.Fact{
				event.FieldUsername: {Value: fmt.Sprintf("login_%06d", i)}, fieldDisplayName: {Value: fmt.Sprintf("label %06d", i)},
			}}
			sealed, err := s.sealObject("corp", o, Record{Link: "link of " + id, DN: plan.MustParseDN("uid=" + id + ",ou=people,dc=example,dc=org")})
			if err != nil {
				return err
			}
			if _, err := t.exec("UPDATE object SET facts = ?, bound = ? WHERE directory = 'corp' AND kind = 'user' AND id = ?", sealed.facts, sealed.bound, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// SealEvents seals what some of those events say that PopulateEvents has made.
func SealEvents(tb testing.TB, s *SQLite, from, to int) {
	tb.Helper()
	plain, err := event.MarshalContent(event.Content{Fields: event.Values{event.FieldUsername: "somebody"}})
	if err != nil {
		tb.Fatal(err)
	}
	err = s.writer.do(tb.Context(), func(t *tx) error {
		for i := from; i <= to; i++ {
			if _, err := t.exec("UPDATE event SET payload = ? WHERE id = ?", s.seal.close(payloadPlace("app", fmt.Sprintf("evt_%06d", i)), plain), i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// PopulateAudit lets the store know so many decisions of people.
func PopulateAudit(tb testing.TB, s *SQLite, decisions int) {
	tb.Helper()
	err := s.writer.do(tb.Context(), func(t *tx) error {
		_, err := t.exec("INSERT INTO audit (at, who, what, about) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "+
			"SELECT i, 'ann (console, 127.0.0.1)', 'retry', 'delivery ' || i || ', user user_1 in corp' FROM n", decisions)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}
