package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/internal/workbench"
)

// mappingRow is a mapping in force.
type mappingRow struct {
	Directory string `json:"directory"`
	// File is the path that the configuration names.
	File  string       `json:"file"`
	Since event.Millis `json:"since"`
	// Refused says why the file as it is now is not in force, empty where it is.
	Refused string `json:"refused,omitempty"`
	// LastRefused is when a file was refused last, zero for never, and LastReason why.
	LastRefused event.Millis `json:"lastRefused,omitempty"`
	LastReason  string       `json:"lastReason,omitempty"`
}

func rowOfMapping(d workbench.Directory) mappingRow {
	row := mappingRow{Directory: d.Name, File: d.Path, Since: event.Millis(d.Since.UnixMilli())}
	if d.Refused != nil {
		row.Refused = d.Refused.Error()
	}
	if d.Refusal.Err != nil {
		row.LastRefused, row.LastReason = event.Millis(d.Refusal.At.UnixMilli()), d.Refusal.Err.Error()
	}
	return row
}

func (c *Console) mappings() []mappingRow {
	rows := []mappingRow{}
	for _, d := range c.Workbench() {
		rows = append(rows, rowOfMapping(d))
	}
	return rows
}

func (c *Console) mappingsPage(ctx *gin.Context) { c.show(ctx, "mappings", c.mappings(), nil) }

func (c *Console) mappingsAPI(ctx *gin.Context) {
	c.answer(ctx, gin.H{"mappings": c.mappings()}, nil)
}

// worked returns the directory of a name with what it takes to work on its mapping. Nothing else says which file is meant.
func (c *Console) worked(name string) (workbench.Directory, error) {
	for _, d := range c.Workbench() {
		if d.Name == name {
			return d, nil
		}
	}
	return workbench.Directory{}, absent("there is no directory %s", visible(cut(name, shortText)))
}

// draft is a mapping as somebody edits it, and what it is tried on.
type draft struct {
	Directory string `json:"directory"`
	Source    string `json:"source"`
	// Opened is the digest of the file that was opened.
	Opened string `json:"opened"`
	// What it is tried on: an event by its number, somebody by a name, an id or a DN, or else a sample, which is written as in tests.
	Sample string `json:"sample"`
	Who    string `json:"who"`
	Seq    int64  `json:"seq"`
	// Line and Column are where somebody writes, counted from 1, the column in characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// By is who decides, and Confirm the value that came with what is decided.
	By      string `json:"by"`
	Confirm string `json:"confirm"`
}

// firstSample is what a mapping is tried on as long as nobody says anything else.
const firstSample = `type: user:create
user:
  id: user_sample
  username: jo.park
  displayName: Jo Park
  email: Jo.Park@example.org
  phoneRegion: "86"
  phoneNumber: "13900000000"
  phoneVerified: true
  status: enabled
ou: { id: ou_sample, name: Research }
`

// draftOf reads a draft, from a form or as JSON.
func (c *Console) draftOf(ctx *gin.Context) (draft, workbench.Directory, error) {
	var d draft
	var err error
	if isBelow(ctx.Request.URL.Path, apiPath) {
		err = ctx.ShouldBindJSON(&d)
	} else if err = ctx.Request.ParseForm(); err == nil {
		form := ctx.Request.PostForm
		d = draft{
			Directory: form.Get("directory"), Source: form.Get("source"), Opened: form.Get("opened"), Sample: form.Get("sample"), Who: form.Get("who"),
			By: form.Get("by"), Confirm: form.Get("confirm"),
		}
		d.Seq, err = numberIn(form, "seq")
		if with := form.Get("with"); with != "" && with != "person" {
			d.Who = ""
		} else if with == "person" && strings.TrimSpace(d.Who) == "" {
			err = wrong("say who: a name, an id or a DN")
		}
		if with := form.Get("with"); with != "" && with != "event" {
			d.Seq = 0
		}
	}
	var tooLong *http.MaxBytesError
	var told *problem
	switch {
	case errors.As(err, &tooLong):
		return d, workbench.Directory{}, &problem{http.StatusRequestEntityTooLarge, "too_large", "that is too long"}
	case errors.As(err, &told):
		return d, workbench.Directory{}, err
	case err != nil:
		return d, workbench.Directory{}, wrong("this is not as it should be: directory and source are needed")
	}
	d.Source, d.By, d.Who = strings.ReplaceAll(d.Source, "\r\n", "\n"), named(d.By), strings.TrimSpace(d.Who)
	if len(d.Source) > workbench.MaxSource || len(d.Sample) > workbench.MaxSource {
		return d, workbench.Directory{}, &problem{http.StatusRequestEntityTooLarge, "too_large", workbench.ErrTooLong.Error()}
	}
	if strings.TrimSpace(d.Sample) == "" {
		d.Sample = firstSample
	}
	on, err := c.worked(d.Directory)
	return d, on, err
}

// bench bounds what those who edit cost the service.
type bench struct {
	// places are taken by what is checked and tried at the same time.
	places chan struct{}
	// everybody is taken by who compares everybody.
	everybody chan struct{}
	compiler  *workbench.Compiler
}

// How much is checked and tried at the same time, how long one of them may take, and how long everybody may take.
const (
	benchPlaces    = 2
	checkWithin    = 10 * time.Second
	tryWithin      = 10 * time.Second
	benchWithin    = 10 * time.Second
	everybodyTakes = 30 * time.Minute
)

func newBench() bench {
	return bench{places: make(chan struct{}, benchPlaces), everybody: make(chan struct{}, 1), compiler: &workbench.Compiler{}}
}

// take waits for a place. Whoever has got one gives it back.
func (b bench) take(ctx context.Context) (giveBack func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, benchWithin)
	defer cancel()
	select {
	case b.places <- struct{}{}:
		return func() { <-b.places }, nil
	case <-ctx.Done():
		return nil, &problem{http.StatusServiceUnavailable, "unavailable", "too many mappings are tried at the moment; ask again in a while"}
	}
}

// mappingView is what the workbench shows.
type mappingView struct {
	draft
	Row mappingRow
	// Name is that of the file, Others are the directories that have the same.
	Name     string
	Others   []string
	ReadOnly string
	// Gone says why the file cannot be read.
	Gone    string
	Checked checkedView
	Tried   triedView
	// Everybody is what everybody was compared to; nil where nobody has asked.
	Everybody *everybodyView
}

// With is what the mapping is tried on.
func (v mappingView) With() string {
	switch {
	case v.Seq != 0:
		return "event"
	case v.Who != "":
		return "person"
	}
	return "sample"
}

// viewOf returns the workbench with a file as it is on disk.
func (c *Console) viewOf(d draft, on workbench.Directory) (mappingView, workbench.File) {
	v := mappingView{draft: d, Row: rowOfMapping(on), Name: filepath.Base(on.Path)}
	for _, other := range c.Workbench() {
		if other.Name != on.Name && filepath.Clean(other.Path) == filepath.Clean(on.Path) {
			v.Others = append(v.Others, other.Name)
		}
	}
	file, err := workbench.OpenFile(on.Path)
	if err != nil {
		v.Gone = err.Error()
	}
	if file.ReadOnly != nil {
		v.ReadOnly = file.ReadOnly.Error()
	}
	return v, file
}

// mappingPage opens the file of a directory.
func (c *Console) mappingPage(ctx *gin.Context) {
	query := ctx.Request.URL.Query()
	on, err := c.worked(query.Get("directory"))
	d := draft{Directory: on.Name, Sample: firstSample, Who: strings.TrimSpace(query.Get("who"))}
	if err == nil {
		d.Seq, err = numberIn(query, "seq")
	}
	if err != nil {
		c.fail(ctx, err)
		return
	}
	view, file := c.viewOf(d, on)
	view.Source, view.Opened = file.Source, file.Digest
	if view.Gone == "" {
		c.fill(ctx.Request.Context(), &view, on)
	}
	c.render(ctx, http.StatusOK, "mapping", view)
}

// fill checks and tries what the workbench shows.
func (c *Console) fill(ctx context.Context, view *mappingView, on workbench.Directory) {
	checked, err := c.check(ctx, view.draft, on)
	if err != nil {
		view.Checked.Problem = err.Error()
		return
	}
	view.Checked = checked
	view.Tried = c.try(ctx, view.draft, on)
}

// mappingEdited shows the page again with what was edited, for browsers without scripts.
func (c *Console) mappingEdited(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	view, _ := c.viewOf(d, on)
	c.fill(ctx.Request.Context(), &view, on)
	c.render(ctx, http.StatusOK, "mapping", view)
}

// mappingAPI is the file of a directory.
func (c *Console) mappingAPI(ctx *gin.Context) {
	on, err := c.worked(ctx.Query("directory"))
	if err != nil {
		c.fail(ctx, err)
		return
	}
	file, err := workbench.OpenFile(on.Path)
	if err != nil {
		c.fail(ctx, &problem{http.StatusConflict, "unreadable", err.Error()})
		return
	}
	readOnly := ""
	if file.ReadOnly != nil {
		readOnly = file.ReadOnly.Error()
	}
	c.answer(ctx, gin.H{"mapping": rowOfMapping(on), "source": file.Source, "opened": file.Digest, "readOnly": readOnly}, nil)
}

// mappingFile gives what was edited back as a file, for who can only read it here.
func (c *Console) mappingFile(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	ctx.Header("Content-Disposition", fmt.Sprintf("attachment; filename=%q", plainName(filepath.Base(on.Path))))
	ctx.Data(http.StatusOK, "application/yaml", []byte(d.Source))
}

// plainName is a name of a file without what a header cannot hold.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name)
}
