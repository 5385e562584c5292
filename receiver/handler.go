package receiver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/internal/jsonscan"
)

// Delivery is what one verified request asks to be taken in.
type Delivery struct {
	Application string
	Instance    string
	Changes     []event.Change
	// TraceParent is what the caller says of its trace, as it was sent; empty where it says nothing, or several things.
	TraceParent string
}

// Intake takes in what was verified.
type Intake interface {
	// Accept makes the changes durable, all or none. An error means that nothing was accepted.
	Accept(ctx context.Context, d Delivery) (Ticket, error)
}

// Ticket tells what became of what was accepted.
type Ticket interface {
	// Wait returns one outcome for each change, in their order, when all are settled or known to be parked, or when ctx
	// ends. It is called once.
	Wait(ctx context.Context) []event.Outcome
}

// Observer is told of every request, for metrics: the result is the answer's code, such as ok or invalid_token.
type Observer func(result string, took time.Duration)

// Config says how requests are taken in.
type Config struct {
	// Path is the one path that is answered.
	Path     string
	Verifier *Verifier
	Intake   Intake
	// AllowFrom are the networks that callers must be in; empty for any. TrustedProxies are those whose X-Forwarded-For
	// or Forwarded is believed.
	AllowFrom, TrustedProxies []netip.Prefix
	// AnswerWithin is how long an answer may wait for results.
	AnswerWithin time.Duration
	// MaxBodyBytes is the largest body that is read.
	MaxBodyBytes int64
	Limits       Limits
	Log          logrus.FieldLogger
	Clock        func() time.Time
	// Observe may be nil.
	Observe Observer
}

// acceptWithin is how long storing may take before the caller is asked to come again; IDaaS gives up after 10 s.
const acceptWithin = 3 * time.Second

// retryAfter is when a caller that cannot be served now should come again.
const retryAfter = 5 * time.Second

// Handler answers callbacks.
type Handler struct {
	Config
	guard   *addressGuard
	bodies  *bodies
	refused *refusals
	engine  *gin.Engine
}

// NewHandler returns the handler of callbacks.
func NewHandler(cfg Config) *Handler {
	limits := cfg.Limits.complete()
	return newHandler(cfg, newBodies(limits.BodyBytes, cfg.MaxBodyBytes, cfg.Clock), newRefusals(cfg.Log, cfg.Clock))
}

// With returns a handler by another configuration that takes the place of this one. The memory for bodies is the same, so that
// what both hold together is bounded.
func (h *Handler) With(cfg Config) *Handler {
	limits := cfg.Limits.complete()
	h.bodies.adjust(limits.BodyBytes, cfg.MaxBodyBytes)
	return newHandler(cfg, h.bodies, h.refused)
}

func newHandler(cfg Config, bodies *bodies, refused *refusals) *Handler {
	if cfg.Observe == nil {
		cfg.Observe = func(string, time.Duration) {}
	}
	cfg.Limits = cfg.Limits.complete()
	h := &Handler{Config: cfg, guard: newAddressGuard(cfg), bodies: bodies, refused: refused}
	gin.SetMode(gin.ReleaseMode) // the only way to keep gin from printing its routes
	engine := gin.New()
	engine.ContextWithFallback = true
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	_ = engine.SetTrustedProxies(nil) // cannot fail; addresses are judged by addressGuard
	engine.Use(h.recovered, h.admit)
	engine.NoRoute(func(c *gin.Context) {
		h.reject(c, &Rejection{Status: http.StatusNotFound, Code: "not_found", Description: "there is nothing at this path", Reason: "unknown path"})
	})
	engine.NoMethod(func(c *gin.Context) {
		c.Header("Allow", http.MethodPost)
		h.reject(c, &Rejection{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Description: "events are sent with POST", Reason: "method " + strconv.Quote(short(c.Request.Method, 20)), kind: "method"})
	})
	engine.POST(cfg.Path, h.provision)
	h.engine = engine
	return h
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.engine.ServeHTTP(w, r) }

// recovered answers a panic without showing anything of the request.
func (h *Handler) recovered(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // The value itself is the signal.
				panic(p)
			}
			h.refused.note("panic", "", notServed, "the request broke the receiver", logrus.Fields{"panic": fmt.Sprint(p), "stack": stack(debug.Stack())})
			h.reject(c, &Rejection{Status: http.StatusInternalServerError, Code: "internal_error", Description: "the request could not be handled", Reason: "panic"})
		}
	}()
	c.Next()
}

// stack is the trace of a panic, which holds nothing from outside and is not cut.
type stack []byte

// String returns the trace as it is.
func (s stack) String() string { return string(s) }

// callerKey is where the caller's address is kept.
const callerKey = "caller"

// admit decides by the caller's address, on every path and before anything of the body is read.
func (h *Handler) admit(c *gin.Context) {
	h.refused.tell()
	address, err := h.guard.check(c.Request)
	if address.IsValid() {
		c.Set(callerKey, address.String())
	}
	if err != nil {
		h.fail(c, err)
	}
}

// provision handles one callback: what is it, is it genuine, store it, answer.
func (h *Handler) provision(c *gin.Context) {
	start := h.Clock()
	document, err := h.document(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	defer inUse(c.Request.Context())()
	ticket, err := h.accept(c.Request.Context(), document, traceParent(c.Request.Header))
	if err != nil {
		h.fail(c, err)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), h.AnswerWithin-h.Clock().Sub(start))
	defer cancel()
	c.JSON(http.StatusOK, answerOf(document.Changes, ticket.Wait(ctx)))
	h.Observe("ok", h.Clock().Sub(start))
}

// document reads the body and opens the token in it. The memory for the body is given back before anything else is done.
func (h *Handler) document(c *gin.Context) (Document, error) {
	if !strings.EqualFold(c.ContentType(), "application/json") {
		return Document{}, &Rejection{
			Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Description: "events are sent as application/json",
			Reason: "media type " + strconv.Quote(short(c.GetHeader("Content-Type"), 60)), kind: "media type",
		}
	}
	body, ctx, err := h.bodies.read(c.Writer, c.Request)
	defer body.release()
	if err != nil {
		return Document{}, h.unread(err)
	}
	defer inUse(c.Request.Context())()
	token, err := token(body.buffer)
	if err != nil {
		return Document{}, err
	}
	document, err := h.Verifier.open(ctx, token)
	if err != nil && body.mustGo() {
		return Document{}, h.unread(errDisplaced)
	}
	return document, err
}

// unread is the answer to a body that could not be read.
func (h *Handler) unread(err error) *Rejection {
	switch {
	case errors.Is(err, errTooLarge):
		return &Rejection{
			Status: http.StatusRequestEntityTooLarge, Code: "payload_too_large",
			Description: "the body is larger than " + strconv.FormatInt(h.MaxBodyBytes, 10) + " bytes", Reason: "body too large",
		}
	case errors.Is(err, errNoMemory), errors.Is(err, errDisplaced):
		return unavailable("too much is being sent at a time; nothing was accepted", err.Error())
	}
	r := badRequest("the body could not be read")
	r.Reason, r.kind = "the body could not be read: "+err.Error(), "unread body"
	return r
}

// maxMembers is how many members the body may have; that of IDaaS has one.
const maxMembers = 16

// token returns the token in a body.
func token(body []byte) (token []byte, err error) {
	if len(body) == 0 {
		return nil, badRequest("the body is empty")
	}
	members := 0
	var names [maxMembers]string
	err = jsonscan.Object(body, func(name string, value []byte) error {
		if members == maxMembers || slices.Contains(names[:members], name) {
			return errors.New("a member is there twice, or there are too many")
		}
		names[members] = name
		members++
		if name == "event" {
			token, _ = jsonscan.Bytes(value)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, badRequest("the body is not a JSON object")
	case len(token) == 0:
		return nil, badRequest("the body has no text in the member event")
	}
	return token, nil
}

// headerTraceParent says which trace a request belongs to (Trace Context, W3C), in so many octets at most.
const (
	headerTraceParent  = "Traceparent"
	longestTraceParent = 128
)

// traceParent returns what a caller says of its trace.
func traceParent(header http.Header) string {
	said := header[headerTraceParent]
	if len(said) != 1 || len(said[0]) > longestTraceParent {
		return ""
	}
	return said[0]
}

func (h *Handler) accept(ctx context.Context, d Document, traceParent string) (Ticket, error) {
	ctx, cancel := context.WithTimeout(ctx, acceptWithin)
	defer cancel()
	if len(d.Unread) > 0 {
		h.Log.WithField("application", d.Application).WithField("unread", short(strings.Join(d.Unread, "; "), maxReason)).Warn("events without an id or a type are left out")
	}
	ticket, err := h.Intake.Accept(ctx, Delivery{Application: d.Application, Instance: d.InstanceID, Changes: d.Changes, TraceParent: traceParent})
	if err != nil {
		r := unavailable("events cannot be stored now; nothing was accepted", err.Error())
		r.kind = "not stored"
		return nil, r
	}
	return ticket, nil
}

// fail answers an error.
func (h *Handler) fail(c *gin.Context, err error) {
	var rejection *Rejection
	if !errors.As(err, &rejection) {
		rejection = &Rejection{Status: http.StatusInternalServerError, Code: "internal_error", Description: "the request could not be handled", Reason: err.Error()}
	}
	h.reject(c, rejection)
}

func (h *Handler) reject(c *gin.Context, r *Rejection) {
	whose, text := refusedCaller, "request refused"
	if r.Status >= http.StatusInternalServerError {
		whose, text = notServed, "request not served"
	}
	fields := logrus.Fields{"status": r.Status, "code": r.Code, "reason": r.Reason, "peer": c.Request.RemoteAddr, "caller": c.GetString(callerKey)}
	h.refused.note(cmp.Or(r.kind, r.Code), c.GetString(callerKey), whose, text, fields)
	h.Observe(r.Code, 0)
	if r.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(int(r.RetryAfter.Seconds())))
	}
	unread := c.Request.ProtoMajor == 1 && c.Request.ContentLength != 0 && r.Status != http.StatusBadRequest && r.Status != http.StatusUnauthorized
	if unread {
		c.Header("Connection", "close") // The rest of the body is no next request.
	}
	answer, err := json.Marshal(map[string]string{"error": r.Code, "errorDescription": r.Description})
	if err != nil {
		panic(err) // Two texts can always be marshalled.
	}
	c.Header("Content-Length", strconv.Itoa(len(answer)))
	until := h.Clock().Add(lingerFor)
	c.Abort()
	c.Data(r.Status, "application/json; charset=utf-8", answer)
	if unread {
		h.linger(c, until)
	}
}

// lingerFor is how long a caller that was refused may go on sending its body.
const lingerFor = 5 * time.Second

// linger reads on for a moment after a refusal, and keeps nothing. A connection that is closed while its caller still sends is
// reset, and the caller sees that instead of the answer. Who asked to be told whether to send the body has been told.
func (h *Handler) linger(c *gin.Context, until time.Time) {
	if c.GetHeader("Expect") != "" {
		return
	}
	c.Writer.Flush()
	control := http.NewResponseController(c.Writer)
	if control.SetReadDeadline(until) == nil {
		_, _ = io.CopyN(io.Discard, c.Request.Body, 2*h.MaxBodyBytes)
	}
}
