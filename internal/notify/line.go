package notify

import (
	"context"
	"sync"
)

// longestQueue is how many messages wait for one receiver at most.
const longestQueue = 64

// line is the queue of one receiver, so that none of them holds up another.
type line struct {
	receiver Receiver
	cfg      Config
	ready    chan struct{} // room for one: something waits

	mu    sync.Mutex
	queue []Message
}

func newLine(r Receiver, cfg Config) *line {
	return &line{receiver: r, cfg: cfg, ready: make(chan struct{}, 1)}
}

// put adds a message, unless too many wait already.
func (l *line) put(m Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= longestQueue {
		l.cfg.Observer.Notified(l.receiver.Name, resultDropped)
		return
	}
	l.queue = append(l.queue, m)
	signal(l.ready)
}

// take takes over what waits in another line, which nobody works on any more.
func (l *line) take(former *line) {
	former.mu.Lock()
	defer former.mu.Unlock()
	for _, m := range former.queue {
		l.put(m)
	}
	former.queue = nil
}

// run sends one message after the other until ctx ends; one that was not sent then stays in the queue.
func (l *line) run(ctx context.Context) {
	for {
		for m, ok := l.first(); ok; m, ok = l.first() {
			err := l.receiver.Sender().Send(ctx, m)
			if err != nil && ctx.Err() != nil {
				return
			}
			l.sent(m, err)
		}
		select {
		case <-l.ready:
		case <-ctx.Done():
			return
		}
	}
}

func (l *line) first() (Message, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return Message{}, false
	}
	return l.queue[0], true
}

// sent notes what became of the first message, and takes it out.
func (l *line) sent(m Message, err error) {
	result := resultSent
	if err != nil {
		result = resultFailed
		l.cfg.Log.WithError(err).WithField("receiver", l.receiver.Name).WithField("kind", string(m.Kind)).
			Error("a notification was not sent; 'idaas-ldap notify' tries each receiver")
	}
	l.cfg.Observer.Notified(l.receiver.Name, result)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = l.queue[1:]
}
