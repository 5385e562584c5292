package console_test

import (
	"encoding/json"
	"strings"
	"testing"

	"idaas-ldap/console"
	"idaas-ldap/event"
)

// What is in force is shown, with its ages and without what is secret, and why an edit of a mapping is not.
func TestSettingsShowWhatIsInForce(t *testing.T) {
	s := serve(t, inMemory(t), `token: "`+token+`",`)
	s.company() // whose events were verified, so that a key set is there
	b := s.browser()
	b.header.Set("Authorization", "Bearer "+token)
	var settings struct {
		console.Settings
		Mappings []struct{ Directory, Refused, LastReason string }
	}
	if err := json.Unmarshal([]byte(b.get("/api/v1/settings").body), &settings); err != nil {
		t.Fatal(err)
	}
	if len(settings.Keys) != 1 || settings.Keys[0].State != "ok" || settings.Keys[0].Confirmed == 0 || settings.Version != "test" || settings.Reloaded != "ok" {
		t.Errorf("it shows %+v", settings)
	}
	b.has("the page", b.get("/console/settings"), "admin.token", "[secret]", "receiver.answer_within", "8s", s.tenant.Application, "corp")
	s.write(s.mapping, s.edited("mail: lower(user.email)", "mail: lowr(user.email)"))
	s.eventually("the edit is refused", func() bool { return strings.Contains(b.get("/console/settings").body, "there is no function lowr") })
}

// What was written is shown with why, the newest first.
func TestWritesAreShownWithTheirEvents(t *testing.T) {
	s := serve(t, inMemory(t), "")
	people := s.company()
	b := s.browser()
	page := b.get("/console/audit/writes")
	b.has("what was written", page, "uid=gus.may,ou=Research", "ud:user:create", `<span class="state done">done</span>`, people.people[6].ID)
	b.has("the audit", b.get("/console/audit"), `href="/console/audit/writes"`)
	var list struct {
		Writes []struct {
			Seq    int64     `json:"seq"`
			Object event.Ref `json:"object"`
		} `json:"writes"`
		Kept bool `json:"kept"`
	}
	a := b.get("/api/v1/audit/writes?before=3")
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || !list.Kept || len(list.Writes) != 2 || list.Writes[0].Seq != 2 || list.Writes[1].Seq != 1 {
		t.Errorf("before the third are %s, %v", a.body, err)
	}
}
