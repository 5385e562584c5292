package store_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// What waits together is stored by the same statements, and that changes nothing: two stores in which the same happens at the same
// moments hold the same, of which one does everything by itself. So it is with five hundred in one transaction, too.
func TestWhatIsDoneTogetherIsAsDoneOneByOne(t *testing.T) {
	folder := t.TempDir()
	together := twin{T: t, SQLite: open(t, store.SQLiteConfig{Path: filepath.Join(folder, "together.db"), Together: 500}), users: 30, settled: 20}
	alone := twin{T: t, SQLite: open(t, store.SQLiteConfig{Path: filepath.Join(folder, "alone.db"), Together: 500}), users: 30, settled: 20}
	store.BePatient(together.SQLite)
	store.BePatient(alone.SQLite)
	store.DoneTogetherFrom(t, alone.SQLite, math.MaxInt)
	for round := range uint64(43) {
		if round == 40 {
			alone.users, alone.settled, together.users, together.settled = 700, 400, 700, 400
		}
		var said, content [2][]string
		for i, s := range []twin{alone, together} {
			s.Rand, s.now = rand.New(rand.NewPCG(1, round)), event.Millis(1000+round)
			said[i] = s.round()
			content[i] = strings.Split(store.Content(t, s.SQLite), "\n")
		}
		if diff := cmp.Diff(said[0], said[1]); diff != "" {
			t.Fatalf("round %d: what was said differs (-alone +together):\n%s", round, diff)
		}
		if diff := cmp.Diff(content[0], content[1]); diff != "" {
			t.Fatalf("round %d: what is stored differs (-alone +together):\n%s", round, diff)
		}
	}
}

// twin is one of two stores in which the same happens.
type twin struct {
	*testing.T
	*store.SQLite
	*rand.Rand
	now event.Millis
	// users is among how many those are to whom something happens, and settled how many of them are settled in a round at most.
	users, settled int
}

// once reports something that is so once in so many times.
func (s twin) once(times int) bool { return s.IntN(times) == 0 }

// key returns one of a few users, so that they meet often.
func (s twin) key() store.Key {
	directory := "corp"
	if s.once(6) {
		directory = "branch"
	}
	return store.Key{Directory: directory, Object: event.Ref{Kind: event.KindUser, ID: fmt.Sprintf("user_%02d", s.IntN(s.users))}}
}

// round has some users loaded, and settled while more comes in. It returns what the store says.
func (s twin) round() []string {
	var keys []store.Key
	for range s.settled/5 + s.IntN(s.settled*4/5) {
		if key := s.key(); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	jobs := make([]store.Job, len(keys))
	loads := make([]func() error, len(keys))
	for i, key := range keys {
		loads[i] = func() (err error) {
			jobs[i], err = s.Load(s.Context(), key, s.settled/2)
			return err
		}
	}
	store.LoadAtOnce(s.T, s.SQLite, loads...)
	said := make([]string, 0, 3*s.settled)
	for _, job := range jobs {
		said = append(said, fmt.Sprintf("%+v", job))
	}
	s.meanwhile(jobs)
	var writes []func() error
	write := func(call func() (string, error)) {
		said = append(said, "")
		to := &said[len(said)-1] // there is room
		writes = append(writes, func() (err error) {
			*to, err = call()
			return err
		})
	}
	for range s.IntN(s.settled / 5) {
		write(s.comes())
	}
	for _, job := range jobs {
		write(s.settles(job, keys))
	}
	store.WriteAtOnce(s.T, s.SQLite, writes...)
	return said
}

// meanwhile asks for some again while they are worked on, and changes who is in a group.
func (s twin) meanwhile(jobs []store.Job) {
	err := error(nil)
	for _, job := range jobs {
		switch {
		case s.once(8) && len(job.Pending) > 0:
			_, err = s.Retry(s.Context(), s.now, "ann", []int64{job.Pending[0].Seq})
		case s.once(12):
			err = s.Ask(s.Context(), s.now, []store.Key{job.Key})
		case s.once(4):
			group := store.Key{Directory: job.Key.Directory, Object: event.Ref{Kind: event.KindGroup, ID: fmt.Sprintf("g_%d", s.IntN(3))}}
			_, err = s.Settle(s.Context(), s.now, store.Settlement{
				Key: group, Version: job.Version, WaitsFor: []event.Ref{s.key().Object},
				Known:       event.Object{Ref: group.Object, Existence: event.Existence{Present: true, At: event.Stamp{Event: s.now}}},
				Memberships: map[string]event.Membership{job.Key.Object.ID: {Present: !s.once(4), At: event.Stamp{Event: s.now}}},
			})
		}
		if err != nil {
			s.Fatal(err)
		}
	}
}

// comes hands some events in, of which some are known, are for nobody, or come from another instance.
func (s twin) comes() func() (string, error) {
	events := make([]store.NewEvent, 1+s.IntN(6))
	for i := range events {
		key := s.key()
		e := newEvent(fmt.Sprintf("evt %d", s.IntN(2000)))
		e.Change.Object, e.Change.Stamp = key.Object, event.Stamp{Event: s.now}
		e.Targets = []store.Target{{Directory: key.Directory, KeepPassword: s.once(2)}}
		switch {
		case s.once(10):
			e.Outcome, e.Targets = &event.Outcome{State: event.Skipped, Code: event.CodeUnknownType}, nil
		case s.once(10):
			e.Instance = "idaas_other"
		case s.once(6):
			e.Targets = []store.Target{{Directory: "corp"}, {Directory: "branch", KeepPassword: true}}
		case s.once(6):
			e.Change.Others = []event.Ref{s.key().Object}
		case s.once(4):
			e.Change.Password = secret.New("correct horse")
		}
		events[i] = e
	}
	return func() (string, error) {
		accepted, err := s.Accept(s.Context(), s.now, events)
		return fmt.Sprintf("%+v", accepted), err
	}
}

// settles ends a job in one of the ways that there are.
func (s twin) settles(job store.Job, settled []store.Key) func() (string, error) {
	at := event.Stamp{Event: s.now}
	e := store.Settlement{
		Key: job.Key, Version: job.Version, Wake: s.once(2), Entered: s.once(4), Mended: s.once(2), Attempts: max(0, s.IntN(6)-4),
		Known:    event.Object{Ref: job.Key.Object, Existence: event.Existence{Present: !s.once(8), At: at}},
		Record:   store.Record{Link: "link of " + job.Key.Object.ID, DN: dnOf(job.Key)},
		Outcomes: map[int64]event.Outcome{},
	}
	for _, p := range job.Pending {
		states := []event.State{event.Done, event.Done, event.Done, event.Skipped, event.Waiting, event.Held, event.Failed}
		o := event.Outcome{State: states[s.IntN(len(states))], Code: event.CodeApplied, Message: "as it is"}
		if s.once(12) {
			o.Code = event.CodePasswordRefused
		}
		e.Outcomes[p.Seq] = o
	}
	switch {
	case s.once(8):
		e.Record.DN = plan.MustParseDN("uid=" + job.Key.Object.ID + ",ou=elsewhere,dc=example,dc=org")
	case s.once(8):
		e.Record = store.Record{}
		e.ForgetMember, e.Known.Floor, e.Known.Existence.Present = true, at, false
	case s.once(8):
		if other := s.key(); !slices.Contains(settled, store.Key{Directory: job.Key.Directory, Object: other.Object}) {
			e.WaitsFor = []event.Ref{other.Object, {Kind: event.KindUnit, ID: "ou_1"}}
		}
	case s.once(8):
		e.Touch = []event.Ref{{Kind: event.KindGroup, ID: "g_1"}}
	case s.once(8):
		e.Alone = &event.Outcome{State: event.Held, Code: event.CodeGuarded, Message: "too many", Act: "delete"}
	case s.once(8):
		e.Due = s.now + 100
	}
	return func() (string, error) {
		woken, err := s.Settle(s.Context(), s.now, e)
		names := make([]string, len(woken))
		for i, key := range woken {
			names[i] = key.Directory + " " + key.Object.String()
		}
		slices.Sort(names)
		return strings.Join(slices.Compact(names), ", "), err
	}
}

// dnOf is where somebody has an entry.
func dnOf(key store.Key) plan.DN {
	return plan.MustParseDN("uid=" + key.Object.ID + ",ou=people,dc=example,dc=org")
}
