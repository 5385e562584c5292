package workbench

import (
	"context"
	"fmt"
	"strings"

	"idaas-ldap/dispatch"
	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// Act is what guards count of a comparison, with how many they let through.
type Act struct {
	Act     processor.Act `json:"act"`
	Count   int           `json:"count"`
	Allowed int           `json:"allowed"`
	Window  string        `json:"window"`
}

// Held reports whether the guard stops some of it.
func (a Act) Held() bool { return a.Count > a.Allowed }

// Difference is what would change for one object.
type Difference struct {
	Object  event.Ref        `json:"object"`
	Verdict dispatch.Verdict `json:"verdict"`
	DN      string           `json:"dn,omitempty"`
	LDIF    string           `json:"ldif,omitempty"`
	Message string           `json:"message,omitempty"`
}

// MostShown is how many differences of a comparison are kept.
const MostShown = 100

// Everybody is what a mapping means for all who are known in a directory.
type Everybody struct {
	Compared int                      `json:"compared"`
	Known    int                      `json:"known"`
	Counts   map[dispatch.Verdict]int `json:"counts"`
	Acts     []Act                    `json:"acts"`
	// Shown are the first differences, Differ how many there are.
	Shown  []Difference `json:"shown"`
	Differ int          `json:"differ"`
	Ended  bool         `json:"ended"`
}

// kinds are those of which objects are kept.
var kinds = []event.Kind{event.KindUnit, event.KindUser, event.KindGroup}

// Everybody compares all who are known with the directory by an edited mapping, until ctx ends. Progress is told now and then how far it is.
func (d Directory) Everybody(ctx context.Context, s store.Store, edited *mapping.Set, now event.Millis, progress func(Everybody)) (Everybody, error) {
	all := Everybody{Counts: map[dispatch.Verdict]int{}, Acts: []Act{}, Shown: []Difference{}}
	if !edited.Base().Equal(d.InForce.Base()) {
		return all, ErrBase
	}
	users := 0
	for _, kind := range kinds {
		n, err := s.CountObjects(ctx, d.Name, kind, 0)
		if err != nil {
			return all, fmt.Errorf("count the objects of %s: %w", d.Name, err)
		}
		all.Known += n
		if kind == event.KindUser {
			users = n
		}
	}
	takes := map[processor.Act]int{}
	comparison := dispatch.Comparison{
		Store: s, Directory: d.Name, Server: onlyRead{d.Server}, Mapping: edited, Now: now,
		Progress: func(n int) {
			told := all
			told.Compared, told.Shown = n, []Difference{} // what is long is told once, at the end
			progress(told)
		},
	}
	err := comparison.Run(ctx, func(f dispatch.Found) error {
		all.Counts[f.Verdict]++
		takes[f.Takes]++
		if f.Differs() {
			takes[processor.ActChange]++
		}
		return all.note(f)
	})
	if err != nil {
		return all, err //nolint:wrapcheck // It names the directory.
	}
	all.Compared, all.Ended = all.Known, true
	guards := edited.Guards()
	for _, guarded := range []struct {
		act   processor.Act
		limit mapping.Limit
	}{
		{processor.ActDelete, guards.Deletes}, {processor.ActDisable, guards.Disables}, {processor.ActChange, guards.Changes},
	} {
		if n := takes[guarded.act]; n > 0 && !guarded.limit.Zero() {
			all.Acts = append(all.Acts, Act{guarded.act, n, guarded.limit.Allows(users), guarded.limit.Window.String()})
		}
	}
	return all, nil
}

// mostOfOne is how many bytes are shown of what would be written for one object, or of what a test says.
const mostOfOne = 16 << 10

// begun returns a text up to what is shown of it.
func begun(text string) string {
	if len(text) <= mostOfOne {
		return text
	}
	return strings.ToValidUTF8(text[:mostOfOne], "") + fmt.Sprintf("\n… %d bytes more", len(text)-mostOfOne)
}

// note keeps what was found, where it is among the first that differ.
func (all *Everybody) note(f dispatch.Found) error {
	if f.Verdict == dispatch.Equal || f.Verdict == dispatch.Left || f.Verdict == dispatch.Orphan {
		return nil
	}
	all.Differ++
	if len(all.Shown) >= MostShown {
		return nil
	}
	d := Difference{Object: f.Object, Verdict: f.Verdict, DN: f.DN.String()}
	if f.Verdict == dispatch.Blocked {
		d.Message = begun(f.Outcome.Message)
	}
	if !f.Differs() {
		all.Shown = append(all.Shown, d)
		return nil
	}
	ldif, err := mapping.ReadableLDIF(f.Operations)
	if err != nil {
		ldif = "# " + err.Error() + "\n"
	}
	d.LDIF = begun(ldif)
	all.Shown = append(all.Shown, d)
	return nil
}
