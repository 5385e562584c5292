package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// ErrUnavailable says that nothing was stored now and that a later try may succeed: the disk is full, the database does
// not answer, or too much is waiting to be written.
var ErrUnavailable = errors.New("the store cannot take this now")

// ErrOutdated says that another version of the program has changed how the store is built while this one was running.
var ErrOutdated = fmt.Errorf("%w: a newer version of this program has brought the database up to date; run that version in the place of this one, which changes nothing any more", ErrUnavailable)

// ErrNotFound says that there is no such event or object.
var ErrNotFound = errors.New("not in the store")

// ErrNoneLeft says that all numbers of a pool are given out.
var ErrNoneLeft = errors.New("no number is left")

// ErrReserved says that somebody else works on what is due.
var ErrReserved = errors.New("somebody else works on what is due in the store")

// Key names the unit of work: one object in one directory.
type Key struct {
	Directory string
	Object    event.Ref
}

// NewEvent is an event to be accepted.
type NewEvent struct {
	// Application is the aud of the token that carried the event; together with the event's id it tells repeats.
	Application string
	Instance    string
	Change      event.Change
	// Targets are the directories that the event is for. With none, Outcome must be set.
	Targets []Target
	// Outcome, if set, settles the event at once: malformed, of an unknown type, for no directory.
	Outcome *event.Outcome
}

// Target is one directory that an event is for.
type Target struct {
	Directory string
	// KeepPassword is false where the directory takes no passwords; then the password is not stored for it.
	KeepPassword bool
}

// Accepted says what became of one event that was handed in.
type Accepted struct {
	// Repeat: the event was known already; nothing was stored.
	Repeat bool
	// Outcome is that of the event as a whole where there are no deliveries.
	Outcome event.Outcome
	// Deliveries has one entry for each directory, with the outcome so far.
	Deliveries []Delivery
}

// Delivery is one event on its way to one directory.
type Delivery struct {
	// Seq identifies the delivery. A later delivery of the same store has a larger one.
	Seq     int64
	Key     Key
	EventID string
	Outcome event.Outcome
}

// Job is everything known about one object in one directory, for one reconcile of it.
type Job struct {
	Key Key
	// Known is what is known without the pending events. Its Members are empty; see Store.Memberships.
	Known event.Object
	// Record is the rest of what the store remembers of the object.
	Record Record
	// Pending are the events not settled yet, in the order of their arrival, at most as many as the limit of Load. Those are among them
	// that the guard holds on entries which are not to be seen.
	Pending []Pending
	// Rejoin are members of this group whose entries were made anew since the group was settled last, at most as many as
	// the limit of Load.
	Rejoin []string
	// More: there are further pending events, or further members in Rejoin.
	More bool
	// Attempts counts the tries since the last success or new event.
	Attempts int
	// Asked: what became of another object, or a member of this group, has made this one due since there was last nothing to do, or an event
	// was held because the entry was not to be seen.
	Asked bool
	// Version tells Settle when the job was loaded, so that no change of another object in between is missed.
	Version int64
}

// Record is what is remembered of the entry of an object in a directory.
type Record = plan.Record

// Pending is one event that is not settled.
type Pending struct {
	Seq         int64
	Application string
	EventID     string
	Change      event.Change
	// PasswordTried: the password of this event may have been written before; see Store.MarkPasswordTried.
	PasswordTried bool
	// Retried: a person has asked for another try.
	Retried bool
	// Approved is what a person has allowed for this event after a guard had held it: the act of the outcome then.
	// Empty for nothing. ApprovedBy is that person.
	Approved, ApprovedBy string
	Outcome              event.Outcome
}

// Settlement is the end of one reconcile, stored in one transaction.
type Settlement struct {
	Key Key
	// Version must be that of the job: an awaited object that was settled with Wake after it makes this one due at once.
	Version int64
	// Known replaces what is known of the object. A zero Ref leaves it as it is.
	Known event.Object
	// Record replaces what is remembered of it, if Known is given.
	Record Record
	// Outcomes are the new outcomes of pending events by Seq. A settled state erases the event's password, except that
	// a failed event keeps it for a retry, until it is discarded or Prune finds it too old. An event that was settled by
	// somebody else meanwhile stays as it is. A password that was refused counts as not tried, so that a refusal of the
	// retry is not taken for our own repeat. The act of one that is held is stored, and Retry makes it the approval.
	Outcomes map[int64]event.Outcome
	// Mended: all of the object is as it should be. What was held or has failed of the events of our own about it is over.
	Mended bool
	// Alone, if set, is what became of an object that no event asked to look at, and that a person should see: it is stored
	// as an event of our own, as if Ask had asked for it.
	Alone *event.Outcome
	// Memberships are words about members of this group that are applied now, by user id; they stay known until the
	// group is gone: those that are not newer than the Floor of the Known are forgotten.
	Memberships map[string]event.Membership
	// Entered: the object is a user whose entry was made just now, or was left by a deletion that is over. All groups that are
	// known to have it as a member become due at once, with it in the Rejoin of their jobs. So does this group with a member of
	// Memberships who was settled with Wake after Version: nobody could know then that it is one.
	Entered bool
	// Rejoined are those of the job's Rejoin that need not be looked at again.
	Rejoined []string
	// ForgetMember: the object is a user that is gone; all memberships of it are forgotten, but those that are newer than
	// the Floor of the Known.
	ForgetMember bool
	// Due is when the object is to be looked at again: a pause that ends, a lock that ends. Zero for never by itself.
	// Whatever it says, the object is due at once where it was made due by somebody since the job was loaded.
	Due event.Millis
	// Attempts is stored for the next job, unless an event came in, or was made pending again, since the job was loaded: that
	// is a new reason to try.
	Attempts int
	// WaitsFor are the objects whose next settlement with Wake set makes this one due at once. They replace those of
	// before.
	WaitsFor []event.Ref
	// Wake makes the objects due that wait for this one.
	Wake bool
	// Touch are further objects that are to be looked at. They become due at once, and again where they are being worked on.
	Touch []event.Ref
	// RenamedFrom and RenamedTo, if set, rewrite the remembered DNs of all other objects of the directory that lie below
	// RenamedFrom: their entries moved along. Those who wait for any of them become due at once. Matching says which lie there as
	// the directory compares names; without it those do that lie there to every server.
	RenamedFrom, RenamedTo plan.DN
	Matching               plan.Matching
}

// OwnApplication is the Application of events of our own (event.TypeReconcile). No token has an empty aud.
const OwnApplication = ""

// Remembered is an object with what the product remembers of it.
type Remembered struct {
	Object event.Object
	Record Record
}

// Holding is an object and where it is remembered to have its entry.
type Holding struct {
	Object event.Ref
	DN     plan.DN
}

// FormerNames is what is kept of groups that were not to be seen when what names a member of theirs was changed.
type FormerNames interface {
	// Listing returns the groups that are known to have a member whose entry is remembered at a DN, to some server, or below it.
	Listing(ctx context.Context, directory string, dn plan.DN) ([]event.Ref, error)
	// Listed returns the members of a group whose entries are remembered at a DN, to some server, or below it.
	Listed(ctx context.Context, group Key, dn plan.DN) ([]Holding, error)
	// KeepFormerNames keeps values by which a group may still name members. What is kept already is kept once.
	KeepFormerNames(ctx context.Context, group Key, names []plan.FormerName) error
	// FormerNames returns what is kept for a group, in no particular order.
	FormerNames(ctx context.Context, group Key) ([]plan.FormerName, error)
	// DropFormerNames forgets some of what is kept for a group.
	DropFormerNames(ctx context.Context, group Key, names []plan.FormerName) error
}

// Spending is something that a guard counts.
type Spending struct {
	Directory string
	// Act is what is done, such as delete or disable. Acts are counted apart.
	Act string
	// Objects are those to which it is done. Each counts once, however often it is done to it within a window.
	Objects []event.Ref
	Now     event.Millis
	// Window is the span of time that ends now.
	Window time.Duration
	// Max is how many objects it may be done to within the window, of whatever kind; MaxOf how many of one kind. A kind that
	// is not in it is bounded by Max alone.
	Max   int
	MaxOf map[event.Kind]int
}

// Due is an object that is due for work.
type Due struct {
	Key Key
	At  event.Millis
}

// EventRecord is an event as lists and the console show it. It holds no payload.
type EventRecord struct {
	Seq         int64         `json:"seq"`
	EventID     string        `json:"eventId"`
	Application string        `json:"application"`
	Directory   string        `json:"directory"`
	Type        event.Type    `json:"type"`
	Object      event.Ref     `json:"object"`
	Time        event.Millis  `json:"eventTime"`
	ReceivedAt  event.Millis  `json:"receivedAt"`
	SettledAt   event.Millis  `json:"settledAt,omitempty"`
	Outcome     event.Outcome `json:"outcome"`
	// Act is what the guard counts that held the event last; empty where none did. ApprovedBy is who has allowed it; empty where
	// nobody has.
	Act        string `json:"act,omitempty"`
	ApprovedBy string `json:"approvedBy,omitempty"`
}

// LeftInPlace reports whether the event is a held deletion that a person has dropped.
func (e EventRecord) LeftInPlace() bool {
	return e.Outcome.State == event.Discarded && e.Act == actDelete
}

// Leaves reports whether the event is a dropped deletion, and nobody has said since that the object is there.
func (e EventRecord) Leaves(o event.Object) bool {
	return e.LeftInPlace() && o.Exists() && o.Existence.At.Event <= e.Time
}

// AuditRecord is one thing that a person did.
type AuditRecord struct {
	At    event.Millis `json:"at"`
	Who   string       `json:"who"`
	What  string       `json:"what"`
	About string       `json:"about"`
}

// Filter selects events. Empty fields select all.
type Filter struct {
	States    []event.State
	Directory string
	Type      event.Type
	Object    string // id
	EventID   string
	// Since selects events that were received at this moment or later.
	Since event.Millis
	// Held selects what is held for one reason; see HeldSet.
	Held HeldSet
	// Before selects events with a smaller Seq: the next page. Zero for the first.
	Before int64
	// After selects events with a larger Seq, so that little is read where little is found.
	After int64
	// Limit is at most 1000; zero for 100.
	Limit int
}

// HeldSet is what is held in a directory for one reason: by the guard that counts an act, or else, with no act, for its code.
type HeldSet struct {
	Directory string     `json:"directory"`
	Code      event.Code `json:"code"`
	Act       string     `json:"act"`
	// Count is how many there are, Newest the largest Seq of them. They select nothing.
	Count  int   `json:"count"`
	Newest int64 `json:"newest"`
}

// Store is what the rest of the product needs of durable memory. Methods are safe for concurrent use. A method that
// writes returns after the data is on durable storage, or with an error that is [ErrUnavailable] where nothing of it was
// written.
type Store interface {
	Rounds

	// Accept stores events in one transaction, all or none. A repeat (the same application and event id, also within one
	// call) changes nothing and gets what is recorded. New deliveries are pending, and their objects are due now with no
	// attempts, as are the Others of the change. An object belongs to the instance whose event was the first to say something
	// about it: what another one says is skipped (event.CodeOtherInstance). An event with neither Targets nor Outcome is an
	// error.
	Accept(ctx context.Context, now event.Millis, events []NewEvent) ([]Accepted, error)

	// Due returns objects of a directory that are due at now, the longest due first, at most limit, and when the next
	// one after those is due, zero if none is.
	Due(ctx context.Context, directory string, now event.Millis, limit int) (due []Due, next event.Millis, err error)

	// Newest returns the Seq of the newest delivery, zero where there is none.
	Newest(ctx context.Context) (seq int64, err error)

	// BringForward makes due at now what of a directory is due later than that, and until a moment at the latest.
	BringForward(ctx context.Context, directory string, now, until event.Millis) error

	// Load returns the job of an object with at most limit pending events, the oldest arrival first: those that are
	// pending, waiting, or held because the entry was not to be seen; what is held otherwise only after Retry. Where there are more, those that are
	// held are left out. Where none is, the object is due for its own sake.
	Load(ctx context.Context, key Key, limit int) (Job, error)

	// Memberships returns the known words about some members of a group; about all of them where users is nil.
	Memberships(ctx context.Context, group Key, users []string) (map[string]event.Membership, error)

	FormerNames

	// Lookup returns what is known and remembered of an object, and ErrNotFound where nothing is.
	Lookup(ctx context.Context, key Key) (event.Object, Record, error)

	// ByLink returns the objects whose entries have these stable ids, in no particular order.
	ByLink(ctx context.Context, directory string, links []string) ([]Remembered, error)

	// Holders returns the objects whose remembered DN is this one to some server: those with the same [plan.DN.Key]. An object
	// that is deleted holds nothing, even where its entry was kept.
	Holders(ctx context.Context, directory string, dn plan.DN) ([]Holding, error)

	// Below returns the remembered DNs of all objects that lie below a DN to some server, in no particular order.
	Below(ctx context.Context, directory string, dn plan.DN) ([]plan.DN, error)

	// WaitsFor returns the objects that an object waits for now.
	WaitsFor(ctx context.Context, key Key) ([]event.Ref, error)

	// Allocate gives the object a number of a pool that no object of the directory has or ever had, the lowest free
	// one from from to to, or the one it has already, even outside of them. It is ErrNoneLeft if none is left. Numbers
	// that are taken, by somebody whom the store does not know, are given to nobody from then on; an object that was given
	// one of them gets another.
	Allocate(ctx context.Context, key Key, pool string, from, to int64, taken ...int64) (int64, error)

	// Claim gives the object the first of the candidates that no other object of the directory has claimed in the pool, or
	// the one that it has claimed already, if that is among them; the empty text where all are claimed. An object claims
	// one name in a pool, until it settles without an entry. Names that differ in case or spaces only are the same.
	Claim(ctx context.Context, key Key, pool string, candidates []string) (string, error)

	// MarkPasswordTried records that the password of a delivery is about to be written, so that a refusal by the
	// password history after a crash is known to be our own repeat.
	MarkPasswordTried(ctx context.Context, seq int64) error

	// Identity returns by which stable id the base of a mapping is known in a directory, empty where it is not known yet.
	Identity(ctx context.Context, directory string, base plan.DN) (string, error)

	// Identify remembers the stable id of a base where none is known, and returns the one that is.
	Identify(ctx context.Context, directory string, base plan.DN, id string) (known string, err error)

	// AcceptDirectory takes a base with another stable id for the one that was known, because a person says so, and records that.
	// The links of the objects of the directory are forgotten, as they are ids of another directory: their entries are known by
	// their DNs and found by the match rules. For the id that is known already it does nothing.
	AcceptDirectory(ctx context.Context, now event.Millis, by, directory string, base plan.DN, id string) error

	// CountObjects returns how many objects of a kind are known to exist in a directory. With most it counts no further than that.
	CountObjects(ctx context.Context, directory string, kind event.Kind, most int) (int, error)

	// Said returns what an event says, without its password, by the number of one of its deliveries. It is ErrNotFound where there
	// is no such delivery.
	Said(ctx context.Context, seq int64) (event.Change, error)

	// Spend reports whether something that a guard counts is within its limits for all objects of the spending together,
	// and records it if so. What was granted for an object stays granted for as long as it is in the window, whatever the
	// limits are by then. What was spent is remembered for a month, or for the window if that is longer, so that it
	// counts when a mapping makes the window longer.
	Spend(ctx context.Context, s Spending) (bool, error)

	// Allows reports what Spend would, and records nothing.
	Allows(ctx context.Context, s Spending) (bool, error)

	// Spent returns to how many objects of a kind, or of all kinds where that is empty, something was granted after a moment.
	Spent(ctx context.Context, directory, act string, kind event.Kind, since event.Millis) (int, error)

	// Settle stores the end of a reconcile and returns the objects that it made due, the object itself among them where
	// something came in meanwhile.
	Settle(ctx context.Context, now event.Millis, s Settlement) (woken []Key, err error)

	// Events lists events, the newest first.
	Events(ctx context.Context, f Filter) ([]EventRecord, error)

	// HeldSets returns what is held, in sets of what is held for the same reason. With most it counts no further than that in each.
	HeldSets(ctx context.Context, most int) ([]HeldSet, error)

	// FailuresByReason returns what has failed and is kept, by directory and reason, the most first. With most it counts
	// no further than that for each.
	FailuresByReason(ctx context.Context, most int) ([]Failures, error)

	// OldestOpen returns when the oldest event was received of those in a directory that are pending or wait, zero where none is.
	OldestOpen(ctx context.Context, directory string) (event.Millis, error)

	// RecordSample remembers how a minute was, in the place of the same minute of the day before. What somebody else, or the same, has
	// counted within this minute is added to.
	RecordSample(ctx context.Context, sample Sample) error

	// Samples returns the minutes that are remembered since a moment, in the order of time.
	Samples(ctx context.Context, since event.Millis) ([]Sample, error)

	// FindByName returns objects by how their names begin, first those whose user name, or name of a unit or group, does. Next is
	// where to go on, empty where nothing follows. It is ErrCursor where After is none of those.
	FindByName(ctx context.Context, f NameFilter) (found []Named, next string, err error)

	// Retry makes failed, waiting and held deliveries pending and their objects due at once, and returns their keys.
	// It skips those that are settled otherwise. For those that a guard holds it is the approval, of what they are held for
	// and of nothing else. A held deletion that was discarded is taken up again, and approved no more than before.
	Retry(ctx context.Context, now event.Millis, by string, seqs []int64) ([]Key, error)

	// Ask makes objects due by an event of our own (event.TypeReconcile), so that what becomes of them is seen like that of
	// any other event. An object has one at most that is not settled or has failed: that one is tried again. Those that are
	// settled stay as they are.
	Ask(ctx context.Context, now event.Millis, keys []Key) error

	// Discard settles waiting, held, pending and failed deliveries as discarded, and returns how many. The outcome of a held
	// deletion says who has left the entry in place; it is not pruned.
	Discard(ctx context.Context, now event.Millis, by string, seqs []int64) (int, error)

	// Counts returns the number of deliveries in each state that is not settled, and of failed ones, of a directory.
	Counts(ctx context.Context, directory string) (map[event.State]int64, error)

	// CountsUpTo returns the same, and counts no further than most in each state.
	CountsUpTo(ctx context.Context, directory string, most int) (map[event.State]int64, error)

	// Objects calls yield for every object of a kind that is known in a directory, in no particular order, until yield
	// returns false. Memory does not grow with their number.
	Objects(ctx context.Context, directory string, kind event.Kind, yield func(event.Object, Record) bool) error

	// Prune removes settled events that were received before a moment, with their outcomes, and returns how many.
	// Failed ones are kept, without their passwords, until they are discarded or succeed. What people did before that
	// moment is removed as well.
	Prune(ctx context.Context, before event.Millis) (int, error)

	// RecordAudit stores what a person did. Retry and Discard do so by themselves.
	RecordAudit(ctx context.Context, record AuditRecord) error

	// Audit lists what people did, the newest first; limit is at most 1000, zero for 100.
	Audit(ctx context.Context, limit int) ([]AuditRecord, error)

	// Reserve makes the caller the one who works on what is due, so that no object is worked on twice at a time, until it
	// calls release or ends, however it ends. It is ErrReserved where somebody else is that already.
	Reserve(ctx context.Context) (release func() error, err error)

	// Lease makes the caller the one who works on what is due in one directory, for as long as the lease lasts. It is ErrReserved
	// where somebody else does.
	Lease(ctx context.Context, directory string) (Lease, error)

	// Listen calls told for what other processes do with the store, one call after the other, until ctx ends. What cannot be heard at all,
	// or was missed, is found by looking.
	Listen(ctx context.Context, told func(Notice))

	// Check writes something and reads it back.
	Check(ctx context.Context) error

	// Close waits for writes under way and closes the store.
	Close() error
}

// DefaultRetention is how long settled events are kept where the configuration does not say.
const DefaultRetention = 720 * time.Hour
