package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// Clock is the time by which is waited.
type Clock interface {
	Now() time.Time
	// At returns a channel that receives once the clock has come to a moment. Stop gives up the wait.
	At(moment time.Time) (reached <-chan time.Time, stop func())
}

// Config is what a forwarder is made from.
type Config struct {
	// Network is one of the words of this package, Address a host and port, or the path of a socket.
	Network, Address string
	// TLS returns what TLS is spoken with, anew for each connection.
	TLS func() (*tls.Config, error)
	// Facility is that of RFC 5424 section 6.2.1; Host, Program and Process say who sends.
	Facility      int
	Host, Program string
	Process       int
	// After returns the entries that follow one, the oldest first, at most so many.
	After func(seq int64, most int) ([]Entry, error)
	// Position is the last entry that is beyond doubt, and Remember keeps it for the next start.
	Position int64
	Remember func(ctx context.Context, seq int64) error
	// Count is told what became of entries: [Sent], or [Lost]. It must not wait.
	Count func(result string, entries int64)
	Clock Clock
	Log   logrus.FieldLogger
	// Within bounds a connect and a write. Pause is that after the first failure. Doubt is how long an entry that was sent may have been
	// lost with the connection. Zero for what is usual.
	Within, Pause, Doubt time.Duration
}

// The results that Count is told: the server has an entry beyond doubt, or it will not get it.
const (
	Sent = "sent"
	Lost = "lost"
)

const (
	usualWithin  = 10 * time.Second
	usualPause   = time.Second
	longestPause = time.Minute
	usualDoubt   = 5 * time.Second
	atOnce       = 100
)

// Forwarder forwards a log.
type Forwarder struct {
	cfg  Config
	who  sender
	wake chan struct{} // room for one: there is something new

	position atomic.Int64 // the last entry that is beyond doubt
	noted    int64        // what is remembered of it
	told     string       // the failure that is in the log already
}

// New returns a forwarder, which does nothing before Run.
func New(cfg Config) *Forwarder {
	for value, usual := range map[*time.Duration]time.Duration{&cfg.Within: usualWithin, &cfg.Pause: usualPause, &cfg.Doubt: usualDoubt} {
		if *value == 0 {
			*value = usual
		}
	}
	who := sender{facility: cfg.Facility, host: cfg.Host, program: cfg.Program, process: cfg.Process}
	f := &Forwarder{cfg: cfg, who: who, wake: make(chan struct{}, 1), noted: cfg.Position}
	f.position.Store(cfg.Position)
	cfg.Count(Sent, 0) // so that both are there before anything happens
	cfg.Count(Lost, 0)
	return f
}

// Position is the last entry that is beyond doubt.
func (f *Forwarder) Position() int64 { return f.position.Load() }

// Wake says that there is something new. It never waits.
func (f *Forwarder) Wake() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run forwards until ctx ends. What is not beyond doubt then is sent again after the next start.
func (f *Forwarder) Run(ctx context.Context) {
	pause := f.cfg.Pause
	for ctx.Err() == nil {
		before := f.Position()
		err := f.forward(ctx)
		if ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != f.told {
			f.told = text
			f.cfg.Log.WithError(err).Warn("the audit log is not forwarded now; it goes on from where it was as soon as the syslog server takes it")
		}
		if f.Position() > before {
			pause = f.cfg.Pause
		}
		if !f.rest(ctx, pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// rest waits, and reports false where ctx has ended.
func (f *Forwarder) rest(ctx context.Context, pause time.Duration) bool {
	reached, stop := f.cfg.Clock.At(f.cfg.Clock.Now().Add(pause))
	defer stop()
	select {
	case <-reached:
		return true
	case <-ctx.Done():
		return false
	}
}

// errEnded says that the server has ended the connection.
var errEnded = errors.New("the syslog server has ended the connection")

// sent is how far was sent at a moment, and how many entries until there were not, as they are gone.
type sent struct {
	seq, lost int64
	at        time.Time
}

// forward sends over one connection until that breaks. Entries that were sent just before are in doubt: a server that goes away takes them
// along.
func (f *Forwarder) forward(ctx context.Context) error {
	c, err := f.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	last := f.Position()
	var doubtful []sent
	for {
		next, lost, err := f.sendAfter(ctx, c, last)
		if err != nil {
			return err
		}
		if next > last {
			doubtful = append(doubtful, sent{next, lost, f.cfg.Clock.Now()})
			last = next
			f.Wake() // there may be more
		}
		if doubtful, err = f.settle(ctx, doubtful); err != nil {
			return err
		}
		reached, stop := f.certain(doubtful)
		select {
		case <-f.wake:
		case <-reached:
		case <-c.ended:
			err = errEnded
		case <-ctx.Done():
			err = ctx.Err()
		}
		stop()
		if err != nil {
			return err
		}
	}
}

// sendAfter sends some of the entries after one, and returns the last of them, and how many of those up to it are gone.
func (f *Forwarder) sendAfter(ctx context.Context, c *connection, last int64) (next, lost int64, err error) {
	entries, err := f.cfg.After(last, atOnce)
	if err != nil {
		return last, 0, err
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return last, lost, ctx.Err()
		}
		if gone := e.Seq - last - 1; gone > 0 {
			lost += gone
			f.cfg.Log.WithField("lines", gone).Error("lines of the audit log were removed or damaged before they were forwarded; 'audit verify' says which are damaged, and audit.keep may be too small for how long the syslog server was away")
		}
		if err := c.send(f.who.message(e, c.most())); err != nil {
			return last, lost, err
		}
		last = e.Seq
	}
	return last, lost, nil
}

// settle remembers what is beyond doubt by now, and returns the rest.
func (f *Forwarder) settle(ctx context.Context, doubtful []sent) ([]sent, error) {
	now := f.cfg.Clock.Now()
	for len(doubtful) > 0 && !now.Before(doubtful[0].at.Add(f.cfg.Doubt)) {
		f.cfg.Count(Lost, doubtful[0].lost)
		f.cfg.Count(Sent, doubtful[0].seq-f.Position()-doubtful[0].lost)
		f.position.Store(doubtful[0].seq)
		f.told = ""
		doubtful = doubtful[1:]
	}
	if f.Position() == f.noted {
		return doubtful, nil
	}
	if err := f.cfg.Remember(ctx, f.Position()); err != nil {
		return doubtful, err
	}
	f.noted = f.Position()
	return doubtful, nil
}

// certain returns what receives when something is beyond doubt.
func (f *Forwarder) certain(doubtful []sent) (reached <-chan time.Time, stop func()) {
	if len(doubtful) == 0 {
		return nil, func() {}
	}
	return f.cfg.Clock.At(doubtful[0].at.Add(f.cfg.Doubt))
}
