package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// Kind says what can be done about an operation that did not succeed.
type Kind int

// The kinds.
const (
	// KindRetry: a passing fault; the same may work later.
	KindRetry Kind = iota
	// KindUnavailable: the directory cannot be reached.
	KindUnavailable
	// KindConfiguration: our own credentials or connection settings are refused.
	KindConfiguration
	// KindAlreadySo: the directory says so already.
	KindAlreadySo
	// KindConflict: the entry is not as it was read; read and plan again.
	KindConflict
	// KindExists: another entry has the DN.
	KindExists
	// KindNotUnique: another entry has a value that the directory wants only once.
	KindNotUnique
	// KindMissingParent: the entry above is not there.
	KindMissingParent
	// KindNotEmpty: there are entries below.
	KindNotEmpty
	// KindRefused: the server will not do it as it is.
	KindRefused
	// KindPasswordRefused: the server's password policy says no.
	KindPasswordRefused
	// KindIncomplete: a search did not come to its end, by a limit of the server or because it was refused, so it tells nothing.
	KindIncomplete
	// KindUnseen: the base of the mapping is not to be seen, or is another entry than before, so nothing can be told of what is
	// not found.
	KindUnseen
	// KindReadOnly: no server of the directory takes writes at the moment.
	KindReadOnly
	// KindElsewhere: another server is used from now on; read and plan again.
	KindElsewhere
	// KindHiddenBelow: there are entries below that the bind account may not see.
	KindHiddenBelow
)

// OutcomeError is an operation that did not succeed.
type OutcomeError struct {
	Kind Kind
	// Code is the LDAP result code (RFC 4511 section 4.1.9), zero where the server did not answer.
	Code uint16
	// Verb and DN say what was tried.
	Verb string
	DN   plan.DN
	// Message is the server's own text, without secrets.
	Message string
	// InDoubt: the connection was lost while the operation was under way, so it may have happened.
	InDoubt bool
	// History: the password was refused because it was used before. MaybeInUse: it may be the one in use.
	History, MaybeInUse bool
	// Advice is what a person can do, where there is more to say than the code tells.
	Advice string
	Err    error
}

// Error names the step, the entry and the server's words.
func (e *OutcomeError) Error() string {
	text := e.Verb
	if !e.DN.Empty() {
		text += " " + e.DN.String()
	}
	return text + ": " + e.Reason()
}

// Reason returns the result code by name and the words of the server.
func (e *OutcomeError) Reason() string {
	if e.Code == 0 && e.Err != nil {
		return e.Err.Error()
	}
	name := ldap.LDAPResultCodeMap[e.Code]
	if e.Message != "" {
		return fmt.Sprintf("%s (%d): %s", name, e.Code, e.Message)
	}
	return fmt.Sprintf("%s (%d)", name, e.Code)
}

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Err }

// LacksRight reports whether the server says that the bind account may not do this.
func (e *OutcomeError) LacksRight() bool { return e.Code == ldap.LDAPResultInsufficientAccessRights }

// Explain says in the server's words what happened, and what a person can do.
func (e *OutcomeError) Explain() string {
	advice := e.Advice
	if advice == "" {
		advice = advices[e.Code]
	}
	if e.Kind == KindPasswordRefused {
		advice = "the password does not meet the directory's password policy"
		if e.History {
			advice = "the directory's password policy does not allow a password that was used before"
		}
	}
	if advice == "" {
		return e.Error()
	}
	return e.Error() + " — " + advice
}

// EmptiesGroup reports whether the server refused to take the last member from a group.
func (e *OutcomeError) EmptiesGroup() bool {
	return e.Verb == verbModify && e.Code == ldap.LDAPResultObjectClassViolation
}

// AboutValues reports whether the server refused values, of which another entry may have one that it wants once.
func (e *OutcomeError) AboutValues() bool {
	return e.Code == ldap.LDAPResultConstraintViolation || e.Code == ldap.LDAPResultEntryAlreadyExists
}

// IsNotThere reports whether the entry is not there that was to be changed.
func (e *OutcomeError) IsNotThere() bool { return e.Code == ldap.LDAPResultNoSuchObject }

// SaysItIsThere reports whether the server refused to add a value because it is there.
func (e *OutcomeError) SaysItIsThere() bool { return e.Code == ldap.LDAPResultAttributeOrValueExists }

// AboutOneTooMany reports whether the server may have refused a modification because of values that are there: the same, or one where
// only one may be, which servers say in three ways.
func (e *OutcomeError) AboutOneTooMany() bool {
	return e.Verb == "modify" &&
		(e.SaysItIsThere() || e.Code == ldap.LDAPResultConstraintViolation || e.Code == ldap.LDAPResultObjectClassViolation)
}

// RefusesPassword reports whether a password cannot be set as things are: it is against the policy, or the server or the
// connection is not made for it. The directory as a whole is well.
func (e *OutcomeError) RefusesPassword() bool {
	return e.Verb == verbPassword && (e.Kind == KindPasswordRefused || e.Kind == KindRefused || e.Kind == KindConfiguration)
}

// advices say what a result code usually means for somebody who feeds a directory.
var advices = map[uint16]string{
	ldap.LDAPResultConstraintViolation:       "a value is against a rule of the directory: uniqueness, length or pattern",
	ldap.LDAPResultUndefinedAttributeType:    "the directory's schema does not know an attribute that the mapping writes",
	ldap.LDAPResultInvalidAttributeSyntax:    "a value does not have the form that its attribute asks for",
	ldap.LDAPResultObjectClassViolation:      "the object classes of the mapping do not allow an attribute, or ask for one that is missing",
	ldap.LDAPResultNamingViolation:           "the directory does not allow an entry of this kind to be named or placed like this",
	ldap.LDAPResultInsufficientAccessRights:  "the bind account may not do this; give it the right in the directory",
	ldap.LDAPResultUnwillingToPerform:        "the server will not do this; it may be read-only, or want an encrypted connection",
	ldap.LDAPResultInvalidDNSyntax:           "the server does not accept this DN",
	ldap.LDAPResultReferral:                  "the server refers to another one, which is not followed; name the writable server in directories[].urls",
	ldap.LDAPResultNotAllowedOnRDN:           "a value that names the entry cannot be changed like this",
	ldap.LDAPResultObjectClassModsProhibited: "the directory does not allow the object classes of an entry to be changed like this",
	ldap.LDAPResultInvalidCredentials:        "check bind_dn and the bind password",
	ldap.LDAPResultStrongAuthRequired:        "the server wants an encrypted connection; use ldaps:// or start_tls",
	ldap.LDAPResultConfidentialityRequired:   "the server wants an encrypted connection; use ldaps:// or start_tls",
	ldap.LDAPResultSizeLimitExceeded:         "the server hands out only a part of the entries; lift its size limit for the bind account, also that on paged results",
	ldap.LDAPResultTimeLimitExceeded:         "the server gives up too early; lift its time limit for the bind account, or index the attributes that are searched for",
	ldap.LDAPResultAdminLimitExceeded:        "the server does not look at so many entries; lift its limits for the bind account, or index the attributes that are searched for",
}

// AmbiguousError says that a match rule found several entries.
type AmbiguousError struct {
	Filter string
	Found  []plan.DN
}

// Error names the entries.
func (e *AmbiguousError) Error() string {
	names := make([]string, len(e.Found))
	for i, dn := range e.Found {
		names[i] = dn.String()
	}
	return fmt.Sprintf("several entries match %s: %s", e.Filter, strings.Join(names, " and "))
}

// outcome turns an error of the LDAP library into an OutcomeError. Words of the server that repeat a secret are left out.
func outcome(verb string, dn plan.DN, err error, hide secret.Text) error {
	if err == nil {
		return nil
	}
	var known *OutcomeError
	if errors.As(err, &known) {
		return err
	}
	out := &OutcomeError{Verb: verb, DN: dn, Err: err}
	var answered *ldap.Error
	if errors.As(err, &answered) && answered.ResultCode < ldap.ErrorNetwork {
		out.Code = answered.ResultCode
		out.Err = nil
		if answered.Err != nil {
			out.Message = strings.TrimSpace(answered.Err.Error())
		}
		if hide.In(out.Message) {
			out.Message = "(the server's message repeats the password and is not shown)"
		}
		out.Kind = classify(verb, out.Code)
		if out.Kind == KindRefused && out.Code == ldap.LDAPResultConstraintViolation && isAboutUniqueness(out.Message) {
			out.Kind = KindNotUnique
		}
		if verb != verbRead && verb != VerbBind && saysReadOnly(out.Code, out.Message) {
			out.Kind = KindReadOnly
			out.Message = strings.TrimSpace(out.Message + " " + strings.Join(referrals(answered), " "))
		}
		if out.Kind == KindPasswordRefused && out.Code == ldap.LDAPResultUnwillingToPerform && !isAboutPolicy(answered, out.Message) {
			out.Kind = KindRefused
		}
		if out.Kind == KindPasswordRefused {
			out.explainPolicy(policyError(answered))
		}
		return out
	}
	out.Kind = KindRetry
	out.InDoubt = verb != verbRead && !errors.Is(err, context.Canceled)
	if hide.In(err.Error()) {
		out.Err = errors.New("the connection was lost")
	}
	return out
}

// ForGood reports whether the server has answered what another try would be answered as well. A server that has lost track of an
// entry does so with an operations error.
func (e *OutcomeError) ForGood() bool {
	switch e.Kind {
	case KindAlreadySo, KindConflict, KindExists, KindNotUnique, KindMissingParent, KindNotEmpty, KindRefused:
		return !e.InDoubt
	}
	return e.Kind == KindRetry && e.Code == ldap.LDAPResultOperationsError
}

// passwordInHistory is how the password policy control says that a password was used before, or is in use.
const passwordInHistory = 8

// explainPolicy adds what the password policy control says. Some servers say nothing else, and none says in words that can be
// relied on whether a password was used before.
func (e *OutcomeError) explainPolicy(code int8) {
	e.History = code == passwordInHistory || strings.Contains(strings.ToLower(e.Message), "history")
	if words := ldap.BeheraPasswordPolicyErrorMap[code]; words != "" && words != e.Message {
		e.Message = strings.TrimPrefix(e.Message+": "+words, ": ")
	}
}

// isAboutPolicy recognises that a password was refused because of what it is: by the control for password policies, and
// Active Directory by ERROR_PASSWORD_RESTRICTION. Otherwise it is the server that does not do it.
func isAboutPolicy(answered *ldap.Error, message string) bool {
	return policyError(answered) >= 0 || strings.Contains(message, "0000052D") || strings.Contains(strings.ToLower(message), "password policy")
}

// referrals returns the URLs that go with a result (RFC 4511 section 4.1.10), which the library leaves out.
func referrals(answered *ldap.Error) []string {
	if answered.Packet == nil || len(answered.Packet.Children) < 2 {
		return nil
	}
	var out []string
	for _, part := range answered.Packet.Children[1].Children {
		if part.ClassType != ber.ClassContext || part.Tag != tagReferral {
			continue
		}
		for _, url := range part.Children {
			out = append(out, url.Data.String())
		}
	}
	return out
}

// tagReferral is that of the referral in a result.
const tagReferral = 3

// isAboutUniqueness recognises how servers say that a value is taken: OpenLDAP's unique overlay, the attribute uniqueness
// plug-in of 389, and Active Directory.
func isAboutUniqueness(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "non-unique") || strings.Contains(message, "uniqueness") ||
		strings.Contains(message, "already in use") || strings.Contains(message, "same attribute value")
}

// Verbs of steps that are no operation of a plan.
const (
	verbRead     = "search"
	verbModify   = "modify"
	VerbBind     = "bind"
	verbPassword = "password"
)

// classify sorts result codes into kinds, by what was tried.
func classify(verb string, code uint16) Kind {
	if verb == verbRead {
		switch code {
		case ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded,
			ldap.LDAPResultReferral, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultUnwillingToPerform:
			return KindIncomplete
		}
	}
	switch code {
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultAdminLimitExceeded,
		ldap.LDAPResultOther, ldap.LDAPResultOperationsError, ldap.LDAPResultServerDown, ldap.LDAPResultTimeout:
		return KindRetry
	case ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultInvalidCredentials:
		return KindConfiguration
	case ldap.LDAPResultEntryAlreadyExists:
		if verb == verbModify {
			return KindAlreadySo
		}
		return KindExists
	case ldap.LDAPResultNoSuchObject:
		if verb == "add" {
			return KindMissingParent
		}
		return KindConflict
	case ldap.LDAPResultAttributeOrValueExists, ldap.LDAPResultNoSuchAttribute:
		return KindConflict
	case ldap.LDAPResultNotAllowedOnNonLeaf:
		return KindNotEmpty
	}
	if verb == verbPassword && (code == ldap.LDAPResultConstraintViolation || code == ldap.LDAPResultUnwillingToPerform) {
		return KindPasswordRefused
	}
	return KindRefused
}

// CodeName returns the name of a result code, for metrics: success, noSuchObject and so on, or network where the server
// did not answer.
func CodeName(code uint16) string {
	if code >= ldap.ErrorNetwork {
		return "network"
	}
	name := ldap.LDAPResultCodeMap[code]
	if name == "" {
		return "other"
	}
	return strings.ReplaceAll(strings.ToLower(name), " ", "_")
}
