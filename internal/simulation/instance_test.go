package simulation_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// instance is one process of the product, until it crashes.
type instance struct {
	w          *world
	name       string
	clock      *clock
	dispatcher *dispatch.Dispatcher
	cancel     context.CancelFunc
	ended      chan struct{}
	dead       chan struct{} // closed when it crashes: nothing that it does has an effect any more
	notices    chan store.Notice

	mu      sync.Mutex // guards what follows
	doomed  doom
	stopped time.Time // until when
}

// moments are the writes at which something may happen to an instance: any, what is taken in, what is settled, what goes to the directory.
var moments = []string{"", "accept ", "settle ", "write "}

// doom is a crash to come: right before or after so many further writes of a kind. With a time it is a stop right before.
type doom struct {
	armed, after bool
	at           string
	writes       int
	stops        time.Duration
}

// errCrashed is what operations of an instance get that has crashed, so that its goroutines end.
var errCrashed = fmt.Errorf("%w: the process has crashed", store.ErrUnavailable)

// newInstance starts the product.
func newInstance(w *world, name string, offset time.Duration) *instance {
	i := &instance{w: w, name: name, clock: &clock{offset: offset}, ended: make(chan struct{}), dead: make(chan struct{}), notices: make(chan store.Notice, 100)}
	log := logrus.New()
	log.SetOutput(io.Discard)
	target := &target{storm: w.storm, by: i}
	i.dispatcher = dispatch.New(dispatch.Config{
		Store: w.plant(&storeOf{Store: w.store, by: i}), Clock: i.clock, Rand: rand.New(rand.NewPCG(w.seed, 2)), Log: log, LookEvery: lookEvery,
		Routes: []dispatch.Route{{
			Directory: corp, PasswordSync: true, Workers: 6, Processor: processor.New(target, func() *mapping.Set { return w.mapping }), Check: target.check,
		}},
	})
	ctx, cancel := context.WithCancel(context.Background())
	i.cancel = cancel
	go func() {
		defer close(i.ended)
		i.dispatcher.Run(ctx)
	}()
	return i
}

// lookEvery is the pause between two looks at what others have done with the store.
const lookEvery = 20 * time.Second

// through makes an operation when it is its turn, unless the instance crashes before. Writes count for a crash to come.
func (i *instance) through(what string, writes bool, do func() error) error {
	i.w.turnstile.wait(i, what)
	strikes, after := false, false
	if writes {
		var stops time.Duration
		if strikes, after, stops = i.strikes(what); stops > 0 {
			strikes = false
			i.stop(stops)
			i.w.turnstile.wait(i, what)
		}
	}
	if strikes && !after {
		i.crash()
	}
	if i.hasCrashed() {
		return errCrashed
	}
	err := do()
	if strikes {
		i.crash()
	}
	if i.hasCrashed() {
		return errCrashed
	}
	return err
}

// strikes reports whether the instance crashes with this write, and whether after it, or is stopped right before it.
func (i *instance) strikes(what string) (now, after bool, stops time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	d := i.doomed
	switch {
	case !d.armed || !strings.HasPrefix(what, d.at):
		return false, false, 0
	case d.writes > 0:
		i.doomed.writes--
		return false, false, 0
	}
	i.doomed = doom{}
	return true, d.after, d.stops
}

func (i *instance) doom(d doom) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.doomed = d
}

func (i *instance) crash() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.hasCrashed() {
		close(i.dead)
	}
}

func (i *instance) hasCrashed() bool {
	select {
	case <-i.dead:
		return true
	default:
		return false
	}
}

// stop keeps the instance from doing anything for a while. When it goes on, what was about to be done is done before its clock has told it
// how late it is.
func (i *instance) stop(d time.Duration) {
	i.w.storm.counts(stopped)
	i.w.storm.troubled()
	i.mu.Lock()
	i.stopped = time.Now().Add(d)
	i.mu.Unlock()
	i.clock.stop(d + time.Millisecond)
	time.AfterFunc(d, i.w.turnstile.look)
}

func (i *instance) isStopped() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return time.Now().Before(i.stopped)
}

// clock is that of one instance, which may be set and stands still while the instance is stopped. How long is waited does not depend on what it
// is set to meanwhile.
type clock struct {
	mu      sync.Mutex // guards what follows
	offset  time.Duration
	stopped time.Time // until when
	late    []chan time.Time
}

// Now returns what the clock shows.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// At returns what receives at a moment.
func (c *clock) At(moment time.Time) (reached <-chan time.Time, stop func()) {
	reaches := make(chan time.Time, 1)
	timer := time.AfterFunc(moment.Sub(c.Now()), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if time.Now().Before(c.stopped) {
			c.late = append(c.late, reaches)
		} else {
			reaches <- time.Now()
		}
	})
	return reaches, func() { timer.Stop() }
}

func (c *clock) set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = offset
}

func (c *clock) stop(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = time.Now().Add(d)
	time.AfterFunc(d, c.goesOn)
}

func (c *clock) goesOn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.stopped) {
		return
	}
	for _, reaches := range c.late {
		reaches <- time.Now()
	}
	c.late = nil
}
