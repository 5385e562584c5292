//go:build unix

package main

import (
	"strings"
	"sync"
	"syscall"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// freeze stops the service in its tracks: it sees nothing of what happens from now on. It can only be killed.
func (s *service) freeze() {
	var status syscall.WaitStatus
	if err := s.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Error(err)
	}
	if _, err := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		s.t.Errorf("the service does not stop: %v", err)
	}
}

// Killed at every write, before it happens and after it has happened and before the answer is seen, the service brings the
// directory to what was said, and does nothing twice. That the directory does not take a password a second time is no failure.
func TestKilledAtEveryWrite(t *testing.T) {
	for _, verb := range []string{"add", "password", "modrdn", "modify"} {
		for when, fault := range map[string]ldaptest.Fault{"before": {DropBefore: true}, "after": {DropAfter: true}} {
			t.Run(when+" "+verb, func(t *testing.T) {
				directory := startDirectoryWith(t, ldaptest.Config{Passwords: ldaptest.PasswordPolicy{History: 3}})
				s := newService(t, directory)
				s.start()
				var once sync.Once
				frozen := make(chan struct{})
				directory.Fault(func(op ldaptest.Operation) (f ldaptest.Fault) {
					if op.Verb == verb && !strings.HasPrefix(op.DN, "ou=idaas-ldap-tries-") {
						once.Do(func() {
							s.freeze()
							f = fault
							close(frozen)
						})
					}
					return f
				})
				sent := make(chan bool)
				ann := idaastest.User{ID: s.client.Tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
				said := []idaastest.Event{s.client.Tenant.CreateUser(ann, "correct horse 1")}
				ann.Username, ann.Email = "ann.kim", "ann.kim@example.org"
				said = append(said, s.client.Tenant.UserEvent(event.TypeUserUpdateInfo, ann))
				go func() { sent <- tell(s.client, said) }()
				<-frozen
				s.kill()
				accepted := <-sent
				directory.Fault(nil)
				s.start()
				defer s.kill()
				// What was answered with 200 is ours; the rest IDaaS sends again.
				if !accepted && !tell(s.client, said) {
					t.Fatal("the repeat is not accepted")
				}
				await(t, "the user is as was said last", func() bool {
					e := directory.Entry("uid=ann.kim,ou=people," + suffix)
					return e != nil && e.Value("mail") == "ann.kim@example.org" && canBind(directory, "uid=ann.kim,ou=people,"+suffix, "correct horse 1")
				})
				if code, out, errs := call(t, "events", "list", "--config", s.config, "--failed"); code != exitDone || out != "no events\n" {
					t.Errorf("failed events: %s%s", out, errs)
				}
				for verb, want := range map[string]int{"add": 1, "modrdn": 1} {
					if n := writes(directory, verb); n != want {
						t.Errorf("%d times %s", n, verb)
					}
				}
			})
		}
	}
}

// On SIGHUP the service goes on.
func TestHangUpDoesNotEndTheService(t *testing.T) {
	s := newService(t, startDirectory(t, ""))
	s.start()
	defer s.kill()
	for range 3 {
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if answer, err := send(s.client, s.client.Tenant.Test()); err != nil || answer.Status != 200 {
			t.Fatalf("%v %+v", err, answer)
		}
	}
}
