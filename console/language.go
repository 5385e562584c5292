package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"idaas-ldap/internal/translate"
)

// language is one in which the pages are written, as BCP 47 names it.
type language string

// The languages.
const (
	english language = "en"
	chinese language = "zh"
)

// catalogue has the texts of one language by their names.
type catalogue map[string]string

//go:embed texts/*.json
var textFiles embed.FS

// readMessages returns what the messages of the program are in each language but English, in which they are made.
func readMessages() (map[language]*translate.Catalogue, error) {
	inChinese, err := translate.Chinese()
	if err != nil {
		return nil, err //nolint:wrapcheck // It says what was read.
	}
	return map[language]*translate.Catalogue{chinese: inChinese}, nil
}

func readTexts() (map[language]catalogue, error) {
	texts := map[language]catalogue{}
	for _, l := range []language{english, chinese} {
		raw, err := textFiles.ReadFile("texts/" + string(l) + ".json")
		if err == nil {
			var c catalogue
			err = json.Unmarshal(raw, &c)
			texts[l] = c
		}
		if err != nil {
			return nil, fmt.Errorf("read the texts in %s: %w", l, err)
		}
	}
	return texts, nil
}

// text returns a text by its name, with values in the places that it has for them. One that is missing shows as its name.
func (c catalogue) text(name string, values ...any) string {
	format, ok := c[name]
	if !ok {
		return name
	}
	if len(values) == 0 {
		return format
	}
	return fmt.Sprintf(format, values...)
}

// languageCookie is the name of the cookie with the language that somebody has chosen.
const languageCookie = "idaas-ldap-language"

// languageOf returns the language that was chosen, or else the one that the browser wishes most.
func languageOf(r *http.Request) language {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if l := language(cookie.Value); l == english || l == chinese {
			return l
		}
	}
	return wished(r.Header.Get("Accept-Language"))
}

// wished returns the language with the greatest weight in an Accept-Language header (RFC 9110, section 12.5.4).
func wished(header string) language {
	best, most := english, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, parameters, _ := strings.Cut(part, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			var err error
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if l := language(primary); (l == english || l == chinese) && weight > most {
			best, most = l, weight
		}
	}
	return best
}

// chooseLanguage notes the language for this browser and goes back to where it was chosen.
func (c *Console) chooseLanguage(ctx *gin.Context) {
	chosen := language(ctx.Query("choose"))
	if _, ok := c.texts[chosen]; ok {
		http.SetCookie(ctx.Writer, &http.Cookie{
			Name: languageCookie, Value: string(chosen), Path: pagesPath, MaxAge: 365 * 24 * 3600, HttpOnly: true,
			Secure: c.isSecure(ctx.Request), SameSite: http.SameSiteStrictMode,
		})
	}
	ctx.Redirect(http.StatusSeeOther, ownPath(ctx.Query("to")))
}

// here is the path and query of a page, to come back to.
func here(r *http.Request) string {
	if r.Method != http.MethodGet {
		return homePage
	}
	return (&url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}).RequestURI()
}
