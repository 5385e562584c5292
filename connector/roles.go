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

// A server may take no writes although it answers: it is switched to read-only, it follows another one, or it is busy. That is
// no fault of what is written. The first of the configured servers that takes writes is used, for reads as well, as what is
// planned on one server may be wrong on another. Where none does, the first that answers is read from, and nothing is
// concluded from what it does not hold: it may lag behind.

// homeAgain is how often servers are tried again that come before the one in use.
const homeAgain = time.Minute

// unknownServer is the number of no server.
const unknownServer = -1

// ReadOnly returns why no server takes writes, as far as is known; nil where one does.
func (d *Directory) ReadOnly() error {
	d.pool.mu.Lock()
	defer d.pool.mu.Unlock()
	return d.pool.readOnly
}

// IsReadOnly reports whether an error says that no server takes writes.
func IsReadOnly(err error) bool { return isKind(err, KindReadOnly) }

// noEntry names an entry that there is not, to try whether writes are taken: a server that takes none says so before it looks.
const noEntry = "idaas-ldap-tries-whether-writes-are-taken"

// takesWrites tries whether a server takes writes, by a change of nothing in an entry that is not there.
func (p *pool) takesWrites(conn *pooled) error {
	if p.cfg.Base == nil {
		return nil
	}
	dn := p.cfg.Base().Child(plan.RDN{{Type: "ou", Value: noEntry}})
	request := ldap.NewModifyRequest(dn.String(), nil)
	request.Replace("description", nil)
	err := outcome(verbModify, dn, conn.Modify(request), secret.Text{})
	var refused *OutcomeError
	switch {
	case !errors.As(err, &refused):
		return nil
	case refused.Kind == KindReadOnly:
		refused.DN = nil
		refused.Verb = p.cfg.URLs[conn.server]
		return refused
	case refused.Code == 0, isBusy(refused.Code):
		return unreachable(fmt.Errorf("%s: %s", p.cfg.URLs[conn.server], refused.Reason()))
	}
	return nil
}

// isBusy reports whether a code says that a server cannot work at the moment.
func isBusy(code uint16) bool {
	return code == ldap.LDAPResultBusy || code == ldap.LDAPResultUnavailable
}

// isState reports whether an error tells of the state of a server and not of what was asked for.
func isState(err error) bool {
	var refused *OutcomeError
	return errors.As(err, &refused) && (refused.Kind == KindReadOnly || isBusy(refused.Code) && refused.Kind == KindRetry)
}

// mayBeState reports whether an error may tell of the state of a server: 389 DS that is read-only says of a password that the
// rights do not suffice.
func mayBeState(err error) bool {
	var refused *OutcomeError
	return isState(err) || errors.As(err, &refused) && refused.Verb == verbPassword && refused.Code == ldap.LDAPResultInsufficientAccessRights
}

// saysReadOnly recognises how servers refuse every write: slapd where it is read-only or follows another one, and 389 DS.
func saysReadOnly(code uint16, message string) bool {
	if code == ldap.LDAPResultReferral {
		return true
	}
	if code != ldap.LDAPResultUnwillingToPerform {
		return false
	}
	message = strings.ToLower(message)
	for _, words := range []string{"read-only", "read only", "readonly", "shadow context", "operation restricted"} {
		if strings.Contains(message, words) {
			return true
		}
	}
	return false
}

// order returns the servers in the order in which they are tried: the one in use first, unless it is time to look at those
// before it again.
func (p *pool) order() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	start := max(0, p.current)
	if !p.cfg.Clock().Before(p.home) {
		start = 0
	}
	p.home = p.cfg.Clock().Add(homeAgain)
	out := make([]int, len(p.cfg.URLs))
	for i := range out {
		out[i] = (start + i) % len(out)
	}
	return out
}

// mayGoHome reports whether it is time to try the servers before the one in use. Where none takes writes a check does so.
func (p *pool) mayGoHome() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current > 0 && p.readOnly == nil && !p.cfg.Clock().Before(p.home)
}

// attempt is a round of connecting to one server after the other.
type attempt struct {
	reader         *pooled // the first that answers and takes no writes
	readOnly, down []error
}

// dialAny connects to the first server in order that takes writes, or else to the first that answers. A refused login ends it:
// all servers have the same account, and each may count.
func (p *pool) dialAny(ctx context.Context, with Credentials) (*pooled, error) {
	var try attempt
	for _, n := range p.order() {
		conn, err := p.tryServer(ctx, n, with)
		switch {
		case err == nil:
			try.drop()
			p.choose(conn, nil)
			return conn, nil
		case ctx.Err() != nil:
			try.drop()
			if conn != nil {
				_ = conn.Close()
			}
			return nil, unreachable(fmt.Errorf("%s: %w", p.cfg.URLs[n], ctx.Err()))
		case refusesLogin(err):
			try.drop()
			return nil, err
		case !IsReadOnly(err):
			try.down = append(try.down, err)
		default:
			try.readOnly = append(try.readOnly, err)
			if try.reader != nil {
				_ = conn.Close()
				continue
			}
			try.reader = conn
		}
	}
	if try.reader == nil {
		return nil, p.pauseAfter(try.down)
	}
	p.choose(try.reader, noneTakesWrites(append(try.readOnly, try.down...)))
	return try.reader, nil
}

func (a *attempt) drop() {
	if a.reader != nil {
		_ = a.reader.Close()
	}
}

// tryServer connects to one server. With an error that says that it is read-only the connection is there all the same.
func (p *pool) tryServer(ctx context.Context, n int, with Credentials) (*pooled, error) {
	conn, err := p.connect(ctx, n, with)
	if err != nil || p.isWritable(n) {
		return conn, err
	}
	if err := p.takesWrites(conn); err != nil {
		if !IsReadOnly(err) {
			_ = conn.Close()
			return nil, err
		}
		return conn, err
	}
	return conn, nil
}

// isWritable reports whether a server is known to take writes.
func (p *pool) isWritable(n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writable == n
}

// choose makes the server of a connection the one in use.
func (p *pool) choose(conn *pooled, readOnly error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.readOnly
	p.current, p.broken, p.pause, p.reason, p.refused = conn.server, time.Time{}, 0, nil, nil
	p.readOnly, p.writable, conn.round = readOnly, conn.server, p.round
	if readOnly != nil {
		p.writable = unknownServer
	}
	log := p.cfg.Log.WithField("server", p.cfg.URLs[conn.server])
	switch {
	case was == nil && readOnly != nil:
		log.WithField("reason", readOnly.Error()).Warn("no server of the directory takes writes; events are kept until one does")
	case was != nil && readOnly == nil:
		log.Info("a server of the directory takes writes again")
	}
}

func noneTakesWrites(errs []error) error {
	return &OutcomeError{
		Kind: KindReadOnly, Verb: "no server takes writes", Err: errors.Join(errs...),
		Advice: "everything waits until a server takes writes; if there is one that does, name it in directories[].urls",
	}
}

// reassess finds out what a server's word that it takes no writes, or is busy, means: that another one is to be used from now on,
// that none can be written to, or, where the server takes writes otherwise, that only what was asked for is to wait.
func (p *pool) reassess(ctx context.Context, server int, said error) error {
	var refused *OutcomeError
	if p.cfg.Base == nil || !errors.As(said, &refused) {
		return said
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return said
	}
	p.mu.Lock()
	moved, known := p.current != server, p.readOnly
	p.mu.Unlock()
	switch {
	case moved:
		return elsewhere(refused)
	case known != nil && !isBusy(refused.Code):
		return known
	}
	if err := p.look(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.readOnly != nil:
		return p.readOnly
	case p.current != server:
		return elsewhere(refused)
	}
	if isState(refused) {
		refused.Kind = KindRetry
	}
	return refused
}

// look looks at the roles of all servers anew, the preferred one first. It has to be its caller's turn.
func (p *pool) look(ctx context.Context) error {
	p.mu.Lock()
	p.writable, p.home = unknownServer, time.Time{}
	p.mu.Unlock()
	conn, err := p.dialInTurn(ctx)
	if err != nil {
		return err
	}
	p.put(conn)
	return nil
}

// assess looks at the roles of all servers and returns an error where none takes writes.
func (p *pool) assess(ctx context.Context) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return fmt.Errorf("wait to connect: %w", ctx.Err())
	}
	if err := p.look(ctx); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readOnly
}

// elsewhere is the error of a write that was planned on a server which is not the one in use any more.
func elsewhere(refused *OutcomeError) error {
	return &OutcomeError{
		Kind: KindElsewhere, Verb: refused.Verb, DN: refused.DN, Code: refused.Code, Message: refused.Message,
		Advice: "another server of the directory is used from now on, and what is to be written is looked at there",
	}
}
