//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/ldaptest"
)

// instances are services that share a database.
type instances struct {
	*testing.T
	database  *ldaptest.PostgresServer
	directory *ldaptest.Server
	services  []*service
	users     []string // that were told of
}

// newInstances starts a database, and services that share it. The first one works on the directory.
func newInstances(t *testing.T, n int) *instances {
	t.Helper()
	i := &instances{T: t, database: startPostgres(t), directory: startDirectoryWith(t, ldaptest.Config{Passwords: ldaptest.PasswordPolicy{History: 3}})}
	first := newService(t, i.directory)
	first.keptAt(i.database.URL())
	for range n {
		i.join(first)
	}
	return i
}

// join starts one more service with the same configuration.
func (i *instances) join(like *service) *service {
	i.Helper()
	client := *like.client
	s := &service{t: i.T, config: like.config, client: &client}
	s.start()
	i.services = append(i.services, s)
	if len(i.services) == 1 {
		i.leads(s)
	}
	return s
}

// leads waits until a service works on the directory.
func (i *instances) leads(s *service) {
	i.Helper()
	await(i.T, "it works on the directory", func() bool { return s.readiness().Leases["corp"].Owner == "this instance" })
}

// readiness is what /readyz says.
type readiness struct {
	Ready, Drained bool
	Directories    map[string]string
	Leases         map[string]struct {
		Owner string
		Since time.Time
	}
}

func (s *service) readiness() (r readiness) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+s.admin+"/readyz", http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&r); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// hires tells a service of a new user, and again as IDaaS does until that is accepted.
func (i *instances) hires(s *service) (accepted bool) {
	i.Helper()
	name := fmt.Sprintf("user%03d", len(i.users))
	i.users = append(i.users, name)
	user := idaastest.User{ID: s.client.Tenant.NewUserID(), Username: name, DisplayName: name}
	if answer, err := send(s.client, s.client.Tenant.CreateUser(user, "correct horse "+name)); err != nil || answer.Status != http.StatusOK {
		i.Errorf("%s: %v %+v", name, err, answer)
		return false
	}
	return true
}

// areAll waits until everybody who was told of is there and can log in, and makes sure that nobody was made twice.
func (i *instances) areAll() {
	i.Helper()
	for _, name := range i.users {
		await(i.T, name+" can log in", func() bool { return canBind(i.directory, "uid="+name+",ou=people,"+suffix, "correct horse "+name) })
	}
	if n := writes(i.directory, "add"); n != len(i.users) {
		i.Errorf("%d adds for %d users", n, len(i.users))
	}
}

// An instance that is drained, and one that is told to end, hand over what they work on, so that nobody has to wait for the end of a
// lease, and nothing is lost or done twice.
func TestPostgresInstancesHandOver(t *testing.T) {
	i := newInstances(t, 2)
	one, two := i.services[0], i.services[1]
	i.hires(one)
	i.hires(two)
	if r := two.readiness(); r.Leases["corp"].Owner == "this instance" || r.Leases["corp"].Since.IsZero() || !strings.Contains(r.Directories["corp"], "left to another instance") {
		t.Errorf("the second says %+v", r)
	}
	code, out, errs := call(t, "drain", "--config", one.config, "--at", "http://"+one.admin)
	if code != exitDone || out != "1 directories are handed over\n" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	// Nobody has waited: the lease was given up or has another owner.
	i.database.Administer(t, ldaptest.PostgresDatabase, fmt.Sprintf(`DO $$ BEGIN IF EXISTS (SELECT 1 FROM lease WHERE directory = 'corp'
		AND owner LIKE 'process %d on %%' AND until > 0) THEN RAISE 'the drained instance has the lease'; END IF; END $$`, one.cmd.Process.Pid))
	i.leads(two)
	i.hires(one)
	i.hires(two)
	if r := one.readiness(); r.Ready || !r.Drained || r.Leases["corp"].Owner == "this instance" {
		t.Errorf("the drained one says %+v", r)
	}
	await(t, "the logs say who works on the directory", func() bool {
		return one.log.has("has handed the directory over") && two.log.has("this instance works on the directory")
	})
	one.end()
	three := i.join(one)
	var hiring sync.WaitGroup
	hired := make(chan struct{}, 1)
	hiring.Go(func() {
		for range 20 {
			if !i.hires(three) {
				return
			}
			select {
			case hired <- struct{}{}:
			default:
			}
		}
	})
	<-hired
	two.end()
	i.leads(three)
	hiring.Wait()
	i.areAll()
}

// end ends a service as an upgrade does.
func (s *service) end() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("it ends with %v:\n%s", err, s.log)
	}
}

// An instance with its store in a file has nobody to hand over to.
func TestAnInstanceAloneIsNotDrained(t *testing.T) {
	s := newService(t, startDirectory(t, ""))
	if code, _, errs := call(t, "drain", "--config", s.config); code != exitFailed || !strings.Contains(errs, "tell the instance to hand over") {
		t.Errorf("where nothing runs: exit %d: %s", code, errs)
	}
	s.start()
	defer s.kill()
	if code, _, errs := call(t, "drain", "--config", s.config, "--at", "http://"+s.admin); code != exitFailed || !strings.Contains(errs, "no other instance could go on") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := call(t, "drain", "--config", s.config, "--at", "::"); code != exitUsage {
		t.Errorf("with no address: exit %d: %s", code, errs)
	}
}

// mails tells a service of a user's new address.
func (i *instances) mails(s *service, user idaastest.User, address string) {
	i.Helper()
	user.Email = address
	if answer, err := send(s.client, s.client.Tenant.UserEvent(event.TypeUserUpdateInfo, user)); err != nil || answer.Status != http.StatusOK {
		i.Fatalf("%s: %v %+v", address, err, answer)
	}
}

// hasMail waits until the directory has a user's address.
func (i *instances) hasMail(user idaastest.User, address string) {
	i.Helper()
	await(i.T, "the directory has "+address, func() bool {
		e := i.directory.Entry("uid=" + user.Username + ",ou=people," + suffix)
		return e != nil && e.Value("mail") == address
	})
}

// An instance that is stopped in the middle of a write and woken when another one has taken over changes nothing any more, and says so; not even
// where the directory does what it had asked for only then. One that is killed is followed by the other one, and while the database is away nothing is taken in and nothing lost.
func TestPostgresInstancesSurvive(t *testing.T) {
	i := newInstances(t, 2)
	one, two := i.services[0], i.services[1]
	ann := idaastest.User{ID: one.client.Tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	if answer, err := send(one.client, one.client.Tenant.CreateUser(ann, "correct horse ann")); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%v %+v", err, answer)
	}
	i.users = append(i.users, ann.Username)
	i.areAll()

	var once sync.Once
	frozen, late := make(chan struct{}), make(chan struct{})
	i.directory.Fault(func(op ldaptest.Operation) (f ldaptest.Fault) {
		if op.Verb == "modify" {
			once.Do(func() {
				one.freeze()
				close(frozen)
				f.Wait = late
			})
		}
		return f
	})
	before := writes(i.directory, "modify")
	i.mails(two, ann, "first@example.org")
	<-frozen
	i.leads(two)
	i.hasMail(ann, "first@example.org")
	i.mails(two, ann, "second@example.org")
	i.hasMail(ann, "second@example.org")
	// What the one that is stopped had asked for is held back by the network until now. Nobody can take that back, and it wakes to find it done.
	close(late)
	i.hasMail(ann, "first@example.org")
	if err := one.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	await(t, "the one that was stopped says that it has lost the directory", func() bool { return one.log.has("the lease of the directory has ended") })
	// The next event about her, whatever it says, makes right what came late.
	if answer, err := send(two.client, two.client.Tenant.UserStatus(event.TypeUserEnable, ann)); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%v %+v", err, answer)
	}
	i.hasMail(ann, "second@example.org")
	i.mails(one, ann, "third@example.org")
	i.hasMail(ann, "third@example.org")
	if n := writes(i.directory, "modify") - before; n != 5 {
		t.Errorf("there are %d changes, and not three of the events, the one that came late, and the one that made it right; the one that was stopped says\n%s", n, one.log)
	}
	if owner := one.readiness().Leases["corp"].Owner; owner == "this instance" {
		t.Error("the one that was stopped works on the directory")
	}

	i.hires(two)
	two.kill()
	i.leads(one) // when the lease has ended
	i.hires(one)
	three := i.join(one)

	i.database.Stop()
	for _, s := range []*service{one, three} {
		if answer, err := s.client.Send(t.Context(), s.client.Tenant.Test()); err != nil || answer.Status != http.StatusServiceUnavailable && len(answer.Failed) != 1 {
			t.Errorf("without the database: %v %+v", err, answer)
		}
		if answer, err := s.client.Send(t.Context(), s.client.Tenant.UserEvent(event.TypeUserUpdateInfo, ann)); err != nil || answer.Status != http.StatusServiceUnavailable {
			t.Errorf("without the database: %v %+v", err, answer)
		}
		if s.readiness().Ready {
			t.Error("it is ready without its database")
		}
	}
	i.database.Start(t)
	for _, s := range []*service{one, three} {
		await(t, "it is ready again", func() bool { return s.readiness().Ready })
		i.hires(s)
	}
	i.areAll()
	one.kill()
	three.kill()
}
