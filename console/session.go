package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"idaas-ldap/internal/secret"
)

// A session ends when nobody has used it for so long, and at the latest after so long. So many are kept.
const (
	sessionIdle  = time.Hour
	sessionEnds  = 12 * time.Hour
	sessionsKept = 1000
)

// session is somebody who has shown the token, or needs to show none.
type session struct {
	id    string
	token secret.Text // that was shown; empty where none was asked for
	key   secret.Text // of what is confirmed with it
	began time.Time
	used  time.Time
	who   string // the name that was given last
}

// sessions are those that are open.
type sessions struct {
	random func() string

	mu   sync.Mutex
	open map[string]*session
}

func newSessions(random func() string) *sessions {
	return &sessions{random: random, open: map[string]*session{}}
}

// begin opens a session. Where there are too many, the one that was not used for longest ends.
func (s *sessions) begin(token secret.Text, who string, now time.Time) *session {
	opened := &session{id: s.random(), token: token, key: secret.New(s.random()), began: now, used: now, who: who}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= sessionsKept {
		var oldest *session
		for _, other := range s.open {
			if oldest == nil || other.used.Before(oldest.used) {
				oldest = other
			}
		}
		delete(s.open, oldest.id)
	}
	s.open[opened.id] = opened
	return opened
}

// find returns the session of an id, if it is still good with the token that is in force now.
func (s *sessions) find(id string, token secret.Text, now time.Time) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.open[id]
	if found == nil {
		return nil
	}
	if now.Sub(found.used) > sessionIdle || now.Sub(found.began) > sessionEnds || !found.token.Equal(token) {
		delete(s.open, id)
		return nil
	}
	found.used = now
	return found
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
}

// name returns the name that was given last in a session, and rename notes another one.
func (s *sessions) name(of *session) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return of.who
}

func (s *sessions) rename(of *session, who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of.who = who
}

// cookieName is that of the cookie with the session. Under TLS the prefix keeps others of the same host from setting it (RFC 6265bis).
func (c *Console) cookieName(r *http.Request) string {
	if c.isSecure(r) {
		return "__Host-idaas-ldap"
	}
	return "idaas-ldap"
}

// isSecure reports whether the browser speaks TLS, to us or to a trusted proxy before us.
func (c *Console) isSecure(r *http.Request) bool {
	_, secure := c.Origin(r)
	return secure
}

// setSession gives the browser a session; an empty id takes it away.
func (c *Console) setSession(ctx *gin.Context, id string) {
	cookie := &http.Cookie{
		Name: c.cookieName(ctx.Request), Value: id, Path: "/", HttpOnly: true, Secure: c.isSecure(ctx.Request), SameSite: http.SameSiteStrictMode,
		MaxAge: int(sessionEnds.Seconds()),
	}
	if id == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(ctx.Writer, cookie)
}

// sessionOf returns the session that a request belongs to, nil where it belongs to none.
func (c *Console) sessionOf(r *http.Request) *session {
	cookie, err := r.Cookie(c.cookieName(r))
	if err != nil {
		return nil
	}
	return c.sessions.find(cookie.Value, c.Token(), c.Clock())
}

// confirmation returns the value that confirms just this, for a caller and nobody else. Only who was shown what it is about has it.
func confirmation(key secret.Text, about ...string) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	for _, part := range about {
		_, _ = mac.Write([]byte(part)) // a hash takes everything
		_, _ = mac.Write([]byte{0})
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// confirms reports whether a value is the confirmation of something.
func confirms(given string, key secret.Text, about ...string) bool {
	return same(given, confirmation(key, about...))
}

// same compares two confirmations in a time that tells nothing.
func same(given, wanted string) bool { return hmac.Equal([]byte(given), []byte(wanted)) }
