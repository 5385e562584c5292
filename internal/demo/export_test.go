package demo

import (
	"context"

	"idaas-ldap/ldaptest"
)

// PlayWith is Play with a directory to which something is done before the week begins.
func PlayWith(ctx context.Context, cfg Config, prepare func(*ldaptest.Server)) error {
	s, err := build(ctx)
	if err != nil {
		return err
	}
	defer s.tearDown()
	prepare(s.directory)
	return s.play(ctx, cfg)
}

// Columns, Wrapped and Folded are how the page is laid out.
var (
	Columns = columns
	Wrapped = wrapped
	Folded  = folded
)

// PageWidth is how wide the page is.
const PageWidth = pageWidth
