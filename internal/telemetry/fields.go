package telemetry

// Names of the fields of log entries. The same thing has the same name everywhere, so that a search finds all of it.
const (
	FieldApplication = "application" // id of the application that an event came from
	FieldEvent       = "event"       // id of an event
	FieldEventType   = "event_type"  // type of an event, such as ud:user:create
	FieldObject      = "object"      // kind and id of what an event is about, such as "user user_1"
	FieldDirectory   = "directory"   // name of a directory in the configuration
	FieldDN          = "dn"          // distinguished name of an entry
	FieldOperation   = "operation"   // verb of an LDAP operation
	FieldState       = "state"       // how far an event has come
	FieldCode        = "code"        // stable reason of an outcome, or an LDAP result code
	FieldReason      = "reason"      // why something was refused, for a person
	FieldAttempt     = "attempt"     // number of tries so far
	FieldDuration    = "duration"    // how long it took
	FieldRemote      = "remote"      // address of a caller
	FieldStatus      = "status"      // HTTP status of an answer
	FieldFile        = "file"        // path of a file
	FieldSetting     = "setting"     // path of a key in the configuration, such as directories[0].tls
	FieldURL         = "url"         // address of a server, without user and password
	FieldComponent   = "component"   // part of the program
)
