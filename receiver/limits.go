package receiver

import (
	"cmp"
	"time"
)

// Limits bound what anybody can hold who has no key. A zero stands for the value of [DefaultLimits].
type Limits struct {
	// BodyBytes is how much memory all bodies together take that are being read or verified.
	BodyBytes int64
	// Connections and ConnectionsPerAddress are how many are kept open; StreamsPerConnection how many requests one of
	// HTTP/2 may carry at a time.
	Connections, ConnectionsPerAddress, StreamsPerConnection int
	// HeaderWithin and BodyWithin are how long the head of a request and its body may take to come, IdleWithin how long a
	// connection may be kept without a request.
	HeaderWithin, BodyWithin, IdleWithin time.Duration
	// RequestsPerSecond and Burst are what one address may send.
	RequestsPerSecond, Burst int
}

// DefaultLimits returns what holds where nothing else is said. IDaaS sends from a few addresses and gives an event up after a
// few refusals, so one address may send more than can be stored anyway.
func DefaultLimits() Limits {
	return Limits{
		BodyBytes:   64 << 20,
		Connections: 1024, ConnectionsPerAddress: 256, StreamsPerConnection: 32,
		HeaderWithin: 5 * time.Second, BodyWithin: 15 * time.Second, IdleWithin: time.Minute,
		RequestsPerSecond: 5000, Burst: 10_000,
	}
}

// complete puts the defaults in the place of zeros.
func (l Limits) complete() Limits {
	d := DefaultLimits()
	return Limits{
		BodyBytes:             cmp.Or(l.BodyBytes, d.BodyBytes),
		Connections:           cmp.Or(l.Connections, d.Connections),
		ConnectionsPerAddress: cmp.Or(l.ConnectionsPerAddress, d.ConnectionsPerAddress),
		StreamsPerConnection:  cmp.Or(l.StreamsPerConnection, d.StreamsPerConnection),
		HeaderWithin:          cmp.Or(l.HeaderWithin, d.HeaderWithin),
		BodyWithin:            cmp.Or(l.BodyWithin, d.BodyWithin),
		IdleWithin:            cmp.Or(l.IdleWithin, d.IdleWithin),
		RequestsPerSecond:     cmp.Or(l.RequestsPerSecond, d.RequestsPerSecond),
		Burst:                 cmp.Or(l.Burst, d.Burst),
	}
}
