package event

// State says how far an event has come.
type State string

// The states. Pending, waiting and held events are still ours to work on; the others are settled.
const (
	// Pending: accepted, to be worked on as soon as there is room.
	Pending State = "pending"
	// Waiting: tried, and parked until something else changes or a pause has passed.
	Waiting State = "waiting"
	// Held: stopped by a guard or a conflict until a person decides.
	Held State = "held"
	// Done: the directory says what the event says.
	Done State = "done"
	// Skipped: deliberately not applied.
	Skipped State = "skipped"
	// Failed: can never work as it is; set aside with its reason.
	Failed State = "failed"
	// Discarded: set aside by a person.
	Discarded State = "discarded"
)

// Settled reports whether nothing more happens by itself.
func (s State) Settled() bool {
	switch s {
	case Done, Skipped, Failed, Discarded:
		return true
	default:
		return false
	}
}

// Code is the stable, machine-readable reason of an outcome: the eventCode of the answer to IDaaS.
type Code string

// Codes of events that are done.
const (
	CodeApplied   Code = "APPLIED"   // written
	CodeUnchanged Code = "UNCHANGED" // the directory said so already; nothing was written
	CodeAccepted  Code = "ACCEPTED"  // stored and still to be applied; the message says what it waits for
	CodeTestOK    Code = "TEST_OK"   // the connection test found nothing wrong
)

// Codes of events that are skipped.
const (
	CodeOutOfScope  Code = "OUT_OF_SCOPE" // the mapping's scope leaves the object out
	CodeSwitchedOff Code = "SWITCHED_OFF" // the mapping or the configuration does not handle this
	CodeStale       Code = "STALE"        // older than what is applied
	CodeSuperseded  Code = "SUPERSEDED"   // overtaken by a newer event before it was applied
	CodeUnknownType Code = "UNKNOWN_TYPE" // a type that this version does not know
	CodeNoObject    Code = "NO_OBJECT"    // the payload names nothing that could be looked at
	// CodeOtherInstance: the object belongs to the instance of IDaaS that brought it, and the event is of another one.
	CodeOtherInstance Code = "OTHER_INSTANCE"
)

// Codes of events that wait.
const (
	CodeWaitsForObject Code = "WAITS_FOR_OBJECT" // a unit, member or manager that is not there yet
	CodeWaitsForRecord Code = "WAITS_FOR_RECORD" // too little is known of the object itself
	CodeWaitsForDN     Code = "WAITS_FOR_DN"     // another object still holds the DN
	CodeWaitsForEmpty  Code = "WAITS_FOR_EMPTY"  // the unit is to be deleted and still has entries
	CodeUnavailable    Code = "UNAVAILABLE"      // the directory does not answer
	CodeRetry          Code = "RETRY"            // a passing fault
)

// Codes of events that are held or have failed.
const (
	CodeGuarded         Code = "GUARDED"          // beyond what a guard of the mapping allows
	CodeAmbiguous       Code = "AMBIGUOUS"        // several entries match
	CodeDNTaken         Code = "DN_TAKEN"         // an entry that is not ours has the DN
	CodeMalformed       Code = "MALFORMED"        // the event is not well-formed
	CodeMapping         Code = "MAPPING"          // the mapping refuses the object, or cannot be evaluated for it
	CodeRefused         Code = "REFUSED"          // the directory refuses the write
	CodePasswordRefused Code = "PASSWORD_REFUSED" // the directory refuses the password
	CodeNotEmpty        Code = "NOT_EMPTY"        // the unit is not empty and the mapping says to fail then
	CodeInternal        Code = "INTERNAL"         // a fault of the program ended the work on the object
	CodeTestFailed      Code = "TEST_FAILED"      // the connection test found something wrong
	CodeDiscarded       Code = "DISCARDED"        // set aside by a person
	CodeRestored        Code = "RESTORED"         // waited when the backup was made that was restored
)

// Outcome is what became of an event, or what it waits for.
type Outcome struct {
	State State `json:"state"`
	Code  Code  `json:"code"`
	// Message is for a person; it never holds a password.
	Message string `json:"message"`
	// Act is what a guard counts that has held the event, and all that an approval of it allows; empty where no guard holds it.
	Act string `json:"-"`
}
