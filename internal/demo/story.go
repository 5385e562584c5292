package demo

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// staff are the people and units of the company.
type staff struct {
	research, lab, sales idaastest.Unit
	ann, liang, john     idaastest.User
	vpn                  idaastest.Group
}

func newStaff(t *idaastest.Tenant) staff {
	research := idaastest.Unit{ID: t.NewUnitID(), Name: "Research"}
	lab := idaastest.Unit{ID: t.NewUnitID(), Name: "R&D, Hangzhou", Parent: research.ID}
	sales := idaastest.Unit{ID: t.NewUnitID(), Name: "Sales"}
	return staff{
		research: research, lab: lab, sales: sales,
		ann:   idaastest.User{ID: t.NewUserID(), Username: "ann.lee", DisplayName: "Ann Lee", Email: "Ann.Lee@example.org", Unit: research.ID, PhoneRegion: "86", PhoneNumber: "13900000000", PhoneVerified: true},
		liang: idaastest.User{ID: t.NewUserID(), Username: "zhuge.liang", DisplayName: "诸葛亮", Email: "liang@example.org", Unit: lab.ID},
		john:  idaastest.User{ID: t.NewUserID(), Username: "john.oneil", DisplayName: `John "Jack" O'Neil, Jr.`, Email: "john@example.org", Unit: sales.ID},
		vpn:   idaastest.Group{ID: t.NewGroupID(), Name: "Vpn users"},
	}
}

const (
	people = "ou=people," + suffix
	annDN  = "uid=ann.lee,ou=Research," + people
	kimDN  = "uid=ann.kim,ou=Research," + people
	movDN  = "uid=ann.kim,ou=Sales," + people
	vpnDN  = "cn=Vpn users,ou=groups," + suffix
)

// Passwords of the week. They stand in no output.
const (
	firstPassword  = "correct horse battery"
	secondPassword = "staple 42 correct"
)

// steps is the week.
func (w *week) steps() []step {
	return []step{
		{"Monday", "The administrator presses the connection test in IDaaS.", w.connectionTest},
		{"", "The organisation is made: two units, and one below the first.", w.organisation},
		{"", "Three people start. Their names are a directory's worst enemies.", w.hires},
		{"Tuesday", "Ann sets another password.", w.password},
		{"", "Ann marries: a new name, a new login.", w.rename},
		{"", "Ann moves to Sales. The event carries little more than the new unit.", w.move},
		{"", "An event gets lost, as nobody listened for two minutes. IDaaS has its own API, and is asked.", w.lost},
		{"Wednesday", "A group for the VPN, with members.", w.group},
		{"", "John is disabled, and enabled again.", w.disable},
		{"", "John is locked for an hour, and unlocked.", w.lock},
		{"Thursday", "An account comes before its unit does.", w.outOfOrder},
		{"", "IDaaS sends an event twice, as it does when an answer gets lost.", w.duplicate},
		{"", "The directory is down for a while.", w.outage},
		{"Friday", "Somebody forges a request.", w.forgery},
		{"", "John leaves. The event carries his id and nothing else.", w.leaver},
		{"", "A full push: everything once more.", w.fullPush},
	}
}

func (w *week) connectionTest(ctx context.Context) {
	answer := w.send(ctx, w.tenant.Test())
	w.expect(only(len(answer.Success) == 1), "the store is writable and the directory answers a bind")
}

func (w *week) organisation(ctx context.Context) {
	w.send(ctx,
		w.tenant.UnitEvent(event.TypeUnitCreate, w.research),
		w.tenant.UnitEvent(event.TypeUnitCreate, w.lab),
		w.tenant.UnitEvent(event.TypeUnitCreate, w.sales))
	w.at(`ou=R&D\, Hangzhou,ou=Research,`+people, "businessCategory", w.lab.ID)
}

func (w *week) hires(ctx context.Context) {
	w.send(ctx, w.tenant.CreateUser(w.ann, firstPassword), w.tenant.CreateUser(w.liang, ""), w.tenant.CreateUser(w.john, firstPassword))
	w.at(annDN, "mail", "ann.lee@example.org", "mobile", "+8613900000000")
	w.at(`uid=zhuge.liang,ou=R&D\, Hangzhou,ou=Research,`+people, "sn", "诸葛", "givenName", "亮")
	w.login(annDN, firstPassword, true, "Ann can log in at the directory with her password")
}

func (w *week) password(ctx context.Context) {
	w.send(ctx, w.tenant.UpdatePassword(w.ann, secondPassword))
	w.login(annDN, secondPassword, true, "the new password works")
	w.login(annDN, firstPassword, false, "the old one does not")
}

func (w *week) rename(ctx context.Context) {
	before := w.directory.Entry(annDN)
	w.ann.Username, w.ann.DisplayName, w.ann.Email = "ann.kim", "Ann Kim", "ann.kim@example.org"
	w.send(ctx, w.tenant.UserEvent(event.TypeUserUpdateInfo, w.ann))
	w.at(kimDN, "cn", "Ann Kim", "mail", "ann.kim@example.org")
	after := w.directory.Entry(kimDN)
	w.expect(only(before != nil && after != nil && before.Value("entryUUID") == after.Value("entryUUID")), "it is the same entry: its entryUUID has not changed")
}

func (w *week) move(ctx context.Context) {
	w.ann.Unit = w.sales.ID
	w.send(ctx, w.tenant.MoveUser(w.ann))
	w.at(movDN, "cn", "Ann Kim")
	w.login(movDN, secondPassword, true, "her password has come along")
}

func (w *week) lost(ctx context.Context) {
	for _, unit := range []idaastest.Unit{w.research, w.lab, w.sales} {
		w.live.PutUnit(event.TypeUnitPush, unit)
	}
	w.liang.Email = "zhuge.liang@example.org"
	for _, user := range []idaastest.User{w.ann, w.liang, w.john} {
		w.live.PutUser(event.TypeUserPush, user) // and nobody sends the event
	}
	w.nothingWritten("nobody has told the directory of Liang's new address")
	err := w.catchUp(ctx)
	w.apart()
	w.unattended("(asked)", w.written())
	w.expect(err, "IDaaS was asked for everything")
	w.at(`uid=zhuge.liang,ou=R&D\, Hangzhou,ou=Research,`+people, "mail", "zhuge.liang@example.org")
}

func (w *week) group(ctx context.Context) {
	w.send(ctx,
		w.tenant.GroupEvent(event.TypeGroupCreate, w.vpn),
		w.tenant.Membership(event.TypeGroupAddUser, w.vpn.ID, w.ann.ID, w.john.ID),
		w.tenant.Membership(event.TypeGroupRemoveUser, w.vpn.ID, w.ann.ID),
		w.tenant.Membership(event.TypeGroupAddUser, w.vpn.ID, w.ann.ID))
	group := w.directory.Entry(vpnDN)
	w.expect(only(group != nil && len(group.Values("member")) == 2), "the group has two members and no placeholder")
}

func (w *week) johnDN() string { return "uid=john.oneil,ou=Sales," + people }

func (w *week) disable(ctx context.Context) {
	w.send(ctx, w.tenant.UserStatus(event.TypeUserDisable, w.john))
	w.login(w.johnDN(), firstPassword, false, "John cannot log in")
	w.send(ctx, w.tenant.UserStatus(event.TypeUserEnable, w.john))
	w.login(w.johnDN(), firstPassword, true, "John can log in again")
}

func (w *week) lock(ctx context.Context) {
	w.send(ctx, w.tenant.LockUser(w.john, time.Now().Add(time.Hour)))
	w.login(w.johnDN(), firstPassword, false, "John cannot log in")
	w.send(ctx, w.tenant.UserStatus(event.TypeUserUnlock, w.john))
	w.login(w.johnDN(), firstPassword, true, "John can log in again")
}

func (w *week) outOfOrder(ctx context.Context) {
	legal := idaastest.Unit{ID: w.tenant.NewUnitID(), Name: "Legal"}
	mia := idaastest.User{ID: w.tenant.NewUserID(), Username: "mia", DisplayName: "Mia 🚀", Unit: legal.ID}
	w.send(ctx, w.tenant.CreateUser(mia, ""))
	w.absent("uid=mia,ou=Legal,"+people, "is not there yet")
	w.send(ctx, w.tenant.UnitEvent(event.TypeUnitCreate, legal))
	w.follows(ctx, "the account follows its unit by itself")
	w.at("uid=mia,ou=Legal," + people)
}

func (w *week) duplicate(ctx context.Context) {
	w.liang.Description = "strategist"
	e := w.tenant.UserEvent(event.TypeUserUpdateInfo, w.liang)
	_, first := w.send(ctx, e).Of(e.ID)
	before := w.writes
	_, second := w.send(ctx, e).Of(e.ID)
	w.expect(only(first == second && w.writes == before), "the repeat got the same answer, and nothing was written")
}

func (w *week) outage(ctx context.Context) {
	w.directory.Down()
	zoe := idaastest.User{ID: w.tenant.NewUserID(), Username: "zoe", DisplayName: "Zoë Müller", Unit: w.sales.ID}
	answer := w.send(ctx, w.tenant.CreateUser(zoe, ""))
	w.expect(only(answer.Status == http.StatusOK && len(answer.Success) == 1), "the event is accepted all the same: it is safe on disk")
	w.expect(w.directory.Up(), "the directory comes back")
	w.follows(ctx, "what was kept is applied when the directory is back")
	w.at("uid=zoe,ou=Sales,"+people, "cn", "Zoë Müller")
}

func (w *week) forgery(ctx context.Context) {
	mallory, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		w.expect(err, "make the forger's key")
		return
	}
	forger := idaastest.NewTenantWithKey(mallory, w.tenant.Clock)
	forger.Application, forger.Instance, forger.KeyID, forger.EncryptionKey = w.tenant.Application, w.tenant.Instance, w.tenant.KeyID, w.tenant.EncryptionKey
	theft := forger.DeleteUser(w.ann.ID)
	token, err := forger.Token([]idaastest.Event{theft})
	if err != nil {
		w.expect(err, "sign with the forger's key")
		return
	}
	answer, err := w.client.SendToken(ctx, token)
	w.page.event(theft, answer, w.written())
	w.expect(only(err == nil && answer.Status == http.StatusUnauthorized), "a token signed with another key is refused with 401")
	public, err := idaastest.Sign([]byte(`{"aud":"`+w.tenant.Application+`"}`), jose.HS256, w.tenant.PublicKeyBytes(), map[jose.HeaderKey]any{"kid": w.tenant.KeyID})
	if err != nil {
		w.expect(err, "sign with HS256")
		return
	}
	answer, err = w.client.SendToken(ctx, public)
	w.expect(only(err == nil && answer.Status == http.StatusUnauthorized), "so is HS256 with the public key as its secret")
	w.nothingWritten("nothing was written")
	w.at(movDN)
}

func (w *week) leaver(ctx context.Context) {
	w.send(ctx, w.tenant.DeleteUser(w.john.ID))
	w.absent(w.johnDN(), "is gone")
	group := w.directory.Entry(vpnDN)
	w.expect(only(group != nil && len(group.Values("member")) == 1), "his membership has gone with him")
}

func (w *week) fullPush(ctx context.Context) {
	var events []idaastest.Event
	for _, u := range []idaastest.Unit{w.research, w.lab, w.sales} {
		events = append(events, w.tenant.UnitEvent(event.TypeUnitPush, u))
	}
	for _, u := range []idaastest.User{w.ann, w.liang} {
		events = append(events, w.tenant.UserEvent(event.TypeUserPush, u))
	}
	events = append(events, w.tenant.GroupEvent(event.TypeGroupPush, w.vpn))
	answer, err := w.client.Send(ctx, events...)
	w.events += len(events)
	if err != nil {
		w.expect(err, "the push is answered")
		return
	}
	w.push(events, answer, w.written())
	w.expect(only(len(answer.Success) == len(events)), "%d events in one request, all answered with success", len(events))
}
