package main

import (
	"fmt"
	"time"
)

// moment is a time on the command line.
type moment struct{ time.Time }

// UnmarshalText reads a time (RFC 3339).
func (m *moment) UnmarshalText(text []byte) error {
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%s is no time such as 2026-01-31T08:00:00Z", text)
	}
	m.Time = at
	return nil
}
