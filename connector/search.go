package connector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// What a search may come to at most. No directory that is well reaches these; they bound what one that lies can do to us.
const (
	pageSize       = 500
	mostEntries    = 250_000
	mostBytes      = 64 << 20
	mostPages      = 20_000
	mostEmptyPages = 500
	longestSearch  = 2 * time.Minute
	// Who reads everything may take as long as there are entries, as long as at least so many come in a while.
	paceEntries = 100
	paceWithin  = 10 * time.Minute
)

// controlDomainScope keeps Active Directory from sending references to the other partitions of the forest, which lie below
// the domain and are directories of their own (MS-ADTS section 3.1.1.3.4.1.4).
const controlDomainScope = "1.2.840.113556.1.4.1339"

// query is what is looked for.
type query struct {
	base       plan.DN
	scope      int
	filter     string
	attributes []string
}

// everything matches every entry.
const everything = "(objectClass=*)"

// nothing asks for no attributes (RFC 4511 section 4.5.1.8).
var nothing = []string{"1.1"}

func entryAt(dn plan.DN, attributes []string) query {
	return query{base: dn, scope: ldap.ScopeBaseObject, filter: everything, attributes: attributes}
}

// asking is a connection that searches are made on. What belongs together is asked on one, so that all of it is what one
// server said to one login.
type asking struct {
	*Directory
	ctx  context.Context
	conn *pooled
}

// ask calls f with a connection. Where that turns out to be lost, or to have lost its login, f is called once more with
// another one, so it begins anew with every call.
func (d *Directory) ask(ctx context.Context, about plan.DN, f func(asking) error) error {
	var server int
	try := func() error {
		return d.pool.use(ctx, func(conn *pooled) error {
			server = conn.server
			a := asking{Directory: d, ctx: ctx, conn: conn}
			if err := a.identify(); err != nil {
				return err
			}
			return f(a)
		})
	}
	err := try()
	switch {
	case ctx.Err() != nil:
	case isCode(err, ldap.LDAPResultBusy), isCode(err, ldap.LDAPResultUnavailable):
		state := d.pool.reassess(ctx, server, outcome(verbRead, about, err, secret.Text{}))
		if err = state; isKind(state, KindElsewhere) {
			err = try()
		}
	case isLost(err):
		err = try()
	case mayLackLogin(err):
		d.pool.forget()
		err = try()
	}
	return d.interpret(outcome(verbRead, about, err, secret.Text{}))
}

// all returns every entry that a query finds, none where its base is not to be seen. It is the whole or an error.
func (a asking) all(q query) ([]*ldap.Entry, error) {
	ctx, cancel := context.WithTimeout(a.ctx, longestSearch)
	defer cancel()
	a.ctx = ctx
	a.conn.allowMore()
	var found []*ldap.Entry
	err := a.each(q, func(page []*ldap.Entry) error {
		found = append(found, page...)
		if len(found) > mostEntries {
			return a.endless(q)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// some returns at most n entries that a query finds, and whether there are more.
func (a asking) some(q query, n int) (found []*ldap.Entry, more bool, err error) {
	ctx, cancel := context.WithTimeout(a.ctx, longestSearch)
	defer cancel()
	request := a.request(q)
	request.SizeLimit = n + 1 // the one too many shows that there are more
	a.conn.allowMore()
	answer, err := a.send(ctx, request, n+pageSize) // Samba keeps to no limit
	switch {
	case isCode(err, ldap.LDAPResultNoSuchObject):
		return nil, false, nil
	case isCode(err, ldap.LDAPResultSizeLimitExceeded), answer.tooMany:
		more = true
	case err != nil:
		return nil, false, err
	case len(answer.references) > 0:
		return nil, false, cutByReferences(q, answer.references)
	}
	if len(answer.entries) > n {
		return answer.entries[:n], true, nil
	}
	return answer.entries, more, nil
}

// each hands on every entry that a query finds, page by page. An error of the caller ends it.
func (a asking) each(q query, hand func([]*ldap.Entry) error) error {
	request := a.request(q)
	var paging *ldap.ControlPaging
	if q.scope != ldap.ScopeBaseObject {
		paging = ldap.NewControlPaging(pageSize)
		request.Controls = append(request.Controls, paging)
	}
	var seen progress
	most := a.mostOfAnAnswer()
	for pages := 1; ; pages++ {
		asked := a.cfg.Clock()
		answer, err := a.send(a.ctx, request, most)
		switch {
		case pages == 1 && isCode(err, ldap.LDAPResultNoSuchObject):
			return nil
		case answer.tooMany, a.conn.overdrawn():
			return a.endless(q)
		case pages > 1 && lostPlace(err):
			return a.beginAnew(err)
		case err != nil:
			return err
		case len(answer.references) > 0:
			return cutByReferences(q, answer.references)
		case !seen.advances(answer.entries):
			return a.endless(q)
		case !seen.keepsPace(len(answer.entries), a.cfg.Clock().Sub(asked)):
			return a.tooSlow(q)
		}
		if err := hand(answer.entries); err != nil {
			return err
		}
		switch {
		case paging == nil, answer.paging == nil && pages == 1, answer.paging != nil && len(answer.paging.Cookie) == 0:
			return nil // a server that knows no pages sends everything at once
		case answer.paging == nil:
			return a.beginAnew(errors.New("no control for pages was answered"))
		}
		paging.SetCookie(answer.paging.Cookie)
	}
}

// progress tells a search in pages that comes to its end from one that never will.
type progress struct {
	pages, empty int
	first        string
	// met is how many entries have come in the time that was waited for the server since that was last looked at.
	met    int
	waited time.Duration
}

// advances notes one more page. It returns false where the server sends the same page again, or nothing but empty ones.
func (p *progress) advances(page []*ldap.Entry) bool {
	p.pages++
	if len(page) == 0 {
		p.empty++
		return p.empty <= mostEmptyPages
	}
	same := p.pages > 1 && page[0].DN == p.first
	p.empty, p.first = 0, page[0].DN
	return !same && p.pages <= mostPages
}

// keepsPace notes how long a page was waited for. It returns false where entries come so slowly that the end is not in sight: a
// server that sends one at a time, each within the timeout, would keep whoever asks for days.
func (p *progress) keepsPace(entries int, waited time.Duration) bool {
	p.met, p.waited = p.met+entries, p.waited+waited
	if p.waited < paceWithin {
		return true
	}
	keeps := p.met >= paceEntries
	p.met, p.waited = 0, 0
	return keeps
}

// beginAnew gives the connection up on which a server has lost its place.
func (a asking) beginAnew(err error) error {
	a.conn.spoiled = true
	return fmt.Errorf("%w (%w)", errLostPlace, err)
}

// errLostPlace says that a server has forgotten how far a search in pages had come, as its state goes with the connection.
var errLostPlace = ldap.NewError(ldap.ErrorNetwork, errors.New("the search in pages was cut off, and begins anew"))

// lostPlace recognises how servers answer a cookie that they do not know.
func lostPlace(err error) bool {
	return isCode(err, ldap.LDAPResultProtocolError) || isCode(err, ldap.LDAPResultUnwillingToPerform) ||
		isCode(err, ldap.LDAPResultUnavailableCriticalExtension) || isCode(err, ldap.LDAPResultOperationsError)
}

// mostOfAnAnswer is how many entries are taken in at once: a page, or all that there are from a server that knows no pages.
func (a asking) mostOfAnAnswer() int {
	if profile := a.known(); profile != nil && profile.Controls[ldap.ControlTypePaging] {
		return pageSize
	}
	return mostEntries
}

func (a asking) request(q query) *ldap.SearchRequest {
	request := ldap.NewSearchRequest(q.base.String(), q.scope, ldap.NeverDerefAliases, 0, 0, false, q.filter, q.attributes, nil)
	if profile := a.known(); profile != nil && q.scope != ldap.ScopeBaseObject && profile.Controls[controlDomainScope] {
		request.Controls = append(request.Controls, ldap.NewControlString(controlDomainScope, false, ""))
	}
	return request
}

// answer is what a server sends to one search request. References name other servers that hold a part of what was asked
// for. TooMany: it did not end where it had to.
type answer struct {
	entries    []*ldap.Entry
	references []string
	paging     *ldap.ControlPaging
	tooMany    bool
}

// send makes one request and takes at most so many entries.
func (a asking) send(ctx context.Context, request *ldap.SearchRequest, most int) (out answer, err error) {
	start := a.cfg.Clock()
	defer func() { a.cfg.Observe(verbRead, resultCode(err), a.cfg.Clock().Sub(start)) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	response := a.conn.SearchAsync(ctx, request, pageSize)
	for response.Next() {
		switch entry, url := response.Entry(), response.Referral(); {
		case entry != nil && len(out.entries) >= most, url != "" && len(out.references) >= most:
			a.conn.spoiled = true
			out.tooMany = true
			return out, nil
		case entry != nil:
			out.entries = append(out.entries, entry)
		case url != "":
			out.references = append(out.references, url)
		}
		if found, ok := ldap.FindControl(response.Controls(), ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
			out.paging = found
		}
	}
	switch err := response.Err(); {
	case err != nil:
		return out, err
	case ctx.Err() != nil:
		a.conn.spoiled = true
		return out, fmt.Errorf("%w: %w", ldap.NewError(ldap.ErrorNetwork, errors.New("the search did not end in time")), ctx.Err())
	case a.conn.IsClosing():
		// The library ends an answer without an error where the connection is closed.
		return out, ldap.NewError(ldap.ErrorNetwork, errors.New("the connection was closed"))
	}
	return out, nil
}

func isCode(err error, code uint16) bool {
	var answered *ldap.Error
	return errors.As(err, &answered) && answered.ResultCode == code
}

// cutByLimit reports whether a code says that a limit of the server has ended a search.
func cutByLimit(code uint16) bool {
	return code == ldap.LDAPResultSizeLimitExceeded || code == ldap.LDAPResultTimeLimitExceeded || code == ldap.LDAPResultAdminLimitExceeded
}

// endless is the error of an answer that does not end where any that is true would.
func (a asking) endless(q query) error {
	a.conn.spoiled = true
	return &OutcomeError{
		Kind: KindIncomplete, Verb: verbRead, DN: q.base, Code: ldap.LDAPResultSizeLimitExceeded,
		Message: fmt.Sprintf("the server sends more than the %d entries or %d MiB that are taken in at a time, or the same ones again and again", mostEntries, mostBytes>>20),
		Advice:  "look what is wrong with the server, or narrow what the mapping covers",
	}
}

func (a asking) tooSlow(q query) error {
	a.conn.spoiled = true
	return &OutcomeError{
		Kind: KindIncomplete, Verb: verbRead, DN: q.base, Code: ldap.LDAPResultTimeLimitExceeded,
		Message: fmt.Sprintf("the server sends less than %d entries in %s", paceEntries, paceWithin),
		Advice:  "look what keeps the server busy",
	}
}

func cutByReferences(q query, urls []string) error {
	return &OutcomeError{
		Kind: KindIncomplete, Verb: verbRead, DN: q.base, Code: ldap.LDAPResultReferral,
		Message: "a part of what is below is held by another server, which is not asked: " + strings.Join(urls[:min(3, len(urls))], " and "),
		Advice:  "name a server in directories[].urls that holds all of the mapping's base, or a base that leaves that part out",
	}
}

// cutShort is the error of an answer that the server has cut although no more was asked for than it could have sent.
func cutShort(q query) error {
	return &OutcomeError{Kind: KindIncomplete, Verb: verbRead, DN: q.base, Code: ldap.LDAPResultSizeLimitExceeded}
}

// ours is an error that is none of the directory's, and is returned to the caller as it is.
type ours struct{ error }

func (o ours) Unwrap() error { return o.error }
