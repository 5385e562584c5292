package dispatch

import (
	"math/rand/v2"
	"sync"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// lockedRand makes a source of randomness safe for several lanes.
type lockedRand struct {
	mu   sync.Mutex
	rand *rand.Rand
}

// spread returns a duration between three quarters of d and d, so that what failed together does not come back together.
func (r *lockedRand) spread(d time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return d - time.Duration(r.rand.Int64N(int64(d)/4+1))
}

// Pauses between tries. Something else usually ends a wait before its pause does; the pause is the safety net.
const (
	firstPause = time.Second
	lastPause  = 15 * time.Minute
	slowPause  = time.Hour
	// owedPause is the longest one while somebody can log in who may not.
	owedPause = 20 * time.Second
)

// rest is how long an object rests whose work has not finished: as long as the most urgent of its events asks for, and not long where
// somebody's access is to be ended.
func rest(s store.Settlement, result processor.Result) time.Duration {
	p := restOfEvents(s, result.Outcome)
	if result.AccessOwed {
		return min(p, owedPause)
	}
	return p
}

func restOfEvents(s store.Settlement, result event.Outcome) time.Duration {
	shortest := time.Duration(0)
	for _, o := range s.Outcomes {
		if p := pause(o.Code, s.Attempts); o.State == event.Waiting && (shortest == 0 || p < shortest) {
			shortest = p
		}
	}
	if shortest == 0 {
		return pause(result.Code, s.Attempts)
	}
	return shortest
}

// pause is how long an object rests after its attempts-th try in a row that did not finish.
func pause(code event.Code, attempts int) time.Duration {
	first, last := firstPause, lastPause
	switch code {
	case event.CodeWaitsForObject, event.CodeWaitsForEmpty:
		first = 30 * time.Second
	case event.CodeWaitsForRecord:
		first, last = time.Minute, slowPause
	case event.CodeDNTaken:
		// The strange entry may be one of ours that is being written at this moment, of which nobody knows yet.
		last = slowPause
	}
	p := first
	for range min(attempts-1, 16) {
		p *= 2
		if p >= last {
			return last
		}
	}
	return p
}
