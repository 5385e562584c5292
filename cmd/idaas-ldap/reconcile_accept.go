package main

import (
	"context"
	"fmt"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/store"
)

// accept takes the directory that answers for the one that is known from now on.
func accept(ctx context.Context, t terminal, d *app.Directory, memory store.Store, by string) error {
	base := d.Mapping().Base()
	id, err := d.Server.Identity(ctx, base)
	if err != nil {
		return fmt.Errorf("look which directory %s is: %w", d.Name, err)
	}
	known, err := memory.Identity(ctx, d.Name, base)
	switch {
	case err != nil:
		return err //nolint:wrapcheck // It names the directory.
	case id == "":
		return fmt.Errorf("%s: the server shows no stable id of %s, so one directory cannot be told from another, and there is nothing to accept", d.Name, base)
	case known == id, known == "":
		fmt.Fprintf(t.Err, "%s: this is the directory that is known, so there is nothing to accept\n", d.Name)
		return nil
	}
	if err := memory.AcceptDirectory(ctx, event.Millis(time.Now().UnixMilli()), by, d.Name, base, id); err != nil {
		return err //nolint:wrapcheck // It names the directory.
	}
	fmt.Fprintf(t.Err, "%s: from now on this is the directory where %s has the id %s; it had %s. A running service goes on by itself within half a minute\n", d.Name, base, id, known)
	return nil
}
