package console

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// route is one thing that can be asked for.
type route struct {
	method, path string
	handle       gin.HandlerFunc
	// open: it says nothing of what is known, and nobody has to show the token.
	open bool
	// changes: it may change something, so it needs a session or a bearer token.
	changes bool
}

// routes are all of them. What changes something is asked for with POST or DELETE, and nothing else is.
func (c *Console) routes() []route {
	page := func(path string, handle gin.HandlerFunc) route {
		return route{method: http.MethodGet, path: pagesPath + path, handle: handle}
	}
	api := func(path string, handle gin.HandlerFunc) route {
		return route{method: http.MethodGet, path: apiPath + path, handle: handle}
	}
	// What a mapping is tried on is long, so it is sent with POST as well, by who has a session.
	work := func(path string, handle gin.HandlerFunc) route {
		return route{method: http.MethodPost, path: pagesPath + path, handle: handle, changes: true}
	}
	return []route{
		{method: http.MethodGet, path: "/", handle: c.home, open: true},
		{method: http.MethodGet, path: pagesPath, handle: c.home, open: true},
		{method: http.MethodGet, path: pagesPath + "/", handle: c.home, open: true},
		{method: http.MethodGet, path: pagesPath + "/assets/:name", handle: c.asset, open: true},
		{method: http.MethodGet, path: pagesPath + "/language", handle: c.chooseLanguage, open: true},
		{method: http.MethodGet, path: pagesPath + "/login", handle: c.showLogin, open: true},
		{method: http.MethodPost, path: pagesPath + "/login", handle: c.login, open: true},
		{method: http.MethodPost, path: pagesPath + "/logout", handle: c.logout, changes: true},
		page("/overview", c.overviewPage),
		page("/overview/live", c.overviewStream),
		page("/events", c.eventsPage),
		page("/events/one", c.eventPage),
		{method: http.MethodPost, path: pagesPath + "/events/decide", handle: c.decidePage, changes: true},
		page("/held", c.heldPage),
		page("/held/set", c.heldSetPage),
		page("/people", c.peoplePage),
		page("/people/one", c.personPage),
		work("/people/one", c.askedPage),
		page("/audit", c.auditPage),
		page("/audit/writes", c.writesPage),
		page("/settings", c.settingsPage),
		page("/mappings", c.mappingsPage),
		page("/mappings/one", c.mappingPage),
		work("/mappings/one", c.mappingEdited),
		work("/mappings/check", c.checkPart),
		work("/mappings/try", c.tryPart),
		work("/mappings/everybody", c.everybodyPage),
		work("/mappings/file", c.mappingFile),
		work("/mappings/force", c.forcePage),
		{method: http.MethodPost, path: apiPath + "/session", handle: c.openSession, open: true},
		{method: http.MethodDelete, path: apiPath + "/session", handle: c.closeSession, changes: true},
		api("/overview", c.overviewAPI),
		api("/overview/live", c.overviewLiveAPI),
		api("/events", c.eventsAPI),
		api("/events/one", c.eventAPI),
		{method: http.MethodPost, path: apiPath + "/events/decide", handle: c.decideAPI, changes: true},
		api("/held", c.heldAPI),
		api("/held/set", c.heldSetAPI),
		api("/people", c.peopleAPI),
		api("/people/one", c.personAPI),
		{method: http.MethodPost, path: apiPath + "/people/ask", handle: c.askedAPI, changes: true},
		api("/audit", c.auditAPI),
		api("/audit/writes", c.writesAPI),
		api("/settings", c.settingsAPI),
		api("/mappings", c.mappingsAPI),
		api("/mappings/one", c.mappingAPI),
		{method: http.MethodPost, path: apiPath + "/mappings/check", handle: c.checkAPI, changes: true},
		{method: http.MethodPost, path: apiPath + "/mappings/try", handle: c.tryAPI, changes: true},
		{method: http.MethodPost, path: apiPath + "/mappings/words", handle: c.wordsAPI, changes: true},
		{method: http.MethodPost, path: apiPath + "/mappings/everybody", handle: c.everybodyAPI, changes: true},
		{method: http.MethodPost, path: apiPath + "/mappings/force", handle: c.forceAPI, changes: true},
		{method: http.MethodGet, path: apiPath + "/openapi.json", handle: c.openAPI, open: true},
	}
}

// homePage is where the console opens.
const homePage = pagesPath + "/overview"

func (c *Console) home(ctx *gin.Context) { ctx.Redirect(http.StatusSeeOther, homePage) }
