package idaastest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
)

// asker asks an API as an application does.
type asker struct {
	*testing.T
	api   *idaastest.API
	token string
}

func newAsker(t *testing.T, org idaastest.Organization) *asker {
	t.Helper()
	live := newTenant(t).Live(org)
	return &asker{T: t, api: idaastest.NewAPI(live, secret.New("c4n4ry"))}
}

// authorize asks for a token.
func (a *asker) authorize(clientSecret string) int {
	a.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {a.api.Tenant.Application}, "client_secret": {clientSecret}}
	request, err := http.NewRequestWithContext(a.Context(), http.MethodPost, a.address("oauth2/token"), strings.NewReader(form.Encode()))
	if err != nil {
		a.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, body := a.send(request)
	a.token, _ = body["access_token"].(string)
	return status
}

func (a *asker) address(path string) string {
	return "https://api.example.org/v2/" + a.api.Tenant.Instance + "/" + a.api.Tenant.Application + "/" + path
}

func (a *asker) get(path string) (int, map[string]any) {
	a.Helper()
	request, err := http.NewRequestWithContext(a.Context(), http.MethodGet, a.address(path), nil)
	if err != nil {
		a.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	return a.send(request)
}

func (a *asker) send(request *http.Request) (int, map[string]any) {
	a.Helper()
	response, err := a.api.Transport().RoundTrip(request)
	if err != nil {
		a.Fatal(err)
	}
	defer response.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		a.Fatal(err)
	}
	return response.StatusCode, body
}

// expect asks for something and compares the status, and the code of an error.
func (a *asker) expect(path string, status int, code string) map[string]any {
	a.Helper()
	got, body := a.get(path)
	said, _ := body["error"].(string)
	if got != status || said != code {
		a.Errorf("%s is answered with %d %v; want %d %s", path, got, body, status, code)
	}
	return body
}

// What the description leaves open about who is outside the scope, or gone, is as unkind as it was set.
func TestTheAPIShowsTheScopeAndNothingElse(t *testing.T) {
	a := newAsker(t, idaastest.Organization{
		Units:  []idaastest.Unit{{ID: "ou_1", Name: "Lab"}, {ID: "ou_2", Name: "Inner lab", Parent: "ou_1"}, {ID: "ou_3", Name: "Office"}},
		Users:  []idaastest.User{{ID: "user_1", Username: "ann", Unit: "ou_2"}, {ID: "user_2", Username: "bob", Unit: "ou_3"}},
		Groups: []idaastest.Group{{ID: "group_1", Name: "Vpn"}, {ID: "group_2", Name: "Ops"}}, Members: map[string][]string{"group_1": {"user_1", "user_2"}},
	})
	if status := a.authorize("wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret is answered with %d", status)
	}
	a.authorize("c4n4ry")
	a.api.ScopeUnits, a.api.ScopeGroups = []string{"ou_1"}, []string{"group_1"}
	if scope := a.expect("provisioningScope", 200, ""); fmt.Sprint(scope["organizationalUnitIds"], scope["groupIds"]) != "[ou_1] [group_1]" {
		t.Errorf("the scope is %v", scope)
	}
	a.expect("organizationalUnits", 400, "MissingParameter.ParentId")
	a.expect("organizationalUnits?parentId=ou_root", 400, "OrganizationUnitIdNotInScopes")
	if below := a.expect("organizationalUnits?parentId=ou_1", 200, ""); fmt.Sprint(below["totalCount"]) != "1" {
		t.Errorf("below the unit are %v", below)
	}
	a.expect("users/user_1", 200, "")
	a.expect("users/user_2", 404, "ResourceNotFound.User")
	a.api.Outside = http.StatusBadRequest
	a.expect("users/user_2", 400, "OrganizationUnitIdNotInScopes")
	a.api.Outside = http.StatusOK
	a.expect("users/user_2", 200, "")
	a.expect("users/user_3", 404, "ResourceNotFound.User")
	a.expect("organizationalUnits/ou_3", 400, "OrganizationUnitIdNotInScopes")
	a.expect("organizationalUnits/ou_4", 404, "ResourceNotFound.OrganizationalUnit")
	a.api.UnitGone = http.StatusBadRequest
	a.expect("organizationalUnits/ou_4", 400, "OrganizationUnitIdNotInScopes")
	a.expect("groups/group_1", 200, "")
	a.expect("groups/group_2", 200, "")
	a.expect("groups/group_3", 404, "ResourceNotFound.Group")
	if groups := a.expect("groups", 200, ""); fmt.Sprint(groups["totalCount"]) != "1" {
		t.Errorf("the groups are %v", groups)
	}
	if members := a.expect("groups/group_1/actions/listUsersForGroup", 200, ""); fmt.Sprint(members["totalCount"]) != "2" {
		t.Errorf("the members are %v", members)
	}
	a.expect("whatever", 404, "not_found")
	a.token = "other"
	a.expect("users/user_1", 400, "invalid_token")
}

// What changes is seen in the API at once, and the event that tells of it is the one that a callback would carry.
func TestWhatChangesIsSeenAndTold(t *testing.T) {
	a := newAsker(t, idaastest.Organization{Units: []idaastest.Unit{{ID: "ou_1", Name: "Lab"}}, Groups: []idaastest.Group{{ID: "group_1", Name: "Vpn"}}})
	a.authorize("c4n4ry")
	live := a.api.Live
	ann := idaastest.User{ID: "user_1", Username: "ann"}
	told := []idaastest.Event{live.PutUser(event.TypeUserCreate, ann), live.Join("group_1", "user_1")}
	if user := a.expect("users/user_1", 200, ""); user["primaryOrganizationalUnitId"] != event.RootUnitID || len(user["groups"].([]any)) != 1 {
		t.Errorf("the account is %v", user)
	}
	ann.Unit = "ou_1"
	told = append(told, live.PutUser(event.TypeUserUpdatePrimaryOU, ann), live.Leave("group_1", "user_1"))
	if users := a.expect("users?organizationalUnitId=ou_1", 200, ""); fmt.Sprint(users["totalCount"]) != "1" {
		t.Errorf("in the unit are %v", users)
	}
	if org := live.Organization(); len(org.Users) != 1 || org.Users[0].Unit != "ou_1" || len(org.Members["group_1"]) != 0 {
		t.Errorf("the organization is %+v", org)
	}
	told = append(told, live.DeleteUser("user_1"), live.DeleteUnit("ou_1"), live.DeleteGroup("group_1"))
	a.expect("users/user_1", 404, "ResourceNotFound.User")
	for i, want := range []event.Type{
		event.TypeUserCreate, event.TypeGroupAddUser, event.TypeUserUpdatePrimaryOU, event.TypeGroupRemoveUser, event.TypeUserDelete, event.TypeUnitDelete, event.TypeGroupDelete,
	} {
		if told[i].Type != want {
			t.Errorf("event %d is %s; want %s", i, told[i].Type, want)
		}
	}
}
