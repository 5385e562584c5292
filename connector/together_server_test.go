package connector_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"idaas-ldap/connector"
	"idaas-ldap/plan"
)

// fiveHundred look into a real directory at the same moment.
type fiveHundred struct {
	t       *testing.T
	d       *connector.Directory
	entries []*plan.Entry // of the people who are there, each of whom is looked for once or more often
	hold    atomic.Bool   // the next search until all wait
	made    atomic.Int32  // searches
}

const fiveHundredWait = 500

func newFiveHundred(t *testing.T, cfg connector.Config) *fiveHundred {
	t.Helper()
	f := &fiveHundred{t: t}
	cfg.Together, cfg.Connections, cfg.Base = fiveHundredWait, 1, func() plan.DN { return baseDN }
	cfg.Observe = func(string, uint16, time.Duration) {
		f.made.Add(1)
		if f.hold.CompareAndSwap(true, false) {
			awaitLookups(f.d, fiveHundredWait)
		}
	}
	f.d = openDirectory(t, cfg)
	if err := f.d.Scan(t.Context(), baseDN, "(employeeNumber=7)", nil, func(page []*plan.Entry) error {
		f.entries = append(f.entries, page...)
		return nil
	}); err != nil || len(f.entries) == 0 {
		t.Fatalf("%d are there, %v", len(f.entries), err)
	}
	if found, err := f.d.Find(t.Context(), nobody(-1)); found != nil || err != nil { // what is asked once is asked for
		t.Fatalf("found is %+v, %v", found, err)
	}
	return f
}

// atOnce calls look five hundred times while the search for somebody else is kept waiting, and returns how many searches there were
// after that.
func (f *fiveHundred) atOnce(look func(i int)) int {
	f.t.Helper()
	f.hold.Store(true)
	var all sync.WaitGroup
	all.Go(func() {
		if found, err := f.d.Find(f.t.Context(), nobody(-1)); found != nil || err != nil {
			f.t.Errorf("the first: found is %+v, %v", found, err)
		}
	})
	for f.hold.Load() {
		runtime.Gosched()
	}
	before := f.made.Load() + 1 // and the first looks at the base
	for i := range fiveHundredWait {
		all.Go(func() { look(i) })
	}
	all.Wait()
	return int(f.made.Load() - before)
}

// nobody is the key of somebody who is not there.
func nobody(i int) plan.Key {
	return plan.Key{Base: baseDN, Match: []plan.Match{{Filter: fmt.Sprintf("(employeeNumber=none %d)", i)}, {Filter: fmt.Sprintf("(&(cn=none %d)(!(employeeNumber=*)))", i)}}}
}

// areFound looks for those who are there by their stable ids, and for others by two rules each, and returns how many searches that took.
func (f *fiveHundred) areFound() (there, absent int) {
	f.t.Helper()
	there = f.atOnce(func(i int) {
		want := f.entries[i%len(f.entries)]
		found, err := f.d.Find(f.t.Context(), plan.Key{Base: baseDN, Link: want.Link})
		if err != nil || found == nil || found.Link != want.Link || !found.DN.Equal(want.DN) {
			f.t.Errorf("%d: found is %+v, %v; want %s", i, found, err, want.DN)
		}
	})
	absent = f.atOnce(func(i int) {
		if found, err := f.d.Find(f.t.Context(), nobody(i)); found != nil || err != nil {
			f.t.Errorf("%d is not there: found is %+v, %v", i, found, err)
		}
	})
	return there, absent
}

// takeOneSearch makes sure that the server answers for all of them at once.
func (f *fiveHundred) takeOneSearch() {
	f.t.Helper()
	if there, absent := f.areFound(); there != 1 || absent != 2 {
		f.t.Errorf("it takes %d searches for those who are there, and %d with the look at the base for those who are not", there, absent)
	}
}
