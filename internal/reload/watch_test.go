package reload

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus/hooks/test"
)

// toldNotices are notices that the test gives.
type toldNotices struct {
	out     chan error
	folders []string
	fail    error
}

func (n *toldNotices) changed() <-chan error { return n.out }

func (n *toldNotices) watch(folders []string) error {
	n.folders = folders
	return n.fail
}

func (n *toldNotices) close() error { return nil }

// bubble is a test with a watcher of one file, on a clock that only the test moves.
type bubble struct {
	*testing.T
	path    string
	notices *toldNotices
	results chan Result
	log     *test.Hook
}

func inBubble(t *testing.T, body func(bubble)) {
	t.Helper()
	path := fileIn(t, "first")
	synctest.Test(t, func(t *testing.T) {
		results := make(chan Result, 10)
		f, err := Load(path, func(r Result) { results <- r })
		must(t, err)
		log, hook := test.NewNullLogger()
		n := &toldNotices{out: make(chan error)}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { newWatcher([]Source{f}, log, n).Run(ctx) })
		synctest.Wait()
		body(bubble{T: t, path: path, notices: n, results: results, log: hook})
		stop()
		running.Wait()
	})
}

// An editor that writes in several steps is waited for.
func TestFilesAreReadWhenItIsQuiet(t *testing.T) {
	inBubble(t, func(b bubble) {
		for _, text := range []string{"", "version: 1", misspelt, source("second")} {
			write(b.T, b.path, text)
			b.notices.out <- nil
			<-time.After(quiet / 2)
			synctest.Wait()
		}
		if len(b.results) != 0 {
			b.Errorf("it was read too early: %+v", <-b.results)
		}
		<-time.After(quiet)
		synctest.Wait()
		if len(b.results) != 1 {
			b.Fatalf("%d results, want one", len(b.results))
		}
		if r := <-b.results; r.Err != nil {
			b.Error(r.Err)
		}
	})
}

// Somebody who writes all the time puts it off for a while only.
func TestFilesAreReadAfterAWhileWithoutQuiet(t *testing.T) {
	inBubble(t, func(b bubble) {
		write(b.T, b.path, source("second"))
		for start := time.Now(); time.Since(start) < patience+quiet; <-time.After(quiet / 2) {
			b.notices.out <- nil
		}
		synctest.Wait()
		if len(b.results) != 1 {
			b.Errorf("%d results, want one", len(b.results))
		}
	})
}

// A change that nobody was told of is found all the same.
func TestFilesAreReadEveryMinute(t *testing.T) {
	inBubble(t, func(b bubble) {
		write(b.T, b.path, source("second"))
		<-time.After(lookEvery + time.Second)
		synctest.Wait()
		if len(b.results) != 1 {
			b.Errorf("%d results, want one", len(b.results))
		}
	})
}

func TestTroubleWithWatchingIsLoggedAndSurvived(t *testing.T) {
	inBubble(t, func(b bubble) {
		b.notices.fail = errors.New("no more watches")
		b.notices.out <- errors.New("the queue ran over")
		write(b.T, b.path, source("second"))
		<-time.After(2 * quiet)
		synctest.Wait()
		if len(b.results) != 1 {
			b.Errorf("%d results, want one", len(b.results))
		}
		if !slices.Equal(b.notices.folders, []string{filepath.Dir(b.path)}) {
			b.Errorf("watched are %q", b.notices.folders)
		}
		if len(b.log.AllEntries()) != 2 {
			b.Errorf("logged was %d times", len(b.log.AllEntries()))
		}
	})
}
