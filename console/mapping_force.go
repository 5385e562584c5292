package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/gin-gonic/gin"

	"idaas-ldap/internal/workbench"
	"idaas-ldap/mapping"
	"idaas-ldap/store"
)

// actionMapping is the name of the decision to put a mapping in force.
const actionMapping = "mapping"

// exchange is what putting a mapping in force would do.
type exchange struct {
	Directory string `json:"directory"`
	// Lines are those of the file, marked where they change.
	Lines   []mapping.MarkedLine `json:"lines"`
	Confirm string               `json:"confirm"`
}

// proposeMapping says what putting a draft in force would do. It refuses one that is not good, and one of a file that has changed.
func (c *Console) proposeMapping(ctx context.Context, who caller, d draft, on workbench.Directory) (exchange, error) {
	checked, err := c.check(ctx, d, on)
	if err != nil {
		return exchange{}, err
	}
	file, err := workbench.OpenFile(on.Path)
	refused := func(code, text string) (exchange, error) {
		return exchange{}, &problem{http.StatusConflict, code, text}
	}
	switch {
	case err != nil:
		return refused("unreadable", err.Error())
	case !checked.Good && len(checked.Problems) > 0:
		return refused("mapping_wrong", fmt.Sprintf("the mapping is wrong in line %d: %s", checked.Problems[0].Line, checked.Problems[0].Message))
	case !checked.Good:
		return refused("tests_fail", fmt.Sprintf("%d tests of the mapping fail and %d could not be run in time", checked.Failed, checked.Unrun))
	case file.Digest != d.Opened:
		return refused("changed", workbench.ErrChanged.Error())
	case file.ReadOnly != nil:
		return refused("read_only", file.ReadOnly.Error())
	case file.Source == d.Source:
		return refused("same", "the file says just this already")
	}
	giveBack, err := c.bench.take(ctx)
	if err != nil {
		return exchange{}, err
	}
	defer giveBack()
	e := exchange{Directory: d.Directory, Lines: changedLines(mapping.MarkedText(file.Source, d.Source))}
	e.Confirm = confirmation(who.key, actionMapping, d.Directory, d.Opened, workbench.DigestOf([]byte(d.Source)))
	return e, nil
}

// around is how many lines are shown around those that change.
const around = 3

// changedLines leaves out lines that are far from what changes.
func changedLines(all []mapping.MarkedLine) []mapping.MarkedLine {
	near := make([]bool, len(all))
	for i, line := range all {
		if line.Mark == mapping.InBoth {
			continue
		}
		for j := max(0, i-around); j <= min(len(all)-1, i+around); j++ {
			near[j] = true
		}
	}
	var out []mapping.MarkedLine
	for i, line := range all {
		switch {
		case near[i]:
			out = append(out, line)
		case len(out) == 0 || out[len(out)-1] != leftOut:
			out = append(out, leftOut)
		}
	}
	return out
}

// leftOut stands for lines that are not shown.
var leftOut = mapping.MarkedLine{Mark: mapping.InBoth, Text: "…"} //nolint:gochecknoglobals // A constant that the language has no form for.

// force puts a draft in force that was confirmed, and returns the name of the file that keeps the former one. One is put in force at a
// time, so that of two people who have opened the same file the second is told.
func (c *Console) force(ctx context.Context, d draft, on workbench.Directory, by string) (string, error) {
	c.forcing.Lock()
	defer c.forcing.Unlock()
	name := filepath.Base(on.Path)
	about := fmt.Sprintf("%s of %s: %.12s in the place of %.12s", name, on.Name, workbench.DigestOf([]byte(d.Source)), d.Opened)
	if err := c.Store.RecordAudit(ctx, store.AuditRecord{At: c.now(), Who: by, What: actionMapping, About: about}); err != nil {
		return "", fmt.Errorf("record who decides: %w", err)
	}
	kept, err := workbench.Replace(on.Path, d.Opened, d.Source, c.Clock())
	if err != nil {
		err = &problem{http.StatusConflict, "not_written", err.Error()}
		failed := c.Store.RecordAudit(ctx, store.AuditRecord{At: c.now(), Who: by, What: actionMapping + " failed", About: about + ": " + err.Error()})
		return "", errors.Join(err, failed)
	}
	for _, other := range c.Workbench() {
		if filepath.Clean(other.Path) == filepath.Clean(on.Path) {
			other.Reload()
		}
	}
	return filepath.Base(kept), nil
}

// forceView is what the page shows that asks once more.
type forceView struct {
	draft
	Exchange exchange
	Name, By string
	Nameless bool
}

// forcePage asks once more, and with the confirmation puts the mapping in force.
func (c *Console) forcePage(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	who := c.caller(ctx)
	e, err := c.proposeMapping(ctx.Request.Context(), who, d, on)
	if err != nil {
		c.refuseDraft(ctx, d, on, err)
		return
	}
	isConfirmed := same(d.Confirm, e.Confirm)
	if isConfirmed && d.By != "" {
		kept, err := c.force(ctx.Request.Context(), d, on, signed(d.By, ctx.Request))
		if err != nil {
			c.refuseDraft(ctx, d, on, err)
			return
		}
		if who.session != nil {
			c.sessions.rename(who.session, d.By)
		}
		ctx.Redirect(http.StatusSeeOther, link("/mappings/one", "directory", d.Directory, "done", actionMapping, "kept", kept))
		return
	}
	view := forceView{draft: d, Exchange: e, Name: filepath.Base(on.Path), Nameless: isConfirmed}
	if who.session != nil {
		view.By = c.sessions.name(who.session)
	}
	c.render(ctx, http.StatusOK, "mapping_force", view)
}

// refuseDraft shows the workbench with what was edited, so that nothing is lost, and why that is not put in force.
func (c *Console) refuseDraft(ctx *gin.Context, d draft, on workbench.Directory, err error) {
	view, _ := c.viewOf(d, on)
	c.fill(ctx.Request.Context(), &view, on)
	view.Checked.Problem = err.Error()
	c.render(ctx, problemOf(err).status, "mapping", view)
}

func (c *Console) forceAPI(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	e, err := c.proposeMapping(ctx.Request.Context(), c.caller(ctx), d, on)
	if err != nil || d.Confirm == "" {
		c.answer(ctx, e, err)
		return
	}
	switch {
	case !same(d.Confirm, e.Confirm):
		err = &problem{http.StatusForbidden, "not_confirmed", "this confirms something else, or what it is about has changed; ask without confirm first, and send what that answers"}
	case strings.TrimSpace(d.By) == "":
		err = wrong("by is missing: say who decides")
	}
	if err != nil {
		c.fail(ctx, err)
		return
	}
	kept, err := c.force(ctx.Request.Context(), d, on, signed(d.By, ctx.Request))
	c.answer(ctx, gin.H{"kept": kept}, err)
}
