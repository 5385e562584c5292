package main

import (
	"context"
	"fmt"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/internal/app"
	"idaas-ldap/plan"
)

type validateCommand struct {
	configFlag
	Online bool `help:"Connect to the directories: bind, and compare the mapping with the schema."`
}

// onlineWithin bounds the look at one directory.
const onlineWithin = 30 * time.Second

// Run checks the configuration and its mapping files.
func (c validateCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	directories, err := app.OpenDirectories(cfg, quietLog(t.Err), nil)
	if err != nil {
		return startError(err)
	}
	wrong := 0
	for _, d := range directories {
		fmt.Fprintf(t.Out, "%s: the mapping %s is good, %d tests passed\n", d.Name, d.Config.Mapping, len(d.Mapping().RunTests()))
		if !c.Online {
			continue
		}
		problems, err := lookAt(ctx, d)
		if err != nil {
			problems = append(problems, err.Error())
		}
		for _, p := range problems {
			fmt.Fprintf(t.Err, "%s: %s\n", d.Name, p)
		}
		wrong += len(problems)
		if len(problems) == 0 {
			fmt.Fprintf(t.Out, "%s: the directory answers, and its schema knows all that the mapping writes\n", d.Name)
		}
	}
	if wrong > 0 {
		return errReported
	}
	return nil
}

// lookAt connects to a directory and says what of the mapping it cannot take.
func lookAt(ctx context.Context, d *app.Directory) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, onlineWithin)
	defer cancel()
	defer d.Server.Close()
	if err := d.Server.Check(ctx, d.Mapping().Base()); err != nil {
		return nil, err
	}
	profile, err := d.Server.Profile(ctx)
	if err != nil {
		return nil, err
	}
	var problems []string
	if profile.Schema == nil {
		problems = append(problems, "the directory does not show its schema to the bind account")
		return problems, nil
	}
	for _, kind := range []event.Kind{event.KindUnit, event.KindUser, event.KindGroup} {
		attributes, classes := d.Mapping().Written(kind)
		for _, name := range attributes {
			if _, ok := profile.Schema.Attribute(name); !ok {
				problems = append(problems, fmt.Sprintf("%s: the schema has no attribute %s", kind, name))
			}
		}
		for _, name := range classes {
			if _, ok := profile.Schema.ObjectClass(name); !ok {
				problems = append(problems, fmt.Sprintf("%s: the schema has no object class %s", kind, name))
			}
		}
	}
	return append(problems, accounts(d, profile)...), nil
}

// accounts says what stands in the way of keeping users out and of setting their passwords.
func accounts(d *app.Directory, profile *connector.Profile) []string {
	barred := event.Account{Disabled: true, LockedUntil: event.LockedForever, ExpiresAt: 1, StatusSeen: true, LockSeen: true, ExpirySeen: true}
	account, ok := d.Mapping().Account(barred)
	if !ok {
		return nil
	}
	var problems []string
	status, err := profile.Flavour.Status(account, nil, 1)
	switch {
	case err != nil:
		problems = append(problems, err.Error())
	case status.Problem() != "":
		problems = append(problems, status.Problem())
	}
	if d.Config.PasswordSync && d.Mapping().PasswordRule().Write && profile.Flavour.Password(plan.SetPassword{}).Secure && !d.Server.Secure() {
		problems = append(problems, "the server takes passwords over TLS only: use ldaps:// or start_tls, or switch password_sync off")
	}
	return problems
}
