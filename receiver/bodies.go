package receiver

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// How the memory for bodies is given out.
const (
	leastBuffer = 16 << 10    // a usual event has 4 KiB
	probe       = 512         // beyond the largest body, to see that it ends
	keptShare   = 8           // of the memory, one part is kept for the next bodies
	ownTime     = time.Second // for which a body cannot be displaced by one of the same size
)

var (
	errTooLarge  = errors.New("the body is too large")
	errNoMemory  = errors.New("the bodies under way take all of receiver.limits.body_bytes")
	errDisplaced = errors.New("the body had to make room for another; it took more of receiver.limits.body_bytes, or longer")
)

// bodies is the memory for the bodies that are being read or verified, all together. A body takes it as it comes, not as it
// is announced. When it is used up, whoever holds most has to give way to one that needs less, so that events pass whatever
// is held open.
type bodies struct {
	clock func() time.Time

	mu      sync.Mutex
	most    int64 // of all bodies
	largest int   // of one body
	taken   int64 // by bodies and by buffers that are kept
	kept    int64
	free    map[int][][]byte // buffers by capacity
	held    map[*body]struct{}
}

func newBodies(most, largest int64, clock func() time.Time) *bodies {
	b := &bodies{clock: clock, free: map[int][][]byte{}, held: map[*body]struct{}{}}
	b.adjust(most, largest)
	return b
}

// adjust changes how much memory there is, and how large the bodies may be that begin from now on.
func (b *bodies) adjust(most, largest int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most, b.largest = max(most, largest+leastBuffer+probe), int(largest)
	b.dropKept()
}

// body is one body with the memory that it takes. All but the buffer's content is guarded by the owner's lock.
type body struct {
	owner     *bodies
	largest   int // it may be
	buffer    []byte
	taken     int // octets of memory, more than the buffer while it grows
	began     time.Time
	giveWay   func() // ends what the body is being used for
	displaced bool
	released  chan struct{}
}

// read reads the body of a request. The context ends when the body has to give way. The caller releases the body, also after
// an error.
func (b *bodies) read(w http.ResponseWriter, r *http.Request) (*body, context.Context, error) {
	ctx, cancel := context.WithCancel(r.Context())
	in := &body{owner: b, began: b.clock(), released: make(chan struct{})}
	in.giveWay = func() {
		cancel()
		// A reader that cannot be interrupted ends by itself when its time is over.
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
	}
	b.mu.Lock()
	b.held[in] = struct{}{}
	in.largest = b.largest
	b.mu.Unlock()
	if r.ContentLength > int64(in.largest) {
		return in, ctx, errTooLarge
	}
	for {
		if len(in.buffer) == cap(in.buffer) {
			if err := in.grow(ctx); err != nil {
				return in, ctx, err
			}
		}
		n, err := r.Body.Read(in.buffer[len(in.buffer):cap(in.buffer)])
		in.buffer = in.buffer[:len(in.buffer)+n]
		switch {
		case len(in.buffer) > in.largest:
			return in, ctx, errTooLarge
		case errors.Is(err, io.EOF):
			return in, ctx, nil
		case err != nil && in.mustGo():
			return in, ctx, errDisplaced
		case err != nil:
			return in, ctx, err
		}
	}
}

func (in *body) mustGo() bool {
	in.owner.mu.Lock()
	defer in.owner.mu.Unlock()
	return in.displaced
}

// grow doubles the buffer.
func (in *body) grow(ctx context.Context) error {
	size := min(max(2*cap(in.buffer), leastBuffer), in.largest+probe)
	bigger, err := in.owner.take(ctx, in, size)
	if err != nil {
		return err
	}
	old := in.buffer
	in.buffer = append(bigger, old...)
	in.owner.mu.Lock()
	defer in.owner.mu.Unlock()
	in.owner.put(in, old)
	return nil
}

// take returns a buffer of a size, empty. Where there is no room, it makes the one give way that holds most, and waits until
// it has.
func (b *bodies) take(ctx context.Context, in *body, size int) ([]byte, error) {
	for {
		buffer, wait, err := b.tryTake(in, size)
		if wait == nil {
			return buffer, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, errDisplaced
		}
	}
}

func (b *bodies) tryTake(in *body, size int) (buffer []byte, wait <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if in.displaced {
		return nil, nil, errDisplaced
	}
	if ready := b.free[size]; len(ready) > 0 {
		buffer, b.free[size] = ready[len(ready)-1], ready[:len(ready)-1]
		b.kept -= int64(size)
		in.taken += size
		return buffer[:0], nil, nil
	}
	if b.taken+int64(size) > b.most {
		b.dropKept()
	}
	if b.taken+int64(size) <= b.most {
		b.taken += int64(size)
		in.taken += size
		return make([]byte, 0, size), nil, nil
	}
	victim := b.victim(in, size)
	if victim == nil {
		return nil, nil, errNoMemory
	}
	if !victim.displaced {
		victim.displaced = true
		victim.giveWay()
	}
	return nil, victim.released, nil
}

// victim returns the body that has to give way to one that needs a buffer of a size: the one that holds most, and the oldest
// of those. Where one is going already, it is that.
func (b *bodies) victim(in *body, size int) *body {
	var victim *body
	now := b.clock()
	for other := range b.held {
		if other.displaced && other.taken > 0 {
			return other
		}
		if other == in || other.taken < size || other.taken == size && now.Sub(other.began) < ownTime {
			continue
		}
		if victim == nil || other.taken > victim.taken || other.taken == victim.taken && other.began.Before(victim.began) {
			victim = other
		}
	}
	return victim
}

func (b *bodies) dropKept() {
	b.taken -= b.kept
	b.kept = 0
	clear(b.free)
}

// put takes a buffer of a body back, and keeps it for the next one while there are not too many.
func (b *bodies) put(in *body, buffer []byte) {
	size := cap(buffer)
	in.taken -= size
	if size > 0 && b.kept+int64(size) <= b.most/keptShare {
		b.kept += int64(size)
		b.free[size] = append(b.free[size], buffer)
		return
	}
	b.taken -= int64(size)
}

// release gives back what the body takes. Nothing may use its content any more.
func (in *body) release() {
	in.owner.mu.Lock()
	defer in.owner.mu.Unlock()
	if _, held := in.owner.held[in]; !held {
		return
	}
	delete(in.owner.held, in)
	in.owner.put(in, in.buffer)
	in.buffer = nil
	close(in.released)
}
