package connector

import (
	"context"
	"fmt"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/plan"
)

// prove makes sure that what was not found on this connection is not there: the base of the mapping is to be seen on it, and
// is the entry that it has always been. Otherwise an access rule hides everything, or this is another directory, or an empty
// copy of it, or a connection that has lost its login. The base is the one given where the configuration has none.
func (a asking) prove(base plan.DN) error {
	if a.cfg.Base != nil {
		base = a.cfg.Base()
	}
	if base.Empty() {
		return nil
	}
	if _, err := a.see(base); err != nil {
		return err
	}
	return a.ReadOnly() // a server that follows another one may lag behind
}

// proveEntry makes sure that an entry in which something was not found is to be seen, or is not there.
func (a asking) proveEntry(dn plan.DN) error {
	found, err := a.all(entryAt(dn, nothing))
	if err != nil || len(found) > 0 {
		return err
	}
	return a.prove(nil)
}

// see looks at the base and returns its stable id, empty where the server has none or does not show it.
func (a asking) see(base plan.DN) (string, error) {
	profile, link := a.known(), ""
	if profile != nil {
		link = profile.Flavour.LinkAttribute()
	}
	found, err := a.all(entryAt(base, withLink(nothing, link)))
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", Unseen(base)
	case profile == nil:
		return "", nil
	}
	e, err := profile.entry(found[0], nothing)
	if err != nil {
		return "", err
	}
	return e.Link, a.recognise(base, e.Link)
}

// recognise compares the stable id of the base with the one that it had before.
func (a asking) recognise(base plan.DN, id string) error {
	a.mu.Lock()
	had := a.identities[base.Key()]
	a.mu.Unlock()
	if id == "" || id == had {
		return nil
	}
	known := had
	if a.cfg.Identities != nil {
		// A person may have accepted another directory since.
		var err error
		if known, err = a.cfg.Identities.Identify(a.ctx, base, id); err != nil {
			return ours{err}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known == "" || known == id {
		a.identities[base.Key()], a.another = id, nil
		return nil
	}
	a.another = &OutcomeError{
		Kind: KindUnseen, Verb: verbRead, DN: base,
		Err: fmt.Errorf("this is another directory: the entry has the id %s, and had %s before. Look where directories[].urls lead; if this is to be "+
			"the directory from now on, say so with 'idaas-ldap reconcile --directory %s --accept-directory'", id, known, a.cfg.Name),
	}
	return a.another
}

// identify looks once on each connection whether it leads to the directory that is known, before anything else is done on it. A
// base that is not to be seen tells nothing, and may be there in a moment.
func (a asking) identify() error {
	if a.conn.identified || a.cfg.Base == nil || a.known() == nil {
		return nil
	}
	base := a.cfg.Base()
	if base.Empty() {
		return nil
	}
	switch _, err := a.see(base); {
	case isKind(err, KindUnseen) && a.Another() == nil:
		return nil
	case err != nil:
		return err
	}
	a.conn.identified = true
	return nil
}

// Another returns why what answers is not the directory that is known; nil where it is, as far as was looked.
func (d *Directory) Another() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.another
}

// Unseen is the error of a search that tells nothing, as not even the base of the mapping is to be seen.
func Unseen(base plan.DN) error {
	return &OutcomeError{
		Kind: KindUnseen, Verb: verbRead, DN: base, Code: ldap.LDAPResultNoSuchObject,
		Message: "the base of the mapping is not to be seen, so nothing can be told of what is below it: let the bind account read both, or correct the base",
		Advice: "an access rule hides it from the bind account, directories[].urls lead to the wrong server or to an empty copy, the login was lost, " +
			"or the base of the mapping is wrong",
	}
}

// Identity returns the stable id of the base entry, by which a directory is told from another one; empty where the server has
// no such ids.
func (d *Directory) Identity(ctx context.Context, base plan.DN) (string, error) {
	if _, err := d.Profile(ctx); err != nil {
		return "", err
	}
	var id string
	err := d.ask(ctx, base, func(a asking) error {
		var err error
		id, err = a.see(base)
		return err
	})
	return id, err
}

// Identities remembers by which stable id the base of a mapping is known, beyond the life of this process.
type Identities interface {
	// Identify returns the id by which a base is known, and remembers the one that was found where none is.
	Identify(ctx context.Context, base plan.DN, found string) (known string, err error)
}
