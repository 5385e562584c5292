package pull_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// crowd is a large organization that is made up as it is asked for, both by IDaaS and by the store that knows everything of it.
type crowd struct {
	store.Store
	units, usersOf, groups, membersOf, tokens int
}

func (c *crowd) unit(i int) map[string]any {
	return map[string]any{"organizationalUnitId": fmt.Sprintf("ou_%05d", i), "organizationalUnitName": fmt.Sprintf("Unit %d", i), "parentId": event.RootUnitID, "updateTime": 1}
}

func (c *crowd) user(unit string, i int) map[string]any {
	return map[string]any{"userId": fmt.Sprintf("user_%s_%05d", unit, i), "username": fmt.Sprintf("%s-%d", unit, i), "displayName": "Ann Lee", "email": "ann@example.org", "updateTime": 1}
}

func (c *crowd) group(i int) map[string]any {
	return map[string]any{"groupId": fmt.Sprintf("group_%05d", i), "groupName": fmt.Sprintf("Group %d", i), "updateTime": 1}
}

func (c *crowd) member(i int) string { return fmt.Sprintf("user_ou_00001_%05d", i) }

// RoundTrip answers as IDaaS.
func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	from, _ := strconv.Atoi(query.Get("nextToken"))
	if n, err := strconv.Atoi(query.Get("pageNumber")); err == nil {
		from = (n - 1) * 100
	}
	page := func(total int, show func(int) any) any {
		data := []any{}
		for i := from; i < min(from+100, total); i++ {
			data = append(data, show(i))
		}
		out := map[string]any{"totalCount": total, "data": data}
		if query.Has("maxResults") && from+100 < total {
			out["nextToken"] = strconv.Itoa(from + 100)
		}
		return out
	}
	var body any
	switch path := r.URL.Path; {
	case isToken(r):
		c.tokens++
		body = map[string]any{"access_token": "AT1", "expires_in": 1200}
	case strings.HasSuffix(path, "/provisioningScope"):
		body = map[string]any{"organizationalUnitIds": []string{event.RootUnitID}}
	case strings.HasSuffix(path, "/organizationalUnits"):
		total := 0
		if query.Get("parentId") == event.RootUnitID {
			total = c.units
		}
		body = page(total, func(i int) any { return c.unit(i) })
	case strings.HasSuffix(path, "/users"):
		total, unit := 0, query.Get("organizationalUnitId")
		if unit != event.RootUnitID {
			total = c.usersOf
		}
		body = page(total, func(i int) any { return c.user(unit, i) })
	case strings.HasSuffix(path, "/groups"):
		body = page(c.groups, func(i int) any { return c.group(i) })
	default:
		body = page(c.membersOf, func(i int) any { return map[string]string{"userId": c.member(i)} })
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(text))), Header: http.Header{}, Request: r}, nil
}

// Load knows of each object what IDaaS says.
func (c *crowd) Load(_ context.Context, key store.Key, _ int) (store.Job, error) {
	ref := key.Object
	known := event.Object{Ref: ref, Existence: event.Existence{Present: true, At: event.Stamp{Event: 1}}, Facts: map[string]event.Fact{}}
	say := func(name string, value any) { known.Facts[name] = event.Fact{Value: value, At: event.Stamp{Event: 1}} }
	say(event.FieldUpdateTime, int64(1))
	switch n, _ := strconv.Atoi(ref.ID[len(ref.ID)-5:]); ref.Kind {
	case event.KindUnit:
		say(event.FieldName, c.unit(n)["organizationalUnitName"])
		say(event.FieldParentID, event.RootUnitID)
	case event.KindGroup:
		say(event.FieldName, c.group(n)["groupName"])
	default:
		unit := ref.ID[len("user_") : len(ref.ID)-len("_00000")]
		for name, value := range c.user(unit, n) {
			if name != "userId" && name != event.FieldUpdateTime {
				say(name, value)
			}
		}
		say(event.FieldPrimaryUnit, unit)
	}
	return store.Job{Key: key, Known: known}, nil
}

// Memberships knows of each group who is in it.
func (c *crowd) Memberships(context.Context, store.Key, []string) (map[string]event.Membership, error) {
	members := map[string]event.Membership{}
	for i := range c.membersOf {
		members[c.member(i)] = event.Membership{Present: true, At: event.Stamp{Event: 1}}
	}
	return members, nil
}

// brokenStore takes nothing as long as it has an error, and from the last write on where that is set.
type brokenStore struct {
	store.Store
	last   int
	mu     sync.Mutex
	err    error
	writes int
}

func (b *brokenStore) set(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// SetNote writes a note, or does not.
func (b *brokenStore) SetNote(ctx context.Context, name string, note []byte, application string, marks []store.Mark) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.writes++; b.last > 0 && b.writes >= b.last {
		b.err = errors.New("killed")
	}
	if b.err != nil {
		return b.err
	}
	return b.Store.SetNote(ctx, name, note, application, marks)
}
