package plan_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"idaas-ldap/plan"
)

// octetsOf returns a security identifier as Active Directory has it.
func octetsOf(authority byte, parts ...uint32) string {
	out := []byte{1, byte(len(parts)), 0, 0, 0, 0, 0, authority}
	for _, part := range parts {
		out = binary.LittleEndian.AppendUint32(out, part)
	}
	return string(out)
}

// What the operation of a system depends on is known by its attributes, and what people have made is not held for it.
func TestProtected(t *testing.T) {
	account := func(rid uint32) string { return octetsOf(5, 21, 1, 2, 3, rid) }
	for _, c := range []struct{ attribute, value, want string }{
		{"isCriticalSystemObject", "TRUE", "isCriticalSystemObject is TRUE"},
		{"iscriticalsystemobject", "true", "isCriticalSystemObject is TRUE"},
		{"isCriticalSystemObject", "FALSE", ""},
		{"adminCount", "1", "adminCount is 1"},
		{"adminCount", "0", ""},
		{"uidNumber", "0", "uidNumber is 0"},
		{"uidNumber", "00", "uidNumber is 0"},
		{"uidNumber", "10", ""},
		{"gidNumber", "0", "gidNumber is 0"},
		{"gidNumber", "100", ""},
		{"objectSid", account(500), "objectSid is S-1-5-21-1-2-3-500, which every domain has"},
		{"objectSid", account(501), "objectSid is S-1-5-21-1-2-3-501, which every domain has"},
		{"objectSid", account(502), "objectSid is S-1-5-21-1-2-3-502, which every domain has"},
		{"objectSid", account(512), "objectSid is S-1-5-21-1-2-3-512, which every domain has"},
		{"objectSid", account(513), "objectSid is S-1-5-21-1-2-3-513, which every domain has"},
		{"objectSid", account(521), "objectSid is S-1-5-21-1-2-3-521, which every domain has"},
		{"objectSid", account(525), "objectSid is S-1-5-21-1-2-3-525, which every domain has"},
		{"objectSid", account(527), "objectSid is S-1-5-21-1-2-3-527, which every domain has"},
		{"objectSid", account(553), "objectSid is S-1-5-21-1-2-3-553, which every domain has"},
		{"objectSid", account(571), "objectSid is S-1-5-21-1-2-3-571, which every domain has"},
		{"objectSid", account(572), "objectSid is S-1-5-21-1-2-3-572, which every domain has"},
		{"objectSid", account(999), "objectSid is S-1-5-21-1-2-3-999, which every domain has"},
		{"objectSid", account(1000), ""},
		{"objectSid", account(4294967295), ""},
		{"objectSid", octetsOf(5, 32, 544), "objectSid is S-1-5-32-544, which every domain has"},
		{"objectSid", octetsOf(5, 32, 5440), "objectSid is S-1-5-32-5440, which every domain has"},
		{"objectSid", octetsOf(5, 11), "objectSid is S-1-5-11, which every domain has"},
		{"objectSid", octetsOf(1, 0), "objectSid is S-1-1-0, which every domain has"},
		{"objectSid", octetsOf(5, 21, 1, 2, 3), "objectSid is S-1-5-21-1-2-3, which every domain has"},
		{"objectSid", "S-1-5-21-1-2-3-1104", ""},
		{"objectSid", account(1104)[:27], "objectSid cannot be read"},
		{"objectSid", "\x02" + account(1104)[1:], "objectSid cannot be read"},
		{"objectSid", "", "objectSid cannot be read"},
		{"sambaSID", "S-1-5-21-1-2-3-512", "sambaSID is S-1-5-21-1-2-3-512, which every domain has"},
		{"sambaSID", "S-1-5-21-1-2-3-3001", ""},
		{"sambaSID", "S-1-5-21-1-2-3-x", "sambaSID cannot be read"},
		{"sambaSID", "S-2-5-21-1-2-3-3001", "sambaSID cannot be read"},
		{"sambaSID", "S-1", "sambaSID cannot be read"},
		{"description", "0", ""},
	} {
		e := &plan.Entry{DN: plan.MustParseDN("cn=a,dc=example,dc=org"), Attributes: []plan.Attribute{
			{Name: "cn", Values: []string{"a"}}, {Name: c.attribute, Values: []string{c.value}},
		}}
		if got := plan.Protected(e); got != c.want {
			t.Errorf("%s %q: %q; want %q", c.attribute, c.value, got, c.want)
		}
		if known := slices.ContainsFunc(plan.ProtectedBy(), func(name string) bool { return strings.EqualFold(name, c.attribute) }); !known && c.want != "" {
			t.Errorf("%s is looked at and not read", c.attribute)
		}
	}
	if got := plan.Protected(&plan.Entry{}); got != "" {
		t.Errorf("an entry without attributes: %q", got)
	}
}

// Octets and text are the same identifier, whatever it is, and nothing that is none is held for an account.
func TestSecurityIdentifiers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Uint32(), 0, 15).Draw(t, "parts")
		text := "S-1-5"
		for _, part := range parts {
			text += fmt.Sprintf("-%d", part)
		}
		octets := octetsOf(5, parts...)
		of := func(value string) string {
			return plan.Protected(&plan.Entry{Attributes: []plan.Attribute{{Name: "objectSid", Values: []string{value}}}})
		}
		if of(octets) != of(text) {
			t.Fatalf("%q as octets, %q as text", of(octets), of(text))
		}
		if cut := rapid.IntRange(1, len(octets)).Draw(t, "cut"); of(octets[cut:]) == "" {
			t.Fatalf("%q is held for an account", octets[cut:])
		}
	})
}
