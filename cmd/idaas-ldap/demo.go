package main

import (
	"context"
	"errors"

	"idaas-ldap/internal/demo"
)

type demoCommand struct {
	Keep bool `help:"Stay up afterwards, to be looked at in the console, and with ldapsearch and curl."`
}

// Run plays the demonstration.
func (c demoCommand) Run(ctx context.Context, t terminal) error {
	err := demo.Play(ctx, demo.Config{Out: bare(t.Out), Keep: c.Keep, Colour: t.wantsColour()})
	if errors.Is(err, demo.ErrFailed) {
		return errReported
	}
	return err
}
