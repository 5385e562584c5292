package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/term"

	"idaas-ldap/internal/demo"
)

type demoCommand struct {
	Keep bool `help:"Stay up afterwards, to be looked at with ldapsearch and curl."`
}

// Run plays the demonstration.
func (c demoCommand) Run(ctx context.Context, t terminal) error {
	file, isFile := t.Out.(*os.File)
	err := demo.Play(ctx, demo.Config{Out: t.Out, Keep: c.Keep, Colour: isFile && term.IsTerminal(int(file.Fd()))})
	if errors.Is(err, demo.ErrFailed) {
		return errReported
	}
	return err
}
