// Package tracing follows events from their callback over the queue to the LDAP operations, as OpenTelemetry has it, where the standard
// variables of the environment ask for that.
//
// The ids of a trace come from the event itself, so nothing about traces is stored, and work after a restart, or by another instance, joins the
// trace that the callback began. No attribute holds a name, a DN, a value or a password.
package tracing
