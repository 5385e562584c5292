package reload

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"
)

// The patience of a watcher.
const (
	// quiet is for how long nothing may happen in the folders before files are read: an editor writes in several steps.
	quiet = 100 * time.Millisecond
	// patience is how long the reading is put off at most while things keep happening.
	patience = 2 * time.Second
	// lookEvery is how often files are read without a reason: network file systems tell nobody what others write, and
	// the operating system may lose a notice.
	lookEvery = time.Minute
)

// notices tells that something has happened in folders.
type notices interface {
	// changed yields something for every happening, and errors of the watching itself.
	changed() <-chan error
	// watch names the folders from now on.
	watch(folders []string) error
	close() error
}

// Source is something that is made from files. [*Held] is one.
type Source interface {
	// Paths returns the files.
	Paths() []string
	// Reload reads the files again.
	Reload()
}

// Watcher reads files again when they change.
type Watcher struct {
	sources []Source
	log     logrus.FieldLogger
	notices notices
}

// NewWatcher watches the folders of files from now on; what happens in them is acted upon once Run is called. It has to be
// closed.
func NewWatcher(sources []Source, log logrus.FieldLogger) (*Watcher, error) {
	system, err := newFolders()
	if err != nil {
		return nil, err
	}
	return newWatcher(sources, log, system), nil
}

func newWatcher(sources []Source, log logrus.FieldLogger, n notices) *Watcher {
	w := &Watcher{sources: sources, log: log, notices: n}
	w.rewatch()
	return w
}

// Close stops watching. Run must have ended.
func (w *Watcher) Close() error { return w.notices.close() }

// Run reads files again when they change until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	pause := time.NewTimer(0)
	<-pause.C
	defer pause.Stop()
	var since time.Time // of the first happening that was not acted upon, zero if there is none
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-w.notices.changed():
			if err != nil {
				w.log.WithError(err).Warn("a change of a file may go unnoticed for a minute")
			}
			now := time.Now() //nolint:forbidigo // Timers have the clock of the system.
			if since.IsZero() {
				since = now
			}
			pause.Reset(min(quiet, patience-now.Sub(since)))
		case <-pause.C:
			since = time.Time{}
			w.reload()
		case <-ticker.C:
			w.reload()
		}
	}
}

func (w *Watcher) reload() {
	// First, so that nothing that happens after the files are read goes unnoticed.
	w.rewatch()
	for _, s := range w.sources {
		s.Reload()
	}
}

// rewatch names the folders anew: a link may point somewhere else by now.
func (w *Watcher) rewatch() {
	var all []string
	for _, s := range w.sources {
		for _, path := range s.Paths() {
			all = append(all, foldersOf(path)...)
		}
	}
	if err := w.notices.watch(all); err != nil {
		w.log.WithError(err).Warn("a change of a file may go unnoticed for a minute")
	}
}
