package store_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// Whoever gives up waiting takes nobody's turn along, and everybody gets the job that he has asked for.
func TestManyLoadAtOnceAndSomeGiveUp(t *testing.T) {
	s := open(t, store.SQLiteConfig{Path: filepath.Join(t.TempDir(), "store.db")})
	const people, callers = 100, 80
	var events []store.NewEvent
	for i := range people {
		e := newEvent("evt " + numbered(i).Object.ID)
		e.Change.Object = numbered(i).Object
		events = append(events, e)
	}
	if _, err := s.Accept(t.Context(), 1, events); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range 25 {
				ctx, cancel := context.WithCancel(t.Context())
				if (caller+i)%3 == 0 {
					go cancel()
				}
				key := numbered((caller * i) % people)
				job, err := s.Load(ctx, key, 10)
				if given := errors.Is(err, context.Canceled); err != nil && !given || err == nil && (job.Key != key || len(job.Pending) != 1 || job.Pending[0].EventID != "evt "+key.Object.ID) {
					t.Errorf("%s: %v, %+v", key.Object, err, job)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if _, err := s.Load(t.Context(), numbered(1), 10); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// numbered is the key of one of many users.
func numbered(i int) store.Key {
	return store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindUser, ID: fmt.Sprintf("user_%03d", i)}}
}
