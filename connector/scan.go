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
// their number. An error of the caller ends it and is returned as it is.
//
// An answer that the server has cut short is an error, and never taken for the whole: what lacks in it would look as if it
// were not there.
func (d *Directory) Scan(ctx context.Context, base plan.DN, filter string, attributes []string, page func([]*plan.Entry) error) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	link := profile.Flavour.LinkAttribute()
	paging := ldap.NewControlPaging(pageSize)
	request := ldap.NewSearchRequest(base.String(), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false,
		filter, withLink(attributes, link), []ldap.Control{paging})
	// Pages hang on their connection, and the caller may need those of the pool meanwhile.
	conn, err := d.pool.dial(ctx)
	if err != nil {
		return outcome(verbRead, base, err, secret.Text{})
	}
	defer func() { _ = conn.Close() }() // only read from
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	for {
		result, err := conn.Search(request)
		if err != nil {
			return explainScan(outcome(verbRead, base, err, secret.Text{}))
		}
		entries, err := entriesOf(result.Entries, profile, attributes)
		if err != nil {
			return err
		}
		if err := page(entries); err != nil {
			return err
		}
		answer, _ := ldap.FindControl(result.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging)
		if answer == nil || len(answer.Cookie) == 0 {
			return nil
		}
		paging.SetCookie(answer.Cookie)
	}
}

func explainScan(err error) error {
	var short *OutcomeError
	if errors.As(err, &short) && short.Code == ldap.LDAPResultSizeLimitExceeded {
		return fmt.Errorf("the server hands out only a part of the entries: lift its size limit for the bind account, also that on paged results: %w", err)
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
