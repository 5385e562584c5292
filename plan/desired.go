package plan

import (
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// Authority says what of an attribute is ours.
type Authority int

// The authorities.
const (
	// Managed: the directory is made to hold exactly the wanted values.
	Managed Authority = iota
	// Initial: the values are written when the entry is made, or where they are absent when it is given an object class, and
	// never again.
	Initial
	// Merge: the wanted values are added, and of those that we added before the ones no longer wanted are removed.
	// What others put there stays.
	Merge
)

// Rule says what one attribute should hold.
type Rule struct {
	Attribute string
	// Values are the wanted values; with none, the attribute is to be absent.
	Values    []string
	Authority Authority
	// Owned are, for Merge, the values that we added before.
	Owned []string
	// ByDeletion: where the attribute is to be absent, the values that are there are deleted one by one. The usual replacement
	// by nothing is never refused, but a server may do more when it is told to delete.
	ByDeletion bool
}

// Match is one way of finding an entry that is not linked yet.
type Match struct {
	// Filter is a search filter (RFC 4515) whose inserted values are escaped.
	Filter string
	// Adopt: an entry found this way may be taken over although it was not made by us.
	Adopt bool
	// ByID: the filter asks for the object's id in IDaaS, so an entry found this way was written for the object before. One that
	// a rule with neither finds belongs to somebody else.
	ByID bool
}

// Key says how to find the entry of an object.
type Key struct {
	// Link is the stable id of the entry at the last write; it is tried first. May be empty.
	Link string
	// Base is where to search. With Only, it is the one entry that may be found.
	Base DN
	Only bool
	// Match is tried in order where the link finds nothing: the first with one hit wins.
	Match []Match
	// Attributes are those to read.
	Attributes []string
}

// Desired is what a mapping wants an object's entry to be.
type Desired struct {
	Object event.Ref
	// DN is where the entry should be. It is empty where the mapping cannot tell because a field was never seen; then
	// an entry that exists stays where it is and none is made.
	DN DN
	// Base is the subtree outside of which nothing is written.
	Base DN
	// Match finds the entry.
	Match []Match
	// ObjectClasses are added where missing and never removed.
	ObjectClasses []string
	// Rules has one entry for each attribute that the mapping speaks about now; others are not touched.
	Rules []Rule
	// Account says whether the user may log in; nil where the mapping leaves the status alone.
	Account *Account
	// Password is to be written; nil if there is none.
	Password *Password
	// Members are changes to the membership of a group; nil if there are none.
	Members *Members
	// Removal says what to do with the entry of an object that is gone; nil while it exists.
	Removal *Removal
}

// Account is the wanted login status of a user, before a server's own means are chosen.
type Account struct {
	// Disable, Lock and Expire say how: by the directory's own means, by attribute values, by moving, or not at all.
	Disable, Lock, Expire Means
	State                 event.Account
	// Unlock: an unlock was asked for just now, so a lock that the server has set itself goes as well.
	Unlock bool
	// HasPassword: the entry has a password that was set by us.
	HasPassword bool
}

// Means says how a status is expressed.
type Means struct {
	// Auto: by the server's own means. Otherwise the rules apply; with neither, the status is left alone.
	Auto bool
	// IfAny: it is no fault where the server has no means of its own, as the place is one.
	IfAny bool
	// On and Off are the rules that hold while the status does and does not apply.
	On, Off []Rule
	// MoveTo is the DN of the entry under which the user is kept while the status applies; empty for none.
	MoveTo DN
}

// HashMethod says in which form a password goes to the server.
type HashMethod string

// The forms; the names of hashes are those of the mapping file.
const (
	// HashNone: the server is asked to set the password and hashes it (RFC 3062, or unicodePwd on Active Directory).
	HashNone      HashMethod = "none"
	HashCleartext HashMethod = "cleartext"
	HashSSHA      HashMethod = "ssha"
	HashSSHA256   HashMethod = "ssha256"
	HashSSHA512   HashMethod = "ssha512"
	HashArgon2id  HashMethod = "argon2id"
	HashPBKDF2    HashMethod = "pbkdf2-sha512"
)

// Password is a password to be set.
type Password struct {
	Text secret.Text
	Hash HashMethod
	// MustChange asks the server to demand a new one at the next login, where it can.
	MustChange bool
}

// Members are wanted changes to a group's membership.
type Members struct {
	// Attribute is member, uniqueMember, memberUid or the like.
	Attribute string
	// Placeholder is the value that stands in an otherwise empty group whose object class demands a member; empty for
	// none.
	Placeholder string
	// Values has one entry for each membership that is spoken about; all others stay.
	Values []MemberValue
	// Others: the group has members that Values does not speak about, apart from the placeholder.
	Others bool
}

// MemberValue is one wanted change of membership.
type MemberValue struct {
	Value   string
	Present bool
}

// RemovalAction says what becomes of the entry of an object that is gone.
type RemovalAction string

// The actions.
const (
	RemoveDelete       RemovalAction = "delete"        // delete the entry; there must be none below it
	RemoveDisable      RemovalAction = "disable"       // keep it, disabled
	RemoveMove         RemovalAction = "move"          // disable it and move it below MoveTo
	RemoveKeep         RemovalAction = "keep"          // leave it alone
	RemoveMoveChildren RemovalAction = "move_children" // move the entries below it to the entry above, then delete it
	RemoveSubtree      RemovalAction = "subtree"       // delete it with everything below
)

// Removal says what to do with the entry of an object that is gone.
type Removal struct {
	Action RemovalAction
	// MoveTo is the DN of the entry under which it is kept, for RemoveMove.
	MoveTo DN
	// Rename is the name that the entry gets below MoveTo where its own is taken there; empty where none can be told.
	Rename RDN
	// PurgeAfter is how long an entry that was moved is kept before it is deleted; zero for ever.
	PurgeAfter time.Duration
	// FailNotEmpty: an entry that has others below it is a failure at once instead of something to wait for.
	FailNotEmpty bool
	// Subtree: when the entry is deleted at last, so is what is below it.
	Subtree bool
}

// Purge returns the removal that deletes an entry which was kept for long enough.
func (r Removal) Purge() Removal {
	action := RemoveDelete
	if r.Subtree {
		action = RemoveSubtree
	}
	return Removal{Action: action, FailNotEmpty: r.FailNotEmpty, Subtree: r.Subtree}
}
