package online

import (
	"context"
	"fmt"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// Server is one server of a directory.
type Server struct {
	Server *connector.Directory
	Base   plan.DN
}

// CheckServer looks whether a server can be used: it answers, takes our login, shows the base and takes writes.
func CheckServer(ctx context.Context, s Server) error {
	err := s.Server.Check(ctx, s.Base)
	if connector.IsReadOnly(err) {
		return fmt.Errorf("it takes no writes, so it is a copy or read-only: %w", err)
	}
	return err //nolint:wrapcheck // It names the server and the step.
}
