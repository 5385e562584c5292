package event

import "idaas-ldap/internal/secret"

// Change is one event in the vocabulary of this package.
type Change struct {
	// ID is the eventId: the key under which a repeat is recognised.
	ID string
	// Type is the event type without its prefix.
	Type Type
	// Object is what the event is about. It is zero for the connection test, for types that are not known and where the
	// payload names no object.
	Object Ref
	// Others are further objects that the event asks to look at, where it says nothing about any.
	Others []Ref
	// Stamp places the event in time. Its Event is zero where the event does not say when it happened.
	Stamp Stamp
	// Fields are the fields that the event carries, by their canonical names (see [Fields]). The password is not among
	// them.
	Fields Values
	// Members are the words of a group event about who belongs to the group.
	Members []Member
	// Password is the clear text password that the event carries, if any.
	Password secret.Text
	// Unread names what could not be read, and why, for the log. It counts as not said.
	Unread []string
	// Trace is what the caller who brought the event says of its trace (traceparent of Trace Context, W3C); empty where that is not known.
	Trace string
	// Problem says why the event can never work, for a person. It is empty for a well-formed event.
	Problem string
}

// Member is one word about one membership.
type Member struct {
	User    string `json:"user"`
	Present bool   `json:"present"`
}
