package dispatch

import "time"

// Clock is the time by which objects become due.
type Clock interface {
	Now() time.Time
	// At returns a channel that receives once the clock has come to a moment, at once for one that is over. Stop gives up
	// the wait.
	At(moment time.Time) (reached <-chan time.Time, stop func())
}

// SystemClock is the clock of the machine, for whoever hands it in.
type SystemClock struct{}

// Now is [time.Now].
func (SystemClock) Now() time.Time { return time.Now() } //nolint:forbidigo // This is the clock.

// At is a [time.Timer].
func (SystemClock) At(moment time.Time) (reached <-chan time.Time, stop func()) {
	timer := time.NewTimer(time.Until(moment)) //nolint:forbidigo // This is the clock.
	return timer.C, func() { timer.Stop() }
}
