package conformance

import (
	"strings"

	"idaas-ldap/plan"
	"idaas-ldap/store"
)

func identityTests() []test {
	return []test{
		{"a directory is known by the id of its base", identityKept},
		{"another directory is taken for the known one where a person says so", directoryAccepted},
	}
}

func (w world) identity(directory, base string) string {
	w.Helper()
	id, err := w.Identity(w.Context(), directory, plan.MustParseDN(base))
	w.must(err)
	return id
}

func (w world) identify(directory, base, id string) string {
	w.Helper()
	known, err := w.Identify(w.Context(), directory, plan.MustParseDN(base), id)
	w.must(err)
	return known
}

func identityKept(w world) {
	const base, other = "dc=example,dc=org", "ou=people,dc=example,dc=org"
	equal(w, "at first", w.identity(corp, base), "")
	equal(w, "the first id", w.identify(corp, base, "id-1"), "id-1")
	equal(w, "another one", w.identify(corp, base, "id-2"), "id-1")
	equal(w, "remembered", w.identity(corp, "DC=Example, dc=ORG"), "id-1")
	equal(w, "of another base", w.identity(corp, other), "")
	equal(w, "of another directory", w.identity(lab, base), "")
	equal(w, "the id of another directory", w.identify(lab, base, "id-2"), "id-2")
}

func directoryAccepted(w world) {
	base, ann := plan.MustParseDN("dc=example,dc=org"), user("user_1")
	w.identify(corp, base.String(), "id-1")
	record := store.Record{Link: "entry-1", DN: plan.MustParseDN("uid=ann,dc=example,dc=org")}
	w.remember(in(corp, ann), known(ann), record)
	w.remember(in(lab, ann), known(ann), record)

	accept := func(id string) {
		w.Helper()
		w.must(w.AcceptDirectory(w.Context(), noon, "eve", corp, base, id))
	}
	audit := func() []store.AuditRecord {
		w.Helper()
		records, err := w.Audit(w.Context(), 10)
		w.must(err)
		return records
	}
	accept("id-1")
	equal(w, "records of what changes nothing", len(audit()), 0)
	accept("id-2")
	equal(w, "the id", w.identity(corp, base.String()), "id-2")
	for directory, link := range map[string]string{corp: "", lab: "entry-1"} {
		_, got, err := w.Lookup(w.Context(), in(directory, ann))
		w.must(err)
		equal(w, "the link in "+directory, got.Link, link)
		equal(w, "the place in "+directory, got.DN.String(), record.DN.String())
	}
	records := audit()
	equal(w, "number of records", len(records), 1)
	equal(w, "who did what", []string{records[0].Who, records[0].What}, []string{"eve", "accept directory"})
	if about := records[0].About; !strings.Contains(about, corp) || !strings.Contains(about, "id-1") || !strings.Contains(about, "id-2") {
		w.Errorf("the record does not say what was accepted: %q", about)
	}
}
