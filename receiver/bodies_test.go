package receiver

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"
)

// sender sends some octets of a body and holds the rest back until the reader is interrupted.
type sender struct {
	http.ResponseWriter
	left    int
	stalled chan struct{}
	stopped chan struct{}
}

func newSender(octets int) *sender {
	return &sender{ResponseWriter: httptest.NewRecorder(), left: octets, stalled: make(chan struct{}), stopped: make(chan struct{})}
}

// Read gives the next octets.
func (s *sender) Read(p []byte) (int, error) {
	if s.left == 0 {
		close(s.stalled)
		<-s.stopped
		return 0, os.ErrDeadlineExceeded
	}
	n := min(len(p), s.left)
	s.left -= n
	return n, nil
}

// SetReadDeadline interrupts the reader.
func (s *sender) SetReadDeadline(time.Time) error {
	close(s.stopped)
	return nil
}

// held is a body that somebody holds open.
type held struct {
	*sender
	ended chan error
}

// hold has a body read of which only some octets come, and returns when they are read.
func hold(t *testing.T, b *bodies, octets int) held {
	t.Helper()
	h := held{newSender(octets), make(chan error, 1)}
	go func() {
		in, _, err := b.read(h.sender, httptest.NewRequest(http.MethodPost, "/", h.sender))
		in.release()
		h.ended <- err
	}()
	select {
	case <-h.stalled:
	case err := <-h.ended:
		h.ended <- err
	}
	return h
}

const kib = 1 << 10

// Whoever holds most gives way to one who needs less; one who needs as much has to wait for a second.
func TestWhoHoldsMostGivesWay(t *testing.T) {
	now := time.Now()
	b := newBodies(300*kib, 128*kib, func() time.Time { return now })
	first := hold(t, b, 100*kib)
	if err := <-hold(t, b, 100*kib).ended; !errors.Is(err, errNoMemory) {
		t.Errorf("a second large body ends with %v", err)
	}
	now = now.Add(ownTime)
	second := hold(t, b, 100*kib)
	if err := <-first.ended; !errors.Is(err, errDisplaced) {
		t.Errorf("after a second the first large body ends with %v", err)
	}
	var small []held
	for range 12 {
		small = append(small, hold(t, b, 10*kib))
	}
	if err := <-second.ended; !errors.Is(err, errDisplaced) {
		t.Errorf("with many small bodies the large one ends with %v", err)
	}
	for _, h := range small {
		close(h.stopped)
		if err := <-h.ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a small body ends with %v", err)
		}
	}
	if len(b.held) != 0 || b.taken != b.kept || b.kept > 300*kib/keptShare {
		t.Errorf("afterwards %d octets are taken, %d kept by nobody", b.taken, b.kept)
	}
}

// What is announced as too large is not read at all, and what becomes so is not read on.
func TestABodyThatIsTooLarge(t *testing.T) {
	b := newBodies(300*kib, 128*kib, time.Now)
	announced := newSender(0)
	request := httptest.NewRequest(http.MethodPost, "/", announced)
	request.ContentLength = 128*kib + 1
	in, _, err := b.read(announced, request)
	in.release()
	if !errors.Is(err, errTooLarge) || in.taken != 0 {
		t.Errorf("announced: %v", err)
	}
	if err := <-hold(t, b, 128*kib+1).ended; !errors.Is(err, errTooLarge) {
		t.Errorf("one octet more: %v", err)
	}
	whole := hold(t, b, 128*kib)
	close(whole.stopped)
	if err := <-whole.ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the largest: %v", err)
	}
}

// A handler that takes the place of another one shares its memory, however often that happens, and new bodies are judged anew.
func TestHandlersThatFollowShareTheMemory(t *testing.T) {
	now := time.Now()
	cfg := Config{Path: "/", MaxBodyBytes: 128 * kib, Limits: Limits{BodyBytes: 300 * kib}, Clock: func() time.Time { return now }}
	first := NewHandler(cfg)
	held := hold(t, first.bodies, 100*kib)
	cfg.MaxBodyBytes = 64 * kib
	cfg.Limits.BodyBytes = 150 * kib
	second := first.With(cfg).With(cfg)
	if err := <-hold(t, second.bodies, 100*kib).ended; !errors.Is(err, errTooLarge) {
		t.Errorf("a body that is too large now ends with %v", err)
	}
	small := hold(t, second.bodies, 30*kib)
	if err := <-held.ended; !errors.Is(err, errDisplaced) {
		t.Errorf("the body of before ends with %v", err)
	}
	close(small.stopped)
	if err := <-small.ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the body of now ends with %v", err)
	}
}
