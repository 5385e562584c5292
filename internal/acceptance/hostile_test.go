package acceptance_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/store"
)

func TestEmbeddedBadInputChangesNothing(t *testing.T) {
	badInput(t, embeddedDirectory(startEmbedded(t)))
}

// asking waits for the server to ask for the body. A refusal that comes while a large body is being sent can be lost with the connection.
type asking struct{ http.RoundTripper }

// RoundTrip sends a request.
func (a asking) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Expect", "100-continue")
	return a.RoundTripper.RoundTrip(r) //nolint:wrapcheck // Its errors are those of the transport.
}

// badInput sends everything that must not be taken, each time about a user who is there, and looks at the directory.
func badInput(t *testing.T, dir *directory) {
	t.Helper()
	p := startProduct(t, dir, true)
	ann := idaastest.User{ID: p.tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	p.apply(event.CodeApplied, p.tenant.CreateUser(ann, goodPassword))
	before, events := dir.tree(t), len(p.events(t, store.Filter{Limit: 1000}))

	const maxBody = 4 << 20 // the default
	odd := p.tenant.Event(event.TypeUserUpdateInfo, ann.ID, map[string]any{"userId": ann.ID, "username": []string{"a", "b"}})
	theft := []idaastest.Event{p.tenant.DeleteUser(ann.ID)}
	requests, err := p.tenant.BadRequests(theft, maxBody)
	if err != nil {
		t.Fatal(err)
	}
	p.client.HTTP = &http.Client{Transport: asking{&http.Transport{ExpectContinueTimeout: settleWithin, DisableKeepAlives: true}}}
	for _, r := range requests {
		answer, err := p.client.Post(context.Background(), []byte(r.Body))
		if err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		if answer.Status != r.Status || answer.Error != r.Error || answer.ErrorDescription == "" || len(answer.Success)+len(answer.Skipped)+len(answer.Failed)+len(answer.Retried) > 0 {
			t.Errorf("%s is answered with %s; want %d %s", r.Name, answer.Body, r.Status, r.Error)
		}
		if diff := cmp.Diff(before, dir.tree(t)); diff != "" {
			t.Fatalf("%s changed the directory (-before +after):\n%s", r.Name, diff)
		}
	}
	if n := len(p.events(t, store.Filter{Limit: 1000})); n != events {
		t.Errorf("%d events were stored", n-events)
	}

	// What is signed well and makes no sense is answered event by event.
	for _, c := range []struct {
		event idaastest.Event
		list  string
		code  event.Code
	}{
		{p.tenant.Event("ud:spaceship:launch", ann.ID, map[string]any{"userId": ann.ID}), "skipped", event.CodeUnknownType},
		{odd, "success", event.CodeUnchanged},
		{p.tenant.Event(event.TypeUserUpdateInfo, "", map[string]any{"userId": map[string]any{}}), "failed", event.CodeMalformed},
		{p.tenant.Event(event.TypeUserDelete, "", map[string]any{}), "failed", event.CodeMalformed},
		{p.tenant.Event(event.TypeUnitAddUser, "ou_1", map[string]any{"organizationalUnitId": "ou_1"}), "skipped", event.CodeNoObject},
	} {
		list, result := p.send(c.event).Of(c.event.ID)
		if list != c.list || result.EventCode != string(c.code) || result.EventMessage == "" {
			t.Errorf("%s %v is answered with %s %+v; want %s %s", c.event.Type, c.event.BizData, list, result, c.list, c.code)
		}
	}
	if diff := cmp.Diff(before, dir.tree(t)); diff != "" {
		t.Errorf("the directory was changed (-before +after):\n%s", diff)
	}
	p.apply(event.CodeApplied, theft...) // well signed it does what it says
}
