// Package syslog forwards numbered entries of a log to a syslog server (RFC 5424) over TLS (RFC 5425), TCP (RFC 6587), UDP (RFC 5426) or a
// local socket.
//
// The log is elsewhere and stays the truth: entries are read from it, after the one that is beyond doubt, and an outage of the server costs
// nothing but time. Nobody who writes to the log ever waits for this package.
package syslog
