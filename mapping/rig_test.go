package mapping_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// compile compiles a mapping that is right.
func compile(tb testing.TB, source string) *mapping.Set {
	tb.Helper()
	set, err := mapping.Compile("mapping.yaml", []byte(source))
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// userRules compiles a mapping with rules for the attributes of a user, one to a line.
func userRules(tb testing.TB, rules ...string) *mapping.Set {
	tb.Helper()
	source := `version: 1
base: dc=example,dc=org
user:
  dn: "uid={user.username},ou=people,{base}"
  match: [ { attribute: employeeNumber, value: user.id } ]
  attributes:
`
	for _, rule := range rules {
		source += "    " + rule + "\n"
	}
	return compile(tb, source)
}

// userOf returns a user of whom the fields are known.
func userOf(fields event.Values) event.Object { return objectOf(event.KindUser, "user_1", fields) }

func objectOf(kind event.Kind, id string, fields event.Values) event.Object {
	o := event.Object{
		Ref: event.Ref{Kind: kind, ID: id}, Existence: event.Existence{Present: true, At: event.Stamp{Event: 1}},
		Facts: map[string]event.Fact{},
	}
	for name, value := range fields {
		o.Facts[name] = event.Fact{Value: value, At: event.Stamp{Event: 1}}
	}
	return o
}

// ruleOf returns what is wanted of an attribute, nil where the mapping does not speak of it.
func ruleOf(d plan.Desired, attribute string) *plan.Rule {
	for i := range d.Rules {
		if d.Rules[i].Attribute == attribute {
			return &d.Rules[i]
		}
	}
	return nil
}

// files returns the content of the files that a pattern finds.
func files(tb testing.TB, pattern string) map[string][]byte {
	tb.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		tb.Fatalf("no files at %s: %v", pattern, err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		if out[name], err = os.ReadFile(name); err != nil {
			tb.Fatal(err)
		}
	}
	return out
}

func readyMappings(tb testing.TB) map[string][]byte {
	tb.Helper()
	return files(tb, "../configs/mappings/*.yaml")
}

func wrongMappings(tb testing.TB) map[string][]byte {
	tb.Helper()
	return files(tb, "testdata/wrong/*.yaml")
}

// describe writes a compiled filter (RFC 4511 section 4.5.1.7) without any escaping, so that two can be compared.
func describe(p *ber.Packet) string {
	below := func() string {
		parts := make([]string, len(p.Children))
		for i, c := range p.Children {
			parts[i] = describe(c)
		}
		return strings.Join(parts, "|")
	}
	switch p.Tag {
	case ldap.FilterAnd:
		return "and[" + below() + "]"
	case ldap.FilterOr:
		return "or[" + below() + "]"
	case ldap.FilterNot:
		return "not[" + below() + "]"
	case ldap.FilterPresent:
		return "present " + p.Data.String()
	case ldap.FilterEqualityMatch:
		return p.Children[0].Data.String() + "=" + p.Children[1].Data.String()
	case ldap.FilterSubstrings:
		text := p.Children[0].Data.String()
		for _, part := range p.Children[1].Children {
			text += map[ber.Tag]string{
				ldap.FilterSubstringsInitial: " starts ", ldap.FilterSubstringsAny: " holds ", ldap.FilterSubstringsFinal: " ends ",
			}[part.Tag] + part.Data.String()
		}
		return text
	}
	return ldap.FilterMap[uint64(p.Tag)]
}
