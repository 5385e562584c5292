package reload

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"

	"idaas-ldap/mapping"
)

// source returns a mapping whose base says which one it is.
func source(name string) string {
	return `version: 1
base: o=` + name + `
user:
  dn: "uid={user.username},o=` + name + `"
  match: [ { attribute: employeeNumber, value: user.id } ]
  object_classes: [inetOrgPerson]
  attributes: { sn: user.username, cn: user.username }
`
}

// A mapping that does not compile, and one whose own test fails.
const misspelt = `version: 1
base: o=wrong
user:
  dn: "uid={user.usrname},o=wrong"
  match: [ { attribute: employeeNumber, value: user.id } ]
  object_classes: [inetOrgPerson]
  attributes: { sn: user.username, cn: user.username }
`

func untrue() string {
	return source("untrue") + `tests:
  - name: it shouts
    event: { type: user:create, user: { id: u, username: ann } }
    expect: |
      dn: uid=ANN,o=untrue
      changetype: add
`
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// watched is a mapping file with a running watcher.
type watched struct {
	t       *testing.T
	path    string
	file    *File
	watcher *Watcher
	results chan Result
}

func watch(t *testing.T, path string) *watched {
	t.Helper()
	w := &watched{t: t, path: path, results: make(chan Result, 100)}
	var err error
	w.file, err = Load(path, func(r Result) { w.results <- r })
	must(t, err)
	log := logrus.New()
	log.SetOutput(io.Discard)
	w.watcher, err = NewWatcher([]Source{w.file}, log)
	must(t, err)
	var running sync.WaitGroup
	running.Go(func() { w.watcher.Run(t.Context()) })
	t.Cleanup(func() { // after the context has ended
		running.Wait()
		if err := w.watcher.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// becomes waits until the mapping in force is a certain one.
func (w *watched) becomes(name string) {
	w.t.Helper()
	for r := range w.results {
		if r.Err == nil && w.file.Value().Base().String() == "o="+name {
			break
		}
	}
	if err := w.file.Refused(); err != nil {
		w.t.Errorf("%s is in force, and yet %v", name, err)
	}
}

// refuses waits until the file is refused for a reason, and sees to it that a certain mapping has stayed in force.
func (w *watched) refuses(reason, inForce string) {
	w.t.Helper()
	for r := range w.results {
		if r.Err == nil || !strings.Contains(r.Err.Error(), reason) {
			continue // an editor is not done yet
		}
		break
	}
	if err := w.file.Refused(); err == nil || !strings.Contains(err.Error(), reason) {
		w.t.Errorf("it is refused because of %v, want %q", err, reason)
	}
	if got := w.file.Value().Base().String(); got != "o="+inForce {
		w.t.Errorf("in force is %s, want o=%s", got, inForce)
	}
}

func fileIn(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mapping.yaml")
	write(t, path, source(name))
	return path
}

func TestAnEditInPlaceComesIntoForce(t *testing.T) {
	w := watch(t, fileIn(t, "first"))
	write(t, w.path, source("second"))
	w.becomes("second")
}

// Editors write a file beside it and give it the name of the old one.
func TestAnEditByRenamingComesIntoForce(t *testing.T) {
	w := watch(t, fileIn(t, "first"))
	for _, name := range []string{"second", "third"} {
		write(t, w.path+"~", source(name))
		must(t, os.Rename(w.path+"~", w.path))
		w.becomes(name)
	}
}

// Kubernetes mounts a folder whose files are links through a link, ..data, to a folder with the content. It changes all
// files at once by replacing that link.
func TestAChangedConfigMapComesIntoForce(t *testing.T) {
	mount := t.TempDir()
	version := func(folder, text string) {
		must(t, os.Mkdir(filepath.Join(mount, folder), 0o700))
		write(t, filepath.Join(mount, folder, "mapping.yaml"), text)
	}
	point := func(folder string) {
		must(t, os.Symlink(folder, filepath.Join(mount, "..data_tmp")))
		must(t, os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")))
	}
	version("..1", source("first"))
	point("..1")
	path := filepath.Join(mount, "mapping.yaml")
	must(t, os.Symlink(filepath.Join("..data", "mapping.yaml"), path))
	w := watch(t, path)
	version("..2", source("second"))
	point("..2")
	w.becomes("second")
	must(t, os.RemoveAll(filepath.Join(mount, "..1")))
	version("..3", misspelt)
	point("..3")
	w.refuses("usrname", "second")
	version("..4", source("fourth"))
	point("..4")
	w.becomes("fourth")
}

// A folder on the way may be a link that lies somewhere else.
func TestALinkElsewhereThatIsReplacedIsFollowed(t *testing.T) {
	here, there := t.TempDir(), t.TempDir()
	for _, name := range []string{"first", "second"} {
		must(t, os.Mkdir(filepath.Join(there, name), 0o700))
		write(t, filepath.Join(there, name, "mapping.yaml"), source(name))
	}
	must(t, os.Symlink(filepath.Join(there, "first"), filepath.Join(there, "current")))
	must(t, os.Symlink(filepath.Join(there, "current"), filepath.Join(here, "mappings")))
	w := watch(t, filepath.Join(here, "mappings", "mapping.yaml"))
	must(t, os.Symlink(filepath.Join(there, "second"), filepath.Join(there, "next")))
	must(t, os.Rename(filepath.Join(there, "next"), filepath.Join(there, "current")))
	w.becomes("second")
	write(t, filepath.Join(there, "second", "mapping.yaml"), source("third"))
	w.becomes("third")
}

func TestABadEditKeepsTheOldMappingUntilItIsMended(t *testing.T) {
	w := watch(t, fileIn(t, "first"))
	write(t, w.path, misspelt)
	w.refuses("mapping.yaml:4:", "first")
	var wrong *mapping.Errors
	if !errors.As(w.file.Refused(), &wrong) {
		t.Errorf("the reason has no places: %v", w.file.Refused())
	}
	write(t, w.path, untrue())
	w.refuses("it shouts", "first")
	write(t, w.path, source("second"))
	w.becomes("second")
	write(t, w.path, "version: 1\n\tbase: x")
	w.refuses("mapping.yaml:2", "second")
	write(t, w.path, source("second")) // the edit is taken back
	w.becomes("second")
}

func TestAFileThatIsRemovedChangesNothing(t *testing.T) {
	w := watch(t, fileIn(t, "first"))
	must(t, os.Remove(w.path))
	w.refuses("no such file", "first")
	write(t, w.path, source("first"))
	w.becomes("first")
	must(t, os.Remove(w.path))
	w.refuses("no such file", "first")
	write(t, w.path, source("second"))
	w.becomes("second")
}

// What cannot be read is refused, and read again when it can.
func TestAFolderInItsPlaceIsRefused(t *testing.T) {
	w := watch(t, fileIn(t, "first"))
	must(t, os.Remove(w.path))
	must(t, os.Mkdir(w.path, 0o700))
	w.refuses("is a directory", "first")
	must(t, os.Remove(w.path))
	write(t, w.path, source("second"))
	w.becomes("second")
}

func TestReloadReadsAtOnce(t *testing.T) {
	path := fileIn(t, "first")
	f, err := Load(path, nil)
	must(t, err)
	write(t, path, source("second"))
	must(t, f.Check())
	if got := f.Value().Base().String(); got != "o=first" {
		t.Errorf("after a check, in force is %s", got)
	}
	f.Reload()
	if got := f.Value().Base().String(); got != "o=second" {
		t.Errorf("in force is %s", got)
	}
	write(t, path, misspelt)
	if err := f.Check(); err == nil || !strings.Contains(err.Error(), "usrname") || f.Refused() == nil {
		t.Errorf("a file that is wrong is read with %v", err)
	}
}

func TestNothingIsSaidTwice(t *testing.T) {
	path := fileIn(t, "first")
	var results []Result
	f, err := Load(path, func(r Result) { results = append(results, r) })
	must(t, err)
	steps := []struct {
		name, text string // an empty text removes the file
		refused    bool
	}{
		{"a good edit", source("second"), false},
		{"a bad edit", misspelt, true},
		{"another bad edit", untrue(), true},
		{"no file", "", true},
		{"the bad edit again", untrue(), true},
		{"back", source("second"), false},
	}
	for i, step := range steps {
		if step.text == "" {
			must(t, os.Remove(path))
		} else {
			write(t, path, step.text)
		}
		f.Reload()
		f.Reload()
		if len(results) != i+1 || (results[i].Err != nil) != step.refused || (f.Refused() != nil) != step.refused {
			t.Fatalf("after %s: %+v, refused: %v", step.name, results, f.Refused())
		}
	}
}

func TestAWrongFileIsNotLoaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mapping.yaml")
	_, err := Load(path, nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	write(t, path, misspelt)
	var wrong *mapping.Errors
	if _, err := Load(path, nil); !errors.As(err, &wrong) {
		t.Errorf("a wrong file: %v", err)
	}
	write(t, path, untrue())
	var failed *TestsFailed
	if _, err := Load(path, nil); !errors.As(err, &failed) || failed.Test != "it shouts" {
		t.Errorf("a file whose test fails: %v", err)
	}
}

// Editors of one system put a byte order mark in front.
func TestAByteOrderMarkIsNotRead(t *testing.T) {
	w := watch(t, fileIn(t, "first"))
	write(t, w.path, "\ufeff"+source("second"))
	w.becomes("second")
	if _, err := mapping.Compile("mapping.yaml", []byte("\ufeff"+source("third"))); err != nil {
		t.Error(err)
	}
}
