package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"idaas-ldap/mapping"
)

const written = `version: 1
base: dc=example,dc=org
user:
  dn: "uid={user.username},{ou.dn}"
  match:
  - { attribute: employeeNumber, value: user.id }
  attributes:
    mail: lower(user.email)
    mobile: { value: "e164(user.phoneRegion, user.phoneNumber)", when: user.phoneVerified }
  lifecycle:
    disable: auto
tests:
  - name: one
    event: { type: user:create, user: { id: user_1 } }
    expect_writes: 0
`

// What is offered is what may stand there, whatever is wrong with the rest of the file.
func TestWordsAreThoseOfThePlace(t *testing.T) {
	for typed, want := range map[string]struct{ has, not string }{
		"":                         {"guards organizational_unit", "mail lower"},
		"gua":                      {"guards", "user"},
		"user:\n  ":                {"attributes lifecycle dn", "guards members"},
		"group:\n  me":             {"members", "attributes"},
		"group:\n  members:\n    ": {"placeholder attribute", "members"},
		"group:\n  members: { ":    {"placeholder attribute", "members"},
		"group:\n  members: { attribute: member, value: user.user":        {"username", "name"},
		"user:\n  attributes:\n    mail: ":                                {"lower user ou familyName", "mail parent"},
		"user:\n  attributes:\n    mail: lo":                              {"lower loginName", "upper"},
		"user:\n  attributes:\n    mail: lower(user.e":                    {"email emailVerified externalId", "username"},
		"user:\n  attributes:\n    mail: lower(ou.":                       {"name dn custom", "username email"},
		"user:\n  attributes:\n    mail: { ":                              {"value when authority", "mail"},
		"user:\n  attributes:\n    mail: { value: user.email, au":         {"authority", "value"},
		"user:\n  attributes:\n    mail: { authority: ":                   {"initial merge managed", "value"},
		"user:\n  attributes:\n    mail:\n      au":                       {"authority", "value"},
		"user:\n  dn: \"uid={user.u":                                      {"username updateTime", "email"},
		"user:\n  dn: \"u":                                                {"", "user upper"},
		"user:\n  scope: 'not (user.username startsWith \"s":              {"", "slug split"},
		"user:\n  match:\n    - { ":                                       {"attribute filter adopt", "match"},
		"user:\n  match:\n  - attribute: uid\n    va":                     {"value", "adopt"},
		"user:\n  match:\n    - { attribute: uid, adopt: ":                {"true false", "adopt"},
		"user:\n  lifecycle:\n    dis":                                    {"disable", "lock"},
		"user:\n  lifecycle:\n    disable: ":                              {"auto ignore", "disable"},
		"user:\n  password: { hash: ":                                     {"none ssha512 argon2id", "hash"},
		"tests:\n  - name: x\n    event: { ty":                            {"type", "user"},
		"tests:\n  - name: x\n    event: { type: user:c":                  {"user:create", "user:delete"},
		"tests:\n  - name: x\n    event: { type: user:create, user: { us": {"username", "email"},
		"# us":       {"", "user"},
		"user: # us": {"", "user"},
	} {
		source := written + typed
		lines := strings.Split(source, "\n")
		words, _ := mapping.Words(source, len(lines), len([]rune(lines[len(lines)-1]))+1)
		texts := []string{}
		for _, w := range words {
			texts = append(texts, w.Text)
			if w.Doc == "" {
				t.Errorf("%q: %s has no documentation", typed, w.Text)
			}
		}
		for _, text := range strings.Fields(want.has) {
			if !slices.Contains(texts, text) {
				t.Errorf("after %q there is no %s: %v", typed, text, texts)
			}
		}
		for _, text := range strings.Fields(want.not) {
			if slices.Contains(texts, text) {
				t.Errorf("after %q there is %s", typed, text)
			}
		}
	}
}

// The part of a word that stands there is what is replaced.
func TestWordsSayWhatIsReplaced(t *testing.T) {
	const typed = "user:\n  attributes:\n    cn: familyName(user.disp"
	words, n := mapping.Words(typed, 3, 29)
	if len(words) != 1 || words[0].Text != "displayName" || n != len("disp") {
		t.Errorf("%v, %d characters", words, n)
	}
	for _, at := range [][2]int{{0, 1}, {4, 1}, {1, 0}, {-1, -1}} {
		if words, _ := mapping.Words(typed, at[0], at[1]); words != nil {
			t.Errorf("outside, at %v, there is %v", at, words)
		}
	}
}

// Whatever somebody has typed, there is an answer.
func FuzzWords(f *testing.F) {
	f.Add(written, 5, 3)
	f.Add("user: { a: [ { b: \"{", 1, 20)
	f.Fuzz(func(_ *testing.T, source string, line, column int) { mapping.Words(source, line, column) })
}
