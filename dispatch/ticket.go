package dispatch

import (
	"context"
	"slices"
	"strings"
	"sync"

	"idaas-ldap/event"
)

// Ticket tells what became of the events of one Accept.
type Ticket struct {
	board  *board
	events []ticketEvent
}

type ticketEvent struct {
	// fixed is the outcome of an event that goes to no directory.
	fixed event.Outcome
	// posts are the places at which the directories report.
	posts []*post
}

// Wait returns one outcome for each event, in the order of Accept, as soon as all are settled or known to be parked, or
// with what is known when ctx ends. It releases the ticket: call it once, in any case.
func (t *Ticket) Wait(ctx context.Context) []event.Outcome {
	defer t.release()
	for _, e := range t.events {
		for _, p := range e.posts {
			select {
			case <-p.known:
			case <-ctx.Done():
			}
		}
	}
	outcomes := make([]event.Outcome, len(t.events))
	for i, e := range t.events {
		outcomes[i] = e.outcome()
	}
	return outcomes
}

func (t *Ticket) release() {
	for _, e := range t.events {
		for _, p := range e.posts {
			t.board.remove(p)
		}
	}
}

func (e ticketEvent) outcome() event.Outcome {
	if len(e.posts) == 0 {
		return e.fixed
	}
	reports := make([]report, len(e.posts))
	for i, p := range e.posts {
		reports[i] = report{directory: p.key.directory, outcome: p.get()}
	}
	return combine(reports)
}

// report is the outcome of one event in one directory.
type report struct {
	directory string
	outcome   event.Outcome
}

// combine says truthfully in one outcome what became of an event in several directories: the worst state counts, and
// where they differ the message names each directory.
func combine(reports []report) event.Outcome {
	worst := reports[0].outcome
	same := true
	for _, r := range reports[1:] {
		same = same && r.outcome == reports[0].outcome
		if severity(r.outcome.State) > severity(worst.State) {
			worst = r.outcome
		}
	}
	if same {
		return worst
	}
	parts := make([]string, len(reports))
	for i, r := range reports {
		parts[i] = r.directory + ": " + r.outcome.Message
	}
	worst.Message = strings.Join(parts, "; ")
	return worst
}

func severity(s event.State) int {
	switch s {
	case event.Skipped:
		return 0
	case event.Done:
		return 1
	case event.Pending:
		return 2
	case event.Waiting:
		return 3
	case event.Held:
		return 4
	default:
		return 5
	}
}

// board is where lanes report outcomes and tickets read them.
type board struct {
	mu    sync.Mutex
	posts map[postKey]map[*post]bool
}

type postKey struct {
	directory string
	// Two applications may give different events the same id.
	application string
	eventID     string
}

// post is the outcome of one event in one directory, for one ticket.
type post struct {
	key   postKey
	known chan struct{} // closed when the outcome is settled or known to be parked

	mu      sync.Mutex
	seq     int64 // of the delivery; zero until it is stored
	early   bool  // something was settled before we knew which delivery ours is
	outcome event.Outcome
}

func newBoard() *board { return &board{posts: map[postKey]map[*post]bool{}} }

func (b *board) add(key postKey) *post {
	p := &post{key: key, known: make(chan struct{}), outcome: event.Outcome{State: event.Pending, Code: event.CodeAccepted, Message: "stored; it is applied as soon as there is room"}}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.posts[key] == nil {
		b.posts[key] = map[*post]bool{}
	}
	b.posts[key][p] = true
	return p
}

func (b *board) remove(p *post) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.posts[p.key], p)
	if len(b.posts[p.key]) == 0 {
		delete(b.posts, p.key)
	}
}

// report tells all tickets that wait for an event what became of it.
func (b *board) report(key postKey, outcome event.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range b.posts[key] {
		p.set(outcome)
	}
}

// open returns the events of a directory that somebody waits for, and of which nothing is known yet.
func (b *board) open(directory string) []postKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	var keys []postKey
	for key, posts := range b.posts {
		for p := range posts {
			if key.directory == directory && p.get().State == event.Pending {
				keys = append(keys, key)
				break
			}
		}
	}
	return keys
}

// settled returns the events of a directory that somebody waits for, and that are among the deliveries that were settled elsewhere.
func (b *board) settled(directory string, seqs []int64) []postKey {
	b.mu.Lock()
	defer b.mu.Unlock()
	var keys []postKey
	for key, posts := range b.posts {
		for p := range posts {
			if key.directory == directory && p.isAmong(seqs) {
				keys = append(keys, key)
				break
			}
		}
	}
	return keys
}

// isAmong reports whether the delivery is one of those that were settled. Where it is not known yet which one it is, that it may be is noted.
func (p *post) isAmong(seqs []int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.early = p.early || p.seq == 0
	return p.seq != 0 && slices.Contains(seqs, p.seq)
}

// stored notes which delivery it is, and reports whether that may have been settled before.
func (p *post) stored(seq int64) (early bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq = seq
	return p.early
}

// reportAll tells all tickets that wait for anything of a directory.
func (b *board) reportAll(directory string, outcome event.Outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, posts := range b.posts {
		if key.directory != directory {
			continue
		}
		for p := range posts {
			p.set(outcome)
		}
	}
}

func (p *post) get() event.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outcome
}

// set stores the newest outcome; a settled one stays.
func (p *post) set(outcome event.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.outcome.State.Settled() {
		return
	}
	p.outcome = outcome
	if outcome.State == event.Pending {
		return
	}
	select {
	case <-p.known:
	default:
		close(p.known)
	}
}
