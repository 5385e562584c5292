package ldaptest

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

var (
	// dsaclsCommand is a command of the Windows program dsacls that gives rights. /I:T is about the entry and all below it, /I:S about entries of a
	// class below it.
	dsaclsCommand = regexp.MustCompile(`^dsacls "([^"]+)" /I:([TS]) /G((?: "[^"]+")+)$`)
	// dsaclsRight is one of its rights: who has it, what it is, on which class or attribute, and on entries of which class.
	dsaclsRight = regexp.MustCompile(`"([^"]+):([A-Z]+);([^;"]*)(?:;([^;"]+))?"`)
)

// accessMask holds the rights by their names for dsacls (MS-ADTS section 5.1.3.2).
var accessMask = map[string]uint32{"CC": 0x1, "DC": 0x2, "CCDC": 0x3, "WP": 0x20, "DT": 0x40, "CA": 0x100}

// resetPassword is the extended right of that name (MS-ADTS section 5.1.3.2.1).
var resetPassword = []byte{0x70, 0x95, 0x29, 0x00, 0x6d, 0x24, 0xd0, 0x11, 0xa7, 0x68, 0x00, 0xaa, 0x00, 0x6e, 0x05, 0x29}

// Dsacls gives accounts the rights of lines with commands of the Windows program dsacls, and takes those away that it gave before.
func (s *SambaServer) Dsacls(tb testing.TB, lines []string) {
	tb.Helper()
	admin := s.Administrator(tb)
	defer func() { _ = admin.Close() }() // every write has been confirmed by then
	aces := map[string][][]byte{}
	for at := range s.descriptors {
		aces[at] = nil
	}
	for _, command := range strings.Split(strings.Join(lines, " && "), " && ") {
		parsed := dsaclsCommand.FindStringSubmatch(command)
		if parsed == nil && command != "" {
			tb.Fatalf("this is no such command: %s", command)
		} else if parsed == nil {
			continue
		}
		for _, right := range dsaclsRight.FindAllStringSubmatch(parsed[3], -1) {
			if (parsed[2] == "S") != (right[4] != "") {
				tb.Fatalf("/I:S names a class, and /I:T none: %s", command)
			}
			aces[parsed[1]] = append(aces[parsed[1]], s.accessAllowed(tb, admin, right[1], right[2], right[3], right[4]))
		}
	}
	for at, given := range aces {
		if s.descriptors[at] == nil {
			if s.descriptors == nil {
				s.descriptors = map[string][]byte{}
			}
			s.descriptors[at] = s.raw(tb, admin, at, ldap.ScopeBaseObject, "(objectClass=*)", "nTSecurityDescriptor")
		}
		change := ldap.NewModifyRequest(at, []ldap.Control{accessControlListOnly()})
		change.Replace("nTSecurityDescriptor", []string{string(withAccess(s.descriptors[at], given))})
		if err := admin.Modify(change); err != nil {
			tb.Fatalf("give rights at %s: %v", at, err)
		}
	}
}

// accessControlListOnly says that a descriptor is without owner and group (MS-ADTS section 3.1.1.3.4.1.11).
func accessControlListOnly() ldap.Control {
	return ldap.NewControlString("1.2.840.113556.1.4.801", true, "\x30\x03\x02\x01\x04")
}

// raw reads the one value of an attribute of the one entry that is found.
func (s *SambaServer) raw(tb testing.TB, admin *ldap.Conn, base string, scope int, filter, attribute string) []byte {
	tb.Helper()
	var controls []ldap.Control
	if attribute == "nTSecurityDescriptor" {
		controls = append(controls, accessControlListOnly())
	}
	found, err := admin.Search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, []string{attribute}, controls))
	if err != nil {
		tb.Fatalf("look for %s of %s %s: %v", attribute, base, filter, err)
	}
	if len(found.Entries) != 1 || len(found.Entries[0].GetRawAttributeValues(attribute)) != 1 {
		tb.Fatalf("%d entries have a %s at %s %s", len(found.Entries), attribute, base, filter)
	}
	return found.Entries[0].GetRawAttributeValue(attribute)
}

// ofSchema is the id of a class or an attribute.
func (s *SambaServer) ofSchema(tb testing.TB, admin *ldap.Conn, name string) []byte {
	tb.Helper()
	if s.schemaIDs[name] == nil {
		if s.schemaIDs == nil {
			s.schemaIDs = map[string][]byte{"Reset Password": resetPassword}
		}
		if name != "Reset Password" {
			s.schemaIDs[name] = s.raw(tb, admin, "CN=Schema,CN=Configuration,"+testSuffix, ldap.ScopeSingleLevel, "(lDAPDisplayName="+name+")", "schemaIDGUID")
		}
	}
	return s.schemaIDs[name]
}

// accessAllowed is an entry of an access control list that gives a right on a thing, on entries of a class if there is one (MS-DTYP section 2.4.4.3).
func (s *SambaServer) accessAllowed(tb testing.TB, admin *ldap.Conn, account, right, thing, class string) []byte {
	tb.Helper()
	mask, known := accessMask[right]
	if !known {
		tb.Fatalf("there is no right %s", right)
	}
	const containerInherit, inheritOnly, thingPresent, classPresent = 0x2, 0x8, 0x1, 0x2
	inherit, present, ids := byte(containerInherit), uint32(0), []byte(nil)
	if thing != "" {
		present, ids = present|thingPresent, append(ids, s.ofSchema(tb, admin, thing)...)
	}
	if class != "" {
		inherit, present, ids = inherit|inheritOnly, present|classPresent, append(ids, s.ofSchema(tb, admin, class)...)
	}
	ace := []byte{0x05, inherit, 0, 0}
	ace = binary.LittleEndian.AppendUint32(ace, mask)
	ace = binary.LittleEndian.AppendUint32(ace, present)
	ace = append(append(ace, ids...), s.raw(tb, admin, account, ldap.ScopeBaseObject, "(objectClass=*)", "objectSid")...)
	binary.LittleEndian.PutUint16(ace[2:], uint16(len(ace))) //nolint:gosec // Some sixty bytes.
	return ace
}

// withAccess puts entries before those of the access control list of a descriptor (MS-DTYP sections 2.4.5 and 2.4.6).
func withAccess(descriptor []byte, aces [][]byte) []byte {
	const header, listHeader, listOffset = 20, 8, 16
	list := descriptor[binary.LittleEndian.Uint32(descriptor[listOffset:]):]
	list = list[:binary.LittleEndian.Uint16(list[2:])]
	out := append(bytes.Clone(descriptor[:4]), make([]byte, header-4)...)
	binary.LittleEndian.PutUint32(out[listOffset:], header)
	out = append(out, list[:listHeader]...)
	for _, ace := range aces {
		out = append(out, ace...)
	}
	out = append(out, list[listHeader:]...)
	binary.LittleEndian.PutUint16(out[header+2:], uint16(len(out)-header)) //nolint:gosec // The list is far smaller than that.
	count := binary.LittleEndian.Uint16(list[4:]) + uint16(len(aces))      //nolint:gosec // Some thirty.
	binary.LittleEndian.PutUint16(out[header+4:], count)
	return out
}
