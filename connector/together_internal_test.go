package connector

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// searches is what stands in for a directory: it notes who was looked for together, and answers when it is told to.
type searches struct {
	together together
	mu       sync.Mutex
	batches  []int
	going    chan struct{}
}

func newSearches(most int) *searches {
	return &searches{together: together{most: most}, going: make(chan struct{})}
}

func (s *searches) search(_ context.Context, batch []*lookup) {
	s.mu.Lock()
	s.batches = append(s.batches, len(batch))
	s.mu.Unlock()
	<-s.going
	for _, l := range batch {
		l.answered = true
	}
}

func (s *searches) made() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int{}, s.batches...)
}

// Who comes while nobody searches is not kept waiting; who comes meanwhile is looked for with the next search, with no more
// than go into one.
func TestLookupsThatWaitGoTogether(t *testing.T) {
	for _, most := range []int{1, lookupsAtOnce, 500} {
		t.Run(fmt.Sprint(most, " at once"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { goTogether(t, newSearches(most), most) })
		})
	}
}

func goTogether(t *testing.T, s *searches, most int) {
	t.Helper()
	var all sync.WaitGroup
	look := func(n int) {
		for range n {
			all.Go(func() {
				l := &lookup{way: byLink}
				if s.together.ask(t.Context(), l, s.search); !l.answered {
					t.Error("one was not answered")
				}
			})
		}
		synctest.Wait()
	}
	look(1)
	look(3*most - most/2)
	for range 4 {
		s.going <- struct{}{}
		synctest.Wait()
	}
	all.Wait()
	if diff := cmp.Diff([]int{1, most, most, most - most/2}, s.made()); diff != "" {
		t.Errorf("for how many the searches were (-want +made):\n%s", diff)
	}
}

// Who does not go with the others is looked for apart, and is not forgotten.
func TestLookupsOfAnotherKindAreMadeApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearches(lookupsAtOnce)
		var all sync.WaitGroup
		for i, l := range []*lookup{
			{way: byLink}, {way: byLink, attributes: []string{"cn"}}, {way: byRules}, {way: byLink, attributes: []string{"cn"}}, {way: byRules},
		} {
			all.Go(func() { s.together.ask(t.Context(), l, s.search) })
			if synctest.Wait(); len(s.made()) != 1 {
				t.Errorf("with %d look-ups %v were made", i+1, s.made())
			}
		}
		for range 3 {
			s.going <- struct{}{}
			synctest.Wait()
		}
		all.Wait()
		if made := s.made(); len(made) != 3 || made[0] != 1 || made[1] != 2 || made[2] != 2 {
			t.Errorf("the searches were for %v", made)
		}
	})
}

// Who cannot wait any longer leaves, whether or not it was the next to search, and holds up nobody.
func TestWhoLeavesHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSearches(lookupsAtOnce)
		var all sync.WaitGroup
		all.Go(func() { s.together.ask(t.Context(), &lookup{}, s.search) })
		synctest.Wait()
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			all.Go(func() {
				l := &lookup{}
				if s.together.ask(ctx, l, s.search); l.answered {
					t.Error("one that has left was answered")
				}
			})
			synctest.Wait()
			cancel()
			synctest.Wait()
		}
		all.Go(func() { s.together.ask(t.Context(), &lookup{}, s.search) })
		synctest.Wait()
		close(s.going)
		all.Wait()
		if made := s.made(); len(made) != 2 || made[1] != 1 {
			t.Errorf("the searches were for %v", made)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 { // which of two that are both ready comes first is left to chance
			s.together.ask(gone, &lookup{}, s.search)
		}
		l := &lookup{}
		if s.together.ask(t.Context(), l, s.search); !l.answered {
			t.Error("after one that has left while it was to search, nobody searches")
		}
	})
}
