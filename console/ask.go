package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/internal/explain"
)

// askWithin bounds how long IDaaS is waited for that is asked about somebody.
const askWithin = 15 * time.Second

// asked tells the story of one object with what IDaaS says about it now. One at a time is asked for, as IDaaS bounds how often it may be.
func (c *Console) asked(ctx context.Context, values url.Values) (explain.Story, error) {
	asker := c.Asker(values.Get("directory"))
	if asker == nil {
		return explain.Story{}, absent("IDaaS cannot be asked: no application that feeds this directory has pull in the configuration")
	}
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	default:
		return explain.Story{}, &problem{http.StatusServiceUnavailable, "unavailable", "IDaaS is being asked about somebody else; try again in a moment"}
	}
	story, err := c.person(ctx, values)
	if err != nil {
		return story, err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	err = story.Ask(ctx, c.Store, asker, c.now())
	return story, err //nolint:wrapcheck // It names the object.
}

func (c *Console) askedPage(ctx *gin.Context) {
	if err := ctx.Request.ParseForm(); err != nil {
		c.fail(ctx, wrong("this is not as it should be"))
		return
	}
	story, err := c.asked(ctx.Request.Context(), ctx.Request.PostForm)
	c.showPerson(ctx, story, err)
}

// question is what a program asks IDaaS about.
type question struct {
	Directory string     `json:"directory"`
	Kind      event.Kind `json:"kind"`
	ID        string     `json:"id"`
}

func (c *Console) askedAPI(ctx *gin.Context) {
	var q question
	if err := ctx.ShouldBindJSON(&q); err != nil {
		c.fail(ctx, wrong("the body is not as it should be: {\"directory\": ..., \"kind\": ..., \"id\": ...}"))
		return
	}
	story, err := c.asked(ctx.Request.Context(), url.Values{"directory": {q.Directory}, "kind": {string(q.Kind)}, "id": {q.ID}})
	c.answer(ctx, story, err)
}
