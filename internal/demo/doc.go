// Package demo plays a company's week on one machine: a simulated IDaaS sends signed and encrypted callbacks over real
// HTTP, the product takes them in as in service, and a directory in memory is written over real LDAP sockets. Every event
// is shown beside the LDAP change that it became.
//
// It is a demonstration and a test at once: every step says what has to be true afterwards, and the week fails if it is
// not.
package demo
