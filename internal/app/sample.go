package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/internal/online"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// Sample plans what a unit, a user in it and a group with that user would be written as in the directory: entries that are of the form
// of all others and belong to nobody. Nothing is written.
func (d *Directory) Sample(ctx context.Context, name string, now event.Millis) (online.Sample, error) {
	folder, err := os.MkdirTemp("", "idaas-ldap-")
	if err != nil {
		return online.Sample{}, fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is in the folder of what is temporary
	empty, err := store.Open(ctx, store.SQLiteConfig{Path: filepath.Join(folder, "empty.db")}, filepath.Join(folder, "key"), rand.Reader)
	if err != nil {
		return online.Sample{}, err //nolint:wrapcheck // It names the store.
	}
	defer func() { _ = empty.Close() }() // as above
	preview := dispatch.NewPreview(empty, d.Name, d.Processor)
	sample := online.Sample{Password: secret.New("Aa1!" + rand.Text())}
	for i, change := range sampleChanges(name, now) {
		if !d.Mapping().Handles(change.Object.Kind) {
			continue
		}
		result, err := preview.Plan(ctx, change, now)
		if err != nil {
			return sample, err //nolint:wrapcheck // It names the object.
		}
		entry := online.SampleEntry{Kind: change.Object.Kind, Extra: i > 0 && change.Object.Kind == event.KindUnit}
		for _, op := range result.Operations {
			if add, ok := op.(plan.Add); ok && add.DN.Equal(result.DN) {
				entry.Add = add
			}
		}
		if entry.Add.DN.Empty() {
			entry.Reason = result.Outcome.Message
		}
		if entry.Add.DN.Empty() && entry.Extra {
			continue // the first of its kind says why
		}
		if change.Object.Kind == event.KindUser && !d.Mapping().MembersByDN() {
			known := event.Merge(event.Object{Ref: change.Object}, []event.Change{change}).Object
			entry.Member, _ = d.Mapping().MemberValue(known, result.DN) // a user without a value is said to have none
		}
		sample.Entries = append(sample.Entries, entry)
	}
	return sample, nil
}

// sampleChanges are events about units, a user and a group, in which every field is given. The user has the name, and the others
// say before it what they are: on some servers all of them share one space of names. Of the two more units one is below the first.
func sampleChanges(name string, now event.Millis) []event.Change {
	unit, user, group := "ou_"+name, "user_"+name, "group_"+name
	number, err := rand.Int(rand.Reader, big.NewInt(1e8))
	if err != nil {
		number = big.NewInt(0) // never: the source of the system does not fail
	}
	first := "unit-" + name
	given := map[string]any{
		"displayName": "Test " + name, "email": name + "@example.org", "emailVerified": true, "phoneRegion": "86",
		"phoneNumber": fmt.Sprintf("139%08d", number), "phoneVerified": true, event.FieldStatus: event.StatusEnabled,
		event.FieldAccountExpireTime: int64(-1), event.FieldLockExpireTime: int64(-1), event.FieldPrimaryUnit: unit,
		event.FieldUnits:    []any{map[string]any{"id": unit, "name": first, "primary": true}},
		event.FieldUsername: name, "description": "a test of idaas-ldap; remove it",
	}
	change := func(kind event.Kind, of event.Type, id, called, parent string) event.Change {
		c := event.Change{ID: "test_" + id, Type: of, Object: event.Ref{Kind: kind, ID: id}, Stamp: event.Stamp{Event: now}, Fields: event.Values{}}
		for _, f := range event.Fields(kind) {
			switch v, ok := given[f.Name]; {
			case f.Name == event.FieldID:
				c.Fields[f.Name] = id
			case f.Name == event.FieldParentID:
				c.Fields[f.Name] = parent
			case f.Name == event.FieldName:
				c.Fields[f.Name] = called
			case ok:
				c.Fields[f.Name] = v
			case f.Type == event.TypeString && !strings.HasSuffix(f.Name, "Type"):
				c.Fields[f.Name] = called
			case f.Type == event.TypeMillis:
				c.Fields[f.Name] = int64(now)
			}
		}
		return c
	}
	members := change(event.KindGroup, event.TypeGroupPush, group, "group-"+name, event.RootUnitID)
	members.Members = []event.Member{{User: user, Present: true}}
	return []event.Change{
		change(event.KindUnit, event.TypeUnitCreate, unit, first, event.RootUnitID),
		change(event.KindUnit, event.TypeUnitCreate, "below_"+name, "below-"+name, unit),
		change(event.KindUnit, event.TypeUnitCreate, "beside_"+name, "beside-"+name, event.RootUnitID),
		change(event.KindUser, event.TypeUserCreate, user, name, event.RootUnitID), members,
	}
}
