package console

import (
	"context"
	"fmt"
	"net/url"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

func eventCode(text string) event.Code { return event.Code(text) }

// heldSet is what is held for one reason, with the newest of it.
type heldSet struct {
	store.HeldSet
	// Reason is what the newest was told: with the guard, its count and its limit.
	Reason string     `json:"reason"`
	Events []eventRow `json:"events"`
}

// shownOfSet is how many of a set are shown where all sets are.
const shownOfSet = 5

// held returns all that a person has to decide, in sets.
func (c *Console) held(ctx context.Context) ([]heldSet, error) {
	sets, err := c.Store.HeldSets(ctx, countedTo)
	if err != nil {
		return nil, err //nolint:wrapcheck // It says what it does.
	}
	held := []heldSet{}
	for _, set := range sets {
		records, err := c.Store.Events(ctx, store.Filter{Held: set, Limit: shownOfSet})
		if err != nil {
			return nil, fmt.Errorf("list what is held: %w", err)
		}
		rows, err := c.rows(ctx, records)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			continue // decided meanwhile
		}
		held = append(held, heldSet{set, rows[0].Outcome.Message, rows})
	}
	return held, nil
}

func (c *Console) heldPage(ctx *gin.Context) {
	sets, err := c.held(ctx.Request.Context())
	c.show(ctx, "held", sets, err)
}

func (c *Console) heldAPI(ctx *gin.Context) {
	sets, err := c.held(ctx.Request.Context())
	c.answer(ctx, gin.H{"sets": sets}, err)
}

// heldList is a page of one set.
type heldList struct {
	store.HeldSet
	Reason string     `json:"reason"`
	Events []eventRow `json:"events"`
	Next   int64      `json:"next,omitempty"`
}

// heldIn returns a page of a set.
func (c *Console) heldIn(ctx context.Context, values url.Values) (heldList, error) {
	before, err := numberIn(values, "before")
	if err != nil {
		return heldList{}, err
	}
	asked := store.HeldSet{Directory: values.Get("directory"), Code: event.Code(values.Get("code")), Act: values.Get("act")}
	if asked == (store.HeldSet{}) {
		return heldList{}, wrong("say which set, with directory, code and act")
	}
	list := heldList{HeldSet: asked, Events: []eventRow{}}
	sets, err := c.Store.HeldSets(ctx, countedTo)
	if err != nil {
		return list, err //nolint:wrapcheck // It says what it does.
	}
	for _, set := range sets {
		if set.Directory == asked.Directory && set.Code == asked.Code && set.Act == asked.Act {
			list.HeldSet = set
		}
	}
	records, err := c.Store.Events(ctx, store.Filter{Held: asked, Before: before, Limit: pageSize + 1})
	if err != nil {
		return list, fmt.Errorf("list what is held: %w", err)
	}
	if len(records) > pageSize {
		records = records[:pageSize]
		list.Next = records[pageSize-1].Seq
	}
	list.Events, err = c.rows(ctx, records)
	if len(list.Events) > 0 {
		list.Reason = list.Events[0].Outcome.Message
	}
	return list, err
}

func (c *Console) heldSetPage(ctx *gin.Context) {
	list, err := c.heldIn(ctx.Request.Context(), ctx.Request.URL.Query())
	c.show(ctx, "held_set", list, err)
}

func (c *Console) heldSetAPI(ctx *gin.Context) {
	list, err := c.heldIn(ctx.Request.Context(), ctx.Request.URL.Query())
	c.answer(ctx, list, err)
}
