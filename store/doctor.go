package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// Doctor looks at the store in a file that cannot be served any more, and saves what can be read of it. The file itself is never
// written to: what is read is a copy.
type Doctor struct {
	// Path is the database, KeyFile its key, and Directories are those of the configuration.
	Path, KeyFile string
	Directories   []string
	Now           event.Millis
}

// Diagnosis says what of a store can be read.
type Diagnosis struct {
	// Problem is why a service refuses the store; empty where it does not.
	Problem string `json:"problem,omitempty"`
	// KeyOpens reports whether what is sealed opens with the key.
	KeyOpens bool `json:"keyOpens"`
	// Schema is the version of the database's schema, zero where nobody can tell.
	Schema      int              `json:"schema"`
	Tables      []TableState     `json:"tables"`
	Directories []DirectoryState `json:"directories"`
	// Free is how many bytes more the file system takes, negative where nobody can tell.
	Free int64 `json:"free"`
}

// TableState says what of a table can be read.
type TableState struct {
	Table string `json:"table"`
	// Read are the rows that are as they were written, as far as that can be told; Refused are those that are not.
	Read    int64 `json:"read"`
	Refused int64 `json:"refused"`
	// Lost are rows of which nothing is left but their names in an index. Broken says that a part of the table cannot be read.
	Lost   int64 `json:"lost"`
	Broken bool  `json:"broken"`
}

// DirectoryState says what is left of what was known of a directory.
type DirectoryState struct {
	Directory string `json:"directory"`
	// Objects are those that are known, Linked of them those whose entry is. Unfinished are events that were not through.
	Objects    int64 `json:"objects"`
	Linked     int64 `json:"linked"`
	Unfinished int64 `json:"unfinished"`
	// Lost names the objects of which nothing but the name is left, or whose row is not as it was written.
	Lost []string `json:"lost"`
}

// Healthy reports whether nothing is missing and nothing keeps the store from being served.
func (d Diagnosis) Healthy() bool {
	return d.Problem == "" && d.KeyOpens && !slices.ContainsFunc(d.Tables, func(t TableState) bool { return t.Broken || t.Refused+t.Lost > 0 })
}

// Table returns the state of a table.
func (d Diagnosis) Table(name string) TableState {
	for _, t := range d.Tables {
		if t.Table == name {
			return t
		}
	}
	return TableState{Table: name}
}

// Examine says what can be read.
func (d Doctor) Examine(ctx context.Context) (Diagnosis, error) {
	var found Diagnosis
	err := d.within(ctx, os.TempDir(), func(w *wounded, seal *Seal) error {
		s := d.sieve(seal)
		err := s.all(ctx, w, nil)
		found = s.found
		return err
	})
	if err != nil {
		return Diagnosis{}, fmt.Errorf("look at the store %s: %w", d.Path, err)
	}
	if refused := Examine(ctx, SQLiteConfig{Path: d.Path, Large: math.MaxInt64}, d.KeyFile); refused != nil {
		found.Problem = refused.Error()
	}
	found.Free = freeSpace(filepath.Dir(d.Path))
	return found, nil
}

// within calls work with a copy of the damaged database, which is made in a folder, and with the key; with one that opens nothing where
// there is none.
func (d Doctor) within(ctx context.Context, folder string, work func(*wounded, *Seal) error) error {
	there, err := databaseAt(d.Path)
	if err != nil {
		return err
	}
	if !there {
		return ErrNoStore
	}
	seal, err := LoadKey(d.KeyFile)
	if err != nil {
		if seal, err = NewSeal(secret.New(fmt.Sprintf("%064x", 0))); err != nil {
			return err
		}
	}
	w, err := copyWounded(ctx, d.Path, folder)
	if err != nil {
		return err
	}
	return errors.Join(work(w, seal), w.close())
}
