package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// RightsMeans is how a server can be asked what the bind account may write, without writing.
type RightsMeans int

// The means.
const (
	// RightsUntold: it cannot be asked. OpenLDAP looks at everything else that it could refuse before it looks at the access,
	// and its no-op control is an experiment: after it slapd 2.5 was seen to answer writes with an internal error.
	RightsUntold RightsMeans = iota
	// RightsByEffectiveRights: the control Get Effective Rights tells what an account may do, for an entry of a class that
	// is not there as well.
	RightsByEffectiveRights
	// RightsByChildClasses: an entry tells by allowedChildClassesEffective which entries may be made below it (MS-ADTS
	// section 3.1.1.4.5.21).
	RightsByChildClasses
)

// What the means are called on the wire.
const (
	controlEffectiveRights = "1.3.6.1.4.1.42.2.27.9.5.2"
	childClassesAttribute  = "allowedChildClassesEffective"
)

// Rights is what the bind account may do below an entry.
type Rights struct {
	// Told is false where the server cannot be asked without writing.
	Told bool
	// Add: an entry may be added.
	Add bool
	// Denied are the attributes among those asked about that may not be written, Unread those that may be written and not read or
	// searched for, so that what was written would be written again and again; only some servers tell.
	Denied, Unread []string
}

// Rights asks what the bind account may do with a new entry of an object class below another entry. Nothing is written.
func (d *Directory) Rights(ctx context.Context, below plan.DN, class string, attributes []string) (Rights, error) {
	profile, err := d.Profile(ctx)
	if err != nil {
		return Rights{}, err
	}
	switch profile.Flavour.Rights() {
	case RightsByEffectiveRights:
		return d.effectiveRights(ctx, below, class, attributes)
	case RightsByChildClasses:
		entry, err := d.Read(ctx, below, []string{childClassesAttribute})
		if err != nil || entry == nil {
			return Rights{}, err
		}
		may := slices.ContainsFunc(entry.Values(childClassesAttribute), func(c string) bool { return strings.EqualFold(c, class) })
		return Rights{Told: true, Add: may}, nil
	case RightsUntold:
	}
	return Rights{}, nil
}

func (d *Directory) effectiveRights(ctx context.Context, below plan.DN, class string, attributes []string) (Rights, error) {
	if d.cfg.BindDN == "" {
		return Rights{}, nil // who is asked about has to be named, and a certificate does not tell its name here
	}
	ask := make([]string, 0, len(attributes)+1)
	for _, a := range append([]string{"objectClass"}, attributes...) {
		ask = append(ask, a+"@"+class)
	}
	request := ldap.NewSearchRequest(below.String(), ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", ask,
		[]ldap.Control{ldap.NewControlString(controlEffectiveRights, true, "dn: "+d.cfg.BindDN)})
	var result *ldap.SearchResult
	err := d.do(ctx, verbRead, below, secret.Text{}, func(conn *pooled) error {
		var err error
		result, err = conn.Search(request)
		return err
	})
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.Code == ldap.LDAPResultUnavailableCriticalExtension {
		return Rights{}, nil
	}
	if err != nil {
		return Rights{}, fmt.Errorf("ask for the rights of the bind account: %w", err)
	}
	for _, e := range result.Entries {
		if !strings.Contains(strings.ToLower(e.DN), "template_") {
			continue
		}
		rights := Rights{Told: true, Add: strings.Contains(e.GetEqualFoldAttributeValue("entryLevelRights"), "a")}
		for _, a := range strings.Split(e.GetEqualFoldAttributeValue("attributeLevelRights"), ",") {
			name, may, _ := strings.Cut(strings.TrimSpace(a), ":")
			asked := slices.ContainsFunc(attributes, func(n string) bool { return strings.EqualFold(n, name) })
			switch {
			case !asked:
			case may == "none" || !strings.Contains(may, "w"):
				rights.Denied = append(rights.Denied, name)
			case !strings.Contains(may, "r") || !strings.Contains(may, "s"):
				rights.Unread = append(rights.Unread, name)
			}
		}
		return rights, nil
	}
	return Rights{}, nil
}
