package event_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"idaas-ldap/event"
)

// Of the same millisecond the later record counts. The order of arrival changes neither what comes of the events nor the end.
func TestSameMillisecondInAnyOrder(t *testing.T) {
	said := func(update event.Millis) event.Change {
		c := change(event.TypeUserUpdateInfo, 1, event.Values{"username": fmt.Sprint("name of ", int64(update))})
		c.Stamp.Update = update
		return c
	}
	changes := []event.Change{said(5), said(0), said(3)}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		arrived := make([]event.Change, 3)
		for i, n := range order {
			arrived[i] = changes[n]
		}
		m := event.Merge(event.Object{Ref: ann}, arrived)
		roles := make([]event.Role, 3)
		for i, n := range order {
			roles[n] = m.Roles[i]
		}
		if diff := cmp.Diff([]event.Role{event.Effective, event.Superseded, event.Superseded}, roles); diff != "" || m.Object.Text("username") != "name of 5" {
			t.Errorf("in the order %v the name is %q, roles (-want +got):\n%s", order, m.Object.Text("username"), diff)
		}
		object := event.Object{Ref: ann}
		for _, c := range arrived {
			object = event.Merge(object, []event.Change{c}).Object
		}
		if diff := cmp.Diff(m.Object, object); diff != "" {
			t.Errorf("one by one in the order %v:\n%s", order, diff)
		}
	}
}

// A deletion carries no record, and ends one that was changed in the same millisecond.
func TestDeletionInTheMillisecondOfAnUpdate(t *testing.T) {
	update := decodeOne(t, event.TypeUserUpdateInfo, `{"userId":"user_1","username":"ann","updateTime":1767225700000}`, false)
	deletion := decodeOne(t, event.TypeUserDelete, `{"userId":"user_1"}`, false)
	for _, arrived := range [][]event.Change{{update, deletion}, {deletion, update}} {
		if o := event.Merge(event.Object{Ref: ann}, arrived).Object; !o.Deleted() || len(o.Facts) != 0 {
			t.Errorf("it is %+v", o)
		}
	}
}

func TestStampsAreTotallyOrdered(t *testing.T) {
	stamp := rapid.Custom(func(t *rapid.T) event.Stamp {
		return event.Stamp{Event: event.Millis(rapid.IntRange(0, 3).Draw(t, "event")), Update: event.Millis(rapid.IntRange(0, 3).Draw(t, "update"))}
	})
	rapid.Check(t, func(t *rapid.T) {
		stamps := rapid.SliceOfN(stamp, 3, 8).Draw(t, "stamps")
		slices.SortFunc(stamps, event.Stamp.Compare)
		for i, s := range stamps {
			for j, later := range stamps {
				want := i < j && s != later
				if got := s.Before(later); got != want && s != later {
					t.Fatalf("%v before %v is %t", s, later, got)
				}
			}
		}
	})
}

func TestTimesThatLieAheadAreThatOfTheReceipt(t *testing.T) {
	const now, minute = event.Millis(1_800_000_000_000), event.Millis(60_000)
	for _, c := range []struct{ said, want event.Stamp }{
		{event.Stamp{Event: now - minute, Update: now - 2*minute}, event.Stamp{Event: now - minute, Update: now - 2*minute}},
		{event.Stamp{Event: now + 5*minute, Update: now + 5*minute}, event.Stamp{Event: now + 5*minute, Update: now + 5*minute}},
		{event.Stamp{Event: now + 5*minute + 1}, event.Stamp{Event: now}},
		{event.Stamp{Event: now - minute, Update: now + 6*minute}, event.Stamp{Event: now - minute, Update: now}},
		{event.Stamp{Update: 7}, event.Stamp{Event: now, Update: 7}},
		{event.Stamp{}, event.Stamp{Event: now}},
	} {
		if got, changed := c.said.Received(now); got != c.want || changed != (c.said != c.want) {
			t.Errorf("%+v counts as %+v, %t", c.said, got, changed)
		}
	}
}
