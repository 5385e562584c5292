package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// Word is the last that IDaaS has said about one field.
type Word struct {
	Field string `json:"field"`
	Value any    `json:"value"`
	// At is when it happened. EventID and Application name the event, empty where that is not recorded any more.
	At          event.Millis `json:"at"`
	EventID     string       `json:"eventId,omitempty"`
	Application string       `json:"application,omitempty"`
}

// Text returns the value as a person reads it: text as it is, a moment as a date, and all else as JSON.
func (w Word) Text() string {
	switch v := w.Value.(type) {
	case string:
		return v
	case int64:
		if at := event.Millis(v); at > 0 && strings.HasSuffix(strings.ToLower(w.Field), "time") {
			return at.String()
		}
	}
	encoded, err := json.Marshal(w.Value)
	if err != nil {
		return fmt.Sprint(w.Value)
	}
	return string(encoded)
}

// Hidden stands for what is not shown.
const Hidden = "(not shown)"

// shown returns a value as it may be shown. IDaaS has one field for a password, which is never kept with the others; a field that
// nobody knows may hold one too.
func shown(field string, value any) any {
	lower := strings.ToLower(field)
	unknown := strings.HasPrefix(lower, "raw.") || strings.HasPrefix(lower, "custom.")
	secret := slices.ContainsFunc([]string{"password", "passwd", "pwd", "secret", "token"}, func(part string) bool { return strings.Contains(lower, part) })
	if unknown && secret {
		return Hidden
	}
	return value
}

// Words returns what one event says, by the names of its fields and then the members that it names.
func Words(c event.Change, application string) []Word {
	words := []Word{}
	add := func(field string, value any) {
		words = append(words, Word{Field: field, Value: shown(field, value), At: c.Stamp.Event, EventID: c.ID, Application: application})
	}
	for _, field := range slices.Sorted(maps.Keys(c.Fields)) {
		add(field, c.Fields[field])
	}
	for _, m := range c.Members {
		if m.Present {
			add("member", m.User)
		} else {
			add("no member", m.User)
		}
	}
	if c.Problem != "" {
		add("problem", c.Problem)
	}
	return words
}

// said returns what is known of an object, each field with the event that has said it last, as far as that is among the recorded ones.
func said(ctx context.Context, s store.Store, o event.Object, records []store.EventRecord) ([]Word, error) {
	changes := make([]event.Change, 0, len(records))
	var applications []string
	for _, r := range records {
		c, err := s.Said(ctx, r.Seq)
		if errors.Is(err, store.ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, fmt.Errorf("read what event %s says: %w", r.EventID, err)
		}
		changes, applications = append(changes, c), append(applications, r.Application)
	}
	words := []Word{}
	for _, field := range slices.Sorted(maps.Keys(o.Facts)) {
		fact := o.Facts[field]
		w := Word{Field: field, Value: shown(field, fact.Value), At: fact.At.Event}
		by := slices.IndexFunc(changes, func(c event.Change) bool {
			_, says := c.Fields[field]
			return says && c.Stamp == fact.At
		})
		if by >= 0 {
			w.EventID, w.Application = changes[by].ID, applications[by]
		}
		words = append(words, w)
	}
	return words, nil
}
