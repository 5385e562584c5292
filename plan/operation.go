package plan

import "idaas-ldap/internal/secret"

// Operation is one LDAP write: [Add], [Modify], [ModifyDN], [Delete] or [SetPassword].
type Operation interface {
	// Target returns the DN of the entry that the operation is about, as it is before the operation.
	Target() DN
	// Verb returns the operation's name for messages and metrics: add, modify, modrdn, delete or password.
	Verb() string
}

// Add makes an entry (RFC 4511 section 4.7).
type Add struct {
	DN         DN
	Attributes []Attribute
}

// ModificationType is the kind of one modification of an entry.
type ModificationType string

// The kinds (RFC 4511 section 4.6).
const (
	AddValues     ModificationType = "add"
	DeleteValues  ModificationType = "delete"
	ReplaceValues ModificationType = "replace"
)

// Modification is one modification of an entry. Replace with no values removes the attribute, and is no error where
// there is none.
type Modification struct {
	Type   ModificationType
	Name   string
	Values []string
}

// Modify changes attributes of an entry (RFC 4511 section 4.6).
type Modify struct {
	DN            DN
	Modifications []Modification
}

// ModifyDN renames an entry, moves it with everything below it, or both (RFC 4511 section 4.9).
type ModifyDN struct {
	DN     DN
	NewRDN RDN
	// NewSuperior is the entry to move below; empty to stay below the same one.
	NewSuperior DN
	// DeleteOldRDN removes the values of the old name from the entry.
	DeleteOldRDN bool
}

// NewDN returns the DN that the entry has afterwards.
func (m ModifyDN) NewDN() DN {
	superior := m.NewSuperior
	if superior.Empty() {
		superior = m.DN.Parent()
	}
	return superior.Child(m.NewRDN)
}

// Delete removes an entry (RFC 4511 section 4.8), with Subtree everything below it as well, from the leaves up.
type Delete struct {
	DN      DN
	Subtree bool
}

// SetPassword sets the password of an entry: by RFC 3062, unicodePwd or userPassword, as the server and Hash say.
type SetPassword struct {
	DN         DN
	Password   secret.Text
	Hash       HashMethod
	MustChange bool
}

// Target returns the DN of the new entry.
func (o Add) Target() DN { return o.DN }

// Target returns the DN of the entry.
func (o Modify) Target() DN { return o.DN }

// Target returns the DN before the change.
func (o ModifyDN) Target() DN { return o.DN }

// Target returns the DN of the entry.
func (o Delete) Target() DN { return o.DN }

// Target returns the DN of the entry.
func (o SetPassword) Target() DN { return o.DN }

// Verb returns "add".
func (o Add) Verb() string { return "add" }

// Verb returns "modify".
func (o Modify) Verb() string { return "modify" }

// Verb returns "modrdn".
func (o ModifyDN) Verb() string { return "modrdn" }

// Verb returns "delete".
func (o Delete) Verb() string { return "delete" }

// Verb returns "password".
func (o SetPassword) Verb() string { return "password" }

// Plan is the operations that lead from what an entry is to what it should be. An empty plan means that the directory
// says so already.
type Plan struct {
	Operations []Operation
	// DN is where the entry is afterwards; empty if there is none then.
	DN DN
}

// Empty reports whether nothing is to be written.
func (p Plan) Empty() bool { return len(p.Operations) == 0 }
