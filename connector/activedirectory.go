package connector

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// activeDirectory is Active Directory, and Samba as its domain controller. It keeps users out by a bit of
// userAccountControl; it cannot be told to lock an account, so a lock is expressed by the same bit.
type activeDirectory struct{}

// Bits of userAccountControl (MS-ADTS section 2.2.16).
const (
	uacDisabled = 0x2
	uacNormal   = 0x200
)

// neverExpires is the value of accountExpires for an account that does not expire; zero means the same.
const neverExpires = "9223372036854775807"

func (activeDirectory) Name() string { return ActiveDirectory }

func (activeDirectory) LinkAttribute() string { return objectGUID }

func (activeDirectory) UniqueAttributes() []UniqueAttribute {
	return []UniqueAttribute{{Name: "sAMAccountName", AnyText: true}, {Name: "userPrincipalName", AnyText: true}}
}

// Fills are the system attributes, and the name for older programs, which is made up where none is given (MS-ADTS section
// 3.1.1.5.2.4 and MS-SAMR section 3.1.1.8.4).
func (activeDirectory) Fills() []string {
	return []string{"nTSecurityDescriptor", "instanceType", "objectCategory", "objectSid", "sAMAccountName", "groupType"}
}

func (activeDirectory) Rights() RightsMeans { return RightsByChildClasses }

func (activeDirectory) StatusAttributes() []string {
	return []string{"userAccountControl", "accountExpires", "lockoutTime", "pwdLastSet"}
}

func (activeDirectory) Status(want plan.Account, current *plan.Entry, now event.Millis) (Status, error) {
	w := wantedOf(want, now)
	s := Status{Rules: w.rules}
	if w.expirySaid {
		expires := neverExpires
		if w.expiresAt > 0 {
			expires = fileTime(w.expiresAt)
		}
		if expires != neverExpires || isSet(value(current, "accountExpires")) {
			s.Rules = append(s.Rules, plan.Rule{Attribute: "accountExpires", Values: []string{expires}})
		}
	}
	if want.Unlock && isSet(value(current, "lockoutTime")) {
		s.Rules = append(s.Rules, plan.Rule{Attribute: "lockoutTime", Values: []string{"0"}})
	}
	bits, err := accountControl(current)
	if err != nil {
		return Status{}, err
	}
	off := bits&uacDisabled != 0
	switch {
	case w.barred():
		bits |= uacDisabled
	case !w.barringSaid && current != nil && !want.HasPassword:
		s.AfterPassword = off && !isSet(current.Value("pwdLastSet"))
		return s, nil
	case !off:
	case want.HasPassword || isSet(value(current, "pwdLastSet")):
		bits &^= uacDisabled
	default:
		// Active Directory switches no account on without a password; Samba would, and let it be without one.
		s.AfterPassword = true
		s.Note = "the account stays disabled until it has a password"
	}
	s.Rules = append(s.Rules, plan.Rule{Attribute: "userAccountControl", Values: []string{strconv.FormatInt(bits, 10)}})
	return s, nil
}

func (activeDirectory) OwnLock(now event.Millis) []plan.Attribute {
	return []plan.Attribute{{Name: "lockoutTime", Values: []string{fileTime(now)}}}
}

// ValuesAtOnce is the least that any version has as its limit (MaxValRange).
func (activeDirectory) ValuesAtOnce() int { return 1000 }

func (activeDirectory) Renames(op plan.ModifyDN) []plan.ModifyDN { return []plan.ModifyDN{op} }

func (activeDirectory) LeavesBehind() bool { return false }

func (activeDirectory) Settings() []Setting { return nil }

// AddedClasses are the auxiliary ones: an entry shows all superiors of its structural class, and keeps that one (MS-ADTS section 3.1.1.5.3.5).
func (activeDirectory) AddedClasses(schema *plan.Schema, classes []string) []string {
	return slices.DeleteFunc(slices.Clone(classes), func(name string) bool {
		class, known := schema.ObjectClass(name)
		return !known || class.Kind != "AUXILIARY"
	})
}

// accountControl returns the bits of userAccountControl; a new account begins disabled.
func accountControl(current *plan.Entry) (int64, error) {
	if current == nil {
		return uacNormal | uacDisabled, nil
	}
	has := current.Value("userAccountControl")
	if has == "" {
		return 0, fmt.Errorf("%s has no userAccountControl: it is no account, or the bind account may not read the attribute", current.DN)
	}
	bits, err := strconv.ParseInt(has, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("userAccountControl of %s is %q, which is no number", current.DN, has)
	}
	return bits, nil
}

// isSet reports whether a moment says anything: zero, and for accountExpires the largest number, do not.
func isSet(moment string) bool { return moment != "" && moment != "0" && moment != neverExpires }

// fileTime writes a moment as 100 ns steps since 1601. What does not fit into 64 bits is never.
func fileTime(at event.Millis) string {
	const from1601To1970 = 11644473600000
	if at > math.MaxInt64/10_000-from1601To1970 {
		return neverExpires
	}
	return strconv.FormatInt((int64(at)+from1601To1970)*10_000, 10)
}

// Password writes unicodePwd, and pwdLastSet 0 where the user has to change it (MS-ADTS section 3.1.1.3.1.5).
func (activeDirectory) Password(op plan.SetPassword) PasswordMeans {
	replace := func(name, value string) ldap.Change {
		return ldap.Change{Operation: ldap.ReplaceAttribute, Modification: ldap.PartialAttribute{Type: name, Vals: []string{value}}}
	}
	means := PasswordMeans{Secure: true, Modify: []ldap.Change{replace("unicodePwd", unicodePassword(op.Password))}}
	if op.MustChange {
		means.Modify = append(means.Modify, replace("pwdLastSet", "0"))
	}
	return means
}

// unicodePassword writes a password as Active Directory takes it: in quotes, as UTF-16 little endian.
func unicodePassword(p secret.Text) string {
	units := utf16.Encode([]rune(`"` + p.Reveal() + `"`))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

// Interpret looks at the Windows error code at the beginning of the message, as result codes of Active Directory tell
// little.
func (activeDirectory) Interpret(refused *OutcomeError) {
	code, _, _ := strings.Cut(refused.Message, ":")
	switch {
	case code == "00000561", refused.Verb == "modify" && strings.Contains(refused.Message, "doesn't exist for target"):
		refused.Kind = KindConflict // ERROR_MEMBER_NOT_IN_ALIAS: the value to be removed is not there
	case refused.Verb == "modify" && strings.Contains(refused.Message, "Unable to find GUID for DN"):
		refused.Kind = KindConflict // so Samba says that there is no entry of the name of the value any more
	case code == "00000524", code == "00000526", code == "000021C8",
		refused.Code == ldap.LDAPResultEntryAlreadyExists && strings.Contains(strings.ToLower(refused.Message), "samaccountname"):
		refused.Kind = KindNotUnique // the name of a user or group, or a userPrincipalName, is taken
	case refused.Code == ldap.LDAPResultNoSuchAttribute && (refused.Verb == "add" || code == "00000057" || strings.Contains(refused.Message, "schema")):
		refused.Kind = KindRefused // the same code says that an entry has no such value, which would be a conflict
		refused.Message += " (the schema does not know an attribute or an object class that the mapping writes)"
	case code == "0000052D" && refused.Verb == "modify":
		refused.Message += " (an account without a password that the rules of the domain allow cannot be enabled)"
	case refused.Kind == KindIncomplete && cutByLimit(refused.Code):
		refused.Advice = "raise MaxPageSize, MaxResultSetSize, MaxTempTableSize or MaxQueryDuration in the query policy of the domain (ntdsutil, LDAP policies), " +
			"or index what is searched for"
	}
}
