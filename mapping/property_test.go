package mapping_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// places is a mapping with a template of every sort.
const places = `version: 1
base: dc=example,dc=org
organizational_unit:
  root: ou=people,{base}
  dn: "ou={ou.name},{parent.dn}"
  match: [ { attribute: businessCategory, value: ou.id } ]
user:
  dn: "cn=Mr {user.username}+employeeNumber={user.id},l={user.custom.city ?? \"none\"},{ou.dn}"
  match:
    - { attribute: employeeNumber, value: user.id }
    - { filter: "(&(cn=Mr {user.username})(!(employeeNumber=*))(|(l={user.custom.city})(mail={user.email}*)))", adopt: true }
  attributes: { mail: user.email, description: user.custom.city }
group:
  dn: "cn={group.name},ou=groups,dc=example,dc=org"
  match: [ { attribute: businessCategory, value: group.id } ]
  object_classes: [posixGroup]
  members: { attribute: memberUid, value: user.username }
`

// hostileText draws text that means something in DNs, filters or LDIF, or is no text at all.
func hostileText() *rapid.Generator[string] {
	special := rapid.SampledFrom([]string{
		",", "+", "=", "<", ">", "#", ";", "\\", "\"", " ", "*", "(", ")", "\x00", "\n", "\r", "&", "|", "!", "{", "}", "\\2c", "\\,ou=admins",
		",dc=example,dc=com", "uid=", "\u202e", "\u0000", "é", "e\u0301", "王", "😀", "\u00a0", "\u3000", "\ufeff", "\xff", "\xc3", "a", "A", "\t", "\x7f", "\ue000", "\ue001",
	})
	return rapid.OneOf(
		rapid.Map(rapid.SliceOfN(special, 0, 8), func(parts []string) string { return strings.Join(parts, "") }),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
	)
}

// input draws somebody with hostile text in every field, in a unit with a hostile name.
func input(set *mapping.Set) *rapid.Generator[mapping.Input] {
	return rapid.Custom(func(t *rapid.T) mapping.Input {
		user := objectOf(event.KindUser, hostileText().Draw(t, "id"), event.Values{
			"username": hostileText().Draw(t, "username"), "email": hostileText().Draw(t, "email"), "custom.city": hostileText().Draw(t, "city"),
		})
		unit := objectOf(event.KindUnit, "ou_1", event.Values{"name": hostileText().Filter(utf8.ValidString).Draw(t, "unit")})
		dn := set.Root().Child(plan.RDN{{Type: "ou", Value: unit.Text("name")}})
		return mapping.Input{Object: user, Above: &mapping.Above{Object: unit, DN: dn}}
	})
}

// Whatever the texts of an event, the DN has exactly the intended parts below the base, also to a parser that is not ours.
func TestDNsHoldTextsAsValues(t *testing.T) {
	set := compile(t, places)
	rapid.Check(t, func(t *rapid.T) {
		in := input(set).Draw(t, "input")
		result, err := set.Desired(in)
		if err != nil || len(result.Failed) > 0 {
			if isName(in.Object.Text("username")) && isName(in.Object.Ref.ID) && cityOK(in) || !result.DN.Empty() {
				t.Fatalf("%v %v %s", err, result.Failed, result.DN)
			}
			return
		}
		city := in.Object.Text("custom.city")
		if city == "" {
			city = "none"
		}
		want := []plan.AVA{
			{Type: "cn", Value: "Mr " + in.Object.Text("username")},
			{Type: "employeeNumber", Value: in.Object.Ref.ID},
			{Type: "l", Value: city},
			{Type: "ou", Value: in.Above.Object.Text("name")},
			{Type: "ou", Value: "people"},
			{Type: "dc", Value: "example"},
			{Type: "dc", Value: "org"},
		}
		parsed, err := ldap.ParseDN(result.DN.String())
		if err != nil {
			t.Fatalf("%s: %v", result.DN, err)
		}
		var got []plan.AVA
		for _, rdn := range parsed.RDNs {
			for _, a := range rdn.Attributes {
				got = append(got, plan.AVA{Type: a.Type, Value: a.Value})
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got)\n%s", result.DN, diff)
		}
		if again, err := plan.ParseDN(result.DN.String()); err != nil || !again.Exactly(result.DN) || !result.DN.Below(set.Base()) {
			t.Fatalf("%s: %v", result.DN, err)
		}
	})
}

// isName reports whether a text can be a part of a name: something, and text.
func isName(s string) bool { return strings.TrimSpace(s) != "" && utf8.ValidString(s) }

func cityOK(in mapping.Input) bool {
	city := in.Object.Text("custom.city")
	return city == "" || isName(city)
}

// Whatever the texts of an event, a filter looks for exactly them, in exactly the intended places.
func TestFiltersHoldTextsAsValues(t *testing.T) {
	set := compile(t, places)
	rapid.Check(t, func(t *rapid.T) {
		in := input(set).Draw(t, "input")
		in.Deleted = true // so that nothing but the match rules is evaluated
		result, err := set.Desired(in)
		if err != nil {
			t.Fatal(err)
		}
		id, name, city, mail := in.Object.Ref.ID, in.Object.Text("username"), in.Object.Text("custom.city"), in.Object.Text("email")
		var want []string
		if strings.TrimSpace(id) != "" {
			want = append(want, "employeeNumber="+id)
		}
		if strings.TrimSpace(name) != "" && strings.TrimSpace(city) != "" && strings.TrimSpace(mail) != "" {
			want = append(want, "and[cn=Mr "+name+"|not[present employeeNumber]|or[l="+city+"|mail starts "+mail+"]]")
		}
		var got []string
		for _, m := range result.Match {
			packet, err := ldap.CompileFilter(m.Filter)
			if err != nil {
				t.Fatalf("%q: %v", m.Filter, err)
			}
			got = append(got, describe(packet))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("the filters %+v mean %q; want %q", result.Match, got, want)
		}
	})
}

// The same input gives the same result, as often as it is asked and whatever is asked in between.
func TestMappingTwiceGivesTheSame(t *testing.T) {
	set := compile(t, string(readyMappings(t)["../configs/mappings/openldap.yaml"]))
	rapid.Check(t, func(t *rapid.T) {
		in := input(set).Draw(t, "input")
		other := input(set).Draw(t, "other")
		in.Object.Facts["displayName"] = event.Fact{Value: hostileText().Draw(t, "displayName")}
		first, err := set.Desired(in)
		_, _ = set.Desired(other)
		second, errAgain := set.Desired(in)
		sameError := cmp.Comparer(func(a, b *mapping.EvaluationError) bool { return a.Error() == b.Error() })
		if diff := cmp.Diff(first, second, cmpopts.EquateEmpty(), sameError); diff != "" {
			t.Fatalf("(-first +second)\n%s", diff)
		}
		if (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
			t.Fatalf("%v first, %v then", err, errAgain)
		}
	})
}

// What a test inside a file would see as the change for a fresh entry, applied, leaves nothing to be changed.
func TestMappingOfItsOwnResultWritesNothing(t *testing.T) {
	set := compile(t, string(readyMappings(t)["../configs/mappings/openldap.yaml"]))
	rapid.Check(t, func(t *rapid.T) {
		in := input(set).Draw(t, "input")
		in.Object.Facts["displayName"] = event.Fact{Value: hostileText().Draw(t, "displayName")}
		result, err := set.Desired(in)
		if err != nil || result.DN.Empty() {
			return
		}
		built, err := plan.Build(nil, result.Desired, plan.Policy{})
		if err != nil {
			t.Fatal(err)
		}
		add, ok := built.Operations[0].(plan.Add)
		if !ok {
			t.Fatalf("the first operation is %T", built.Operations[0])
		}
		built, err = plan.Build(&plan.Entry{DN: add.DN, Attributes: add.Attributes}, result.Desired, plan.Policy{})
		if err != nil || !built.Empty() {
			t.Fatalf("%v would be written again: %v", built.Operations, err)
		}
	})
}

// FuzzPlaces looks for texts that change where an entry is.
func FuzzPlaces(f *testing.F) {
	set := compile(f, places)
	f.Add("user_1", "ann", "Hangzhou", "R&D")
	f.Add("a,b+c=d", `x\,ou=admins`, "#1 ", " \x00")
	f.Add("王", "<>;\"", "\xff", "\ue0000\ue001")
	f.Fuzz(func(t *testing.T, id, username, city, unit string) {
		dn := set.Root().Child(plan.RDN{{Type: "ou", Value: unit}})
		result, err := set.Desired(mapping.Input{
			Object: objectOf(event.KindUser, id, event.Values{"username": username, "custom.city": city}),
			Above:  &mapping.Above{Object: objectOf(event.KindUnit, "ou_1", event.Values{"name": unit}), DN: dn},
		})
		if err != nil || len(result.Failed) > 0 {
			if !result.DN.Empty() {
				t.Fatalf("%q although it fails", result.DN)
			}
			return
		}
		parsed, err := plan.ParseDN(result.DN.String())
		if err != nil {
			if utf8.ValidString(unit) {
				t.Fatalf("%q: %v", result.DN.String(), err)
			}
			return
		}
		if len(parsed) != 6 || parsed[0][0].Value != "Mr "+username || parsed[0][1].Value != id || !parsed.Below(set.Base()) {
			t.Fatalf("%q", result.DN.String())
		}
	})
}
