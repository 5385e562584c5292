package console

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"

	"idaas-ldap/internal/secret"
)

// policy is what a page may load and do (CSP 3): what comes from here, and nothing that stands within it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxBody is how long what is sent here may be.
const maxBody = 1 << 20

// protect sets what holds for every answer, and bounds what is read.
func (c *Console) protect(ctx *gin.Context) {
	header := ctx.Writer.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin") // with less, browsers would not say that a form is ours
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
	ctx.Request.Body = http.MaxBytesReader(ctx.Writer, ctx.Request.Body, maxBody)
}

// How often one address may ask, and how often it may show a wrong token. Whoever edits a mapping asks three times with each key: for what is
// wrong, for what would be written, and for words to go on with.
const (
	asksPerSecond   = 40
	asksAtOnce      = 200
	wrongsPerSecond = 0.2
	wrongsAtOnce    = 10
	addressesKept   = 1000
)

// rates count what each address does.
type rates struct {
	mu    sync.Mutex
	known map[string]limits
}

// limits are those of one address.
type limits struct{ asks, wrongs *rate.Limiter }

func newRates() *rates { return &rates{known: map[string]limits{}} }

// of returns the limits of an address. Where there are too many addresses all begin anew.
func (r *rates) of(address string) limits {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, ok := r.known[address]
	if !ok {
		if len(r.known) >= addressesKept {
			clear(r.known)
		}
		found = limits{rate.NewLimiter(asksPerSecond, asksAtOnce), rate.NewLimiter(wrongsPerSecond, wrongsAtOnce)}
		r.known[address] = found
	}
	return found
}

func (r *rates) mayAsk(address string, now time.Time) bool { return r.of(address).asks.AllowN(now, 1) }

func (r *rates) mayTry(address string, now time.Time) bool {
	return r.of(address).wrongs.TokensAt(now) >= 1
}

func (r *rates) failed(address string, now time.Time) { r.of(address).wrongs.AllowN(now, 1) }

// address is where a request comes from.
func (c *Console) address(r *http.Request) string {
	address, _ := c.Origin(r)
	return address
}

// bound keeps one address from asking too often.
func (c *Console) bound(ctx *gin.Context) {
	if !c.rates.mayAsk(c.address(ctx.Request), c.Clock()) {
		ctx.Header("Retry-After", "1")
		c.fail(ctx, &problem{http.StatusTooManyRequests, "too_many_requests", "that was too much at once; ask again in a moment"})
	}
}

// caller is who asks.
type caller struct {
	session *session // nil for one without
	key     secret.Text
}

// callerOf is the name under which gin keeps the caller.
const callerOf = "caller"

func (c *Console) caller(ctx *gin.Context) caller {
	found, _ := ctx.Get(callerOf)
	known, _ := found.(caller)
	return known
}

// enter lets those in who may ask for a route.
func (c *Console) enter(r route) gin.HandlerFunc {
	return func(ctx *gin.Context) {
		if r.method != http.MethodGet {
			if err := fromHere(ctx.Request); err != nil {
				c.fail(ctx, err)
				return
			}
		}
		if r.open {
			return
		}
		c.admit(ctx, r.changes)
	}
}

// fromHere refuses what a page of another site has sent. Browsers say where a request comes from; other programs say nothing.
func fromHere(r *http.Request) error {
	refused := &problem{http.StatusForbidden, "forbidden", "this came from the page of another site"}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return refused
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		from, err := url.Parse(origin)
		if err != nil || !strings.EqualFold(from.Host, r.Host) {
			return refused
		}
	}
	if isBelow(r.URL.Path, apiPath) && r.ContentLength != 0 {
		// No form of another site can send this type.
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return &problem{http.StatusUnsupportedMediaType, "unsupported_media_type", "send application/json"}
		}
	}
	return nil
}

// admit lets those in who have a session or show the token. To change something it has to be shown as a bearer token, which no
// browser does by itself. Where none is asked for, a browser that looks gets a session.
func (c *Console) admit(ctx *gin.Context, changes bool) {
	token, api := c.Token(), isBelow(ctx.Request.URL.Path, apiPath)
	if s := c.sessionOf(ctx.Request); s != nil {
		ctx.Set(callerOf, caller{s, s.key})
		return
	}
	shown, shows := bearerToken(ctx.Request)
	if _, password, basic := ctx.Request.BasicAuth(); basic && !changes {
		shown, shows = secret.New(password), true
	}
	switch {
	case !token.Empty() && shows && c.isToken(ctx, token, shown):
		ctx.Set(callerOf, caller{nil, c.confirming})
	case ctx.IsAborted():
	case token.Empty() && !changes:
		if !api {
			s := c.sessions.begin(token, "", c.Clock())
			c.setSession(ctx, s.id)
			ctx.Set(callerOf, caller{s, s.key})
		}
	case token.Empty() && api:
		c.fail(ctx, &problem{http.StatusUnauthorized, "no_session", "begin a session first, with POST " + apiPath + "/session"})
	default:
		c.askForToken(ctx)
	}
}

// isToken reports whether the token was shown. An address that has shown too many others is not listened to for a while.
func (c *Console) isToken(ctx *gin.Context, token, shown secret.Text) bool {
	if !c.rates.mayTry(c.address(ctx.Request), c.Clock()) {
		ctx.Header("Retry-After", "5")
		c.fail(ctx, &problem{http.StatusTooManyRequests, "too_many_requests", "too many wrong tokens; wait a moment"})
		return false
	}
	if token.Equal(shown) {
		return true
	}
	c.rates.failed(c.address(ctx.Request), c.Clock())
	return false
}

// askForToken sends a browser to the page for it, and tells other programs what to show.
func (c *Console) askForToken(ctx *gin.Context) {
	if isBelow(ctx.Request.URL.Path, apiPath) {
		ctx.Header("WWW-Authenticate", `Bearer realm="idaas-ldap"`)
		c.fail(ctx, &problem{http.StatusUnauthorized, "invalid_token", "show admin.token as a bearer token, or begin a session"})
		return
	}
	to := pagesPath + "/login"
	if ctx.Request.Method == http.MethodGet {
		to += "?" + url.Values{"to": {ctx.Request.URL.RequestURI()}}.Encode()
	}
	ctx.Redirect(http.StatusSeeOther, to)
	ctx.Abort()
}

// bearerToken returns what is shown as a bearer token (RFC 6750).
func bearerToken(r *http.Request) (secret.Text, bool) {
	scheme, shown, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return secret.Text{}, false
	}
	return secret.New(strings.TrimSpace(shown)), true
}
