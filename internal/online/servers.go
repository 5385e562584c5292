package online

import (
	"context"
	"errors"
	"fmt"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// Server is one server of a directory.
type Server struct {
	Server *connector.Directory
	Base   plan.DN
	// TestName is the name of no entry.
	TestName string
}

// CheckServer looks whether a server can be used: it answers, takes our login, shows the base and takes writes.
func CheckServer(ctx context.Context, s Server) error {
	if err := s.Server.Check(ctx, s.Base); err != nil {
		return err //nolint:wrapcheck // It names the server and the step.
	}
	if err := s.Server.TakesWrites(ctx, s.Base.Child(plan.RDN{{Type: "cn", Value: s.TestName}})); err != nil {
		return fmt.Errorf("it takes no writes, so it is a copy or read-only: %w", err)
	}
	return nil
}

// enough is how many entries have to be seen before a limit on their number is taken to be none. It is beyond the limits that
// servers come with, 500 of OpenLDAP and 2000 of 389.
const enough = 2500

var errEnough = errors.New("enough was seen")

// sizeLimit looks whether the server hands out everything that is there: reconcile, and whatever looks for those who refer to an
// entry, rests on complete answers.
func (r *Report) sizeLimit(ctx context.Context, d Directory) error {
	seen := 0
	err := d.Server.Scan(ctx, d.Mapping.Base(), "(objectClass=*)", []string{"1.1"}, func(page []*plan.Entry) error {
		if seen += len(page); seen >= enough {
			return errEnough
		}
		return nil
	})
	var cut *connector.OutcomeError
	switch {
	case err == nil, errors.Is(err, errEnough):
		return nil
	case errors.As(err, &cut) && cut.Code != 0:
		r.problem("of the entries below %s the server hands out %d, and not all: %v", d.Mapping.Base(), seen, err)
		return nil
	}
	return err //nolint:wrapcheck // It names the step.
}
