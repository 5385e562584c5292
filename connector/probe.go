package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// Profile is what a server says of itself.
type Profile struct {
	Flavour  Flavour
	Matching plan.Matching
	// Schema is nil where the server does not show one.
	Schema *plan.Schema
	// Controls and Extensions are the object identifiers of what it supports.
	Controls, Extensions map[string]bool
	// Login is the name with which this service logs in, in any of the forms that the server takes; empty for none.
	Login string
	// Vendor is how the server names itself, for people; Shown is the name of the flavour that it shows itself to be.
	Vendor, Shown string
	// provisional: the server lacks something that an administrator may be adding, as events are failing for it.
	provisional bool
	visibility  visibility
}

// How long a profile holds: a schema may be extended, and a password policy made, while the service runs.
const (
	profileAge     = 10 * time.Minute
	provisionalAge = 15 * time.Second
)

// capabilityActiveDirectory is announced by Active Directory and its like.
const capabilityActiveDirectory = "1.2.840.113556.1.4.800"

// Profile returns what the server says of itself, asking it where that was long ago. However many want to know at the same moment, it is asked
// and its schema is read once.
func (d *Directory) Profile(ctx context.Context) (*Profile, error) {
	profile, isFresh := d.lastProfile()
	if isFresh {
		return profile, nil
	}
	// Whoever asks first may go away before the others.
	answer := d.probes.DoChan("", func() (any, error) { return d.probeAgain(context.WithoutCancel(ctx)) })
	select {
	case a := <-answer:
		if a.Err == nil {
			return a.Val.(*Profile), nil
		}
		if profile != nil {
			return profile, nil // what was known still holds; the next operation meets the error
		}
		return nil, a.Err //nolint:wrapcheck // That of the probe.
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for what the server says of itself: %w", ctx.Err())
	}
}

// lastProfile returns what the server has said of itself, nil for nothing, and whether that was lately.
func (d *Directory) lastProfile() (profile *Profile, isFresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.profile, d.profile != nil && d.cfg.Clock().Sub(d.profileAt) < d.profile.age()
}

// probeAgain asks unless that was done a moment ago, by those before us.
func (d *Directory) probeAgain(ctx context.Context) (*Profile, error) {
	if profile, isFresh := d.lastProfile(); isFresh {
		return profile, nil
	}
	now := d.cfg.Clock()
	profile, err := d.probe(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.profile, d.profileAt = profile, now
	return profile, nil
}

// errSchemaHidden: a server that shows its schema no more is not known to be another one, so what it said before counts.
var errSchemaHidden = errors.New("the directory does not show its schema to the bind account any more")

func (p *Profile) age() time.Duration {
	if p.provisional {
		return provisionalAge
	}
	return profileAge
}

func (d *Directory) probe(ctx context.Context) (*Profile, error) {
	root, err := d.rootDSE(ctx)
	if err != nil {
		return nil, err
	}
	p := &Profile{
		Login:      d.cfg.BindDN,
		Controls:   set(root.GetEqualFoldAttributeValues("supportedControl")),
		Extensions: set(root.GetEqualFoldAttributeValues("supportedExtension")),
		Vendor:     strings.TrimSpace(root.GetEqualFoldAttributeValue("vendorName") + " " + root.GetEqualFoldAttributeValue("vendorVersion")),
	}
	if name := root.GetEqualFoldAttributeValue("subschemaSubentry"); name != "" {
		if p.Schema, err = d.schema(ctx, name); err != nil {
			return nil, err
		}
	}
	if had := d.known(); had != nil && had.Schema != nil && p.Schema == nil {
		return nil, errSchemaHidden
	}
	if p.Flavour, err = d.flavour(ctx, root, p); err != nil {
		return nil, err
	}
	p.Matching = plan.WellKnownMatching(p.Flavour.Folding())
	if p.Schema != nil {
		p.Schema = p.Schema.Folded(p.Flavour.Folding())
		p.Matching = p.Schema
	}
	status, err := p.Flavour.Status(barredInEveryWay, nil, 0)
	p.provisional = err == nil && status.Problem() != "" && status.Note != ""
	d.cfg.Log.WithField("flavour", p.Flavour.Name()).WithField("vendor", p.Vendor).Debug("the directory was probed")
	return p, nil
}

func (d *Directory) rootDSE(ctx context.Context) (*ldap.Entry, error) {
	found, err := d.single(ctx, nil, []string{"*", "+", "vendorName", "vendorVersion", "supportedControl", "supportedExtension", "supportedCapabilities", "subschemaSubentry"})
	if err != nil {
		return nil, fmt.Errorf("read the rootDSE: %w", err)
	}
	if found == nil {
		return ldap.NewEntry("", nil), nil
	}
	return found, nil
}

// single reads an entry beside the tree, nil where the bind account may not see it.
func (d *Directory) single(ctx context.Context, dn plan.DN, attributes []string) (*ldap.Entry, error) {
	var found *ldap.Entry
	err := d.ask(ctx, dn, func(a asking) error {
		entries, err := a.all(entryAt(dn, attributes))
		if len(entries) > 0 {
			found = entries[0]
		}
		return err
	})
	return found, err
}

// schema reads the subschema entry; nil where the bind account may not see it.
func (d *Directory) schema(ctx context.Context, name string) (*plan.Schema, error) {
	dn, err := plan.ParseDN(name)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	found, err := d.single(ctx, dn, []string{"attributeTypes", "objectClasses", "dITContentRules"})
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	if found == nil {
		return nil, nil
	}
	attributes := found.GetEqualFoldAttributeValues("attributeTypes")
	if len(attributes) == 0 {
		return nil, nil
	}
	schema, err := plan.ParseSchema(attributes, found.GetEqualFoldAttributeValues("objectClasses"), found.GetEqualFoldAttributeValues("dITContentRules"))
	if err != nil {
		d.cfg.Log.WithError(err).Debug("a definition of the directory's schema cannot be read and is left out")
	}
	return schema, nil
}

// flavour chooses what the configuration says, or what the server shows itself to be.
func (d *Directory) flavour(ctx context.Context, root *ldap.Entry, p *Profile) (Flavour, error) {
	known := func(attribute string) bool {
		if p.Schema == nil {
			return false
		}
		_, ok := p.Schema.Attribute(attribute)
		return ok
	}
	switch {
	case set(root.GetEqualFoldAttributeValues("supportedCapabilities"))[capabilityActiveDirectory]:
		p.Shown = ActiveDirectory
	case strings.Contains(p.Vendor, "389"), known("nsAccountLock"):
		p.Shown = DS389
	case known("entryCSN"), set(root.GetEqualFoldAttributeValues("objectClass"))["OpenLDAProotDSE"]:
		p.Shown = OpenLDAP
	default:
		p.Shown = Generic
	}
	kind := d.cfg.Type
	if kind == "" || kind == "auto" {
		kind = p.Shown
	}
	switch kind {
	case ActiveDirectory:
		return activeDirectory{}, nil
	case DS389:
		return ds389{}, nil
	case OpenLDAP:
		return d.openLDAP(ctx, root, p.Schema)
	default:
		return generic{link: known("entryUUID")}, nil
	}
}

func set(values []string) map[string]bool {
	out := make(map[string]bool, len(values))
	for _, v := range values {
		out[v] = true
	}
	return out
}

// UsualProfile returns what a server of a type usually can, for plans that are made without asking one. The type is that
// of the configuration; auto counts as OpenLDAP with its password policy.
func UsualProfile(kind string) *Profile {
	var f Flavour = openLDAP{locked: true, ended: true, reset: true, policy: true, lockout: true}
	switch kind {
	case ActiveDirectory:
		f = activeDirectory{}
	case DS389:
		f = ds389{}
	case Generic:
		f = generic{}
	}
	return &Profile{Flavour: f, Matching: plan.WellKnownMatching(f.Folding())}
}
