package console

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"idaas-ldap/store"
)

// What can be decided about events: to try them again, which for held ones is the approval, or to give up on them.
const (
	actionRetry   = "retry"
	actionDiscard = "discard"
)

// mostDecided is about how many events one decision may be.
const mostDecided = 1000

// decision is what somebody wants to be done.
type decision struct {
	Action string  `json:"action"`
	Seqs   []int64 `json:"seqs"`
	// Set, where it is given, stands for all of what is held for one reason up to its newest.
	Set *store.HeldSet `json:"set"`
	// By is who decides, for the record.
	By string `json:"by"`
	// Confirm is the value that came with the list of what it is about.
	Confirm string `json:"confirm"`
}

// proposal is what a decision would be about.
type proposal struct {
	Action  string     `json:"action"`
	Events  []eventRow `json:"events"`
	Confirm string     `json:"confirm"`
	// Left is how many of those that were chosen do not take this decision, More how many remain for another one.
	Left int `json:"left"`
	More int `json:"more"`
	// MoreThan: there are more than More of them.
	MoreThan bool `json:"moreThan,omitempty"`
}

// isConfirmedBy reports whether a decision was made about just this. All of a set is shown first.
func (p proposal) isConfirmedBy(d decision) bool {
	return d.Set == nil && len(p.Events) > 0 && same(d.Confirm, p.Confirm)
}

func (p proposal) seqs() []int64 {
	var seqs []int64
	for _, e := range p.Events {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

// about names what is confirmed: the action, and each event as it was shown. One that is held for something else by now was not shown so,
// and whoever has approved the one has not approved the other.
func (p proposal) about() []string {
	parts := []string{p.Action}
	for _, e := range p.Events {
		parts = append(parts, strconv.FormatInt(e.Seq, 10), string(e.Outcome.State), string(e.Outcome.Code), e.Act)
	}
	return parts
}

// propose looks up what a decision is about, the newest first.
func (c *Console) propose(ctx context.Context, who caller, d decision) (proposal, error) {
	p := proposal{Action: d.Action, Events: []eventRow{}}
	if d.Action != actionRetry && d.Action != actionDiscard {
		return p, wrong("action is %s or %s", actionRetry, actionDiscard)
	}
	records, more, err := c.chosen(ctx, d)
	if err != nil {
		return p, err
	}
	if p.More = more; d.Set != nil && d.Set.Count > counted {
		p.More, p.MoreThan = more-1, true
	}
	for _, r := range records {
		if row := (eventRow{EventRecord: r}); !row.Takes(d.Action) {
			p.Left++
			continue
		}
		rows, err := c.rows(ctx, []store.EventRecord{r})
		if err != nil {
			return p, err
		}
		p.Events = append(p.Events, rows...)
	}
	p.Confirm = confirmation(who.key, p.about()...)
	return p, nil
}

// chosen returns the events that a decision names.
func (c *Console) chosen(ctx context.Context, d decision) (records []store.EventRecord, more int, err error) {
	if d.Set != nil {
		records, err = c.Store.Events(ctx, store.Filter{Held: *d.Set, Before: d.Set.Newest + 1, Limit: mostDecided})
		if err != nil {
			return nil, 0, fmt.Errorf("list what is held: %w", err)
		}
		return records, max(0, d.Set.Count-len(records)), nil
	}
	seqs := slices.Clone(d.Seqs)
	slices.SortFunc(seqs, func(a, b int64) int { return int(b - a) })
	seqs = slices.Compact(seqs)
	if len(seqs) == 0 {
		return nil, 0, wrong("choose at least one event")
	}
	if len(seqs) > mostDecided {
		return nil, 0, wrong("a decision is about %d events at most", mostDecided)
	}
	for _, seq := range seqs {
		r, err := c.record(ctx, seq)
		if err != nil {
			return nil, 0, err
		}
		records = append(records, r)
	}
	return records, 0, nil
}

// decide does what was confirmed, and returns about how many events it was.
func (c *Console) decide(ctx context.Context, p proposal, by string) (int, error) {
	if p.Action == actionDiscard {
		return c.Store.Discard(ctx, c.now(), by, p.seqs()) //nolint:wrapcheck // It says what it does.
	}
	keys, err := c.Store.Retry(ctx, c.now(), by, p.seqs())
	if err != nil {
		return 0, err //nolint:wrapcheck // It says what it does.
	}
	c.Wake(keys)
	return len(keys), nil
}

// signed is who decides, for the record: the name that was given, and where it came from.
func signed(by string, r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return by + " (console, " + host + ")"
}

// confirmView is what the page shows that asks once more.
type confirmView struct {
	proposal
	By, To, Seqs string
	// Nameless: it was confirmed without a name.
	Nameless bool
}

// decidePage asks once more, and with the confirmation does it.
func (c *Console) decidePage(ctx *gin.Context) {
	d, err := decisionIn(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	who := c.caller(ctx)
	to := ownPath(ctx.PostForm("to"))
	p, err := c.propose(ctx.Request.Context(), who, d)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	isConfirmed := p.isConfirmedBy(d)
	if isConfirmed && d.By != "" {
		if _, err := c.decide(ctx.Request.Context(), p, signed(d.By, ctx.Request)); err != nil {
			c.fail(ctx, err)
			return
		}
		if who.session != nil {
			c.sessions.rename(who.session, d.By)
		}
		ctx.Redirect(http.StatusSeeOther, withNotice(to, d.Action))
		return
	}
	view := confirmView{proposal: p, To: to, Seqs: joined(p.seqs()), Nameless: isConfirmed}
	if who.session != nil {
		view.By = c.sessions.name(who.session)
	}
	c.render(ctx, http.StatusOK, "confirm", view)
}

// withNotice adds to a page of ours that something was done.
func withNotice(page, action string) string {
	to, err := url.Parse(page)
	if err != nil {
		return homePage
	}
	query := to.Query()
	query.Set("done", action)
	to.RawQuery = query.Encode()
	return to.RequestURI()
}

func joined(seqs []int64) string {
	texts := make([]string, len(seqs))
	for i, seq := range seqs {
		texts[i] = strconv.FormatInt(seq, 10)
	}
	return strings.Join(texts, ",")
}

// decisionIn reads the form of a decision.
func decisionIn(ctx *gin.Context) (decision, error) {
	d := decision{Action: ctx.PostForm("action"), By: named(ctx.PostForm("by")), Confirm: ctx.PostForm("confirm")}
	if ctx.PostForm("all") != "" {
		newest, err := strconv.ParseInt(ctx.PostForm("newest"), 10, 64)
		if err != nil {
			return d, wrong("newest is a number")
		}
		count, _ := strconv.Atoi(ctx.PostForm("count")) // it is only shown
		d.Set = &store.HeldSet{
			Directory: ctx.PostForm("directory"), Code: eventCode(ctx.PostForm("code")), Act: ctx.PostForm("act"), Newest: newest, Count: count,
		}
		return d, nil
	}
	for _, list := range ctx.PostFormArray("seq") {
		for text := range strings.SplitSeq(list, ",") {
			if text == "" {
				continue
			}
			seq, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return d, wrong("seq is a number")
			}
			d.Seqs = append(d.Seqs, seq)
		}
	}
	return d, nil
}

// decideAPI answers with what a decision would be about and its confirmation, and with the confirmation does it.
func (c *Console) decideAPI(ctx *gin.Context) {
	var d decision
	if err := ctx.ShouldBindJSON(&d); err != nil {
		c.fail(ctx, wrong("the body is not as it should be: {\"action\": ..., \"seqs\": [...], \"by\": ..., \"confirm\": ...}"))
		return
	}
	d.By = named(d.By)
	p, err := c.propose(ctx.Request.Context(), c.caller(ctx), d)
	if err != nil || d.Confirm == "" {
		c.answer(ctx, p, err)
		return
	}
	if !p.isConfirmedBy(d) {
		c.fail(ctx, &problem{http.StatusForbidden, "not_confirmed", "this confirms something else, or what it is about has changed; ask without confirm first, and send what that answers"})
		return
	}
	if d.By == "" {
		c.fail(ctx, wrong("by is missing: say who decides"))
		return
	}
	n, err := c.decide(ctx.Request.Context(), p, signed(d.By, ctx.Request))
	c.answer(ctx, gin.H{"changed": n}, err)
}
