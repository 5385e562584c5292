package plan

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// protectedBy are the attributes by which an entry shows that the operation of a system depends on it.
var protectedBy = []string{"isCriticalSystemObject", "adminCount", "objectSid", "sambaSID", "uidNumber", "gidNumber"}

// ProtectedBy returns the attributes that [Protected] looks at.
func ProtectedBy() []string { return append([]string(nil), protectedBy...) }

// ProtectedFilters returns search filters (RFC 4515) that find what [Protected] knows, as far as a filter can tell: not by the values of
// security identifiers, of which no filter compares a part.
func ProtectedFilters() []string {
	return []string{"(isCriticalSystemObject=TRUE)", "(&(adminCount=*)(!(adminCount=0)))", "(uidNumber=0)", "(gidNumber=0)"}
}

// Protected returns why an entry of others is never taken over, whatever a mapping says; empty where nothing speaks against it. It
// knows the entries by which a system administers itself: those that Active Directory marks as its own (isCriticalSystemObject,
// adminCount), the accounts and groups that every Windows domain has (MS-DTYP section 2.4.2.4), and the superuser of UNIX (uidNumber and
// gidNumber 0).
func Protected(entry *Entry) (reason string) {
	for _, name := range protectedBy {
		for _, value := range entry.Values(name) {
			if reason := protects(name, value); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// protects returns what a value of an attribute says against taking its entry over.
func protects(attribute, value string) string {
	switch attribute {
	case "isCriticalSystemObject":
		if strings.EqualFold(value, "TRUE") {
			return "isCriticalSystemObject is TRUE"
		}
	case "adminCount":
		if integer(value) != "0" {
			return "adminCount is " + value
		}
	case "uidNumber", "gidNumber":
		if integer(value) == "0" {
			return attribute + " is 0"
		}
	default:
		sid, ok := parseSID(value)
		switch {
		case !ok:
			return attribute + " cannot be read"
		case sid.wellKnown():
			return attribute + " is " + sid.String() + ", which every domain has"
		}
	}
	return ""
}

// sid is a security identifier (MS-DTYP section 2.4.2).
type sid struct {
	authority uint64
	parts     []uint32
}

// The domain of accounts under authority 5, and the least relative identifier that it gives to an account which somebody makes
// (MS-SAMR section 3.1.1.9.2): those below are of accounts and groups that every domain has.
const (
	ntAuthority     = 5
	accountDomain   = 21
	accountParts    = 5
	leastOfAccounts = 1000
)

// wellKnown reports whether an identifier is none of an account or group that somebody has made.
func (s sid) wellKnown() bool {
	made := s.authority == ntAuthority && len(s.parts) == accountParts && s.parts[0] == accountDomain && s.parts[accountParts-1] >= leastOfAccounts
	return !made
}

// String returns the identifier as people write it.
func (s sid) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "S-1-%d", s.authority)
	for _, part := range s.parts {
		fmt.Fprintf(&b, "-%d", part)
	}
	return b.String()
}

// parseSID reads an identifier as octets, as Active Directory has it, or as text, as Samba's schema for other servers does.
func parseSID(value string) (sid, bool) {
	if strings.HasPrefix(value, "S-") {
		return parseTextSID(value)
	}
	const head, width = 8, 4
	octets := []byte(value)
	if len(octets) < head || octets[0] != 1 || len(octets) != head+width*int(octets[1]) {
		return sid{}, false
	}
	var s sid
	for _, octet := range octets[2:head] {
		s.authority = s.authority<<8 | uint64(octet)
	}
	for rest := octets[head:]; len(rest) > 0; rest = rest[width:] {
		s.parts = append(s.parts, binary.LittleEndian.Uint32(rest))
	}
	return s, true
}

func parseTextSID(value string) (sid, bool) {
	words := strings.Split(value, "-")
	if len(words) < 3 || words[1] != "1" {
		return sid{}, false
	}
	var s sid
	var err error
	if s.authority, err = strconv.ParseUint(words[2], 10, 48); err != nil {
		return sid{}, false
	}
	for _, word := range words[3:] {
		part, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			return sid{}, false
		}
		s.parts = append(s.parts, uint32(part))
	}
	return s, true
}
