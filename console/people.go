package console

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/internal/explain"
	"idaas-ldap/plan"
	"idaas-ldap/store"
)

// personRow is a user, unit or group in one directory, as a search shows it.
type personRow struct {
	Directory   string           `json:"directory"`
	Object      event.Ref        `json:"object"`
	Name        string           `json:"name"`
	DisplayName string           `json:"displayName,omitempty"`
	DN          string           `json:"dn,omitempty"`
	Presence    explain.Presence `json:"presence"`
}

// personList is a page of a search.
type personList struct {
	People []personRow `json:"people"`
	// Next is the after of the next page, empty where nothing follows.
	Next string `json:"next,omitempty"`
}

// personQuery is what is looked for: an id in IDaaS, a DN, or how a name begins.
type personQuery struct{ Who, Directory, After string }

// waitersLookedAt is how many of the newest events that wait are looked at for somebody of whom nothing else is known yet.
const waitersLookedAt = 300

// people looks for somebody. Ids and DNs come first, then names, and at last those of whom only events that wait speak.
func (c *Console) people(ctx context.Context, q personQuery) (personList, error) {
	list := personList{People: []personRow{}}
	add := func(row personRow) {
		if !slices.ContainsFunc(list.People, func(p personRow) bool { return p.Directory == row.Directory && p.Object == row.Object }) {
			list.People = append(list.People, row)
		}
	}
	if q.Who != "" && q.After == "" {
		if err := c.exactly(ctx, q, add); err != nil {
			return list, err
		}
	}
	found, next, err := c.Store.FindByName(ctx, store.NameFilter{Prefix: q.Who, Directory: q.Directory, After: q.After, Limit: pageSize})
	if err != nil {
		return list, err //nolint:wrapcheck // It says what it does.
	}
	for _, n := range found {
		add(rowOf(n.Directory, n.Object, n.Record))
	}
	list.Next = next
	if q.Who != "" && next == "" {
		err = c.waiters(ctx, q, add)
	}
	return list, err
}

func rowOf(directory string, o event.Object, r store.Record) personRow {
	return personRow{
		Directory: directory, Object: o.Ref, Name: nameOf(o), DisplayName: o.Text("displayName"), DN: r.DN.String(), Presence: explain.PresenceOf(o),
	}
}

// aboutLookedAt is how many of the newest events about an id are looked at for one of whom no directory knows anything else.
const aboutLookedAt = 100

// exactly adds those who have an id or a DN.
func (c *Console) exactly(ctx context.Context, q personQuery, add func(personRow)) error {
	events, err := c.Store.Events(ctx, store.Filter{Object: q.Who, Limit: aboutLookedAt})
	if err != nil {
		return fmt.Errorf("look for events about %s: %w", q.Who, err)
	}
	for _, d := range c.Directories() {
		if q.Directory != "" && q.Directory != d.Name {
			continue
		}
		spoken := slices.DeleteFunc(slices.Clone(events), func(e store.EventRecord) bool { return e.Directory != d.Name })
		if err := c.exactlyIn(ctx, d.Name, q.Who, spoken, add); err != nil {
			return err
		}
	}
	return nil
}

// exactlyIn adds those in a directory who have an id or a DN. Events are those there about that id, the newest first.
func (c *Console) exactlyIn(ctx context.Context, directory, who string, events []store.EventRecord, add func(personRow)) error {
	var refs []event.Ref
	for _, kind := range []event.Kind{event.KindUser, event.KindUnit, event.KindGroup} {
		refs = append(refs, event.Ref{Kind: kind, ID: who})
	}
	if dn, err := plan.ParseDN(who); err == nil && !dn.Empty() {
		holders, err := c.Store.Holders(ctx, directory, dn)
		if err != nil {
			return err //nolint:wrapcheck // It says what it does.
		}
		for _, h := range holders {
			refs = append(refs, h.Object)
		}
	}
	for _, ref := range refs {
		o, r, err := c.Store.Lookup(ctx, store.Key{Directory: directory, Object: ref})
		switch {
		case err == nil:
			add(rowOf(directory, o, r))
		case !errors.Is(err, store.ErrNotFound):
			return err //nolint:wrapcheck // It says what it does.
		case len(events) > 0 && events[0].Object == ref:
			name, err := c.nameIn(ctx, events[0])
			if err != nil {
				return err
			}
			add(personRow{Directory: directory, Object: ref, Name: name, Presence: explain.Unsaid})
		}
	}
	return nil
}

// waiters adds those whose names only events know that wait for something or for a decision.
func (c *Console) waiters(ctx context.Context, q personQuery, add func(personRow)) error {
	records, err := c.open(ctx, store.Filter{
		States: []event.State{event.Pending, event.Waiting, event.Held}, Directory: q.Directory, Limit: waitersLookedAt,
	})
	if err != nil {
		return fmt.Errorf("list what waits: %w", err)
	}
	begins := strings.ToLower(q.Who)
	for _, r := range records {
		said, err := c.Store.Said(ctx, r.Seq)
		if err != nil {
			if errors.Is(err, store.ErrNotFound) {
				continue // removed meanwhile
			}
			return err //nolint:wrapcheck // It says what it does.
		}
		name, _ := said.Fields[nameField(r.Object.Kind)].(string)
		display, _ := said.Fields["displayName"].(string)
		if name != "" && strings.HasPrefix(strings.ToLower(name), begins) || display != "" && strings.HasPrefix(strings.ToLower(display), begins) {
			add(personRow{Directory: r.Directory, Object: r.Object, Name: name, DisplayName: display, Presence: explain.Unsaid})
		}
	}
	return nil
}

// peopleView is what the page of people shows.
type peopleView struct {
	personList
	Query       personQuery
	Directories []string
}

func personQueryOf(values url.Values) personQuery {
	return personQuery{Who: strings.TrimSpace(values.Get("who")), Directory: values.Get("directory"), After: values.Get("after")}
}

func (c *Console) peoplePage(ctx *gin.Context) {
	q := personQueryOf(ctx.Request.URL.Query())
	list, err := c.people(ctx.Request.Context(), q)
	c.show(ctx, "people", peopleView{list, q, c.directoryNames()}, err)
}

func (c *Console) peopleAPI(ctx *gin.Context) {
	list, err := c.people(ctx.Request.Context(), personQueryOf(ctx.Request.URL.Query()))
	c.answer(ctx, list, err)
}

// storyWithin bounds how long a directory is waited for that has to be read for a story.
const storyWithin = 10 * time.Second

// person tells the story of one object in one directory.
func (c *Console) person(ctx context.Context, values url.Values) (explain.Story, error) {
	directory, ref := values.Get("directory"), event.Ref{Kind: event.Kind(values.Get("kind")), ID: values.Get("id")}
	ctx, cancel := context.WithTimeout(ctx, storyWithin)
	defer cancel()
	for _, d := range c.Directories() {
		if d.Name == directory {
			if err := c.isKnown(ctx, directory, ref); err != nil {
				return explain.Story{}, err
			}
			return explain.Tell(ctx, c.Store, d, ref, c.now()) //nolint:wrapcheck // It names the object.
		}
	}
	return explain.Story{}, absent("there is no directory %s", visible(directory))
}

// isKnown refuses an object of which nobody has said anything.
func (c *Console) isKnown(ctx context.Context, directory string, ref event.Ref) error {
	_, _, err := c.Store.Lookup(ctx, store.Key{Directory: directory, Object: ref})
	if !errors.Is(err, store.ErrNotFound) {
		return err //nolint:wrapcheck // It says what it does.
	}
	events, err := c.Store.Events(ctx, store.Filter{Directory: directory, Object: ref.ID, Limit: 1})
	if err == nil && len(events) == 0 {
		return absent("nothing is known of %s in %s", visible(cut(ref.String(), shortText)), visible(directory))
	}
	return err //nolint:wrapcheck // It says what it does.
}

// personView is what the page of one object shows.
type personView struct {
	explain.Story
	// Open are the events that a person may decide about, the newest first: they say what is in the way.
	Open []store.EventRecord
	// MayAsk: IDaaS can be asked. Told is what it says that differs from what is known.
	MayAsk bool
	Told   []explain.Word
}

func (c *Console) personPage(ctx *gin.Context) {
	story, err := c.person(ctx.Request.Context(), ctx.Request.URL.Query())
	c.showPerson(ctx, story, err)
}

func (c *Console) showPerson(ctx *gin.Context, story explain.Story, err error) {
	view := personView{Story: story, MayAsk: c.Asker(story.Directory) != nil}
	if story.Asked != nil {
		view.Told = explain.Words(event.Change{Fields: story.Asked.Differs}, "")
	}
	for _, e := range story.Events {
		if (eventRow{EventRecord: e}).Takes(actionDiscard) {
			view.Open = append(view.Open, e)
		}
	}
	c.show(ctx, "person", view, err)
}

func (c *Console) personAPI(ctx *gin.Context) {
	story, err := c.person(ctx.Request.Context(), ctx.Request.URL.Query())
	c.answer(ctx, story, err)
}
