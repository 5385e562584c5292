package explain

import (
	"context"
	"errors"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/pull"
	"idaas-ldap/store"
)

// Asked is what IDaaS's own API says about an object now.
type Asked struct {
	At event.Millis `json:"at"`
	// Gone: IDaaS says that there is no such object.
	Gone bool `json:"gone,omitempty"`
	// Differs are the fields that differ from what is known, with the values of IDaaS.
	Differs event.Values `json:"differs"`
	// Problem is why IDaaS could not be asked.
	Problem string `json:"problem,omitempty"`
}

// Asker asks IDaaS about one object. *pull.Client does.
type Asker interface {
	Get(ctx context.Context, ref event.Ref) (pull.Record, error)
}

// Ask asks IDaaS about the object of a story, which is to be zero for nobody.
func (s *Story) Ask(ctx context.Context, memory store.Store, asker Asker, now event.Millis) error {
	if s.Object.Zero() {
		return nil
	}
	known, _, err := dispatch.Known(ctx, memory, store.Key{Directory: s.Directory, Object: s.Object})
	if err != nil {
		return err //nolint:wrapcheck // It names the object.
	}
	s.Asked = &Asked{At: now, Differs: event.Values{}}
	record, err := asker.Get(ctx, s.Object)
	switch {
	case errors.Is(err, pull.ErrAbsent):
		s.Asked.Gone = true
	case err != nil:
		s.Asked.Problem = err.Error()
	default:
		change, _ := pull.News([]event.Object{known}, record)
		delete(change.Fields, event.FieldID)
		s.Asked.Differs = change.Fields
	}
	return nil
}
