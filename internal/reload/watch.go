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

// Watcher reads mapping files again when they change.
type Watcher struct {
	files   []*File
	log     logrus.FieldLogger
	notices notices
	now     chan chan struct{}
}

// NewWatcher watches the folders of files from now on; what happens in them is acted upon once Run is called. It has to be
// closed.
func NewWatcher(files []*File, log logrus.FieldLogger) (*Watcher, error) {
	system, err := newFolders()
	if err != nil {
		return nil, err
	}
	return newWatcher(files, log, system), nil
}

func newWatcher(files []*File, log logrus.FieldLogger, n notices) *Watcher {
	w := &Watcher{files: files, log: log, notices: n, now: make(chan chan struct{})}
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
				w.log.WithError(err).Warn("a change of a mapping file may go unnoticed for a minute")
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
		case done := <-w.now:
			w.reload()
			close(done)
		}
	}
}

// Reload reads all files now and returns when that is done, or when ctx ends. It needs Run.
func (w *Watcher) Reload(ctx context.Context) {
	done := make(chan struct{})
	select {
	case w.now <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (w *Watcher) reload() {
	// First, so that nothing that happens after the files are read goes unnoticed.
	w.rewatch()
	for _, f := range w.files {
		f.Reload()
	}
}

// rewatch names the folders anew: a link may point somewhere else by now.
func (w *Watcher) rewatch() {
	var all []string
	for _, f := range w.files {
		all = append(all, foldersOf(f.path)...)
	}
	if err := w.notices.watch(all); err != nil {
		w.log.WithError(err).Warn("a change of a mapping file may go unnoticed for a minute")
	}
}
