package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// startPostgres starts a server with the database that docs/scale.md makes.
func startPostgres(t *testing.T) *ldaptest.PostgresServer {
	t.Helper()
	return ldaptest.StartPostgres(t, strings.Replace(exampleOf(t, "scale.md", "sql"), "CHANGE-ME", ldaptest.PostgresPassword, 1))
}

// keptAt lets the configuration of the service name another store.
func (s *service) keptAt(url string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	if err == nil {
		text = []byte(strings.Replace(string(text), `url: "sqlite:store.db"`, `url: "`+url+`"`, 1))
		err = os.WriteFile(s.config, text, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// A store is carried over to PostgreSQL by a process that is killed in the middle, and by another one after that. The service then goes on
// where it was: what waited is applied, with its password.
func TestPostgresGetsAStoreThatWasInAFile(t *testing.T) {
	server := startPostgres(t)
	directory := startDirectory(t, "")
	s := newService(t, directory)
	s.start()
	directory.Down()
	ann := idaastest.User{ID: s.client.Tenant.NewUserID(), Username: "ann", DisplayName: "Ann Lee"}
	create := s.client.Tenant.CreateUser(ann, "correct horse 1")
	if answer, err := send(s.client, create); err != nil || len(answer.Success) != 1 {
		t.Fatalf("%v %+v", err, answer)
	}
	toFile := filepath.Join(t.TempDir(), "store.url")
	if err := os.WriteFile(toFile, []byte(server.URL()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	migrate := []string{"store", "migrate", "--config", s.config, "--to-file", toFile}
	if code, _, errs := call(t, migrate...); code != exitFailed || !strings.Contains(errs, "stop the service first") {
		t.Errorf("while the service runs: exit %d: %s", code, errs)
	}
	s.kill()

	// The server is slow at one table, and the process is killed then.
	cfg, _, err := config.Load(s.config, []string{"IDAAS_LDAP_STORE_URL=" + server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := app.OpenStore(t.Context(), cfg, store.ToServe)
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	server.Administer(t, ldaptest.PostgresDatabase, `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
		CREATE TRIGGER slow BEFORE INSERT ON work FOR EACH ROW EXECUTE FUNCTION slow()`)
	victim := exec.Command(os.Args[0], migrate...)
	victim.Args[0] = "idaas-ldap"
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	server.Administer(t, ldaptest.PostgresDatabase, `DO $$ BEGIN
		FOR i IN 1..1200 LOOP
			EXIT WHEN EXISTS (SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep');
			PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
		END LOOP;
	END $$`)
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := victim.Wait(); err == nil {
		t.Fatal("it has ended before it was killed")
	}
	// What it had reserved is free when twelve seconds have gone by, which they do here at once.
	server.Administer(t, ldaptest.PostgresDatabase, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'; DROP TRIGGER slow ON work; UPDATE lease SET until = 0")

	inFile, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	s.keptAt(server.URL())
	if code, _, errs := call(t, "serve", "--config", s.config); code != exitConfig || !strings.Contains(errs, "run 'idaas-ldap store migrate' again") {
		t.Errorf("what was broken off is served: exit %d: %s", code, errs)
	}
	if err := os.WriteFile(s.config, inFile, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, append(migrate, "--output", "json")...)
	var report struct {
		Tables []store.Carried
	}
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil || len(report.Tables) == 0 {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if code, _, errs := call(t, "serve", "--config", s.config); code != exitConfig || !strings.Contains(errs, "was carried over to postgres://") {
		t.Errorf("the old store is served: exit %d: %s", code, errs)
	}
	if code, _, errs := call(t, "events", "list", "--config", s.config); code != exitDone {
		t.Errorf("the old store is not read: exit %d: %s", code, errs)
	}
	if code, said, errs := call(t, "store", "take-back", "--config", s.config); code != exitDone || !strings.Contains(said, "can be served again") || strings.Contains(said, ldaptest.PostgresPassword) {
		t.Errorf("it is not taken back: exit %d: %s%s", code, said, errs)
	}
	if code, _, errs := call(t, "store", "take-back", "--config", s.config); code != exitFailed || !strings.Contains(errs, "serves as it is") {
		t.Errorf("taken back twice: exit %d: %s", code, errs)
	}
	if code, _, errs := call(t, migrate...); code != exitFailed || !strings.Contains(errs, "name an empty database") {
		t.Errorf("a second time: exit %d: %s", code, errs)
	}
	if strings.Contains(out+errs, ldaptest.PostgresPassword) {
		t.Error("the password of the database is printed")
	}

	s.keptAt(server.URL())
	if err := directory.Up(); err != nil {
		t.Fatal(err)
	}
	s.start()
	defer s.kill()
	await(t, "who waited is there and can log in", func() bool { return canBind(directory, "uid=ann,ou=people,"+suffix, "correct horse 1") })
	if answer, err := send(s.client, create); err != nil || answer.Status != 200 {
		t.Errorf("the repeat: %v %+v", err, answer)
	}
	if n := writes(directory, "add"); n != 1 {
		t.Errorf("the user was added %d times", n)
	}
	ann.Email = "ann@example.org"
	answer, err := send(s.client, s.client.Tenant.UserEvent(event.TypeUserUpdateInfo, ann))
	if err != nil || len(answer.Success) != 1 {
		t.Errorf("what comes later: %v %+v", err, answer)
	}
}
