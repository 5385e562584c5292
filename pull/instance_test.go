package pull_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/pull"
)

const canary = "CSc4n4ry"

// world is an instance of IDaaS and a client of its API, without a network and in the time of the test.
type world struct {
	*testing.T
	api    *idaastest.API
	live   *idaastest.Live
	client *pull.Client
}

// inWorld runs a test on an organization.
func inWorld(t *testing.T, org idaastest.Organization, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tenant := idaastest.NewTenantWithKey(nil, time.Now)
		live := tenant.Live(org)
		w := &world{T: t, live: live, api: idaastest.NewAPI(live, secret.New(canary))}
		w.client = w.newClient(canary, 1000)
		test(w)
	})
}

func (w *world) newClient(clientSecret string, perSecond int) *pull.Client {
	w.Helper()
	client, err := pull.NewClient(pull.Config{
		Endpoint: "https://api.example.org/", Instance: w.api.Tenant.Instance, Application: w.api.Tenant.Application,
		Secret: func() secret.Text { return secret.New(clientSecret) }, RequestsPerSecond: perSecond,
		Transport: w.api.Transport(), Clock: time.Now, Rand: rand.New(rand.NewPCG(1, 2)),
	})
	if err != nil {
		w.Fatal(err)
	}
	return client
}

// everything is what the client reads of the organization, by the names of its objects.
func (w *world) everything() (names []string, whole bool) {
	w.Helper()
	whole = true
	read := func(records *[]string, name string) func([]pull.Record) error {
		return func(page []pull.Record) error {
			for _, r := range page {
				*records = append(*records, fmt.Sprint(r.Change.Fields[name]))
			}
			return nil
		}
	}
	keep := func(ok bool, err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
		whole = whole && ok
	}
	units := []string{event.RootUnitID}
	for len(units) > 0 {
		unit := units[0]
		units = units[1:]
		keep(w.client.Units(w.Context(), unit, func(page []pull.Record) error {
			for _, r := range page {
				units = append(units, r.Change.Object.ID)
			}
			return read(&names, event.FieldName)(page)
		}))
		keep(w.client.Users(w.Context(), unit, read(&names, event.FieldUsername)))
	}
	var groups []string
	keep(w.client.Groups(w.Context(), read(&groups, event.FieldID)))
	for _, group := range groups {
		members, _, ok, err := w.client.Members(w.Context(), group)
		keep(ok, err)
		for id := range members {
			names = append(names, group+" "+id)
		}
	}
	slices.Sort(names)
	return names, whole
}

// namesOf is the same of an organization.
func namesOf(org idaastest.Organization) []string {
	var names []string
	for _, u := range org.Units {
		names = append(names, u.Name)
	}
	for _, u := range org.Users {
		names = append(names, u.Username)
	}
	for _, g := range org.Groups {
		for _, id := range org.Members[g.ID] {
			names = append(names, g.ID+" "+id)
		}
	}
	slices.Sort(names)
	return names
}
