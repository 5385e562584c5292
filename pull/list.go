package pull

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"idaas-ldap/event"
)

// How lists are read.
const (
	pageSize = 100
	maxPages = 5000 // of one list, whose ids are all held in memory
	readings = 3    // how often a list that changes meanwhile is read
	idle     = 20   // how many pages in a row may hold nothing new before a list is taken to have no end
)

// Units hands on the units directly below one, a page at a time, and reports whether the list was read whole: what is read while it changes
// may lack what was there all the time. A list that changes is read again, and hands its units on again.
func (c *Client) Units(ctx context.Context, parent string, yield func([]Record) error) (whole bool, err error) {
	return c.list(ctx, unitsBelow(parent).to(yield))
}

// Users hands on the users of a unit in the same way. The records lack the units, groups and custom fields of the users.
func (c *Client) Users(ctx context.Context, unit string, yield func([]Record) error) (whole bool, err error) {
	return c.list(ctx, usersOf(unit).to(yield))
}

// Groups hands on the groups in the same way.
func (c *Client) Groups(ctx context.Context, yield func([]Record) error) (whole bool, err error) {
	return c.list(ctx, allGroups().to(yield))
}

// Members returns the ids of the users of a group, a moment at which they were not asked for yet, and whether all were read.
func (c *Client) Members(ctx context.Context, group string) (members map[string]bool, asked event.Millis, whole bool, err error) {
	for range readings {
		members, asked = map[string]bool{}, 0
		whole, err = c.once(ctx, listing{
			what: "list the members of group " + group, kind: event.KindUser, byToken: true,
			path: []string{collections[event.KindGroup], group, "actions", "listUsersForGroup"},
			yield: func(records []Record) error {
				for _, r := range records {
					members[r.Change.Object.ID] = true
					if asked == 0 {
						asked = r.Asked
					}
				}
				return nil
			},
			began: func(at event.Millis) { asked = at },
		})
		if whole || err != nil {
			break
		}
	}
	return members, asked, whole, err
}

// listing is one list that is asked for.
type listing struct {
	what    string
	kind    event.Kind
	path    []string
	query   url.Values
	byToken bool // pages follow each other by a token, otherwise by number
	yield   func([]Record) error
	began   func(event.Millis) // told when the first page was asked for, where it is set
}

func unitsBelow(parent string) listing {
	return listing{what: "list the units below " + parent, kind: event.KindUnit, path: []string{collections[event.KindUnit]}, query: url.Values{"parentId": {parent}}}
}

func usersOf(unit string) listing {
	return listing{what: "list the users of unit " + unit, kind: event.KindUser, path: []string{collections[event.KindUser]}, query: url.Values{"organizationalUnitId": {unit}}}
}

func allGroups() listing {
	return listing{what: "list the groups", kind: event.KindGroup, path: []string{collections[event.KindGroup]}, byToken: true}
}

// to returns a listing that hands its pages on.
func (l listing) to(yield func([]Record) error) listing {
	l.yield = yield
	return l
}

// page is one answer to a listing.
type page struct {
	Total json.RawMessage   `json:"totalCount"`
	Data  []json.RawMessage `json:"data"`
	Next  string            `json:"nextToken"`
}

// empty reports whether an answer is no page: it has neither objects nor a count of them, and proves nothing.
func (p page) empty() bool { return p.Data == nil && len(p.Total) == 0 }

// list reads a list, and again where it changes meanwhile.
func (c *Client) list(ctx context.Context, l listing) (whole bool, err error) {
	for range readings {
		if whole, err = c.once(ctx, l); whole || err != nil {
			break
		}
	}
	return whole, err
}

// once reads a list from its first page to its last.
func (c *Client) once(ctx context.Context, l listing) (whole bool, err error) {
	seen, what := tally{ids: map[string]struct{}{}}, l.what+" from "+c.host
	for number, next := 1, ""; number <= maxPages; number++ {
		query := l.pageOf(number, next)
		var p page
		asked, err := c.get(ctx, what, &p, query, l.path...)
		if err != nil {
			return false, err
		}
		if number == 1 && l.began != nil {
			l.began(asked)
		}
		records, unread := l.records(p, asked)
		seen.unread = seen.unread || unread || p.empty()
		if err := l.yield(records); err != nil {
			return false, err
		}
		news := seen.add(p, records, number == 1)
		if seen.runsAway() || seen.idle > idle {
			return false, nil
		}
		if l.byToken && (p.Next == "" || p.Next == next) || !l.byToken && (len(p.Data) == 0 || !news || seen.all()) {
			return seen.whole(l.byToken) && (!l.byToken || p.Next == ""), nil
		}
		if next = p.Next; len(next) > longestToken {
			return false, fmt.Errorf("%s: the token of the next page has %d bytes, and the longest that is sent has %d", what, len(next), longestToken)
		}
	}
	return false, fmt.Errorf("%s: there is no end after %d pages", what, maxPages)
}

// pageOf is what asks for a page.
func (l listing) pageOf(number int, next string) url.Values {
	query := url.Values{}
	for name, values := range l.query {
		query[name] = values
	}
	if !l.byToken {
		query.Set("pageNumber", strconv.Itoa(number))
		query.Set("pageSize", strconv.Itoa(pageSize))
		return query
	}
	query.Set("maxResults", strconv.Itoa(pageSize))
	if next != "" {
		query.Set("nextToken", next)
	}
	return query
}

// records reads the records of a page, and reports whether there are some that cannot be read.
func (l listing) records(p page, asked event.Millis) (records []Record, unread bool) {
	for _, raw := range p.Data {
		change, err := event.Record(l.kind, raw)
		if err != nil {
			unread = true
			continue
		}
		records = append(records, Record{Change: change, Asked: asked})
	}
	return records, unread
}

// tally counts what was read of a list.
type tally struct {
	ids         map[string]struct{}
	first, last int64 // the counts that IDaaS gave with the first page and the last one
	counted     bool
	unread      bool
	idle        int // pages in a row on which nothing was new
}

// add counts a page, and reports whether anything on it was not seen before.
func (t *tally) add(p page, records []Record, first bool) (news bool) {
	t.last, t.counted = number(p.Total)
	if first {
		t.first = t.last
	}
	before := len(t.ids)
	for _, r := range records {
		t.ids[r.Change.Object.ID] = struct{}{}
	}
	if t.idle++; len(t.ids) > before {
		t.idle = 0
	}
	return t.idle == 0
}

// all reports whether as many objects were seen as there are.
func (t *tally) all() bool { return t.counted && int64(len(t.ids)) >= t.last }

// runsAway reports whether the list grows faster than it can be read.
func (t *tally) runsAway() bool { return t.counted && int64(len(t.ids)) > 2*t.first+pageSize }

// whole reports whether the list was read whole. The end of pages that follow each other by a token is certain without a count.
func (t *tally) whole(byToken bool) bool {
	if !t.counted {
		return byToken && !t.unread
	}
	return !t.unread && t.first == t.last && int64(len(t.ids)) == t.last
}
