package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
)

// Delivery is what one verified request asks to be taken in.
type Delivery struct {
	Application string
	Instance    string
	Changes     []event.Change
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
	// is believed.
	AllowFrom, TrustedProxies []netip.Prefix
	// AnswerWithin is how long an answer may wait for results.
	AnswerWithin time.Duration
	// MaxBodyBytes is the largest body that is read.
	MaxBodyBytes int64
	// RequestsPerSecond and Burst bound what one address may send.
	RequestsPerSecond float64
	Burst             int
	Log               logrus.FieldLogger
	Clock             func() time.Time
	// Observe may be nil.
	Observe Observer
}

// acceptWithin is how long storing may take before the caller is asked to come again; IDaaS gives up after 10 s.
const acceptWithin = 3 * time.Second

// retryAfter is when a caller that cannot be served now should come again.
const retryAfter = 5 * time.Second

type handler struct {
	Config
	guard *addressGuard
}

// NewHandler returns the handler of callbacks.
func NewHandler(cfg Config) http.Handler {
	if cfg.Observe == nil {
		cfg.Observe = func(string, time.Duration) {}
	}
	h := &handler{Config: cfg, guard: newAddressGuard(cfg)}
	gin.SetMode(gin.ReleaseMode) // the only way to keep gin from printing its routes
	engine := gin.New()
	engine.ContextWithFallback = true
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	_ = engine.SetTrustedProxies(nil) // cannot fail; addresses are judged by addressGuard
	engine.Use(h.recovered)
	engine.NoRoute(func(c *gin.Context) {
		h.reject(c, &Rejection{Status: http.StatusNotFound, Code: "not_found", Description: "there is nothing at this path", Reason: "unknown path"})
	})
	engine.NoMethod(func(c *gin.Context) {
		c.Header("Allow", http.MethodPost)
		h.reject(c, &Rejection{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Description: "events are sent with POST", Reason: "method " + c.Request.Method})
	})
	engine.POST(cfg.Path, h.provision)
	return engine
}

// recovered answers a panic without showing anything of the request.
func (h *handler) recovered(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // The value itself is the signal.
				panic(p)
			}
			h.Log.WithField("panic", p).WithField("stack", string(debug.Stack())).Error("the request broke the receiver")
			h.reject(c, &Rejection{Status: http.StatusInternalServerError, Code: "internal_error", Description: "the request could not be handled", Reason: "panic"})
		}
	}()
	c.Next()
}

// provision handles one callback: who is it, what is it, is it genuine, store it, answer.
func (h *handler) provision(c *gin.Context) {
	start := h.Clock()
	if err := h.guard.check(c.Request); err != nil {
		h.fail(c, err)
		return
	}
	token, err := h.token(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	document, err := h.Verifier.Open(c.Request.Context(), token)
	if err != nil {
		h.fail(c, err)
		return
	}
	ticket, err := h.accept(c.Request.Context(), document)
	if err != nil {
		h.fail(c, err)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), h.AnswerWithin-h.Clock().Sub(start))
	defer cancel()
	c.JSON(http.StatusOK, answerOf(document.Changes, ticket.Wait(ctx)))
	h.Observe("ok", h.Clock().Sub(start))
}

// token reads the body and returns the token in it.
func (h *handler) token(c *gin.Context) (string, error) {
	media, _, err := mime.ParseMediaType(c.ContentType())
	if err != nil || media != "application/json" {
		return "", &Rejection{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Description: "events are sent as application/json", Reason: "media type " + strconv.Quote(c.ContentType())}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, h.MaxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", &Rejection{Status: http.StatusRequestEntityTooLarge, Code: "payload_too_large", Description: "the body is larger than " + strconv.FormatInt(h.MaxBodyBytes, 10) + " bytes", Reason: "body too large"}
	case err != nil:
		return "", badRequest("the body could not be read")
	case len(body) == 0:
		return "", badRequest("the body is empty")
	}
	members, err := objectMembers(body)
	if err != nil {
		return "", badRequest("the body is not a JSON object")
	}
	var token string
	if json.Unmarshal(members["event"], &token) != nil || token == "" {
		return "", badRequest("the body has no text in the member event")
	}
	return token, nil
}

func (h *handler) accept(ctx context.Context, d Document) (Ticket, error) {
	ctx, cancel := context.WithTimeout(ctx, acceptWithin)
	defer cancel()
	if len(d.Unread) > 0 {
		h.Log.WithField("application", d.Application).WithField("unread", strings.Join(d.Unread, "; ")).Warn("events without an id or a type are left out")
	}
	ticket, err := h.Intake.Accept(ctx, Delivery{Application: d.Application, Instance: d.InstanceID, Changes: d.Changes})
	if err != nil {
		return nil, &Rejection{Status: http.StatusServiceUnavailable, Code: "unavailable", Description: "events cannot be stored now; nothing was accepted", Reason: err.Error(), RetryAfter: retryAfter}
	}
	return ticket, nil
}

// fail answers an error.
func (h *handler) fail(c *gin.Context, err error) {
	var rejection *Rejection
	if !errors.As(err, &rejection) {
		rejection = &Rejection{Status: http.StatusInternalServerError, Code: "internal_error", Description: "the request could not be handled", Reason: err.Error()}
	}
	h.reject(c, rejection)
}

func (h *handler) reject(c *gin.Context, r *Rejection) {
	entry := h.Log.WithFields(logrus.Fields{"status": r.Status, "code": r.Code, "reason": r.Reason, "peer": c.Request.RemoteAddr})
	if r.Status >= http.StatusInternalServerError {
		entry.Error("request not served")
	} else {
		entry.Warn("request refused")
	}
	h.Observe(r.Code, 0)
	if r.RetryAfter > 0 {
		c.Header("Retry-After", strconv.Itoa(int(r.RetryAfter.Seconds())))
	}
	c.AbortWithStatusJSON(r.Status, gin.H{"error": r.Code, "errorDescription": r.Description})
}
