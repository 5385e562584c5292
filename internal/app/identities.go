package app

import (
	"context"
	"sync"

	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// identities says which directory the servers under one name of the configuration are. Without a store it knows what it has met.
type identities struct {
	directory string

	mu     sync.Mutex
	met    map[string]string
	store  store.Store
	writes bool
}

// Identify returns the id by which a base is known.
func (i *identities) Identify(ctx context.Context, base plan.DN, found string) (string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.store != nil && i.writes:
		return i.store.Identify(ctx, i.directory, base, found) //nolint:wrapcheck // It names the directory.
	case i.store != nil:
		if known, err := i.store.Identity(ctx, i.directory, base); err != nil || known != "" {
			return known, err //nolint:wrapcheck // It names the directory.
		}
	}
	if i.met[base.Key()] == "" {
		i.met[base.Key()] = found
	}
	return i.met[base.Key()], nil
}

// RecogniseBy lets the store say which directory this is. Who works on the directory writes that down where it is not known yet.
func (d *Directory) RecogniseBy(s store.Store, writes bool) {
	d.identities.mu.Lock()
	defer d.identities.mu.Unlock()
	d.identities.store, d.identities.writes = s, writes
}
