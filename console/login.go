package console

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"

	"idaas-ldap/internal/secret"
)

// loginView is what the page for the token shows.
type loginView struct {
	To    string
	Wrong bool
}

func (c *Console) showLogin(ctx *gin.Context) {
	if c.Token().Empty() || c.sessionOf(ctx.Request) != nil {
		ctx.Redirect(http.StatusSeeOther, ownPath(ctx.Query("to")))
		return
	}
	c.render(ctx, http.StatusOK, "login", loginView{To: ownPath(ctx.Query("to"))})
}

func (c *Console) login(ctx *gin.Context) {
	to := ownPath(ctx.PostForm("to"))
	token := c.Token()
	if !token.Empty() && !c.isToken(ctx, token, secret.New(strings.TrimSpace(ctx.PostForm("token")))) {
		if !ctx.IsAborted() {
			c.render(ctx, http.StatusUnauthorized, "login", loginView{To: to, Wrong: true})
		}
		return
	}
	c.setSession(ctx, c.sessions.begin(token, named(ctx.PostForm("who")), c.Clock()).id)
	ctx.Redirect(http.StatusSeeOther, to)
}

func (c *Console) logout(ctx *gin.Context) {
	caller := c.caller(ctx)
	if !confirms(ctx.PostForm("leave"), caller.key, "logout") {
		c.fail(ctx, &problem{http.StatusForbidden, "not_confirmed", "this page is too old; load it again"})
		return
	}
	if caller.session != nil {
		c.sessions.end(caller.session.id)
	}
	c.setSession(ctx, "")
	ctx.Redirect(http.StatusSeeOther, pagesPath+"/login")
}

// ownPath returns a path of a page of ours; what is none becomes the home page.
func ownPath(path string) string {
	if !isBelow(path, pagesPath) || strings.ContainsAny(path, "\\\r\n") || len(path) > 2000 {
		return homePage
	}
	return path
}

// maxNameOfPerson is how long the name of who decides may be.
const maxNameOfPerson = 100

// named returns the name of a person on one line, without what is not to be seen or turns the direction of writing, and cut where it is too long.
func named(who string) string {
	seen := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsGraphic(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(who, ""))
	name := []rune(strings.Join(strings.Fields(seen), " "))
	return string(name[:min(len(name), maxNameOfPerson)])
}

// opening is what a program sends to begin a session.
type opening struct {
	Token string `json:"token"`
	Who   string `json:"who"`
}

func (c *Console) openSession(ctx *gin.Context) {
	var asked opening
	if ctx.Request.ContentLength != 0 {
		if err := ctx.ShouldBindJSON(&asked); err != nil {
			c.fail(ctx, wrong("the body is not as it should be: {\"token\": ..., \"who\": ...}"))
			return
		}
	}
	token, shown := c.Token(), secret.New(strings.TrimSpace(asked.Token))
	if bearer, ok := bearerToken(ctx.Request); ok {
		shown = bearer
	}
	if !token.Empty() && !c.isToken(ctx, token, shown) {
		if !ctx.IsAborted() {
			c.askForToken(ctx)
		}
		return
	}
	s := c.sessions.begin(token, named(asked.Who), c.Clock())
	c.setSession(ctx, s.id)
	ctx.JSON(http.StatusOK, gin.H{"ends": s.began.Add(sessionEnds).UnixMilli()})
}

func (c *Console) closeSession(ctx *gin.Context) {
	if s := c.caller(ctx).session; s != nil {
		c.sessions.end(s.id)
	}
	c.setSession(ctx, "")
	ctx.Status(http.StatusNoContent)
}
