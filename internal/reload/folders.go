package reload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// foldersOf returns the folders in which a change can make a path name something else: that of the file, and those of all
// symbolic links on the way to it. Kubernetes, for one, changes a file by letting a link beside it point elsewhere.
func foldersOf(path string) []string {
	var folders []string
	// As many links as the operating system follows; a circle of them ends here.
	const links = 40
	rest := absolute(path)
	for range links {
		at, target := firstLink(rest)
		if at == "" {
			break
		}
		folders = append(folders, filepath.Dir(at))
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(at), target)
		}
		rest = filepath.Join(target, strings.TrimPrefix(rest, at))
	}
	folders = append(folders, filepath.Dir(rest))
	slices.Sort(folders)
	return slices.Compact(folders)
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// firstLink returns the first part of a path that is a symbolic link, and where it points; empty if there is none.
func firstLink(path string) (at, target string) {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && !os.IsPathSeparator(path[i]) {
			continue
		}
		if target, err := os.Readlink(path[:i]); err == nil {
			return path[:i], target
		}
	}
	return "", ""
}

// folders are notices by the operating system.
type folders struct {
	watcher  *fsnotify.Watcher
	out      chan error
	stopping chan struct{}
	done     sync.WaitGroup
}

func newFolders() (*folders, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch the files: %w", err)
	}
	f := &folders{watcher: watcher, out: make(chan error), stopping: make(chan struct{})}
	f.done.Go(f.run)
	return f, nil
}

// run hands on that something happened. What it was does not matter: the files are read to find out.
func (f *folders) run() {
	for {
		var happened error
		select {
		case <-f.stopping:
			return
		case <-f.watcher.Events:
		case happened = <-f.watcher.Errors:
		}
		select {
		case <-f.stopping:
			return
		case f.out <- happened:
		}
	}
}

func (f *folders) changed() <-chan error { return f.out }

// watch adds folders and forgets those that are not named. One that was replaced by another of the same name is found
// again.
func (f *folders) watch(names []string) error {
	var errs []error
	for _, old := range f.watcher.WatchList() {
		if !slices.Contains(names, old) {
			// It may be gone already, and then it is watched no more.
			if err := f.watcher.Remove(old); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
				errs = append(errs, fmt.Errorf("stop watching %s: %w", old, err))
			}
		}
	}
	for _, name := range names {
		if err := f.watcher.Add(name); err != nil {
			errs = append(errs, fmt.Errorf("watch %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (f *folders) close() error {
	close(f.stopping)
	f.done.Wait()
	if err := f.watcher.Close(); err != nil {
		return fmt.Errorf("stop watching: %w", err)
	}
	return nil
}
