package console

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/internal/workbench"
	"idaas-ldap/mapping"
)

// problemRow is one mistake in a mapping.
type problemRow struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Excerpt string `json:"excerpt,omitempty"`
}

func problemRows(list []mapping.Problem) []problemRow {
	rows := []problemRow{}
	for _, p := range list {
		rows = append(rows, problemRow{p.Line, p.Column, p.Message, p.Hint, p.Excerpt})
	}
	return rows
}

// testRow is what came of one test of a mapping.
type testRow struct {
	Name string `json:"name"`
	Line int    `json:"line"`
	// Failed says what was different, empty where nothing was.
	Failed string `json:"failed,omitempty"`
}

// checkedView is what is wrong with a mapping, and what its tests say.
type checkedView struct {
	Problems []problemRow `json:"problems"`
	Tests    []testRow    `json:"tests"`
	Failed   int          `json:"failed"`
	// Unrun are the tests for which there was no time.
	Unrun int  `json:"unrun,omitempty"`
	Good  bool `json:"good"`
	// Problem says why nothing was checked.
	Problem string `json:"-"`
}

// check checks a draft.
func (c *Console) check(ctx context.Context, d draft, on workbench.Directory) (checkedView, error) {
	giveBack, err := c.bench.take(ctx)
	if err != nil {
		return checkedView{}, err
	}
	defer giveBack()
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	checked := c.bench.compiler.Check(ctx, filepath.Base(on.Path), d.Source)
	view := checkedView{Problems: problemRows(checked.Problems), Tests: []testRow{}, Failed: checked.Failed(), Unrun: checked.Unrun, Good: checked.Good()}
	for _, t := range checked.Tests {
		row := testRow{Name: t.Name, Line: t.Line}
		if t.Err != nil {
			row.Failed = t.Err.Error()
		}
		view.Tests = append(view.Tests, row)
	}
	return view, nil
}

// triedView is what a mapping leads to for a sample or for somebody.
type triedView struct {
	workbench.Trial
	// Object is who it was tried on; nil for a sample.
	Object *event.Ref `json:"object,omitempty"`
	Name   string     `json:"name,omitempty"`
	// Wrong is what is wrong with the sample, Problem why nothing was tried.
	Wrong   []problemRow `json:"wrong"`
	Problem string       `json:"problem,omitempty"`
	// Broken: the mapping itself is wrong.
	Broken bool `json:"broken,omitempty"`
}

// try tries a draft on what it says. What it does not come to is told there.
func (c *Console) try(ctx context.Context, d draft, on workbench.Directory) triedView {
	view := triedView{Wrong: []problemRow{}}
	view.Lines = []mapping.MarkedLine{}
	giveBack, err := c.bench.take(ctx)
	if err != nil {
		view.Problem = err.Error()
		return view
	}
	defer giveBack()
	edited, _ := c.bench.compiler.Compile(filepath.Base(on.Path), d.Source)
	if edited == nil {
		view.Broken = true
		return view
	}
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	var trial workbench.Trial
	if d.Who == "" && d.Seq == 0 {
		sample, wrongSample := mapping.ReadSample("sample", []byte(d.Sample))
		var list *mapping.Errors
		if errors.As(wrongSample, &list) {
			view.Wrong = problemRows(list.List)
			return view
		}
		trial, err = workbench.Sample(on.InForce, edited, sample)
	} else {
		var ref event.Ref
		if ref, view.Name, err = c.meant(ctx, d, on.Name); err == nil {
			view.Object = &ref
			trial, err = on.Object(ctx, c.Store, edited, ref, c.now())
		}
	}
	if err != nil {
		view.Problem = err.Error()
		return view
	}
	view.Trial = trial
	return view
}

// namedAtMost is how many people are named where a name means several.
const namedAtMost = 5

// meant returns the object that a draft is to be tried on, with its name.
func (c *Console) meant(ctx context.Context, d draft, directory string) (event.Ref, string, error) {
	if d.Seq != 0 {
		record, err := c.record(ctx, d.Seq)
		if err != nil {
			return event.Ref{}, "", err
		}
		if record.Object.Zero() || record.Directory != directory {
			return event.Ref{}, "", wrong("event number %d is about nobody in this directory", d.Seq)
		}
		name, err := c.nameIn(ctx, record)
		return record.Object, name, err
	}
	list, err := c.people(ctx, personQuery{Who: d.Who, Directory: directory})
	if err != nil {
		return event.Ref{}, "", err
	}
	found := list.People
	if exact := slices.IndexFunc(found, func(p personRow) bool {
		return p.Object.ID == d.Who || strings.EqualFold(p.Name, d.Who) || strings.EqualFold(p.DN, d.Who)
	}); exact >= 0 {
		found = found[exact : exact+1]
	}
	switch len(found) {
	case 0:
		return event.Ref{}, "", absent("nobody is known by that name, id or DN")
	case 1:
		return found[0].Object, found[0].Name, nil
	}
	var names []string
	for _, p := range found[:min(namedAtMost, len(found))] {
		names = append(names, p.Name)
	}
	return event.Ref{}, "", wrong("several are called so: %s; say the whole name, or the id in IDaaS", strings.Join(names, ", "))
}

// checkPart answers with the part of the page that says what is wrong.
func (c *Console) checkPart(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	var view checkedView
	if err == nil {
		view, err = c.check(ctx.Request.Context(), d, on)
	}
	c.answerPart(ctx, "checked", view, err)
}

func (c *Console) tryPart(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	var view triedView
	if err == nil {
		view = c.try(ctx.Request.Context(), d, on)
	}
	c.answerPart(ctx, "tried", view, err)
}

// answerPart answers with a part of a page.
func (c *Console) answerPart(ctx *gin.Context, name string, view any, err error) {
	var text string
	if err == nil {
		text, err = c.part(languageOf(ctx.Request), name, view)
	}
	if err != nil {
		c.fail(ctx, err)
		return
	}
	ctx.Data(http.StatusOK, "text/html; charset=utf-8", []byte(text))
}

func (c *Console) checkAPI(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	view, err := c.check(ctx.Request.Context(), d, on)
	c.answer(ctx, view, err)
}

func (c *Console) tryAPI(ctx *gin.Context) {
	d, on, err := c.draftOf(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	c.answer(ctx, c.try(ctx.Request.Context(), d, on), nil)
}

// wordsAPI answers with what may stand where somebody writes, and what it is for in the language of who asks.
func (c *Console) wordsAPI(ctx *gin.Context) {
	d, _, err := c.draftOf(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	words, typed := mapping.Words(d.Source, d.Line, d.Column)
	told := c.messages[languageOf(ctx.Request)]
	for i := range words {
		words[i].Doc = told.Of(words[i].Doc)
	}
	ctx.Header("Vary", "Accept-Language, Cookie")
	c.answer(ctx, gin.H{"words": append([]mapping.Word{}, words...), "typed": typed}, nil)
}
