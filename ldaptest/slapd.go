package ldaptest

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// SlapdConfig chooses how slapd is started.
type SlapdConfig struct {
	// AccessLog records every write below cn=log; see Slapd.Writes.
	AccessLog bool
	// Sync makes every write durable before it is answered, as slapd does by default. Tests do without.
	Sync bool
	// NotUnique leaves out the overlay that lets no two entries below ou=people have the same uid.
	NotUnique bool
	// Unlimited lets the connector read as many entries as there are. By default slapd hands out 500 for one search, also in
	// pages.
	Unlimited bool
	// AccessRules come before the usual ones, each as slapd.access(5) has them after the word access.
	AccessRules []string
	// AddressRule, where it is given, is the regular expression that every mail address has to match.
	AddressRule string
	// ReadOnly refuses every write to the database.
	ReadOnly bool
	// Bare leaves out all overlays: password policy, memberof, refint and uniqueness.
	Bare bool
	// Provider lets other servers follow this one, as Follows makes one do: it is the URL of a provider. What follows is
	// read-only, and refers writes to the provider unless it is told to be Silent about that.
	Provider bool
	Follows  string
	Silent   bool
	// BaseID is the entryUUID of the base, by which servers of one directory are known to be that; one of its own without it.
	BaseID string
}

// Slapd is a running OpenLDAP server with its files in a temporary folder. Its suffix is dc=example,dc=org, with
// ou=people, ou=groups and a connector account that may write there.
type Slapd struct {
	Access

	dir      string
	database string // the entry of the database in cn=config
	process  *process
}

// StartSlapd starts slapd and stops it when the test ends.
func StartSlapd(tb testing.TB, cfg SlapdConfig) *Slapd {
	tb.Helper()
	Require(tb, OpenLDAP)
	address := FreeAddress(tb, plainPort, securePort)
	s := &Slapd{
		Access: Access{
			URL: "ldap://" + net.JoinHostPort(address, plainPort), TLSURL: "ldaps://" + net.JoinHostPort(address, securePort),
			BindDN: testConnector, Password: testPassword, AdminDN: "cn=admin," + testSuffix,
		},
		dir: tb.TempDir(),
	}
	ca := newAuthority(tb, s.dir)
	s.CAFile = ca.file
	ca.issueFiles(tb, s.dir, address)
	makeFolders(tb, s.dir, "db", "log", "slapd.d")
	conf := filepath.Join(s.dir, "slapd.conf")
	writeFile(tb, conf, s.conf(cfg))
	if cfg.Follows == "" {
		command(tb, slapdContent(cfg), "/usr/sbin/slapadd", "-q", "-f", conf, "-b", testSuffix)
	} else {
		command(tb, "", "/usr/sbin/slapadd", "-q", "-f", conf, "-b", testSuffix)
	}
	s.database = "olcDatabase={1}mdb,cn=config"
	if cfg.AccessLog {
		command(tb, "", "/usr/sbin/slapadd", "-q", "-f", conf, "-b", "cn=log")
		s.database = "olcDatabase={2}mdb,cn=config"
	}
	// It opens the databases, so they have to be there.
	command(tb, "", "/usr/sbin/slaptest", "-f", conf, "-F", filepath.Join(s.dir, "slapd.d"))
	s.Start(tb)
	tb.Cleanup(s.Stop)
	return s
}

// Start starts the server again after Stop or Kill, with what it had.
func (s *Slapd) Start(tb testing.TB) {
	tb.Helper()
	// With -d it stays in the foreground; 0 keeps it quiet.
	s.process = startProcess(tb, "/usr/sbin/slapd", "-d", "0", "-F", filepath.Join(s.dir, "slapd.d"), "-h", s.URL+" "+s.TLSURL)
	s.process.awaitPort(tb, strings.TrimPrefix(s.TLSURL, "ldaps://"))
}

// Stop ends the server in order.
func (s *Slapd) Stop() { s.process.signal(syscall.SIGTERM) }

// Kill ends the server as a power cut would.
func (s *Slapd) Kill() { s.process.signal(syscall.SIGKILL) }

func (s *Slapd) conf(cfg SlapdConfig) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for _, schema := range []string{"core", "cosine", "inetorgperson", "nis"} {
		line("include /etc/ldap/schema/%s.schema", schema)
	}
	line("pidfile %s/slapd.pid", s.dir)
	line("modulepath /usr/lib/ldap")
	for _, module := range []string{"back_mdb", "ppolicy", "memberof", "refint", "unique", "accesslog", "syncprov", "constraint"} {
		line("moduleload %s", module)
	}
	line("TLSCertificateFile %s/%s\nTLSCertificateKeyFile %s/%s\nTLSVerifyClient never", s.dir, certificateFile, s.dir, keyFile)
	line("threads 8")
	line("database config\nrootdn cn=config\nrootpw %s", testPassword)
	if cfg.AccessLog {
		line("database mdb\nsuffix cn=log\ndirectory %s/log\nmaxsize 1073741824\nrootdn cn=log\nrootpw %s\nindex reqStart eq", s.dir, testPassword)
	}
	line("database mdb\nsuffix %s\ndirectory %s/db\nmaxsize 4294967296\nrootdn %s\nrootpw %s", testSuffix, s.dir, s.AdminDN, testPassword)
	line("index objectClass,uid,cn,mail,employeeNumber,businessCategory,member,memberOf,entryUUID eq")
	for _, rule := range cfg.AccessRules {
		line("access %s", rule)
	}
	line("access to attrs=userPassword by dn.exact=%q write by self write by anonymous auth by * none", testConnector)
	line("access to dn.subtree=\"ou=people,%s\" by dn.exact=%q manage by users read", testSuffix, testConnector)
	line("access to dn.subtree=\"ou=groups,%s\" by dn.exact=%q manage by users read", testSuffix, testConnector)
	line("access to dn.subtree=\"ou=leavers,%s\" by dn.exact=%q manage by users read", testSuffix, testConnector)
	line("access to * by users read")
	if cfg.ReadOnly {
		line("readonly on")
	}
	if cfg.Unlimited {
		line("limits dn.exact=%q size=unlimited", testConnector)
	}
	if !cfg.Sync {
		line("dbnosync")
	}
	if !cfg.Bare {
		line("overlay ppolicy\nppolicy_default cn=default,ou=policies,%s\nppolicy_hash_cleartext\nppolicy_use_lockout", testSuffix)
		line("overlay memberof\nmemberof-refint TRUE")
		line("overlay refint\nrefint_attributes member manager owner secretary seeAlso\nrefint_nothing cn=nobody,%s", testSuffix)
	}
	if !cfg.Bare && !cfg.NotUnique {
		line("overlay unique\nunique_uri ldap:///ou=people,%s?uid?sub", testSuffix)
	}
	if cfg.AddressRule != "" {
		line("overlay constraint\nconstraint_attribute mail regex %s", cfg.AddressRule)
	}
	if cfg.AccessLog {
		line("overlay accesslog\nlogdb cn=log\nlogops writes\nlogsuccess TRUE")
	}
	if cfg.Provider {
		line("overlay syncprov")
	}
	if cfg.Follows != "" {
		line("syncrepl rid=1 provider=%s type=refreshAndPersist searchbase=%s bindmethod=simple binddn=%s credentials=%s retry=\"1 +\" schemachecking=off",
			cfg.Follows, testSuffix, s.AdminDN, testPassword)
		if !cfg.Silent {
			line("updateref %s", cfg.Follows)
		}
	}
	return b.String()
}

// slapdContent is what the directory holds when it starts.
func slapdContent(cfg SlapdConfig) string {
	content := Content
	if cfg.BaseID != "" {
		content = strings.Replace(content, "dn: "+testSuffix+"\n", "dn: "+testSuffix+"\nentryUUID: "+cfg.BaseID+"\n", 1)
	}
	if cfg.Bare {
		return content
	}
	return content + `
dn: ou=policies,dc=example,dc=org
objectClass: organizationalUnit
ou: policies

dn: cn=default,ou=policies,dc=example,dc=org
objectClass: device
objectClass: pwdPolicy
cn: default
pwdAttribute: userPassword
pwdCheckQuality: 2
pwdMinLength: 8
pwdInHistory: 3
pwdLockout: TRUE
pwdMaxFailure: 5
pwdMustChange: FALSE
pwdAllowUserChange: TRUE
`
}

// Configure replaces the values of an attribute in the configuration of the running server's database; without values it goes.
func (s *Slapd) Configure(tb testing.TB, attribute string, values ...string) {
	tb.Helper()
	configure(tb, s.URL, "cn=config", testPassword, s.database, attribute, values)
}

// ConfigureFrontend sets an attribute of what holds for all databases, and for the entries beside them: the root DSE and the schema.
func (s *Slapd) ConfigureFrontend(tb testing.TB, attribute string, values ...string) {
	tb.Helper()
	configure(tb, s.URL, "cn=config", testPassword, "olcDatabase={-1}frontend,cn=config", attribute, values)
}

// Write is one write that slapd has logged.
type Write struct {
	// Type is add, modify, modrdn or delete.
	Type string
	DN   string
	// Mods are the modifications as slapd writes them: the attribute, a colon, and + - = or # with the value.
	Mods []string
	By   string
}

// Writes returns the successful writes of the connector in their order, as slapd's access log has them.
func (s *Slapd) Writes(tb testing.TB) []Write {
	tb.Helper()
	conn, err := ldap.DialURL(s.URL)
	if err != nil {
		tb.Fatalf("read the access log: %v", err)
	}
	defer func() { _ = conn.Close() }() // only read from
	if err := conn.Bind("cn=log", testPassword); err != nil {
		tb.Fatalf("read the access log: %v", err)
	}
	result, err := conn.Search(ldap.NewSearchRequest("cn=log", ldap.ScopeSingleLevel, ldap.NeverDerefAliases, 0, 0, false,
		"(&(reqResult=0)(reqAuthzID="+testConnector+"))", []string{"reqType", "reqDN", "reqMod", "reqAuthzID"}, nil))
	if err != nil {
		tb.Fatalf("read the access log: %v", err)
	}
	writes := make([]Write, len(result.Entries))
	for i, e := range result.Entries {
		writes[i] = Write{Type: e.GetAttributeValue("reqType"), DN: e.GetAttributeValue("reqDN"), Mods: e.GetAttributeValues("reqMod"), By: e.GetAttributeValue("reqAuthzID")}
	}
	return writes
}
