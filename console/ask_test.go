package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
)

// IDaaS is asked about somebody when a person says so, and only then.
func TestIDaaSIsAskedAboutSomebody(t *testing.T) {
	var api *idaastest.API
	live := idaastest.User{ID: "user_ann", Username: "ann.lee", DisplayName: "Ann Lee"}
	s := serveAsking(t, inMemory(t), "", func(tenant *idaastest.Tenant) string {
		api = idaastest.NewAPI(tenant.Live(idaastest.Organization{Users: []idaastest.User{live}}), secret.New("cl13nt-c4n4ry"))
		server := httptest.NewServer(api)
		t.Cleanup(server.Close)
		return fmt.Sprintf(`, pull: { endpoint: %q, client_secret: cl13nt-c4n4ry, at_start: never, requests_per_second: 100 }`, server.URL)
	})
	gone := idaastest.User{ID: "user_bob", Username: "bob.ray", DisplayName: "Bob Ray"}
	s.send(s.tenant.CreateUser(live, userPassword), s.tenant.CreateUser(gone, userPassword))
	s.in(event.Done, 2)
	b := s.browser()
	page := b.get("/console/people/one?directory=corp&kind=user&id=user_ann")
	b.has("the story", page, "Ask IDaaS")
	if n := len(api.Requests()); n > 0 {
		t.Errorf("IDaaS was asked %v without a click", api.Requests())
	}
	form := url.Values{"directory": {"corp"}, "kind": {"user"}, "id": {"user_ann"}}
	b.has("what IDaaS says", b.post("/console/people/one", form), "Something else than is known", "<code>sourceId</code>")
	form.Set("id", "user_bob")
	b.has("of whom IDaaS knows nothing", b.post("/console/people/one", form), "there is no such object")
	b.is("a session", b.json(http.MethodPost, "/api/v1/session", ""), http.StatusOK)
	b.has("for programs", b.json(http.MethodPost, "/api/v1/people/ask", `{"directory":"corp","kind":"user","id":"user_bob"}`), `"gone":true`)
	b.is("of nobody", b.json(http.MethodPost, "/api/v1/people/ask", `{"directory":"corp","kind":"user","id":"user_x"}`), http.StatusNotFound)
	b.is("in no directory", b.json(http.MethodPost, "/api/v1/people/ask", `{"directory":"x","kind":"user","id":"user_bob"}`), http.StatusNotFound)
}
