package memdir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// Config says what directory to make.
type Config struct {
	// Kind is the type of server whose manners it has, as in the configuration; auto counts as OpenLDAP with its password policy.
	Kind string
	// Profile, where it is given, is what the server says of itself in the place of what one of the kind usually does.
	Profile *connector.Profile
	// Schema is what entries are checked against: that of [Schema], or of [Sketch] for a sketch, which has no Suffix.
	Schema *dit.Schema
	Suffix string
	// Follows: the server keeps references to entries and memberOf in order itself.
	Follows bool
	// MembersNeeded: also in a sketch the last member of a group cannot be taken away.
	MembersNeeded bool
	Passwords     dit.PasswordPolicy
	Clock         func() time.Time
	Rand          io.Reader
}

// Directory is a directory in memory. Its methods may be called by many goroutines.
type Directory struct {
	profile *connector.Profile
	clock   func() time.Time

	mu      sync.Mutex // guards what follows
	tree    *dit.Directory
	decide  func(Operation) Fault
	written []plan.Operation
}

// owner is who writes.
var owner = plan.DN{plan.RDN{{Type: "cn", Value: "idaas-ldap"}}}

// New makes an empty directory.
func New(cfg Config) (*Directory, error) {
	tree, err := dit.New(dit.Config{
		Suffix: cfg.Suffix, Schema: cfg.Schema, NoMemberOf: !cfg.Follows, NoReferences: !cfg.Follows,
		MembersNeeded: cfg.MembersNeeded, Passwords: cfg.Passwords, Clock: cfg.Clock, Rand: cfg.Rand,
	})
	if err != nil {
		return nil, fmt.Errorf("make a directory in memory: %w", err)
	}
	profile := cfg.Profile
	if profile == nil {
		profile = connector.UsualProfile(cfg.Kind)
	}
	return &Directory{profile: profile, clock: cfg.Clock, tree: tree}, nil
}

// LoadLDIF adds entries, parents first. All of them or none.
func (d *Directory) LoadLDIF(text string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tree.LoadLDIF(text, owner) //nolint:wrapcheck // It says what was tried.
}

// Load adds entries, parents first. All of them or none.
func (d *Directory) Load(entries ...*plan.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tree.Load(owner, entries...) //nolint:wrapcheck // It says what was tried.
}

// Entries returns all that is in the directory, always in the same order: parents first. Operational attributes are left out.
func (d *Directory) Entries() []*plan.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies(d.tree.All(), "*")
}

// Below returns an entry and all that is below it, with operational attributes; none where there is no such entry.
func (d *Directory) Below(dn plan.DN) []*plan.Entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.copies(d.tree.Below(dn), "*", "+")
}

// Written returns the operations that were done, in their order.
func (d *Directory) Written() []plan.Operation { return d.WrittenAfter(0) }

// WrittenAfter returns the operations that were done after the first n.
func (d *Directory) WrittenAfter(n int) []plan.Operation {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.written[n:])
}

// Suffer changes what is wrong with the directory from now on.
func (d *Directory) Suffer(t dit.Trouble) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tree.Suffer(t)
}

// Profile returns what servers of the kind usually are.
func (d *Directory) Profile(context.Context) (*connector.Profile, error) { return d.profile, nil }

// answered turns a refusal of the tree into what the connector makes of it.
func (d *Directory) answered(verb string, dn plan.DN, err error) error {
	var refused *dit.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	return connector.Answered(d.profile.Flavour, verb, dn, refused.Code, refused.Message)
}

// search returns the entries that a filter finds, none where there is no such base.
func (d *Directory) search(base plan.DN, scope int64, filter string) ([]*dit.Entry, error) {
	const verb = "search"
	d.mu.Lock()
	defer d.mu.Unlock()
	fault := d.faultFor(Operation{Verb: verb, DN: base})
	if err := fault.before(d, verb, base); err != nil {
		return nil, err
	}
	f, err := d.tree.ParseFilter(filter)
	if err != nil {
		return nil, d.answered(verb, base, err)
	}
	found, err := d.tree.Search(dit.Search{Base: base, Scope: scope, Filter: f})
	var refused *dit.Refusal
	if errors.As(err, &refused) && refused.Code == ldap.LDAPResultNoSuchObject {
		return nil, nil
	}
	return found, d.answered(verb, base, err)
}

// copies returns entries with some of their attributes, as they are kept.
func (d *Directory) copies(entries []*dit.Entry, attributes ...string) []*plan.Entry {
	want, id := d.tree.Select(attributes...), d.tree.Select("entryUUID")
	out := make([]*plan.Entry, len(entries))
	for i, e := range entries {
		out[i] = &plan.Entry{DN: e.DN(), Attributes: d.tree.Read(e, want, false, true)}
		if d.profile.Flavour.LinkAttribute() == "" {
			continue
		}
		for _, a := range d.tree.Read(e, id, false, true) {
			out[i].Link = a.Values[0]
		}
	}
	return out
}

// Empty makes a sketch of a server in which nobody has told of anything yet: what plans are made against where no directory is to
// be asked.
func Empty(kind string, clock func() time.Time, rand io.Reader) (*Directory, error) {
	schema, err := Sketch()
	if err != nil {
		return nil, err
	}
	return New(Config{Kind: kind, Schema: schema, Clock: clock, Rand: rand})
}
