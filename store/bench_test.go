package store_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// BenchmarkAccept measures how many events are on disk a second, each in a call of its own.
func BenchmarkAccept(b *testing.B) {
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, store.SQLiteConfig{Path: filepath.Join(b.TempDir(), "store.db")})
			share(b, callers, func(i int) error {
				_, err := s.Accept(b.Context(), 1, []store.NewEvent{typicalEvent(i)})
				return err
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkSettle measures how many objects are loaded and settled a second, each with one event.
func BenchmarkSettle(b *testing.B) {
	for _, workers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s := open(b, store.SQLiteConfig{Path: filepath.Join(b.TempDir(), "store.db")})
			for from := 0; from < b.N; from += 500 {
				var events []store.NewEvent
				for i := from; i < min(b.N, from+500); i++ {
					events = append(events, typicalEvent(i))
				}
				if _, err := s.Accept(b.Context(), 1, events); err != nil {
					b.Fatal(err)
				}
			}
			share(b, workers, func(i int) error { return settleTypical(b, s, i) })
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "settled/s")
		})
	}
}

// BenchmarkRename measures the renaming of a unit with 10,000 users below it.
func BenchmarkRename(b *testing.B) {
	s := open(b, store.SQLiteConfig{Path: filepath.Join(b.TempDir(), "store.db")})
	for i := range 10_000 {
		if err := settleTypical(b, s, i); err != nil {
			b.Fatal(err)
		}
	}
	names := []plan.DN{plan.MustParseDN("ou=people,dc=example,dc=org"), plan.MustParseDN("ou=staff,dc=example,dc=org")}
	key := store.Key{Directory: "corp", Object: event.Ref{Kind: event.KindUnit, ID: "ou_1"}}
	for n := 0; b.Loop(); n++ {
		if _, err := s.Settle(b.Context(), 1, store.Settlement{Key: key, Version: 1, RenamedFrom: names[n%2], RenamedTo: names[1-n%2]}); err != nil {
			b.Fatal(err)
		}
	}
}

// share has b.N pieces of work done by a number of goroutines.
func share(b *testing.B, workers int, work func(i int) error) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				if err := work(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}

func typicalEvent(i int) store.NewEvent {
	id := fmt.Sprintf("user_%07d", i)
	return store.NewEvent{
		Application: "app_example",
		Instance:    "idaas_example",
		Change: event.Change{
			ID: fmt.Sprintf("evt_%07d", i), Type: event.TypeUserCreate,
			Object: event.Ref{Kind: event.KindUser, ID: id}, Stamp: event.Stamp{Event: 1_800_000_000_000},
			Fields: event.Values{
				event.FieldID: id, "username": "first.last" + id, "displayName": "First Last", "email": "first.last@example.org", "emailVerified": true,
				"phoneRegion": "86", "phoneNumber": "13900000000", "phoneVerified": true, "status": "enabled", "createTime": int64(1_800_000_000_000),
				event.FieldUnits: []any{map[string]any{"id": "ou_1", "name": "Sales", "primary": true}},
			},
			Password: secret.New("correct horse battery staple"),
		},
		Targets: []store.Target{{Directory: "corp", KeepPassword: true}},
	}
}

// settleTypical does with the store what a reconcile does.
func settleTypical(b *testing.B, s store.Store, i int) error {
	b.Helper()
	e := typicalEvent(i)
	job, err := s.Load(b.Context(), store.Key{Directory: "corp", Object: e.Change.Object}, 1000)
	if err != nil {
		return err
	}
	known := event.Object{Ref: e.Change.Object, Existence: event.Existence{Present: true, At: e.Change.Stamp}, Facts: map[string]event.Fact{}}
	for name, value := range e.Change.Fields {
		known.Facts[name] = event.Fact{Value: value, At: e.Change.Stamp}
	}
	settlement := store.Settlement{
		Key: job.Key, Version: job.Version, Known: known, Wake: true, Outcomes: map[int64]event.Outcome{},
		Record: store.Record{Link: "b7a1d2c8-0000-4000-8000-000000000001", DN: plan.MustParseDN("uid=" + e.Change.Object.ID + ",ou=people,dc=example,dc=org")},
	}
	for _, p := range job.Pending {
		settlement.Outcomes[p.Seq] = event.Outcome{State: event.Done, Code: event.CodeApplied, Message: "written"}
	}
	_, err = s.Settle(b.Context(), 2, settlement)
	return err
}

// settlementOf is what is stored of somebody who is there, or is not.
func settlementOf(key store.Key, exists bool) store.Settlement {
	s := store.Settlement{
		Key: key, Version: 1, Wake: true,
		Known: event.Object{Ref: key.Object, Existence: event.Existence{Present: exists, At: event.Stamp{Event: 5}}},
	}
	if exists {
		s.Entered, s.Record = true, store.Record{Link: "link of " + key.Object.ID, DN: dnOf(key)}
	} else {
		s.ForgetMember, s.Known.Floor = true, event.Stamp{Event: 5}
	}
	return s
}
