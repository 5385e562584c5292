package connector

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// The names of server flavours, as in the configuration.
const (
	OpenLDAP        = "openldap"
	ActiveDirectory = "active-directory"
	DS389           = "389ds"
	Generic         = "generic"
)

// Flavour is what differs between kinds of server beyond what the RFCs say. Its methods are pure.
type Flavour interface {
	// Name is the flavour's name in the configuration.
	Name() string
	// LinkAttribute is the attribute with the stable id of an entry, empty if there is none.
	LinkAttribute() string
	// UniqueAttributes are those, beside the name of an entry, of whose values the server allows each one once, or is
	// usually told to.
	UniqueAttributes() []UniqueAttribute
	// Fills are the attributes that object classes demand and that the server gives a new entry itself.
	Fills() []string
	// Rights is how the server can be asked, without writing, whether an entry may be added.
	Rights() RightsMeans
	// StatusAttributes are those that Status looks at.
	StatusAttributes() []string
	// Status says what an entry, nil for a new one, has to hold so that its user may log in or not.
	Status(want plan.Account, current *plan.Entry, now event.Millis) (Status, error)
	// OwnLock is what an entry holds while the server itself has locked it after wrong passwords.
	OwnLock(now event.Millis) []plan.Attribute
	// ValuesAtOnce is how many values of an attribute the server hands out at a time, by ranges (MS-ADTS section
	// 3.1.1.3.1.3.3); zero for all of them.
	ValuesAtOnce() int
	// Renames takes a rename apart into those that the server can make one after the other; nearly always it is the one.
	// Where one of them keeps the old name, which was to go, its values are removed after it.
	Renames(op plan.ModifyDN) []plan.ModifyDN
	// LeavesBehind: an entry may keep its former DN when one above it is renamed, as a fault of the server.
	LeavesBehind() bool
	// Settings are those of the server on which it depends whether it keeps in order what we write.
	Settings() []Setting
	// Grant is the line that gives somebody a right on the server.
	Grant(w Want) string
	// AddedClasses are those among the object classes of a mapping that can be added to an entry which others have made.
	AddedClasses(schema *plan.Schema, classes []string) []string
	// Password says how the server sets a password.
	Password(op plan.SetPassword) PasswordMeans
	// Folding is how the server prepares text before it compares it.
	Folding() plan.Folding
	// Interpret corrects the kind of a refusal whose code means something else on this server than on others, and adds to
	// its message what people need to know.
	Interpret(refused *OutcomeError)
}

// Setting is an attribute in the configuration of a server and the value that it should have.
type Setting struct {
	DN               plan.DN
	Attribute, Value string
	// Reason is what happens with another value, and what to do.
	Reason string
}

// UniqueAttribute is an attribute of whose values each may be there only once.
type UniqueAttribute struct {
	Name string
	// AnyText: a temporary name can stand in it. Another attribute goes while its entry makes room.
	AnyText bool
}

// uniqueNames are what overlays and plug-ins for uniqueness are usually set up for.
var uniqueNames = []UniqueAttribute{{Name: "uid", AnyText: true}, {Name: "mail"}}

// Status is what an entry has to hold so that its user may log in or not, in the terms of one server.
type Status struct {
	Rules []plan.Rule
	// Lacking names what is wanted and the server has no means for: disable, lock or expire.
	Lacking []string
	// AfterPassword: setting a password changes what the entry has to hold, so it is looked at again after that.
	AfterPassword bool
	// Note tells people what the rules leave open; empty if there is nothing to tell.
	Note string
}

// barredInEveryWay is the status that takes all means that a server can have.
var barredInEveryWay = plan.Account{
	Disable: plan.Means{Auto: true}, Lock: plan.Means{Auto: true}, Expire: plan.Means{Auto: true},
	State: event.Account{Disabled: true, LockedUntil: event.LockedForever, ExpiresAt: 1, StatusSeen: true, LockSeen: true, ExpirySeen: true},
}

// Problem says what the server has no means for and what can be done about it; empty where it has all that it needs.
func (s Status) Problem() string {
	if len(s.Lacking) == 0 {
		return ""
	}
	text := "the directory has no means to " + strings.Join(s.Lacking, " or ") + " an account"
	if s.Note == "" {
		return text + "; name attributes for it under user.lifecycle in the mapping"
	}
	return text + ": " + s.Note + ", or name attributes for it under user.lifecycle in the mapping"
}

// PasswordMeans is how a server sets a password.
type PasswordMeans struct {
	// Modify holds the changes of a modify that sets it; empty where the password modify operation (RFC 3062) does.
	Modify []ldap.Change
	// After is modified in the entry once the password is set.
	After []plan.Modification
	// Secure: the server takes passwords only over TLS.
	Secure bool
}

// wanted is a wanted login status taken apart: what the server's own means have to express, and what the mapping wrote out.
type wanted struct {
	// disabled, locked and expired are to be expressed by the server's own means.
	disabled, locked, expired bool
	// expiresAt is when the account expires, zero for never.
	expiresAt event.Millis
	// barringSaid: something was said about being disabled or locked; expirySaid: about expiring. What nothing was said
	// about is left alone.
	barringSaid, expirySaid bool
	// rules are those that the mapping wrote out.
	rules []plan.Rule
	// account is what was taken apart.
	account plan.Account
}

// wantedOf takes a wanted account apart.
func wantedOf(want plan.Account, now event.Millis) wanted {
	state := want.State
	w := wanted{rules: want.Rules(now), account: want}
	if want.Disable.Auto && state.StatusSeen {
		w.barringSaid, w.disabled = true, state.Disabled
	}
	if want.Lock.Auto && state.LockSeen {
		w.barringSaid, w.locked = true, state.Locked(now)
	}
	if want.Expire.Auto && state.ExpirySeen {
		w.expirySaid, w.expiresAt, w.expired = true, state.ExpiresAt, state.Expired(now)
	}
	return w
}

// barred reports whether the server itself has to keep the user out.
func (w wanted) barred() bool { return w.disabled || w.locked }

// lacking names the parts that a server without any means of its own cannot express, and that nothing else does.
func (w wanted) lacking() []string {
	var out []string
	if w.disabled && !w.account.Disable.IfAny {
		out = append(out, "disable")
	}
	if w.locked && !w.account.Lock.IfAny {
		out = append(out, "lock")
	}
	if w.expired && !w.account.Expire.IfAny {
		out = append(out, "expire")
	}
	return out
}

// standard is how a server behaves that follows the RFCs and nothing else.
type standard struct{}

func (standard) UniqueAttributes() []UniqueAttribute { return nil }

func (standard) Fills() []string { return nil }

func (standard) Rights() RightsMeans { return RightsUntold }

func (standard) StatusAttributes() []string { return nil }

func (standard) Status(want plan.Account, _ *plan.Entry, now event.Millis) (Status, error) {
	w := wantedOf(want, now)
	return Status{Rules: w.rules, Lacking: w.lacking()}, nil
}

func (standard) OwnLock(event.Millis) []plan.Attribute { return nil }

func (standard) ValuesAtOnce() int { return 0 }

func (standard) Renames(op plan.ModifyDN) []plan.ModifyDN { return []plan.ModifyDN{op} }

func (standard) LeavesBehind() bool { return false }

func (standard) Settings() []Setting { return nil }

// AddedClasses are all but the structural one, which an entry keeps (RFC 4512 section 2.4.2).
func (standard) AddedClasses(schema *plan.Schema, classes []string) []string {
	structural := schema.Structural(classes)
	return slices.DeleteFunc(slices.Clone(classes), func(c string) bool { return strings.EqualFold(c, structural) })
}

func (standard) Password(plan.SetPassword) PasswordMeans { return PasswordMeans{} }

func (standard) Folding() plan.Folding { return plan.StandardFolding() }

func (standard) Interpret(*OutcomeError) {}

// value returns the first value of an attribute, empty where there is no entry.
func value(e *plan.Entry, name string) string {
	if e == nil {
		return ""
	}
	return e.Value(name)
}
