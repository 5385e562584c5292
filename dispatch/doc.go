// Package dispatch decides when which object is worked on: it takes accepted events, brings one object at a time to what
// is known of it, many objects in parallel, and stores what came of it.
//
// Changes go in ([Dispatcher.Accept]) and are durable before the call returns; a [Ticket] tells what became of them.
// Each directory has a lane of its own with its own workers, so that one that is down holds up no other. Within a lane
// at most one reconcile of an object runs, with all its pending events merged. An object that cannot be finished is
// parked alone: until a pause ends, until an object that it depends on changes, or until a person decides.
//
// The package never speaks LDAP and never interprets a mapping: that is what its processor does.
package dispatch
