package connector

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Scan reads every entry within base that a filter finds, and hands them on page by page, so that memory does not grow with
// their number. An error of the caller ends it and is returned as it is. An answer that was cut short is an error as well.
func (d *Directory) Scan(ctx context.Context, base plan.DN, filter string, attributes []string, page func([]*plan.Entry) error) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	s := scan{query: query{base: base, scope: ldap.ScopeWholeSubtree, filter: filter, attributes: withLink(attributes, profile.Flavour.LinkAttribute())}, profile: profile, asked: attributes, page: page}
	err = s.run(ctx, d)
	if isLost(err) && !s.handed && ctx.Err() == nil {
		err = s.run(ctx, d)
	}
	err = d.interpret(outcome(verbRead, base, err, secret.Text{}))
	var cut *OutcomeError
	if errors.As(err, &cut) && cut.Kind == KindIncomplete {
		return fmt.Errorf("the server hands out only a part of the entries: %s: %w", cut.Advice, err)
	}
	return err
}

// scan is one reading of a whole tree. Handed: the caller has got a page, so it cannot begin anew.
type scan struct {
	query
	profile *Profile
	asked   []string
	page    func([]*plan.Entry) error
	handed  bool
}

// run reads on a connection of its own: pages hang on theirs, and the caller may need those of the pool meanwhile.
func (s *scan) run(ctx context.Context, d *Directory) error {
	conn, err := d.pool.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // only read from
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	a := asking{Directory: d, ctx: ctx, conn: conn}
	conn.allowMore()
	if err := a.identify(); err != nil {
		return err
	}
	err = a.each(s.query, func(found []*ldap.Entry) error {
		entries, err := entriesOf(found, s.profile, s.asked)
		if err != nil {
			return err
		}
		s.handed = s.handed || len(entries) > 0
		conn.allowMore()
		if err := s.page(entries); err != nil {
			return ours{err}
		}
		return nil
	})
	if err == nil && !s.handed {
		err = a.prove(s.base)
	}
	if ctx.Err() != nil && err != nil {
		return errors.Join(err, ctx.Err())
	}
	return err
}

func entriesOf(found []*ldap.Entry, profile *Profile, asked []string) ([]*plan.Entry, error) {
	out := make([]*plan.Entry, len(found))
	for i, e := range found {
		var err error
		if out[i], err = profile.entry(e, asked); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Obstacle reads the DNs of all entries below base and returns what keeps the bind account from seeing them all, in words for
// people; empty where nothing does.
func (d *Directory) Obstacle(ctx context.Context, base plan.DN) (string, error) {
	err := d.Scan(ctx, base, everything, nothing, func([]*plan.Entry) error { return nil })
	var cut *OutcomeError
	if errors.As(err, &cut) && cut.Kind == KindIncomplete {
		return cut.Explain(), nil
	}
	return "", err
}
