package online

import (
	"context"
	"fmt"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// Directory is what is looked at.
type Directory struct {
	Server  *connector.Directory
	Mapping *mapping.Set
	// Type is that of the configuration.
	Type string
	// PasswordSync: passwords are to be written.
	PasswordSync bool
	// Who is the bind account.
	Who string
	// Sample, if set, is what may be written to try the rights of the bind account, and removed again. TestName is its name, by which
	// no entry of the directory is called.
	Sample   *Sample
	TestName string
	Now      event.Millis
}

// Report is what came of the look.
type Report struct {
	// Problems are what keeps something from working.
	Problems []string
	// Notes are what could not be told, and what to do to have it told.
	Notes []string
}

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

func (r *Report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Check looks at a directory. The error is one that ended the look early; the report holds what came before it.
func Check(ctx context.Context, d Directory) (Report, error) {
	var r Report
	if err := d.Server.Check(ctx, d.Mapping.Base()); err != nil && !connector.IsReadOnly(err) {
		return r, err //nolint:wrapcheck // It names the step.
	}
	profile, err := d.Server.Profile(ctx)
	if err != nil {
		return r, err //nolint:wrapcheck // It names the step.
	}
	if isOf := d.Type; isOf != connector.Generic && isOf != "auto" && isOf != profile.Shown {
		r.problem("type: %s, and the server shows itself to be of type %s; correct it, or write type: auto. Nothing else was looked at", isOf, profile.Shown)
		return r, nil
	}
	if profile.Schema == nil {
		r.problem("the directory does not show its schema to the bind account, so the mapping cannot be compared with it")
	} else {
		for _, p := range d.Mapping.Check(profile.Schema, profile.Flavour.Fills()) {
			r.problem("%s", p)
		}
	}
	obstacle, err := d.Server.Obstacle(ctx, d.Mapping.Base())
	if err != nil {
		return r, err //nolint:wrapcheck // It names the step.
	}
	if obstacle != "" {
		r.problem("%s", obstacle)
	}
	r.accounts(d, profile)
	if err := r.settings(ctx, d, profile); err != nil {
		return r, err
	}
	there, err := r.places(ctx, d)
	if err != nil {
		return r, err
	}
	if d.Sample != nil {
		return r, r.try(ctx, d, profile)
	}
	return r, r.rights(ctx, d, profile, there)
}

// barred is kept out in every way there is.
var barred = event.Account{Disabled: true, LockedUntil: event.LockedForever, ExpiresAt: 1, StatusSeen: true, LockSeen: true, ExpirySeen: true}

// accounts finds what stands in the way of keeping users out and of setting their passwords.
func (r *Report) accounts(d Directory, profile *connector.Profile) {
	account, ok := d.Mapping.Account(mapping.Input{Object: event.Object{Ref: event.Ref{Kind: event.KindUser}}})
	if !ok {
		return
	}
	account.State = barred
	status, err := profile.Flavour.Status(account, nil, 1)
	switch {
	case err != nil:
		r.problem("%v", err)
	case status.Problem() != "":
		r.problem("%s", status.Problem())
	}
	if d.PasswordSync && d.Mapping.PasswordRule().Write && profile.Flavour.Password(plan.SetPassword{}).Secure && !d.Server.Secure() {
		r.problem("the server takes passwords over TLS only: use ldaps:// or start_tls, or switch password_sync off")
	}
}

// settings tells which settings of the server are not as they should be, where the bind account may see them.
func (r *Report) settings(ctx context.Context, d Directory, profile *connector.Profile) error {
	for _, s := range profile.Flavour.Settings() {
		entry, err := d.Server.Read(ctx, s.DN, []string{s.Attribute})
		if err != nil {
			return err //nolint:wrapcheck // It names the entry.
		}
		switch {
		case entry == nil || len(entry.Values(s.Attribute)) == 0:
			r.note("the bind account may not see whether %s of %s is %q, as it has to be: %s", s.Attribute, s.DN, s.Value, s.Reason)
		case !strings.EqualFold(entry.Value(s.Attribute), s.Value):
			r.problem("%s of %s is %q and has to be %q: %s", s.Attribute, s.DN, entry.Value(s.Attribute), s.Value, s.Reason)
		}
	}
	return nil
}

// places looks for the entries that others are below, and returns those that are there. Some are made when they are needed.
func (r *Report) places(ctx context.Context, d Directory) (there []mapping.Place, err error) {
	for _, p := range d.Mapping.Places() {
		entry, err := d.Server.Read(ctx, p.DN, nil)
		if err != nil {
			return nil, err //nolint:wrapcheck // It names the entry.
		}
		if entry != nil {
			there = append(there, p)
			continue
		}
		if _, made := d.Mapping.PlaceEntry(p.DN); !made {
			r.problem("%s", d.Mapping.ProblemAt(p, fmt.Sprintf(
				"the entry %s is not there, or the bind account may not see it; it is not made, so add it or name another place", p.DN)))
			continue
		}
		above, err := d.Server.Read(ctx, p.DN.Parent(), nil)
		if err != nil {
			return nil, err //nolint:wrapcheck // It names the entry.
		}
		if above == nil {
			r.problem("%s", d.Mapping.ProblemAt(p, fmt.Sprintf("the entry %s is not there and cannot be made, as %s is not there either", p.DN, p.DN.Parent())))
			continue
		}
		there = append(there, mapping.Place{DN: p.DN.Parent(), What: p.What, Kinds: []event.Kind{event.KindUnit}})
	}
	return there, nil
}

// rights finds out whether the bind account may add the entries of the mapping where they are to be.
func (r *Report) rights(ctx context.Context, d Directory, profile *connector.Profile, places []mapping.Place) error {
	told := true
	for _, p := range places {
		for _, kind := range p.Kinds {
			classes := d.Mapping.ObjectClasses(kind)
			if profile.Schema == nil || len(classes) == 0 {
				continue
			}
			class := profile.Schema.Structural(classes)
			if class == "" {
				continue // the comparison with the schema has said so
			}
			rights, err := d.Server.Rights(ctx, p.DN, class, d.Mapping.Writes(kind))
			if err != nil {
				return err //nolint:wrapcheck // It names the entry.
			}
			told = told && rights.Told
			if len(rights.Unread) > 0 {
				r.problem("the bind account may write and not read or search %s of an entry of %s below %s; give it the right in the directory", strings.Join(rights.Unread, ", "), class, p.DN)
			}
			if rights.Told && !rights.Add {
				r.problem("the bind account may not add an entry of %s below %s. This grants it: %s", class, p.DN,
					profile.Flavour.Grant(connector.Want{Act: connector.ActAdd, Who: d.Who, Below: p.DN, Class: class}))
			} else if len(rights.Denied) > 0 {
				r.problem("the bind account may not write %s of an entry of %s below %s. This grants it: %s", strings.Join(rights.Denied, ", "), class, p.DN,
					profile.Flavour.Grant(connector.Want{Act: connector.ActWrite, Who: d.Who, Below: p.DN, Class: class, Attribute: strings.Join(rights.Denied, " || ")}))
			}
		}
	}
	if !told {
		r.note("whether the bind account may write cannot be told without writing: --rights makes entries with %s in their names, does to them what the mapping can need, and removes them", d.TestName)
	}
	return nil
}
