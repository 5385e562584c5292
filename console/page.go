package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/translate"
)

//go:embed templates/*.html
var templateFiles embed.FS

// readPages reads the templates once for each language, whose texts they take from its catalogue, and what messages are in it from messages.
func readPages(texts map[language]catalogue, messages map[language]*translate.Catalogue) (map[language]*template.Template, error) {
	pages := map[language]*template.Template{}
	for l, c := range texts {
		t, err := template.New("").Funcs(c.functions(messages[l])).Funcs(parts()).ParseFS(templateFiles, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("read the pages: %w", err)
		}
		pages[l] = t
	}
	return pages, nil
}

// functions are what templates may call.
func (c catalogue) functions(messages *translate.Catalogue) template.FuncMap {
	return template.FuncMap{
		"t": c.text,
		// spoken is a message of the program in the language of the page.
		"spoken": messages.Of,
		// said is the text of a word that the product uses, such as a state, or the word itself where the catalogue has none.
		"said": func(kind string, word any) string {
			name := kind + "." + fmt.Sprint(word)
			if text, ok := c[name]; ok {
				return text
			}
			return fmt.Sprint(word)
		},
		"has":     func(kind string, word any) bool { _, ok := c[kind+"."+fmt.Sprint(word)]; return ok },
		"plain":   visible,
		"short":   func(s string) string { return visible(cut(s, shortText)) },
		"lines":   visibleLines,
		"moment":  func(at event.Millis) string { return at.Time().UTC().Format("2006-01-02 15:04:05") + " UTC" },
		"machine": func(at event.Millis) string { return at.Time().UTC().Format(time.RFC3339) },
		"millis":  func(at time.Time) event.Millis { return event.Millis(at.UnixMilli()) },
		"link":    link,
		"ldif":    explain.LDIF,
		"entry":   explain.EntryLDIF,
	}
}

// shortText is how many characters of a text a list shows.
const shortText = 200

func cut(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}

// visible escapes what is not to be seen, or turns the direction of writing, as a text of JSON does.
func visible(s string) string {
	return escaped(s, func(r rune) bool { return unicode.IsPrint(r) })
}

// visibleLines leaves line breaks as they are.
func visibleLines(s string) string {
	return escaped(s, func(r rune) bool { return r == '\n' || unicode.IsPrint(r) })
}

func escaped(s string, stays func(rune) bool) string {
	var b strings.Builder
	for _, r := range s {
		if stays(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// longestLink is how long an address may be that a browser is sent to. What is longer is refused by servers, ours too.
const longestLink = 4000

// link returns the address of a page with a query, given as names and values; empty where it would be too long.
func link(page string, query ...any) string {
	values := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if value := fmt.Sprint(query[i+1]); value != "" && value != "0" {
			values.Set(fmt.Sprint(query[i]), value)
		}
	}
	address := pagesPath + page
	if len(values) > 0 {
		address += "?" + values.Encode()
	}
	if len(address) > longestLink {
		return ""
	}
	return address
}

// page is what every page is made of.
type page struct {
	Name     string
	Language language
	// Other is the language that the switch leads to.
	Other language
	// Here is where the switch comes back to.
	Here string
	// Inside: it is a page for somebody who may look.
	Inside bool
	// Logout confirms that somebody wants to leave; empty where there is no session that a token was shown for.
	Logout string
	Notice string
	View   any
}

// render answers with a page.
func (c *Console) render(ctx *gin.Context, status int, name string, view any) {
	l := languageOf(ctx.Request)
	p := page{Name: name, Language: l, Other: english, Here: here(ctx.Request), View: view}
	if l == english {
		p.Other = chinese
	}
	_, p.Inside = ctx.Get(callerOf)
	if s := c.caller(ctx).session; s != nil && !s.token.Empty() {
		p.Logout = confirmation(s.key, "logout")
	}
	if name == "events" || name == "held" || name == "held_set" || name == "mapping" {
		p.Notice = noticed(ctx.Request.URL.Query())
	}
	var body bytes.Buffer
	if err := c.pages[l].ExecuteTemplate(&body, name+".html", p); err != nil {
		c.Log.WithError(err).WithField("page", name).Error("a page of the console cannot be made")
		ctx.AbortWithStatus(http.StatusInternalServerError)
		return
	}
	ctx.Header("Vary", "Accept-Language, Cookie")
	ctx.Data(status, "text/html; charset=utf-8", body.Bytes())
}

// noticed returns the name of the text about what was just done, which the query has.
func noticed(query url.Values) string {
	switch done := query.Get("done"); done {
	case actionRetry, actionDiscard, actionMapping:
		return "notice." + done
	}
	return ""
}
