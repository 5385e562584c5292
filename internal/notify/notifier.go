package notify

import (
	"context"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// Clock is the time by which messages are held back.
type Clock interface {
	Now() time.Time
	// At returns a channel that receives once the clock has come to a moment. Stop gives up the wait.
	At(moment time.Time) (reached <-chan time.Time, stop func())
}

// Observer is told what becomes of messages, for metrics. Its methods must not wait.
type Observer interface {
	// Notified: a message was sent, failed or was dropped, as its queue was full.
	Notified(receiver, result string)
	// NotTold: news were not told by themselves, as they repeat others.
	NotTold(kind string)
}

// The results that an [Observer] is told.
const (
	resultSent    = "sent"
	resultFailed  = "failed"
	resultDropped = "dropped"
)

// Sender brings one message to one receiver, with as many tries as that takes within bounds. Its errors name no secret.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Receiver is who is told.
type Receiver struct {
	Name string
	// Sender returns what sends now: what it is made from may change.
	Sender func() Sender
}

// Settings may change while a notifier runs.
type Settings struct {
	// Every is how often at most the same thing is told.
	Every time.Duration
	// Names: people may be named.
	Names bool
	// Language is the one in which they are told.
	Language  Language
	Receivers []Receiver
}

// Config is what a notifier is made from.
type Config struct {
	Clock    Clock
	Log      logrus.FieldLogger
	Observer Observer
	// Instance is what this process is called.
	Instance string
}

// Notifier tells receivers what they should know. Its methods are safe for concurrent use.
type Notifier struct {
	cfg     Config
	changes chan struct{} // room for one: settings wait to be put in force
	heard   chan struct{} // room for one: there may be something to hold back

	mu     sync.Mutex
	memory memory
	names  bool
	speaks Language
	lines  []*line
	wanted *Settings // not in force yet, nil for none
}

// New returns a notifier that takes news in at once and tells them once Run is called.
func New(cfg Config, settings Settings) *Notifier {
	n := &Notifier{cfg: cfg, changes: make(chan struct{}, 1), heard: make(chan struct{}, 1), memory: memory{told: map[topic]*past{}}, wanted: &settings}
	n.putInForce()
	return n
}

// Tell takes news in. It never waits; what finds a queue full is dropped and counted.
func (n *Notifier) Tell(news News) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.lines) == 0 {
		return
	}
	if n.memory.hear(n.cfg.Clock.Now(), news) {
		n.send(Message{News: news})
	} else {
		n.cfg.Observer.NotTold(string(news.Kind))
	}
	signal(n.heard)
}

// send puts a message into all queues. The lock is held.
func (n *Notifier) send(m Message) {
	m.At, m.Instance, m.Language = n.cfg.Clock.Now(), n.cfg.Instance, n.speaks
	m = m.clean(n.names)
	for _, l := range n.lines {
		l.put(m)
	}
}

// Change puts other settings in force. What waits for a receiver that stays is kept.
func (n *Notifier) Change(settings Settings) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wanted = &settings
	signal(n.changes)
}

// putInForce takes what Change has left. Nobody sends meanwhile.
func (n *Notifier) putInForce() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wanted == nil {
		return
	}
	before := n.lines
	n.memory.every, n.names, n.speaks, n.lines = n.wanted.Every, n.wanted.Names, n.wanted.Language, nil
	for _, r := range n.wanted.Receivers {
		l := newLine(r, n.cfg)
		for _, former := range before {
			if former.receiver.Name == r.Name {
				l.take(former)
			}
		}
		n.lines = append(n.lines, l)
	}
	n.wanted = nil
}

// Run sends what is told until ctx ends. What has not been sent by then is not sent.
func (n *Notifier) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n.putInForce()
		n.runLines(ctx)
	}
}

// runLines sends with the settings in force, until others wait or ctx ends.
func (n *Notifier) runLines(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	var sending sync.WaitGroup
	defer sending.Wait()
	defer stop()
	n.mu.Lock()
	lines := n.lines
	n.mu.Unlock()
	for _, l := range lines {
		sending.Go(func() { l.run(ctx) })
	}
	for {
		reached, stopWaiting := n.repeats()
		select {
		case <-reached:
		case <-n.heard:
		case <-n.changes:
			stopWaiting()
			return
		case <-ctx.Done():
			stopWaiting()
			return
		}
		stopWaiting()
	}
}

// repeats tells what was held back for long enough, and returns what receives when there is more.
func (n *Notifier) repeats() (reached <-chan time.Time, stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.memory.due(n.cfg.Clock.Now()) {
		n.send(m)
	}
	if next := n.memory.next(); !next.IsZero() {
		return n.cfg.Clock.At(next)
	}
	return nil, func() {}
}

// signal leaves a mark that somebody will find.
func signal(mark chan<- struct{}) {
	select {
	case mark <- struct{}{}:
	default:
	}
}
