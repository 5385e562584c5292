package ldaptest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// PostgresServer is a running PostgreSQL server with its files in a temporary folder. It sorts text as people do, which nobody may rely
// on.
type PostgresServer struct {
	// Address is where it listens.
	Address string

	dir     string
	process *process
	schemas atomic.Int64
}

// The accounts of the server, and the database of the one that the product has.
const (
	postgresAdmin    = "postgres"
	PostgresUser     = "idaas_ldap"
	PostgresPassword = "pg-pass-c4n4ry"
	PostgresDatabase = "idaas_ldap"
)

const postgresPort = "5432"

// postgresBinary returns one of the server's programs, of the newest version that is installed; empty where there is none.
func postgresBinary(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // the pattern is a good one
	slices.SortFunc(found, func(a, b string) int { return versionIn(a) - versionIn(b) })
	if len(found) == 0 {
		return ""
	}
	return found[len(found)-1]
}

func versionIn(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // another one comes first
	return n
}

// StartPostgres starts PostgreSQL and stops it when the test ends. What it writes survives the end of its processes, and not a power
// cut. An administrator has made what setup says, a list of statements.
func StartPostgres(tb testing.TB, setup ...string) *PostgresServer {
	tb.Helper()
	Require(tb, Postgres)
	host := FreeAddress(tb, postgresPort)
	s := &PostgresServer{Address: net.JoinHostPort(host, postgresPort), dir: postgresFolder(tb)}
	password := filepath.Join(s.dir, "password")
	writeFile(tb, password, PostgresPassword)
	giveToPostgres(tb, password)
	command(tb, "", asPostgres(postgresBinary("initdb"))[0], asPostgres(postgresBinary("initdb"), "-D", s.data(), "-U", postgresAdmin, "--pwfile", password,
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync", "--no-instructions")[1:]...)
	s.Start(tb)
	tb.Cleanup(s.Stop)
	for _, statement := range setup {
		s.Administer(tb, "postgres", statement)
	}
	return s
}

func (s *PostgresServer) data() string { return filepath.Join(s.dir, "data") }

// postgresFolder makes a folder that belongs to the user of the server: it does not run as root, and a test's own folder is closed to
// everybody else.
func postgresFolder(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "idaas-ldap-postgres-") //nolint:usetesting // That of the test is closed to the server.
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	giveToPostgres(tb, dir)
	return dir
}

// giveToPostgres makes a file that of the user whom the server runs as.
func giveToPostgres(tb testing.TB, path string) {
	tb.Helper()
	if os.Geteuid() != 0 {
		return
	}
	u, err := user.Lookup(postgresAdmin)
	if err != nil {
		tb.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(path, uid, gid); err != nil {
		tb.Fatal(err)
	}
}

// asPostgres returns a command that runs a program as the user of the server. It dies with the test, however that ends.
func asPostgres(program string, args ...string) []string {
	if os.Geteuid() != 0 {
		return append([]string{program}, args...)
	}
	return append([]string{"/usr/bin/setpriv", "--reuid=" + postgresAdmin, "--regid=" + postgresAdmin, "--clear-groups", "--pdeathsig=KILL", "--", program}, args...)
}

// Start starts the server again after Stop or Kill, with what it had.
func (s *PostgresServer) Start(tb testing.TB) {
	tb.Helper()
	host, port, _ := net.SplitHostPort(s.Address)
	run := asPostgres(postgresBinary("postgres"), "-D", s.data(), "-h", host, "-p", port, "-k", s.dir, "-F",
		"-c", "max_connections=300", "-c", "shared_buffers=64MB", "-c", "log_min_messages=fatal", "-c", "autovacuum_naptime=1h")
	s.process = startProcess(tb, run[0], run[1:]...)
	s.await(tb)
}

// await waits until the server takes connections, which it does later than it listens.
func (s *PostgresServer) await(tb testing.TB) {
	tb.Helper()
	s.process.awaitPort(tb, s.Address)
	host, port, _ := net.SplitHostPort(s.Address)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for exec.CommandContext(ctx, postgresBinary("pg_isready"), "-q", "-h", host, "-p", port).Run() != nil {
		select {
		case <-s.process.done:
			tb.Fatalf("the server has ended:\n%s", s.process.log)
		case <-ctx.Done():
			tb.Fatalf("the server takes no connections:\n%s", s.process.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server, and with it all connections.
func (s *PostgresServer) Stop() { s.process.signal(syscall.SIGINT) }

// Kill ends the server as the system does that has no memory left.
func (s *PostgresServer) Kill() { s.process.signal(syscall.SIGKILL) }

// Administer runs statements in a database as the administrator of the server.
func (s *PostgresServer) Administer(tb testing.TB, database, statements string) {
	tb.Helper()
	if err := s.Try(context.Background(), database, statements); err != nil {
		tb.Fatal(err)
	}
}

// Try is Administer where the server may be away.
func (s *PostgresServer) Try(ctx context.Context, database, statements string) error {
	cmd := exec.CommandContext(ctx, postgresBinary("psql"), "-q", "-v", "ON_ERROR_STOP=1", "-o", os.DevNull, "-d", s.url(postgresAdmin, database, s.Address))
	cmd.Stdin = strings.NewReader(statements)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("psql: %w\n%s", err, out)
	}
	return nil
}

// Dump returns statements that make a schema of a database again, with what is in it, for whoever runs them.
func (s *PostgresServer) Dump(tb testing.TB, database, schema string) []byte {
	tb.Helper()
	dump, err := exec.CommandContext(context.Background(), postgresBinary("pg_dump"), "--no-owner", "--no-privileges", "--no-comments", "--inserts",
		"-n", schema, "-d", s.url(postgresAdmin, database, s.Address)).Output()
	if err != nil {
		tb.Fatalf("pg_dump: %v", err)
	}
	var statements []string
	for line := range strings.Lines(string(dump)) {
		if !strings.HasPrefix(line, `\`) && !strings.HasPrefix(line, "--") { // psql's own, and what another version of it may not know
			statements = append(statements, line)
		}
	}
	return []byte(strings.Join(statements, ""))
}

// URL returns that of the product's database.
func (s *PostgresServer) URL() string { return s.url(PostgresUser, PostgresDatabase, s.Address) }

// At returns the same URL with another address, as that of a pooler.
func (s *PostgresServer) At(address string) string {
	return s.url(PostgresUser, PostgresDatabase, address)
}

func (s *PostgresServer) url(name, database, address string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(name, PostgresPassword), Host: address, Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}

// Schema makes an empty schema in the product's database, and returns a URL whose tables are in there.
func (s *PostgresServer) Schema(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d_%d", os.Getpid(), s.schemas.Add(1))
	s.Administer(tb, PostgresDatabase, "CREATE SCHEMA "+name+" AUTHORIZATION "+PostgresUser)
	return s.URL() + "&search_path=" + name
}

// StartPgbouncer starts a pooler before the server that gives every transaction another connection, and returns its address.
func (s *PostgresServer) StartPgbouncer(tb testing.TB) string {
	tb.Helper()
	host, port, _ := net.SplitHostPort(s.Address)
	const poolerPort = "6432"
	users, conf := filepath.Join(s.dir, "users.txt"), filepath.Join(s.dir, "pgbouncer.ini")
	writeFile(tb, users, fmt.Sprintf("%q %q\n", PostgresUser, PostgresPassword))
	writeFile(tb, conf, strings.Join([]string{
		"[databases]", fmt.Sprintf("* = host=%s port=%s", host, port),
		"[pgbouncer]", "listen_addr=" + host, "listen_port=" + poolerPort, "auth_type=md5", "auth_file=" + users,
		"pool_mode=transaction", "default_pool_size=4", "unix_socket_dir=", "",
	}, "\n"))
	giveToPostgres(tb, users)
	giveToPostgres(tb, conf)
	run := asPostgres("/usr/sbin/pgbouncer", conf)
	p := startProcess(tb, run[0], run[1:]...)
	address := net.JoinHostPort(host, poolerPort)
	p.awaitPort(tb, address)
	tb.Cleanup(func() { p.signal(syscall.SIGINT) })
	return address
}
