package ldaptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/sirupsen/logrus"

	"idaas-ldap/dit"
	"idaas-ldap/plan"
)

// session is one connection. Operations run side by side, as they do in slapd; a bind and StartTLS wait until they are alone.
type session struct {
	server *Server
	number int
	log    logrus.FieldLogger
	// done ends when the connection does.
	done context.Context
	end  context.CancelFunc

	reader *bufio.Reader
	ops    sync.WaitGroup

	mu     sync.Mutex // guards what follows, and the order of what is written
	conn   net.Conn
	secure bool
	// who is bound; nil for anonymous.
	who   plan.DN
	pages pages
}

func newSession(s *Server, conn net.Conn, secure bool, number int) *session {
	done, end := context.WithCancel(context.Background())
	return &session{
		server: s, number: number, log: s.cfg.Log.WithField("connection", number), done: done, end: end,
		reader: bufio.NewReader(conn), conn: conn, secure: secure,
	}
}

// cut ends the connection from outside.
func (c *session) cut() {
	c.end()
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	_ = conn.Close() // that it is closed already is fine
}

// run serves the connection until it ends, and waits for its operations.
func (c *session) run() {
	defer func() {
		c.cut()
		c.ops.Wait()
	}()
	for {
		m, err := readMessage(c.reader, c.server.cfg.MaxMessage)
		if err != nil {
			if errors.Is(err, errMalformed) || errors.Is(err, errTooLarge) {
				c.log.WithError(err).Debug("end the connection")
				c.disconnect(err)
			}
			return
		}
		if !c.handle(m) {
			return
		}
	}
}

// disconnect sends the notice of disconnection (RFC 4511 section 4.4.1).
func (c *session) disconnect(reason error) {
	op := resultOp(ldap.ApplicationExtendedResponse, dit.Refuse(ldap.LDAPResultProtocolError, "%v", reason))
	name := ber.NewString(ber.ClassContext, ber.TypePrimitive, 10, "1.3.6.1.4.1.1466.20036", "")
	op.AppendChild(name)
	c.send(0, op)
}

// handle starts an operation; false ends the connection.
func (c *session) handle(m *message) bool {
	switch m.op.Tag {
	case ldap.ApplicationUnbindRequest:
		return false
	case ldap.ApplicationAbandonRequest:
		return true // what is under way is finished all the same, which the RFC allows
	case ldap.ApplicationBindRequest:
		c.ops.Wait()
		return c.perform(m)
	case ldap.ApplicationExtendedRequest:
		if octets(child(m.op, 0)) == oidStartTLS {
			c.ops.Wait()
			return c.perform(m)
		}
	}
	c.ops.Add(1)
	go func() {
		defer c.ops.Done()
		if !c.perform(m) {
			c.cut()
		}
	}()
	return true
}

// perform does one operation with the fault that is due, and answers; false ends the connection.
func (c *session) perform(m *message) bool {
	r := c.request(m)
	if r == nil {
		c.disconnect(errMalformed)
		return false
	}
	c.mu.Lock()
	who := c.who
	c.mu.Unlock()
	r.who = who
	fault := c.server.faultFor(Operation{Verb: r.verb, DN: r.dn, BoundAs: who.String(), Connection: c.number})
	if fault.Wait != nil {
		select {
		case <-fault.Wait:
		case <-c.done.Done():
			return false
		}
	}
	if fault.DropBefore {
		return false
	}
	r.fault = fault
	a := answer{}
	if fault.Code == 0 || fault.Only > 0 {
		a = c.answer(r)
	}
	a = fault.spoil(r.id, a)
	c.log.WithFields(logrus.Fields{"verb": r.verb, "dn": r.dn, "code": a.result.Code}).Debug("operation")
	if fault.DropAfter {
		return false
	}
	return c.reply(r, a)
}

// reply sends the answer and what has to happen right after it.
func (c *session) reply(r *request, a answer) bool {
	for range 1 + r.fault.Repeat {
		for _, e := range a.entries {
			if !c.sendRaw(e) {
				return false
			}
		}
	}
	op := resultOp(r.responseTag, a.result)
	if len(a.referral) > 0 {
		urls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 3, nil, "")
		for _, url := range a.referral {
			urls.AppendChild(text(url))
		}
		op.AppendChild(urls)
	}
	if a.name != "" {
		op.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 10, a.name, ""))
	}
	if a.value != nil {
		op.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 11, *a.value, ""))
	}
	if !c.send(r.id, op, a.controls...) {
		return false
	}
	return !a.startTLS || c.startTLS()
}

// startTLS makes the handshake after the answer to StartTLS (RFC 4511 section 4.14). Nothing may have come before it.
func (c *session) startTLS() bool {
	if c.reader.Buffered() > 0 {
		return false
	}
	secured := tls.Server(c.conn, c.server.cfg.TLS)
	_ = c.conn.SetDeadline(time.Now().Add(10 * time.Second)) // an error shows at the handshake
	if err := secured.HandshakeContext(c.done); err != nil {
		c.log.WithError(err).Debug("TLS handshake")
		return false
	}
	_ = secured.SetDeadline(time.Time{})
	c.mu.Lock()
	c.conn, c.secure = secured, true
	c.mu.Unlock()
	c.reader = bufio.NewReader(secured)
	return true
}

func (c *session) send(id int64, op *ber.Packet, controls ...control) bool {
	return c.sendRaw(encode(id, op, controls))
}

func (c *session) sendRaw(raw []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := c.conn.Write(raw)
	return err == nil
}
