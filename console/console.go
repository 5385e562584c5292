package console

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/sirupsen/logrus"

	"idaas-ldap/event"
	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/translate"
	"idaas-ldap/internal/workbench"
	"idaas-ldap/store"
)

// Config is what the console needs of the rest of the product.
type Config struct {
	Store store.Store
	// Token returns the token in force; empty where none is asked for.
	Token func() secret.Text
	// Directories returns those that are fed now.
	Directories func() []explain.Directory
	// Workbench returns the same for who edits their mappings.
	Workbench func() []workbench.Directory
	// Settings returns what is in force, and Trail the path of the log of writes, empty where none is kept.
	Settings func() Settings
	Trail    func() string
	// Asker returns who asks IDaaS about those that a directory is fed with, nil where nobody can.
	Asker func(directory string) explain.Asker
	// Origin returns the address that a request comes from, or what else counts as one caller, and whether the browser there speaks TLS.
	Origin func(r *http.Request) (address string, secure bool)
	// States returns how each directory is, in words that begin with a known one.
	States func() map[string]string
	// Stopping is closed when the service ends, so that nobody waits for what is shown as it changes.
	Stopping <-chan struct{}
	// Wake makes objects be looked at that a decision has made due.
	Wake  func(keys []store.Key)
	Log   logrus.FieldLogger
	Clock func() time.Time
	// Random returns text that nobody can guess.
	Random func() string
}

// The paths below which everything is.
const (
	pagesPath = "/console"
	apiPath   = "/api/v1"
)

// Console is the handler of pages and API.
type Console struct {
	Config
	engine   *gin.Engine
	sessions *sessions
	rates    *rates
	texts    map[language]catalogue
	messages map[language]*translate.Catalogue
	pages    map[language]*template.Template
	assets   map[string]asset
	latest   latest
	streams  atomic.Int64
	bench    bench
	forcing  sync.Mutex // held by who puts a mapping in force
	// asking is taken by who asks IDaaS.
	asking chan struct{}
	// confirming is the key of the confirmation values of those who have no session.
	confirming secret.Text
}

// New returns a console.
func New(cfg Config) (*Console, error) {
	c := &Console{Config: cfg, sessions: newSessions(cfg.Random), rates: newRates(), bench: newBench(), asking: make(chan struct{}, 1), confirming: secret.New(cfg.Random())}
	var err error
	if c.texts, err = readTexts(); err != nil {
		return nil, err
	}
	if c.messages, err = readMessages(); err != nil {
		return nil, err
	}
	if c.pages, err = readPages(c.texts, c.messages); err != nil {
		return nil, err
	}
	if c.assets, err = readAssets(); err != nil {
		return nil, err
	}
	gin.SetMode(gin.ReleaseMode) // the only way to keep gin from printing its routes
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	_ = engine.SetTrustedProxies(nil) // cannot fail; nothing here depends on who passes a request on
	engine.Use(c.recovered, c.protect, c.bound)
	engine.NoRoute(func(ctx *gin.Context) {
		c.fail(ctx, &problem{http.StatusNotFound, "not_found", "there is nothing at this path"})
	})
	engine.NoMethod(func(ctx *gin.Context) {
		c.fail(ctx, &problem{http.StatusMethodNotAllowed, "method_not_allowed", "this path takes no such method"})
	})
	for _, r := range c.routes() {
		engine.Handle(r.method, r.path, c.enter(r), r.handle)
	}
	c.engine = engine
	return c, nil
}

// Paths returns the patterns, in the form of http.ServeMux, of what the console serves.
func Paths() []string { return []string{"/{$}", pagesPath, pagesPath + "/", apiPath + "/"} }

// Asks reports whether the console asks for the token itself at a path.
func Asks(path string) bool {
	return path == "/" || path == pagesPath || isBelow(path, pagesPath) || isBelow(path, apiPath)
}

func isBelow(path, folder string) bool {
	return len(path) > len(folder) && path[:len(folder)] == folder && path[len(folder)] == '/'
}

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.engine.ServeHTTP(w, r) }

func (c *Console) now() event.Millis { return event.Millis(c.Clock().UnixMilli()) }

// problem is why a request is not answered as it was meant.
type problem struct {
	status int
	code   string
	text   string
}

// Error returns what a person is told.
func (p *problem) Error() string { return p.text }

// wrong is a request that cannot be meant.
func wrong(format string, args ...any) error {
	return &problem{http.StatusBadRequest, "bad_request", fmt.Sprintf(format, args...)}
}

// absent says that there is no such thing.
func absent(format string, args ...any) error {
	return &problem{http.StatusNotFound, "not_found", fmt.Sprintf(format, args...)}
}

// problemOf gives an error its status.
func problemOf(err error) *problem {
	var known *problem
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, store.ErrCursor):
		return &problem{http.StatusBadRequest, "bad_request", err.Error()}
	case errors.Is(err, store.ErrNotFound):
		return &problem{http.StatusNotFound, "not_found", err.Error()}
	case errors.Is(err, store.ErrUnavailable):
		return &problem{http.StatusServiceUnavailable, "unavailable", err.Error()}
	}
	return &problem{http.StatusInternalServerError, "internal_error", err.Error()}
}

// fail answers with an error, as a page or as JSON.
func (c *Console) fail(ctx *gin.Context, err error) {
	p := problemOf(err)
	ctx.Abort()
	if isBelow(ctx.Request.URL.Path, apiPath) {
		ctx.JSON(p.status, gin.H{"error": p.code, "errorDescription": p.text})
		return
	}
	c.render(ctx, p.status, "error", p)
}

// recovered answers a panic.
func (c *Console) recovered(ctx *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // The value itself is the signal.
				panic(p)
			}
			c.Log.WithFields(logrus.Fields{"panic": fmt.Sprint(p), "stack": string(debug.Stack())}).Error("a request broke the console")
			ctx.AbortWithStatus(http.StatusInternalServerError)
		}
	}()
	ctx.Next()
}
