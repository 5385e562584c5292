package ldaptest

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/dit"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// DS389Config says how a server for tests is set up.
type DS389Config struct {
	// Integrity switches on the plug-in by which the server lets references follow, as dscreate does not.
	Integrity bool
}

// DS389Server is a running 389 Directory Server with its files in a temporary folder. It holds what [Slapd] does, and keeps
// memberOf itself.
type DS389Server struct {
	Access

	cfg     DS389Config
	dir     string
	address string
	process *process
}

// ds389Config is the folder of the configuration, of the schema and of the keys.
const ds389Config = "config"

// StartDS389 starts ns-slapd and ends it with the test. The server is not made by dscreate, which takes twenty times as long
// and calls systemd, but from the template of a configuration that dscreate fills in, too.
func StartDS389(tb testing.TB, cfg DS389Config) *DS389Server {
	tb.Helper()
	Require(tb, DS389)
	s := &DS389Server{
		Access: Access{BindDN: testConnector, Password: testPassword, AdminDN: "cn=Directory Manager"},
		cfg:    cfg,
		dir:    tb.TempDir(), address: FreeAddress(tb, plainPort, securePort),
	}
	s.URL, s.TLSURL = "ldap://"+net.JoinHostPort(s.address, plainPort), "ldaps://"+net.JoinHostPort(s.address, securePort)
	makeFolders(tb, s.dir, ds389Config, ds389Config+"/schema", "backup", "db", "instance", "ldif", "lock", "log", "run", "tmp")
	s.copyFiles(tb, "/etc/dirsrv/schema", "schema")
	s.copyFiles(tb, "/etc/dirsrv/config", "")
	s.certify(tb)
	writeFile(tb, s.file(ds389Config, "dse.ldif"), s.configuration(tb))
	s.Start(tb)
	tb.Cleanup(s.Kill) // in order takes two seconds, and nothing is needed any more
	s.fill(tb)
	return s
}

// Start starts the server again after Stop or Kill, with what it had.
func (s *DS389Server) Start(tb testing.TB) {
	tb.Helper()
	// With -d it stays in the foreground; 0 keeps it quiet.
	s.process = startProcess(tb, "/usr/sbin/ns-slapd", "-d", "0", "-D", s.file(ds389Config), "-i", s.file("run", "slapd.pid"))
	s.process.awaitPort(tb, strings.TrimPrefix(s.TLSURL, "ldaps://"))
}

// Stop ends the server in order.
func (s *DS389Server) Stop() { s.process.signal(syscall.SIGTERM) }

// Kill ends the server as a power cut would.
func (s *DS389Server) Kill() { s.process.signal(syscall.SIGKILL) }

// Configure replaces the values of an attribute in the configuration of the running server.
func (s *DS389Server) Configure(tb testing.TB, dn, attribute string, values ...string) {
	tb.Helper()
	configure(tb, s.URL, s.AdminDN, s.Password, dn, attribute, values)
}

func (s *DS389Server) file(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

// copyFiles copies the files of a folder into one of the configuration.
func (s *DS389Server) copyFiles(tb testing.TB, from, to string) {
	tb.Helper()
	files, err := os.ReadDir(from)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			tb.Fatal(err)
		}
		writeFile(tb, s.file(ds389Config, to, f.Name()), string(content))
	}
}

// certify gives the server a key and a certificate. The key is made in the server's own database: to bring one along
// would take yet another tool.
func (s *DS389Server) certify(tb testing.TB) {
	tb.Helper()
	ca := newAuthority(tb, s.dir)
	s.CAFile = ca.file
	certutil := func(args ...string) {
		command(tb, "", "/usr/bin/certutil", append(args, "-d", "sql:"+s.file(ds389Config))...)
	}
	noise, request := s.file("tmp", "noise"), s.file("tmp", "server.csr")
	writeFile(tb, noise, rand.Text()+rand.Text())
	certutil("-N", "--empty-password")
	certutil("-R", "-s", "CN=localhost", "-k", "ec", "-q", "nistp256", "-z", noise, "-o", request)
	der, err := os.ReadFile(request)
	if err != nil {
		tb.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		tb.Fatalf("read the certificate request: %v", err)
	}
	ca.sign(tb, csr.PublicKey, s.address, s.file(certificateFile))
	certutil("-A", "-n", "CA", "-t", "CT,,", "-a", "-i", ca.file)
	certutil("-A", "-n", "Server-Cert", "-t", ",,", "-a", "-i", s.file(certificateFile))
}

// placeholder is what the template of the configuration wants filled in.
var placeholder = regexp.MustCompile(`%[a-z_]+%`)

// configuration is the template that comes with the server, filled in and with settings of our own.
func (s *DS389Server) configuration(tb testing.TB) string {
	tb.Helper()
	template, err := os.ReadFile("/usr/share/dirsrv/data/template-dse.ldif")
	if err != nil {
		tb.Fatal(err)
	}
	account, err := user.Current()
	if err != nil {
		tb.Fatal(err)
	}
	password, err := dit.HashPassword(rand.Reader, secret.New(s.Password))
	if err != nil {
		tb.Fatal(err)
	}
	values := map[string]string{
		"schema_dir": s.file(ds389Config, "schema"), "lock_dir": s.file("lock"), "tmp_dir": s.file("tmp"), "ldif_dir": s.file("ldif"),
		"cert_dir": s.file(ds389Config), "config_dir": s.file(ds389Config), "bak_dir": s.file("backup"), "run_dir": s.file("run"),
		"inst_dir": s.file("instance"), "log_dir": s.file("log"), "db_dir": s.file("db"), "db_home_dir": s.file("db"), "db_lib": "bdb",
		"fqdn": "localhost", "ds_port": plainPort, "ds_user": account.Username, "rootdn": s.AdminDN, "ds_passwd": password,
		"ldapi": s.file("run", "ldapi"), "ldapi_enabled": "off", "ldapi_autobind": "off", "ds_suffix": testSuffix,
	}
	text := placeholder.ReplaceAllStringFunc(string(template), func(name string) string {
		value, ok := values[strings.Trim(name, "%")]
		if !ok {
			tb.Errorf("the configuration of this version of 389 Directory Server has a place for %s, which is not known here", name)
		}
		return value
	})
	records, err := plan.ParseRecords(strings.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	var b strings.Builder
	for _, r := range records {
		fmt.Fprintf(&b, "dn: %s\n", r.DN)
		for _, setting := range s.settings()[r.DN] {
			r.Attributes = setAttribute(r.Attributes, setting[0], setting[1:]...)
		}
		for _, a := range r.Attributes {
			for _, v := range a.Values {
				fmt.Fprintf(&b, "%s: %s\n", a.Name, v)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// settings are attributes of the configuration with their values, by entry: TLS, rules for passwords like those of [Slapd],
// and the plug-ins that people use.
func (s *DS389Server) settings() map[string][][]string {
	const plugins = ",cn=plugins,cn=config"
	enabled := []string{"nsslapd-pluginenabled", "on"}
	integrity := []string{"nsslapd-pluginenabled", "off"}
	if s.cfg.Integrity {
		integrity = enabled
	}
	return map[string][][]string{
		"cn=config": {
			{"nsslapd-listenhost", s.address},
			{"nsslapd-securelistenhost", s.address},
			{"nsslapd-secureport", securePort},
			{"nsslapd-security", "on"},
			{"nsslapd-accesslog-logging-enabled", "off"},
			{"passwordCheckSyntax", "on"},
			{"passwordMinLength", "8"},
			{"passwordHistory", "on"},
			{"passwordInHistory", "3"},
			{"passwordStorageScheme", "SSHA512"}, // the usual one hashes a hundred thousand times, which nothing here is about
			{"passwordLockout", "on"},
			{"passwordMaxFailure", "5"},
		},
		// With what is usual it takes a share of the machine's memory and a file of that size, and waits for the disk with every write. What
		// was written survives the end of the process, which is all that a test can bring about.
		"cn=config,cn=ldbm database" + plugins: {
			{"nsslapd-cache-autosize", "0"}, {"nsslapd-dbcachesize", "4000000"}, {"nsslapd-db-durable-transaction", "off"},
		},
		"cn=MemberOf Plugin" + plugins: {enabled},
		"cn=referential integrity postoperation" + plugins: {
			integrity, {"referint-membership-attr", "member", "uniquemember", "owner", "seeAlso", "manager", "secretary"},
		},
		"cn=attribute uniqueness" + plugins: {enabled, {"uniqueness-subtrees", "ou=people," + testSuffix}},
	}
}

// setAttribute gives an attribute other values.
func setAttribute(attributes []plan.Attribute, name string, values ...string) []plan.Attribute {
	attributes = slices.DeleteFunc(attributes, func(a plan.Attribute) bool { return strings.EqualFold(a.Name, name) })
	return append(attributes, plan.Attribute{Name: name, Values: values})
}

// ds389Rights let the connector do everything below a unit.
const ds389Rights = `(targetattr="*")(version 3.0; acl "connector"; allow (all) userdn="ldap:///` + testConnector + `";)`

// fill makes the suffix and what is below it.
func (s *DS389Server) fill(tb testing.TB) {
	tb.Helper()
	const backend = `dn: cn=userRoot,cn=ldbm database,cn=plugins,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsBackendInstance
cn: userRoot
nsslapd-suffix: dc=example,dc=org

dn: cn="dc=example,dc=org",cn=mapping tree,cn=config
objectClass: top
objectClass: extensibleObject
objectClass: nsMappingTree
cn: dc=example,dc=org
nsslapd-state: backend
nsslapd-backend: userRoot

`
	records, err := plan.ParseRecords(strings.NewReader(backend + Content))
	if err != nil {
		tb.Fatal(err)
	}
	conn, err := ldap.DialURL(s.URL)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close() }() // every write has been confirmed by then
	if err := conn.Bind(s.AdminDN, s.Password); err != nil {
		tb.Fatal(err)
	}
	for _, r := range records {
		add := ldap.NewAddRequest(r.DN, nil)
		for _, a := range r.Attributes {
			add.Attribute(a.Name, a.Values)
		}
		switch r.DN {
		case testSuffix:
			add.Attribute("aci", []string{`(targetattr!="userPassword")(version 3.0; acl "read"; allow (read, search, compare) userdn="ldap:///all";)`})
		case "ou=people," + testSuffix, "ou=groups," + testSuffix, "ou=leavers," + testSuffix:
			add.Attribute("aci", []string{ds389Rights})
		}
		if err := conn.Add(add); err != nil {
			tb.Fatalf("add %s: %v", r.DN, err)
		}
	}
}
