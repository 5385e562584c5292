package plan

import "idaas-ldap/event"

// Record is what is remembered of the entry of an object between two writes.
type Record struct {
	// Link is the stable id of the entry at the last write, empty if it has none or there is no entry.
	Link string
	// DN is where the entry was then; empty if there is none.
	DN DN
	// Owned are the values that we added to attributes with authority merge, by attribute name in lower case.
	Owned map[string][]string
	// Refused are the values that the server has refused, by attribute name in lower case. They are not tried again until
	// the mapping wants others, or a person asks for another try.
	Refused map[string]Refusal
	// Member is the value by which groups name the user, where that is another one than the DN, and MemberRule the text of the rule
	// that gave it; empty where it is not known.
	Member, MemberRule string
	// RemovedAt is since when the entry of an object that is gone is kept, disabled or among the leavers; zero if it is not.
	RemovedAt event.Millis
}

// Refusal is an attribute that the server would not take as the mapping wants it.
type Refusal struct {
	// Digest stands for the wanted values, which may be long.
	Digest string `json:"d"`
	// Reason is what the server said.
	Reason string `json:"r"`
}

// FormerName is a value by which a group may still name a member who is called otherwise by now, or is gone.
type FormerName struct {
	Member event.Ref
	Value  string
}
