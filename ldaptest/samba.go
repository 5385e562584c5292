package ldaptest

import (
	_ "embed" // for the scripts
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
)

// SambaServer is a running Samba domain controller with its files in a temporary folder, which serves LDAP as Active
// Directory does. Its domain is example.org, with ou=people, ou=groups, ou=leavers and a connector account to which control
// of them is delegated.
type SambaServer struct {
	Access

	dir     string
	address string
	process *process
	// descriptors are the access control lists as they were before Dsacls, by DN; schemaIDs the ids of what it has named.
	descriptors, schemaIDs map[string][]byte
}

// sambaPassword is one that the domain's rules allow.
const sambaPassword = "Passw0rd-Admin"

//go:embed samba_provision.py
var sambaProvision string

//go:embed samba_modify.py
var sambaModify string

// StartSamba makes a domain, starts its controller and stops it when the test ends. Samba knows no other ports than 389 and
// 636.
func StartSamba(tb testing.TB) *SambaServer {
	tb.Helper()
	Require(tb, Samba)
	address := FreeAddress(tb, "389", "636")
	s := &SambaServer{
		Access: Access{
			URL: "ldap://" + address, TLSURL: "ldaps://" + address,
			BindDN: testConnector, Password: sambaPassword, AdminDN: "cn=Administrator,cn=Users," + testSuffix,
		},
		dir: tb.TempDir(), address: address,
	}
	makeFolders(tb, s.dir, "binddns", "cache", "lock", "ncalrpc", "pid", "private", "signd", "state", "winbindd")
	ca := newAuthority(tb, s.dir)
	s.CAFile = ca.file
	ca.issueFiles(tb, s.dir, address)
	writeFile(tb, s.file("smb.conf"), s.conf())
	// Python is that of the system: another one knows nothing of Samba.
	command(tb, sambaProvision, "/usr/bin/python3", "-", s.file("smb.conf"), base64.StdEncoding.EncodeToString([]byte(s.Password)))
	s.Start(tb)
	tb.Cleanup(s.Stop)
	return s
}

// Modify makes the changes of LDIF as the system itself, which may do more than the administrator.
func (s *SambaServer) Modify(tb testing.TB, ldif string) {
	tb.Helper()
	command(tb, sambaModify, "/usr/bin/python3", "-", s.file("smb.conf"), ldif)
}

// PlainAccount makes an account that may read and nothing else, with the password of the connector, and returns its DN.
func (s *SambaServer) PlainAccount(tb testing.TB) (dn string) {
	tb.Helper()
	admin := s.Administrator(tb)
	defer func() { _ = admin.Close() }() // the account is there by then
	var password []byte
	for _, unit := range utf16.Encode([]rune(`"` + s.Password + `"`)) {
		password = binary.LittleEndian.AppendUint16(password, unit)
	}
	dn = "cn=provisioner," + testSuffix
	add := ldap.NewAddRequest(dn, nil)
	for name, value := range map[string]string{
		"objectClass": "user", "sAMAccountName": "provisioner", "userAccountControl": "512", "unicodePwd": string(password),
	} {
		add.Attribute(name, []string{value})
	}
	if err := admin.Add(add); err != nil {
		tb.Fatal(err)
	}
	return dn
}

// Start starts the server again after Stop or Kill, with what it had.
func (s *SambaServer) Start(tb testing.TB) {
	tb.Helper()
	// A server that was killed leaves its number behind, and another process may have it now.
	if err := os.Remove(s.file("pid", "samba.pid")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Fatal(err)
	}
	s.process = startProcess(tb, "/usr/sbin/samba", "--interactive", "--no-process-group", "-s", s.file("smb.conf"))
	s.process.awaitPort(tb, net.JoinHostPort(s.address, "636"))
}

// Stop ends the server in order.
func (s *SambaServer) Stop() { s.process.signal(syscall.SIGTERM) }

// Kill ends the server as a power cut would.
func (s *SambaServer) Kill() { s.process.signal(syscall.SIGKILL) }

func (s *SambaServer) file(names ...string) string {
	return filepath.Join(append([]string{s.dir}, names...)...)
}

func (s *SambaServer) conf() string {
	var b strings.Builder
	b.WriteString("[global]\n")
	line := func(name, value string) { fmt.Fprintf(&b, "\t%s = %s\n", name, value) }
	line("netbios name", "DC1")
	line("realm", "EXAMPLE.ORG")
	line("workgroup", "EXAMPLE")
	line("server role", "active directory domain controller")
	line("server services", "ldap")
	line("interfaces", s.address+"/8")
	line("bind interfaces only", "yes")
	for name, folder := range map[string]string{
		"private dir": "private", "state directory": "state", "lock directory": "lock", "cache directory": "cache", "binddns dir": "binddns",
		"pid directory": "pid", "ncalrpc dir": "ncalrpc", "winbindd socket directory": "winbindd", "ntp signd socket directory": "signd",
	} {
		line(name, s.file(folder))
	}
	line("log file", s.file("log"))
	line("tls keyfile", s.file(keyFile))
	line("tls certfile", s.file(certificateFile))
	line("tls cafile", s.CAFile)
	// A password that was replaced would work for another hour.
	line("old password allowed period", "0")
	// What was written survives the end of the process, which is all that a test can bring about.
	line("ldb:nosync", "true")
	line("prefork children", "2")
	b.WriteString("[sysvol]\n")
	line("path", s.file("state", "sysvol"))
	b.WriteString("[netlogon]\n")
	line("path", s.file("state", "sysvol", "example.org", "scripts"))
	return b.String()
}
