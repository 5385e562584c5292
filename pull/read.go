package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"idaas-ldap/event"
)

// Record is what IDaaS said about one object.
type Record struct {
	// Change has the object, its fields and the time of its last change.
	Change event.Change
	// Asked is a moment, by the clock of IDaaS, at which it was not asked yet.
	Asked event.Millis
}

// Scope is the synchronization scope of the application: what it may see, and what is pushed to it.
type Scope struct {
	Units  []string `json:"organizationalUnitIds"`
	Groups []string `json:"groupIds"`
}

// Equal reports whether two scopes name the same.
func (s Scope) Equal(other Scope) bool {
	return slices.Equal(s.Units, other.Units) && slices.Equal(s.Groups, other.Groups)
}

// Holds reports whether a scope names all that another one names.
func (s Scope) Holds(other Scope) bool {
	missing := func(have, want []string) bool {
		return slices.ContainsFunc(want, func(id string) bool { return !slices.Contains(have, id) })
	}
	return !missing(s.Units, other.Units) && !missing(s.Groups, other.Groups)
}

// String names the ids of a scope.
func (s Scope) String() string { return fmt.Sprintf("units %.500q, groups %.500q", s.Units, s.Groups) }

// Scope asks for the synchronization scope. Its ids are sorted.
func (c *Client) Scope(ctx context.Context) (Scope, error) {
	var s Scope
	if _, err := c.get(ctx, "read the synchronization scope from "+c.host, &s, nil, "provisioningScope"); err != nil {
		return Scope{}, err
	}
	slices.Sort(s.Units)
	slices.Sort(s.Groups)
	return s, nil
}

// asking says which object is asked for, and whom.
func (c *Client) asking(ref event.Ref) string {
	switch ref.Kind {
	case event.KindUnit:
		return fmt.Sprintf("read unit %s from %s", ref.ID, c.host)
	case event.KindUser:
		return fmt.Sprintf("read user %s from %s", ref.ID, c.host)
	case event.KindGroup:
		return fmt.Sprintf("read group %s from %s", ref.ID, c.host)
	}
	return fmt.Sprintf("read object %s from %s", ref.ID, c.host)
}

// collections are where the objects of a kind are below the application.
var collections = map[event.Kind]string{event.KindUnit: "organizationalUnits", event.KindUser: "users", event.KindGroup: "groups"}

// Get asks for one object. Its error is [ErrAbsent] where IDaaS says that there is none, and [ErrOutside] where it shows none and nobody can
// tell why.
func (c *Client) Get(ctx context.Context, ref event.Ref) (Record, error) {
	var raw json.RawMessage
	what := c.asking(ref)
	asked, err := c.get(ctx, what, &raw, nil, collections[ref.Kind], ref.ID)
	var problem *Problem
	if errors.As(err, &problem) && problem.undecided() {
		return Record{}, fmt.Errorf("%w: %w", ErrOutside, err)
	}
	if err != nil {
		return Record{}, err
	}
	change, err := event.Record(ref.Kind, raw)
	if err == nil && change.Object != ref {
		err = fmt.Errorf("the answer is about %s", change.Object)
	}
	if err != nil {
		return Record{}, fmt.Errorf("%s: %w", what, err)
	}
	return Record{Change: change, Asked: asked}, nil
}
