package processor

import "idaas-ldap/event"

// TemporaryName is the name under which an entry waits for the place of another.
func TemporaryName(ref event.Ref) string { return temporaryName(ref) }
