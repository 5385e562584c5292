package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/internal/explain"
	"idaas-ldap/store"
)

// pageSize is how many rows a page has. Where a filter may leave out most of what there is, so many events are looked at for one page.
const (
	pageSize = 50
	window   = 5000
)

// eventQuery says which events are asked for.
type eventQuery struct {
	State, Directory, Type, Object, Event string
	Before                                int64
}

// states are those that a list can be narrowed to, by the names that the command line has for them.
var states = []struct {
	name   string
	states []event.State
}{
	{"failed", []event.State{event.Failed}},
	{"held", []event.State{event.Held}},
	{"waiting", []event.State{event.Waiting, event.Pending}},
	{"done", []event.State{event.Done, event.Skipped, event.Discarded}},
}

func eventQueryOf(values url.Values) (eventQuery, error) {
	q := eventQuery{
		State: values.Get("state"), Directory: values.Get("directory"), Type: values.Get("type"),
		Object: strings.TrimSpace(values.Get("object")), Event: strings.TrimSpace(values.Get("event")),
	}
	if q.State != "" && len(q.filter().States) == 0 {
		return q, wrong("state is one of failed, held, waiting and done")
	}
	var err error
	q.Before, err = numberIn(values, "before")
	return q, err
}

// numberIn reads a number of a query; zero where there is none.
func numberIn(values url.Values, name string) (int64, error) {
	text := values.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, wrong("%s is a number", name)
	}
	return n, nil
}

// filter returns what selects the events in the store.
func (q eventQuery) filter() store.Filter {
	f := store.Filter{Directory: q.Directory, Type: event.Type(q.Type), Object: q.Object, EventID: q.Event, Before: q.Before, Limit: pageSize + 1}
	for _, s := range states {
		if s.name == q.State {
			f.States = s.states
		}
	}
	return f
}

// eventRow is an event in a list.
type eventRow struct {
	store.EventRecord
	// Name is that of the user, unit or group; empty where it is not known.
	Name string `json:"name,omitempty"`
}

// Takes reports whether a decision can be taken about the event.
func (e eventRow) Takes(action string) bool {
	switch e.Outcome.State {
	case event.Failed, event.Held, event.Waiting:
		return e.Directory != ""
	case event.Pending:
		return action == actionDiscard && e.Directory != ""
	case event.Discarded:
		return action == actionRetry && e.LeftInPlace()
	case event.Done, event.Skipped:
	}
	return false
}

// eventList is a page of events.
type eventList struct {
	Events []eventRow `json:"events"`
	// Next is the before of the next page, zero where nothing follows.
	Next int64 `json:"next,omitempty"`
	// Cut: not all that the page stands for was looked at, so there may be more of it where it goes on.
	Cut bool `json:"cut,omitempty"`
}

// events returns a page of events.
func (c *Console) events(ctx context.Context, q eventQuery) (eventList, error) {
	records, floor, err := c.records(ctx, q)
	if err != nil {
		return eventList{}, fmt.Errorf("list events: %w", err)
	}
	list := eventList{Events: []eventRow{}}
	switch {
	case len(records) > pageSize:
		records = records[:pageSize]
		list.Next = records[pageSize-1].Seq
	case floor > 0:
		list.Next, list.Cut = floor+1, true
	}
	list.Events, err = c.rows(ctx, records)
	return list, err
}

// records returns one event more than a page has, if there are so many, and the number down to which events were looked at, zero for
// all.
func (c *Console) records(ctx context.Context, q eventQuery) (records []store.EventRecord, floor int64, err error) {
	f := q.filter()
	isOpen := len(f.States) > 0 && q.State != "done"
	isNarrowed := len(f.States) > 0 || f.Directory != "" || f.Type != ""
	switch {
	case f.EventID != "" || !isNarrowed:
		records, err = c.Store.Events(ctx, f)
		return records, 0, err
	case f.Object != "":
		return c.about(ctx, f)
	case isOpen && f.Type == "":
		records, err = c.open(ctx, f)
		return records, 0, err
	}
	top := f.Before
	if top == 0 {
		newest, err := c.Store.Events(ctx, store.Filter{Limit: 1})
		if err != nil || len(newest) == 0 {
			return nil, 0, err
		}
		top = newest[0].Seq + 1
	}
	f.After = max(0, top-window)
	if isOpen {
		records, err = c.open(ctx, f)
	} else {
		records, err = c.Store.Events(ctx, f)
	}
	return records, f.After, err
}

// about lists those of the newest events about one object that a filter takes, and returns the number down to which they were looked at, zero
// for all: a group may have very many, none of which is asked for.
func (c *Console) about(ctx context.Context, f store.Filter) (records []store.EventRecord, floor int64, err error) {
	every := store.Filter{Object: f.Object, Before: f.Before, Limit: atOnce}
	for range window / atOnce {
		some, err := c.Store.Events(ctx, every)
		if err != nil {
			return nil, 0, err
		}
		for _, r := range some {
			if isTaken(f, r) {
				records = append(records, r)
			}
			if len(records) == f.Limit {
				return records, 0, nil
			}
		}
		if len(some) < atOnce {
			return records, 0, nil
		}
		every.Before = some[len(some)-1].Seq
	}
	return records, every.Before - 1, nil
}

// atOnce is how many events are listed at once where more are looked at than are shown.
const atOnce = 1000

// isTaken reports whether a filter takes an event of its object.
func isTaken(f store.Filter, r store.EventRecord) bool {
	return (len(f.States) == 0 || slices.Contains(f.States, r.Outcome.State)) && (f.Directory == "" || r.Directory == f.Directory) && (f.Type == "" || r.Type == f.Type)
}

// open lists what is in states that an index is about: state by state and directory by directory, as each of these is in order.
func (c *Console) open(ctx context.Context, f store.Filter) ([]store.EventRecord, error) {
	var all []store.EventRecord
	for _, state := range f.States {
		for _, d := range c.Directories() {
			if f.Directory != "" && f.Directory != d.Name {
				continue
			}
			one := f
			one.States, one.Directory = []event.State{state}, d.Name
			records, err := c.Store.Events(ctx, one)
			if err != nil {
				return nil, err
			}
			all = append(all, records...)
		}
	}
	slices.SortFunc(all, func(a, b store.EventRecord) int { return int(b.Seq - a.Seq) })
	return all[:min(len(all), f.Limit)], nil
}

// rows adds the names of those whom events are about.
func (c *Console) rows(ctx context.Context, records []store.EventRecord) ([]eventRow, error) {
	rows := make([]eventRow, len(records))
	for i, r := range records {
		name, err := c.nameIn(ctx, r)
		if err != nil {
			return nil, err
		}
		rows[i] = eventRow{r, name}
	}
	return rows, nil
}

// nameIn returns the name that an event gives its object, or else the one that is known.
func (c *Console) nameIn(ctx context.Context, r store.EventRecord) (string, error) {
	if r.Object.Zero() {
		return "", nil
	}
	said, err := c.Store.Said(ctx, r.Seq)
	if err == nil {
		if name, ok := said.Fields[nameField(r.Object.Kind)].(string); ok && name != "" {
			return name, nil
		}
	}
	if err != nil && problemOf(err).status != http.StatusNotFound {
		return "", fmt.Errorf("read event %s: %w", r.EventID, err)
	}
	known, _, err := c.Store.Lookup(ctx, store.Key{Directory: r.Directory, Object: r.Object})
	if err != nil {
		if problemOf(err).status == http.StatusNotFound {
			return "", nil
		}
		return "", fmt.Errorf("look up %s: %w", r.Object, err)
	}
	return nameOf(known), nil
}

func nameField(kind event.Kind) string {
	if kind == event.KindUser {
		return event.FieldUsername
	}
	return event.FieldName
}

func nameOf(o event.Object) string { return o.Text(nameField(o.Ref.Kind)) }

// oneEvent is an event with all that is recorded of it.
type oneEvent struct {
	eventRow
	Said []explain.Word `json:"said"`
	// Elsewhere are the deliveries of the same event to other directories.
	Elsewhere []eventRow `json:"elsewhere"`
	// Decided is what people have decided about it, the newest first.
	Decided []store.AuditRecord `json:"decided"`
}

// maxAudit is how many records of what people did are looked at.
const maxAudit = 1000

func (c *Console) event(ctx context.Context, seq int64) (oneEvent, error) {
	record, err := c.record(ctx, seq)
	if err != nil {
		return oneEvent{}, err
	}
	row, err := c.rows(ctx, []store.EventRecord{record})
	if err != nil {
		return oneEvent{}, err
	}
	one := oneEvent{eventRow: row[0], Elsewhere: []eventRow{}, Decided: []store.AuditRecord{}}
	said, err := c.Store.Said(ctx, seq)
	if err != nil {
		return one, fmt.Errorf("read what event %s says: %w", record.EventID, err)
	}
	one.Said = explain.Words(said, record.Application)
	same, err := c.Store.Events(ctx, store.Filter{EventID: record.EventID, Limit: pageSize})
	if err != nil {
		return one, fmt.Errorf("list where event %s goes: %w", record.EventID, err)
	}
	for _, r := range same {
		if r.Seq != seq && r.Application == record.Application {
			one.Elsewhere = append(one.Elsewhere, eventRow{EventRecord: r})
		}
	}
	decided, err := c.Store.Audit(ctx, maxAudit)
	if err != nil {
		return one, fmt.Errorf("list who decided about event %s: %w", record.EventID, err)
	}
	for _, d := range decided {
		if strings.HasPrefix(d.About, fmt.Sprintf("delivery %d,", seq)) {
			one.Decided = append(one.Decided, d)
		}
	}
	return one, nil
}

// record returns the event of a number.
func (c *Console) record(ctx context.Context, seq int64) (store.EventRecord, error) {
	found, err := c.Store.Events(ctx, store.Filter{Before: seq + 1, After: seq - 1, Limit: 1})
	if err != nil {
		return store.EventRecord{}, fmt.Errorf("look for event number %d: %w", seq, err)
	}
	if seq < 1 || len(found) == 0 {
		return store.EventRecord{}, absent("no event has the number %d, or it is older than what is kept", seq)
	}
	return found[0], nil
}

// eventsView is what the page of events shows.
type eventsView struct {
	eventList
	Query       eventQuery
	States      []string
	Types       []event.Type
	Directories []string
}

func (c *Console) directoryNames() []string {
	var names []string
	for _, d := range c.Directories() {
		names = append(names, d.Name)
	}
	return names
}

func (c *Console) eventsPage(ctx *gin.Context) {
	q, err := eventQueryOf(ctx.Request.URL.Query())
	if err != nil {
		c.fail(ctx, err)
		return
	}
	list, err := c.events(ctx.Request.Context(), q)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	view := eventsView{eventList: list, Query: q, Types: event.Types(), Directories: c.directoryNames()}
	for _, s := range states {
		view.States = append(view.States, s.name)
	}
	c.render(ctx, http.StatusOK, "events", view)
}

func (c *Console) eventsAPI(ctx *gin.Context) {
	q, err := eventQueryOf(ctx.Request.URL.Query())
	if err != nil {
		c.fail(ctx, err)
		return
	}
	list, err := c.events(ctx.Request.Context(), q)
	c.answer(ctx, list, err)
}

// answer is JSON of what was asked for.
func (c *Console) answer(ctx *gin.Context, what any, err error) {
	if err != nil {
		c.fail(ctx, err)
		return
	}
	ctx.JSON(http.StatusOK, what)
}

// show is a page of what was asked for.
func (c *Console) show(ctx *gin.Context, name string, what any, err error) {
	if err != nil {
		c.fail(ctx, err)
		return
	}
	c.render(ctx, http.StatusOK, name, what)
}

func (c *Console) eventAsked(ctx *gin.Context) (oneEvent, error) {
	seq, err := numberIn(ctx.Request.URL.Query(), "seq")
	if err != nil {
		return oneEvent{}, err
	}
	return c.event(ctx.Request.Context(), seq)
}

func (c *Console) eventPage(ctx *gin.Context) {
	one, err := c.eventAsked(ctx)
	c.show(ctx, "event", one, err)
}

func (c *Console) eventAPI(ctx *gin.Context) {
	one, err := c.eventAsked(ctx)
	c.answer(ctx, one, err)
}
