package processor_test

import (
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// The names of places in a mapping, in full width; the directory may spell them in half width.
const (
	leaversWide   = "离职（一）"
	leaversNarrow = "离职(一)"
	guardedWide   = "保护（一）"
	guardedNarrow = "保护(一)"
)

// placesInFullWidth edits a ready mapping: leavers, what is protected and where entries are taken over have names in full width.
func placesInFullWidth(rdn string) []string {
	return []string{
		"\nuser:\n", "\nprotect:\n  - \"" + rdn + "=boss,ou=" + guardedWide + ",ou=people,{base}\"\n  - { filter: \"(title=Kept   Here)\" }\nuser:\n  adopt_below: \"ou=" + fullWidth + ",ou=people,{base}\"\n",
		"delete: delete ", `delete: { move: "ou=` + leaversWide + `,ou=people,{base}", purge_after: 48h } `,
	}
}

// stranger makes an entry below one as an administrator does, and returns its DN.
func (w *world) stranger(name string, above plan.DN, more ...string) plan.DN {
	w.Helper()
	profile, err := w.dir.Profile(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	class, rdn := "inetOrgPerson", plan.RDN{{Type: "uid", Value: name}}
	if profile.Flavour.Name() == connector.ActiveDirectory {
		class, rdn = "user", plan.RDN{{Type: "cn", Value: name}}
	}
	dn := above.Child(rdn)
	w.asAdmin(func(conn *ldap.Conn) error {
		request := ldap.NewAddRequest(dn.String(), nil)
		request.Attribute("objectClass", []string{class})
		if class == "user" {
			request.Attribute("sAMAccountName", []string{name})
		} else {
			request.Attribute("cn", []string{name})
		}
		request.Attribute("sn", []string{name})
		for _, m := range more {
			attribute, value, _ := strings.Cut(m, "=")
			request.Attribute(attribute, []string{value})
		}
		return conn.Add(request)
	})
	return dn
}

// isTaken checks whether a user gets an entry that somebody else has made, or else why not.
func (w *world) isTaken(name, unit, because string) {
	w.Helper()
	ref := user(name)
	result := w.process(ref, w.say(event.TypeUserCreate, ref, record(name, event.Values{"primaryOuId": unit})))
	switch {
	case because == "" && result.Outcome.Code != event.CodeApplied:
		w.Errorf("%s is not taken over: %+v", name, result.Outcome)
	case because != "" && (result.Outcome.Code != event.CodeDNTaken || !strings.Contains(result.Outcome.Message, because)):
		w.Errorf("%s is %+v; want it left alone because of %s", name, result.Outcome, because)
	}
}

// leaver makes a user and has it leave, and returns where it is kept.
func (w *world) leaver(name string) event.Ref {
	w.Helper()
	ref := user(name)
	w.create(ref, name, "", nil)
	w.must(event.CodeApplied, ref, w.say(event.TypeUserDelete, ref, nil))
	if dn := w.dn(ref); !strings.Contains(dn.String(), leaversWide) {
		w.Fatalf("%s is kept at %s", ref, dn)
	}
	return ref
}

// purge lets the time of the leavers pass.
func (w *world) purge(ref event.Ref) {
	w.Helper()
	w.at = w.after(72 * time.Hour)
	w.process(ref)
}

func unitNamed(name string) plan.DN {
	return plan.MustParseDN("ou=" + plan.EscapeValue(name) + "," + people)
}

func (w *world) unitAt(dn plan.DN) {
	w.Helper()
	w.asAdmin(func(conn *ldap.Conn) error {
		request := ldap.NewAddRequest(dn.String(), nil)
		request.Attribute("objectClass", []string{"organizationalUnit"})
		return conn.Add(request)
	})
}

// checkPlacesOfTwoWidths makes sure that the names of places in the mapping mean those that bear them, and not what another server
// would take for the same.
func (w *world) checkPlacesOfTwoWidths(wide, narrow event.Ref) {
	w.Helper()
	guarded := unitNamed(guardedWide)
	w.unitAt(guarded)
	w.stranger("boss", guarded)
	w.isTaken("boss", wide.ID, "protected by")
	w.stranger("kept", w.dn(wide), "title=kept here")
	w.isTaken("kept", wide.ID, "protected by the filter")
	w.stranger("eve", w.dn(narrow))
	w.isTaken("eve", narrow.ID, "adopt_below")
	w.stranger("fay", w.dn(wide))
	w.isTaken("fay", wide.ID, "")

	away := w.leaver("gus")
	elsewhere := unitNamed(leaversNarrow)
	w.unitAt(elsewhere)
	at := w.dn(away)
	w.asAdmin(func(conn *ldap.Conn) error {
		return conn.ModifyDN(ldap.NewModifyDNRequest(at.String(), at.RDN().String(), true, elsewhere.String()))
	})
	w.purge(away)
	if dn := w.dn(away); dn.Empty() || !strings.Contains(dn.String(), leaversWide) {
		w.Errorf("who was taken out from among the leavers is at %s", dn)
	}
}

// checkPlacesOfOneWidth makes sure that the names of places in the mapping mean the entries that the directory takes them for,
// however they are spelled there.
func (w *world) checkPlacesOfOneWidth(wide event.Ref) {
	w.Helper()
	at := unitNamed(halfWidth)
	if entry, err := w.dir.Read(w.Context(), at, nil); err != nil || entry == nil || !entry.DN.Exactly(at) {
		w.Fatalf("the unit is %+v, %v", entry, err)
	}
	guarded := unitNamed(guardedNarrow)
	w.unitAt(guarded)
	w.stranger("boss", guarded)
	w.isTaken("boss", wide.ID, "protected by")
	w.stranger("kept", at, "title=kept here")
	w.isTaken("kept", wide.ID, "protected by the filter")
	w.stranger("fay", at)
	w.isTaken("fay", wide.ID, "")

	w.unitAt(unitNamed(leaversNarrow))
	away := w.leaver("gus")
	w.purge(away)
	if dn := w.dn(away); !dn.Empty() {
		w.Errorf("who is among the leavers for long enough is at %s", dn)
	}
}
