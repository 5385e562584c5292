package console

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"idaas-ldap/internal/workbench"
	"idaas-ldap/mapping"
)

// everybodyView is how far the comparison of everybody is.
type everybodyView struct {
	workbench.Everybody
	// Problem says why it has not come to its end, empty where it has or is under way.
	Problem string `json:"problem,omitempty"`
}

// compareEverybody compares everybody by a draft, one comparison at a time, and tells how far it is.
func (c *Console) compareEverybody(ctx context.Context, on workbench.Directory, edited *mapping.Set, tell func(everybodyView)) {
	ctx, cancel := context.WithTimeout(ctx, everybodyTakes)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-c.Stopping:
			cancel()
		case <-ctx.Done():
		}
	})
	defer watching.Wait()
	defer cancel()
	all, err := on.Everybody(ctx, c.Store, edited, c.now(), func(all workbench.Everybody) { tell(everybodyView{Everybody: all}) })
	view := everybodyView{Everybody: all}
	if err != nil {
		view.Problem = err.Error()
	}
	tell(view)
}

// mayCompare takes the place of who compares everybody.
func (c *Console) mayCompare(ctx *gin.Context) (d draft, on workbench.Directory, edited *mapping.Set, giveBack func(), err error) {
	if d, on, err = c.draftOf(ctx); err != nil {
		return d, on, nil, nil, err
	}
	done, err := c.bench.take(ctx.Request.Context())
	if err != nil {
		return d, on, nil, nil, err
	}
	edited, problems := c.bench.compiler.Compile(filepath.Base(on.Path), d.Source)
	done()
	if edited == nil {
		return d, on, nil, nil, &problem{http.StatusConflict, "mapping_wrong", fmt.Sprintf("the mapping is wrong in line %d: %s", problems[0].Line, problems[0].Message)}
	}
	select {
	case c.bench.everybody <- struct{}{}:
		return d, on, edited, func() { <-c.bench.everybody }, nil
	default:
		return d, on, nil, nil, &problem{http.StatusConflict, "busy", "somebody compares everybody already, which is done by one at a time; ask again when that has ended"}
	}
}

// everybodyPage compares everybody. A script is told as it goes on; without one the page comes when it has ended.
func (c *Console) everybodyPage(ctx *gin.Context) {
	d, on, edited, giveBack, err := c.mayCompare(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	defer giveBack()
	if strings.Contains(ctx.GetHeader("Accept"), "text/event-stream") {
		l := languageOf(ctx.Request)
		c.streamEverybody(ctx, on, edited, func(v everybodyView) (string, error) { return c.part(l, "everybody", v) })
		return
	}
	if err := sendUntil(ctx, time.Time{}); err != nil { // everybodyTakes instead
		c.fail(ctx, err)
		return
	}
	view, _ := c.viewOf(d, on)
	c.fill(ctx.Request.Context(), &view, on)
	c.compareEverybody(ctx.Request.Context(), on, edited, func(v everybodyView) { view.Everybody = &v })
	if err := sendUntil(ctx, soon()); err != nil {
		c.fail(ctx, err)
		return
	}
	c.render(ctx, http.StatusOK, "mapping", view)
}

func (c *Console) everybodyAPI(ctx *gin.Context) {
	_, on, edited, giveBack, err := c.mayCompare(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	defer giveBack()
	c.streamEverybody(ctx, on, edited, func(v everybodyView) (string, error) { return encoded(v) })
}

// streamEverybody sends how far it is as server-sent events, and ends with who asked.
func (c *Console) streamEverybody(ctx *gin.Context, on workbench.Directory, edited *mapping.Set, form func(everybodyView) (string, error)) {
	endStream, err := beginStream(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	defer endStream()
	inner, cancel := context.WithCancel(ctx.Request.Context())
	defer cancel()
	c.compareEverybody(inner, on, edited, func(v everybodyView) {
		text, err := form(v)
		if err == nil {
			err = send(ctx, "everybody", text)
		}
		if err != nil {
			cancel() // who asked has gone
		}
	})
}
