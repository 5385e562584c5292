package simulation_test

import (
	"encoding/binary"
	"hash/fnv"
	"sync"
)

// lottery decides what no step says. A draw depends on the seed, on what it is about and on how many of the same were drawn before, and not on
// anything else that happened: with a step left out most draws stay the same.
type lottery struct {
	seed uint64

	mu    sync.Mutex // guards drawn
	drawn map[string]uint64
}

func newLottery(seed uint64) *lottery { return &lottery{seed: seed, drawn: map[string]uint64{}} }

func (l *lottery) number(about string) uint64 {
	l.mu.Lock()
	n := l.drawn[about]
	l.drawn[about]++
	l.mu.Unlock()
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], l.seed)
	binary.LittleEndian.PutUint64(raw[8:], n)
	sum := fnv.New64a()
	_, _ = sum.Write(raw[:]) // it never fails
	_, _ = sum.Write([]byte(about))
	// What FNV leaves alike in the lower bits is mixed.
	x := sum.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}

// below returns a number below n.
func (l *lottery) below(n int, about string) int { return int(l.number(about) % uint64(n)) } //nolint:gosec // Both are small.
