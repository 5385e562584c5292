package telemetry

import (
	"sync/atomic"
	"time"
)

// totals count what is shown to people as well, for whom a registry is no place to read from.
type totals struct{ accepted, failed, operations, took atomic.Int64 }

// Totals are what has happened since the start.
type Totals struct {
	// Accepted are the events that were stored, Failed those that have failed.
	Accepted, Failed int64
	// Operations are those of LDAP, and Took is what they took together.
	Operations int64
	Took       time.Duration
}

// Totals returns what has happened since the start.
func (m *Metrics) Totals() Totals {
	return Totals{
		Accepted: m.totals.accepted.Load(), Failed: m.totals.failed.Load(),
		Operations: m.totals.operations.Load(), Took: time.Duration(m.totals.took.Load()),
	}
}
