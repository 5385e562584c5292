package acceptance_test

import (
	"strings"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
)

// passwordRows are the promises about passwords.
var passwordRows = []row{
	{"user:create", "a password in it works, and no other does", passwordOnCreate},
	{"user:create", "without a password nobody can log in", passwordMissing},
	{"user:update_password", "the new password works, the old one does not", passwordChanged},
	{"user:update_password", "an event without a password is skipped", passwordNotSent},
	{"user:update_password", "it waits for a user who does not exist yet", passwordBeforeUser},
	{"user:update_password", "an older password does not replace a newer one", passwordStale},
	{"user:update_password", "of several that come together only the newest is written", passwordsTogether},
	{"user:update_password", "the same event again sets nothing", passwordRepeated},
	{"user:update_password", "a refused password fails in the server's words, without the password in them", passwordRefused},
	{"user:create", "with a refused password the user is made all the same", passwordRefusedOnCreate},
	{"user:update_password", "a password that was used before is refused where the server keeps a history", passwordUsedBefore},
	{"user:update_password", "a password of any characters works", passwordOfAnyCharacters},
	{"user:update_password", "password_sync: false drops it", passwordSwitchedOff},
}

func (s *scene) password(u *idaastest.User, password string) idaastest.Event {
	return s.f.tenant.UpdatePassword(*u, password)
}

// employ makes a user with a password.
func (s *scene) employ(password string) *idaastest.User {
	s.t.Helper()
	u := s.user("ann")
	s.applied(s.createWith(u, password))
	return u
}

func passwordOnCreate(s *scene) {
	u := s.employ(goodPassword)
	s.hasUser(u)
	s.logsIn(u, goodPassword, true)
	s.logsIn(u, goodPassword+"x", false)
}

func passwordMissing(s *scene) {
	u := s.hire("ann")
	s.logsIn(u, goodPassword, false)
	s.applied(s.password(u, goodPassword))
	s.logsIn(u, goodPassword, true)
}

func passwordChanged(s *scene) {
	u := s.employ(goodPassword)
	s.applied(s.password(u, goodPassword+"-2"))
	s.logsIn(u, goodPassword+"-2", true)
	s.logsIn(u, goodPassword, false)
}

func passwordNotSent(s *scene) {
	u := s.employ(goodPassword)
	s.gets(event.CodeSwitchedOff, s.f.tenant.Event(event.TypeUserUpdatePassword, u.ID, map[string]any{"userId": u.ID, "username": u.Username}))
	s.logsIn(u, goodPassword, true)
}

func passwordBeforeUser(s *scene) {
	u := s.user("ann")
	create, password := s.create(u), s.password(u, goodPassword)
	s.waits(event.CodeWaitsForRecord, password, u.ID)
	s.applied(create)
	s.settle()
	s.is(password, event.Done, event.CodeApplied)
	s.logsIn(u, goodPassword, true)
}

func passwordStale(s *scene) {
	u := s.employ(goodPassword)
	before, after := s.password(u, goodPassword+"-2"), s.password(u, goodPassword+"-3")
	s.applied(after)
	s.gets(event.CodeStale, before)
	s.logsIn(u, goodPassword+"-3", true)
	s.logsIn(u, goodPassword+"-2", false)
}

func passwordsTogether(s *scene) {
	u := s.employ(goodPassword)
	before, after := s.password(u, goodPassword+"-2"), s.password(u, goodPassword+"-3")
	s.send(after, before)
	s.is(after, event.Done, event.CodeApplied)
	s.is(before, event.Skipped, event.CodeSuperseded)
	s.logsIn(u, goodPassword+"-3", true)
}

func passwordRepeated(s *scene) {
	u := s.employ(goodPassword)
	twice := s.password(u, goodPassword+"-2")
	s.applied(twice)
	m := s.touch(u.ID)
	s.applied(twice) // the recorded answer
	s.notWritten(m)
}

// withoutThePassword fails if a password stands in what people see.
func (s *scene) withoutThePassword(password string, e idaastest.Event, answer idaastest.Answer) {
	s.t.Helper()
	for what, text := range map[string]string{"answer": answer.Body, "outcome": s.f.outcome(s.t, e.ID).Message, "log": s.p.log.String()} {
		if strings.Contains(text, password) {
			s.t.Fatalf("the password stands in the %s", what)
		}
	}
}

func passwordRefused(s *scene) {
	const short = "Xq7-z"
	u := s.employ(goodPassword)
	if !s.dir.can.minLength {
		s.note("not tried: this server takes any password")
		return
	}
	e := s.password(u, short)
	answer := s.send(e)
	if list, result := answer.Of(e.ID); list != "failed" || result.EventCode != string(event.CodePasswordRefused) {
		s.t.Fatalf("a password that is too short is answered with %s %+v", list, result)
	}
	s.is(e, event.Failed, event.CodePasswordRefused, s.dir.can.tooShort)
	s.withoutThePassword(short, e, answer)
	s.logsIn(u, goodPassword, true)
	s.applied(s.password(u, goodPassword+"-2"))
	s.logsIn(u, goodPassword+"-2", true)
}

func passwordRefusedOnCreate(s *scene) {
	const short = "Yq7-z"
	u := s.user("ann")
	e := s.createWith(u, short)
	if !s.dir.can.minLength {
		s.applied(e)
		s.note("not tried: this server takes any password")
		return
	}
	answer := s.send(e)
	s.is(e, event.Failed, event.CodePasswordRefused, s.dir.can.tooShort)
	s.withoutThePassword(short, e, answer)
	s.hasUser(u)
	s.logsIn(u, short, false)
	s.applied(s.password(u, goodPassword))
	s.logsIn(u, goodPassword, true)
}

func passwordUsedBefore(s *scene) {
	u := s.employ(goodPassword)
	s.applied(s.password(u, goodPassword+"-2"))
	e := s.password(u, goodPassword)
	answer := s.send(e)
	if !s.dir.can.history {
		s.is(e, event.Done, event.CodeApplied)
		s.note("taken: no history for those who set passwords of others")
		return
	}
	s.is(e, event.Failed, event.CodePasswordRefused, s.dir.can.usedBefore)
	s.withoutThePassword(goodPassword, e, answer)
	s.logsIn(u, goodPassword+"-2", true)
	s.logsIn(u, goodPassword, false)
}

func passwordOfAnyCharacters(s *scene) {
	u := s.employ(goodPassword)
	for _, password := range []string{
		`"quoted" 'and' \back\slash-A1`, "  spaces at both ends A1  ", "密码-Sehr-Sicher-A1", "naïve-café-A1", "🚀-to-the-Moon-A1", strings.Repeat("long-A1 ", 15),
	} {
		s.applied(s.password(u, password))
		s.logsIn(u, password, true)
	}
}

func passwordSwitchedOff(s *scene) {
	v := s.on("no-passwords")
	u := v.user("ann")
	v.applied(v.createWith(u, goodPassword))
	v.hasUser(u)
	v.logsIn(u, goodPassword, false)
	v.gets(event.CodeSwitchedOff, v.password(u, goodPassword))
	v.logsIn(u, goodPassword, false)
}
