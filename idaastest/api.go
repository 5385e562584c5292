package idaastest

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/internal/secret"
)

// API is IDaaS's own API for one application, as it is described, on top of what there is [Live]. Nothing that the description leaves open
// is kind by default. The fields are set before the first request, and by Change after that.
type API struct {
	Tenant *Tenant
	Live   *Live
	Secret secret.Text
	// ScopeUnits and ScopeGroups are the synchronization scope.
	ScopeUnits, ScopeGroups []string
	// TokenLife is how long a token is good, and TokenUses for how many requests; zero for 20 minutes and any number.
	TokenLife time.Duration
	TokenUses int
	// Closed: the API is not opened for the application. Denied are the collections that it may not read: users, organizationalUnits, groups.
	Closed bool
	Denied []string
	// Outside is what is said about an account or a group outside the scope: 404 as if it were not there, 400, or 200 with the record.
	Outside int
	// UnitGone is what is said about a unit that is gone: 404, or 400 as if it were outside the scope.
	UnitGone int
	// PageSize is the most that a page holds, whatever is asked for; zero for 100.
	PageSize int
	// Gateway: errors have the form of the gateway in front of the service.
	Gateway bool
	// Texts: numbers are strings of digits. Empty is how an empty field is written: "", [Null], or not at all where it is nil.
	Texts bool
	Empty any
	// Before, if set, is called before each request is answered, with its number from 1 on. It may change what there is; if it answers
	// itself it returns true.
	Before func(n int, w http.ResponseWriter, r *http.Request) (answered bool)

	mu       sync.Mutex
	tokens   map[string]*issuedToken
	requests map[string]int
	total    int
	serial   int
}

type issuedToken struct {
	ends time.Time
	uses int
}

// NewAPI returns the API of an application that may see everything.
func NewAPI(live *Live, clientSecret secret.Text) *API {
	return &API{
		Tenant: live.tenant, Live: live, Secret: clientSecret, ScopeUnits: []string{event.RootUnitID}, Outside: http.StatusNotFound, UnitGone: http.StatusNotFound, Empty: "",
		tokens: map[string]*issuedToken{}, requests: map[string]int{},
	}
}

// Requests returns how many requests there were of each operation: token, scope, units, unit, users, user, groups, group, members.
func (a *API) Requests() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make(map[string]int, len(a.requests))
	for name, n := range a.requests {
		out[name] = n
	}
	return out
}

// Change changes Closed and Before between two requests. Before may change the rest itself.
func (a *API) Change(change func(a *API)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// Transport answers requests without a network.
func (a *API) Transport() http.RoundTripper { return direct{a} }

type direct struct{ api *API }

// RoundTrip answers a request.
func (d direct) RoundTrip(request *http.Request) (response *http.Response, err error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // The value itself is the signal.
				panic(p)
			}
			err = fmt.Errorf("%s: connection reset by peer", request.URL.Host)
		}
	}()
	recorder := httptest.NewRecorder()
	d.api.ServeHTTP(recorder, request)
	response = recorder.Result()
	response.Request = request
	return response, nil
}

// failure is an answer that is an error.
type failure struct {
	status     int
	code, text string
}

func (a *API) fail(w http.ResponseWriter, f failure) {
	id := "REQ" + strconv.Itoa(f.status)
	body := map[string]string{"error": f.code, "error_description": f.text, "request_id": id}
	if a.Gateway {
		body = map[string]string{"Code": f.code, "Message": f.text, "RequestId": id}
	}
	a.answer(w, f.status, body)
}

func (a *API) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", a.Tenant.Clock().UTC().Format(http.TimeFormat))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(mustJSON(body))) // the client has gone if it fails
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.total++
	n, before := a.total, a.Before
	a.mu.Unlock()
	if before != nil && before(n, w, r) {
		return
	}
	path, ours := strings.CutPrefix(r.URL.EscapedPath(), "/v2/"+a.Tenant.Instance+"/"+a.Tenant.Application+"/")
	if !ours {
		a.fail(w, failure{http.StatusNotFound, "application_not_found", "no such application"})
		return
	}
	operation, id := operationOf(path)
	a.mu.Lock()
	a.requests[operation]++
	a.mu.Unlock()
	if operation == "token" {
		a.token(w, r)
		return
	}
	if f := a.refusal(r, operation); f != nil {
		a.fail(w, *f)
		return
	}
	body, f := a.read(operation, id, r)
	if f != nil {
		a.fail(w, *f)
		return
	}
	a.answer(w, http.StatusOK, body)
}

// operationOf tells an operation by its path, and the id in it.
func operationOf(path string) (operation, id string) {
	switch parts := strings.Split(path, "/"); {
	case path == "oauth2/token":
		return "token", ""
	case path == "provisioningScope":
		return "scope", ""
	case path == "organizationalUnits":
		return "units", ""
	case path == "users", path == "groups":
		return path, ""
	case len(parts) == 2:
		return map[string]string{"organizationalUnits": "unit", "users": "user", "groups": "group"}[parts[0]], parts[1]
	case len(parts) == 4 && parts[0] == "groups" && parts[2] == "actions" && parts[3] == "listUsersForGroup":
		return "members", parts[1]
	}
	return "", ""
}

// token answers to a request for a token.
func (a *API) token(w http.ResponseWriter, r *http.Request) {
	err := r.ParseForm()
	a.mu.Lock()
	closed := a.Closed
	a.mu.Unlock()
	switch {
	case err != nil || r.Method != http.MethodPost || r.PostForm.Get("grant_type") != "client_credentials" || r.URL.RawQuery != "":
		a.fail(w, failure{http.StatusBadRequest, "invalid_request", "a token is asked for with a form in the body"})
	case closed:
		a.fail(w, failure{http.StatusBadRequest, "invalid_grant", "the API is not opened for the application"})
	case r.PostForm.Get("client_id") != a.Tenant.Application || subtle.ConstantTimeCompare([]byte(r.PostForm.Get("client_secret")), []byte(a.Secret.Reveal())) != 1:
		a.fail(w, failure{http.StatusUnauthorized, "invalid_client", "client authentication failed"})
	default:
		life := a.TokenLife
		if life == 0 {
			life = 20 * time.Minute
		}
		a.mu.Lock()
		a.serial++
		token := fmt.Sprintf("ATmadeup%026d", a.serial)
		a.tokens[token] = &issuedToken{ends: a.Tenant.Clock().Add(life)}
		a.mu.Unlock()
		a.answer(w, http.StatusOK, map[string]any{
			"access_token": token, "token_type": "Bearer", "expires_in": int(life.Seconds()), "expires_at": a.Tenant.Clock().Add(life).Unix(),
		})
	}
}

// refusal says why a request is not answered.
func (a *API) refusal(r *http.Request, operation string) *failure {
	a.mu.Lock()
	defer a.mu.Unlock()
	token := a.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	switch {
	case token == nil || !a.Tenant.Clock().Before(token.ends) || a.TokenUses > 0 && token.uses >= a.TokenUses:
		return &failure{http.StatusBadRequest, "invalid_token", "the token is wrong or expired"}
	case a.Closed:
		return &failure{http.StatusForbidden, "application_api_disabled", "the API is switched off"}
	case operation == "" || r.Method != http.MethodGet:
		return &failure{http.StatusNotFound, "not_found", "no such operation"}
	}
	token.uses++
	if collection := collectionOf[operation]; slices.Contains(a.Denied, collection) {
		return &failure{http.StatusForbidden, "permission_denied", "the application lacks the permission to read " + collection}
	}
	return nil
}

// collectionOf is what an operation reads of.
var collectionOf = map[string]string{
	"unit": "organizationalUnits", "units": "organizationalUnits", "user": "users", "users": "users", "group": "groups", "groups": "groups", "members": "groups",
}
