package pull_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/pull"
)

// Everything is read whatever the form of pages, numbers and errors, while tokens end in the middle of it.
func TestTheWholeOrganizationIsRead(t *testing.T) {
	org := idaastest.Generate(1, 450, 12)
	for name, unkind := range map[string]func(*idaastest.API){
		"as it comes":               func(*idaastest.API) {},
		"small pages":               func(a *idaastest.API) { a.PageSize = 7 },
		"numbers as texts":          func(a *idaastest.API) { a.Texts = true },
		"empty is null":             func(a *idaastest.API) { a.Empty = idaastest.Null{} },
		"empty is left out":         func(a *idaastest.API) { a.Empty = nil },
		"tokens end":                func(a *idaastest.API) { a.TokenUses = 4 },
		"tokens end, gateway":       func(a *idaastest.API) { a.TokenUses, a.Gateway = 4, true },
		"every third answer is 500": every(3, problem(500, "Internal Server Error")),
		"every third is throttled":  every(3, problem(400, "Throttling.User")),
		"connections break":         every(3, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }),
		"a proxy answers":           every(3, func(w http.ResponseWriter) { http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway) }),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, org, func(w *world) {
				unkind(w.api)
				got, whole := w.everything()
				if want := namesOf(org); !whole || !slices.Equal(got, want) {
					t.Errorf("read %d of %d names, whole: %v", len(got), len(want), whole)
				}
			})
		})
	}
}

// every makes each n-th answer another one.
func every(n int, answer func(http.ResponseWriter)) func(*idaastest.API) {
	return func(a *idaastest.API) {
		a.Before = func(i int, w http.ResponseWriter, _ *http.Request) bool {
			if i%n != 0 {
				return false
			}
			answer(w)
			return true
		}
	}
}

// problem answers with an error in the form of the service.
func problem(status int, code string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":%q,"error_description":"a reason","request_id":"REQ1"}`, code)
	}
}

// A token is asked for once, with the secret in the body, and again when a third of its life is left.
func TestTokensAreKeptAndRenewed(t *testing.T) {
	inWorld(t, idaastest.Organization{}, func(w *world) {
		w.api.Before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.String(), canary) || r.Header.Get("Authorization") != "" && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer AT") {
				t.Errorf("the request is %s %v", r.URL, r.Header)
			}
			return false
		}
		ask := func(want int) {
			t.Helper()
			if _, err := w.client.Scope(w.Context()); err != nil {
				w.Fatal(err)
			}
			if got := w.api.Requests()["token"]; got != want {
				t.Errorf("%d tokens were asked for; want %d", got, want)
			}
		}
		ask(1)
		<-time.After(13 * time.Minute)
		ask(1)
		<-time.After(time.Minute)
		ask(2)
	})
}

// A token that is refused is asked for anew once, not for ever, and so it is where the form of the refusal is another one.
func TestATokenThatIsRefusedIsRenewedOnce(t *testing.T) {
	for _, answer := range []func(http.ResponseWriter){problem(400, "invalid_token"), problem(401, ""), func(w http.ResponseWriter) {
		w.WriteHeader(400)
		fmt.Fprint(w, `{"Code":"invalid_token"}`)
	}} {
		inWorld(t, idaastest.Organization{}, func(w *world) {
			refused := 0
			w.api.Before = func(_ int, rw http.ResponseWriter, r *http.Request) bool {
				if strings.HasSuffix(r.URL.Path, "/token") {
					return false
				}
				refused++
				answer(rw)
				return true
			}
			_, err := w.client.Scope(w.Context())
			if err == nil || refused != 2 || w.api.Requests()["token"] != 2 {
				t.Errorf("asked %d times with %d tokens: %v", refused, w.api.Requests()["token"], err)
			}
		})
	}
}

// A pause is kept to as it was asked for, in whichever of the forms; without one the pauses grow.
func TestPausesAreThoseThatIDaaSAsksFor(t *testing.T) {
	throttled := func(status int, code, header, value string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			if header != "" {
				w.Header().Set(header, value)
			}
			problem(status, code)(w)
		}
	}
	for name, c := range map[string]struct {
		answer      func(http.ResponseWriter)
		least, most time.Duration
	}{
		"429, in seconds":          {throttled(429, "", "Retry-After", "7"), 7 * time.Second, 7 * time.Second},
		"503, a moment":            {throttled(503, "", "Retry-After", time.Date(2000, 1, 1, 0, 1, 0, 0, time.UTC).Format(http.TimeFormat)), 59 * time.Second, time.Minute},
		"403, with a code":         {throttled(403, "Throttling.User", "Retry-After", "3"), 3 * time.Second, 3 * time.Second},
		"400, left for the API":    {throttled(400, "Throttling.Api", "X-Ratelimit-User-Api", "Limit:100,Remain:0,TimeLeft:4500"), 4500 * time.Millisecond, 4500 * time.Millisecond},
		"400, left for the user":   {throttled(400, "Throttling.User", "X-Ratelimit-User", "TimeLeft:250"), 250 * time.Millisecond, 250 * time.Millisecond},
		"400, nothing":             {throttled(400, "Throttling", "", ""), 500 * time.Millisecond, time.Second},
		"an hour is not waited":    {throttled(429, "", "Retry-After", "3600"), 10 * time.Minute, 10 * time.Minute},
		"what nobody can read":     {throttled(429, "", "Retry-After", "soon"), 500 * time.Millisecond, time.Second},
		"500, without a word":      {throttled(500, "", "", ""), 500 * time.Millisecond, time.Second},
		"no pause before the turn": {throttled(429, "", "Retry-After", "0"), 0, 10 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, idaastest.Organization{}, func(w *world) {
				if _, err := w.client.Scope(w.Context()); err != nil { // for the token
					w.Fatal(err)
				}
				failed := false
				w.api.Before = func(_ int, rw http.ResponseWriter, _ *http.Request) bool {
					if failed {
						return false
					}
					failed = true
					c.answer(rw)
					return true
				}
				start := time.Now()
				if _, err := w.client.Scope(w.Context()); err != nil {
					w.Fatal(err)
				}
				if took := time.Since(start); took < c.least || took > c.most+5*time.Millisecond {
					t.Errorf("the pause was %v; want %v to %v", took, c.least, c.most)
				}
			})
		})
	}
}

func TestRequestsKeepToTheirNumberInASecond(t *testing.T) {
	inWorld(t, idaastest.Organization{}, func(w *world) {
		w.client = w.newClient(canary, 5)
		start := time.Now()
		for range 20 {
			if _, err := w.client.Scope(w.Context()); err != nil {
				w.Fatal(err)
			}
		}
		if took := time.Since(start); took != 4*time.Second || w.client.Requests() != 21 {
			t.Errorf("%d requests took %v", w.client.Requests(), took)
		}
	})
}

// What cannot pass is told at once, with what to do; what may pass is tried seven times.
func TestErrorsSayWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		unkind func(*world)
		ask    func(*world) error
		says   []string
		is     error
		tries  int
	}{
		"the API is closed":     {func(w *world) { w.api.Closed = true }, nil, []string{"ask for a token", "400 invalid_grant", "open the Developer API"}, nil, 1},
		"a wrong secret":        {func(w *world) { w.client = w.newClient("wrong", 1000) }, nil, []string{"invalid_client", "client_secret"}, nil, 1},
		"no right":              {func(w *world) { w.api.Denied = []string{"users"} }, users, []string{"list the users of unit ou_root", "403 permission_denied", "grant"}, pull.ErrDenied, 2},
		"in the gateway's form": {func(w *world) { w.api.Denied, w.api.Gateway = []string{"users"}, true }, users, []string{"403 permission_denied", "REQ403"}, pull.ErrDenied, 2},
		"no such account":       {func(*world) {}, get, []string{"read user user_1", "404 ResourceNotFound.User"}, pull.ErrAbsent, 2},
		"outside the scope":     {func(w *world) { w.api.ScopeUnits = nil }, users, []string{"OrganizationUnitIdNotInScopes"}, pull.ErrOutside, 2},
		"wrong ids":             {func(w *world) { w.api.Tenant.Instance = "idaas_other" }, nil, []string{"404 application_not_found", "region"}, nil, 1},
		"a page of a stranger":  {every2(func(w http.ResponseWriter) { http.Error(w, "<html>\n", http.StatusNotFound) }), get, []string{"IDaaS answers 404"}, nil, 2},
		"a redirect": {every2(func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example.net/")
			w.WriteHeader(302)
		}), get, []string{"IDaaS answers 302"}, nil, 2},
		"no JSON":           {every2(func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") }), get, []string{"not the JSON"}, nil, 2},
		"another object":    {every2(func(w http.ResponseWriter) { fmt.Fprint(w, `{"userId":"user_2"}`) }), get, []string{"about user user_2"}, nil, 2},
		"too large":         {every2(func(w http.ResponseWriter) { fmt.Fprint(w, `"`+strings.Repeat("a", 9<<20)+`"`) }), get, []string{"larger than 8 MiB"}, nil, 2},
		"it is down":        {every2(problem(500, "Internal Server Error")), get, []string{"500 Internal Server Error", "REQ1"}, nil, 8},
		"it is not there":   {every2(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }), get, []string{"cannot be asked"}, nil, 8},
		"lines for the log": {every2(problem(404, "x\ny")), get, []string{"404 x y"}, nil, 2},
		"an id that is a folder": {func(*world) {}, func(w *world) error {
			_, err := w.client.Get(w.Context(), event.Ref{Kind: event.KindUser, ID: ".."})
			return err
		}, []string{`".." is no id`}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, idaastest.Organization{}, func(w *world) {
				c.unkind(w)
				ask := c.ask
				if ask == nil {
					ask = func(w *world) error { _, err := w.client.Scope(w.Context()); return err }
				}
				err := ask(w)
				if err == nil || c.is != nil && !errors.Is(err, c.is) || c.is == nil && (errors.Is(err, pull.ErrAbsent) || errors.Is(err, pull.ErrDenied)) {
					t.Fatalf("the error is %v", err)
				}
				for _, part := range c.says {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%q does not say %q", err, part)
					}
				}
				if strings.Contains(err.Error(), canary) || strings.ContainsAny(err.Error(), "\n\r") {
					t.Errorf("the error is %q", err)
				}
				if got := w.client.Requests(); got != c.tries {
					t.Errorf("%d requests; want %d", got, c.tries)
				}
			})
		})
	}
}

func users(w *world) error {
	_, err := w.client.Users(w.Context(), event.RootUnitID, func([]pull.Record) error { return nil })
	return err
}

func get(w *world) error {
	_, err := w.client.Get(w.Context(), event.Ref{Kind: event.KindUser, ID: "user_1"})
	return err
}

// every2 makes every answer but tokens another one.
func every2(answer func(http.ResponseWriter)) func(*world) {
	return func(w *world) {
		w.api.Before = func(_ int, rw http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/token") {
				return false
			}
			answer(rw)
			return true
		}
	}
}

// A list that changes while it is read is read again; one that never holds still is not whole.
func TestAListThatChangesIsReadAgain(t *testing.T) {
	org := idaastest.Generate(1, 50, 0)
	for name, changes := range map[string]int{"once": 1, "always": 1000} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, org, func(w *world) {
				w.api.PageSize = 10
				left := changes
				w.api.Before = func(n int, _ http.ResponseWriter, r *http.Request) bool {
					if r.URL.Query().Get("pageNumber") == "3" && left > 0 {
						left--
						w.live.DeleteUser(w.live.Organization().Users[0].ID)
					}
					return false
				}
				seen := map[string]bool{}
				whole, err := w.client.Users(w.Context(), event.RootUnitID, func(page []pull.Record) error {
					for _, r := range page {
						seen[r.Change.Object.ID] = true
					}
					return nil
				})
				if err != nil || whole != (changes == 1) {
					t.Errorf("whole: %v, %v", whole, err)
				}
				for _, u := range w.live.Organization().Users {
					if changes == 1 && !seen[u.ID] {
						t.Errorf("%s was not read", u.ID)
					}
				}
			})
		})
	}
}

// One account has everything that IDaaS says about it, and nothing that it does not.
func TestOneAccountIsReadWhole(t *testing.T) {
	user := idaastest.User{ID: "user_1", Username: "ann", Unit: "ou_1", PhoneRegion: "86", PhoneNumber: "13900000000", PhoneVerified: true, Custom: map[string]string{"title": "Dr."}}
	org := idaastest.Organization{Units: []idaastest.Unit{{ID: "ou_1", Name: "Lab"}}, Users: []idaastest.User{user}, Groups: []idaastest.Group{{ID: "group_1", Name: "Vpn"}}, Members: map[string][]string{"group_1": {"user_1"}}}
	inWorld(t, org, func(w *world) {
		<-time.After(90 * time.Second)
		record, err := w.client.Get(w.Context(), event.Ref{Kind: event.KindUser, ID: "user_1"})
		if err != nil {
			w.Fatal(err)
		}
		made := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
		want := map[string]any{
			"username": "ann", "phoneVerified": true, "phoneNumber": "13900000000", "primaryOuId": "ou_1", "custom.title": "Dr.", "updateTime": made, "accountExpireTime": int64(-1),
			"ous": []any{map[string]any{"id": "ou_1", "primary": true}},
		}
		for name, value := range want {
			if got := record.Change.Fields[name]; fmt.Sprint(got) != fmt.Sprint(value) {
				t.Errorf("%s is %v; want %v", name, got, value)
			}
		}
		for name := range maps.Keys(record.Change.Fields) {
			if strings.HasPrefix(name, "raw.") || name == "groups" {
				t.Errorf("it says %s", name)
			}
		}
		if got := record.Change; got.Type != event.TypePull || got.Stamp.Update != event.Millis(made) || !got.Password.Empty() {
			t.Errorf("the change is %+v", got)
		}
		if now := event.Millis(time.Now().UnixMilli()); record.Asked > now || record.Asked < now-1000 {
			t.Errorf("it was asked for at %v; it is %v", record.Asked, now)
		}
	})
}

func TestOnlyAnEndpointThatIsProtectedIsAsked(t *testing.T) {
	for endpoint, good := range map[string]bool{
		"https://eiam-developerapi.cn-hangzhou.aliyuncs.com": true, "https://api.example.org/": true, "http://127.0.0.1:8080": true, "http://localhost:1": true, "http://[::1]:1": true,
		"http://api.example.org": false, "api.example.org": false, "https://": false, "https://api.example.org/v2": false, "https://u:p@api.example.org": false,
		"ftp://localhost": false, "https://api.example.org?x=1": false, "": false,
	} {
		_, err := pull.NewClient(pull.Config{Endpoint: endpoint, RequestsPerSecond: 1})
		if (err == nil) != good {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

// Who is told to stop does not wait out a pause.
func TestAPauseEndsWithTheContext(t *testing.T) {
	inWorld(t, idaastest.Organization{}, func(w *world) {
		w.api.Before = func(_ int, rw http.ResponseWriter, _ *http.Request) bool {
			rw.Header().Set("Retry-After", "500")
			problem(429, "Throttling")(rw)
			return true
		}
		ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := w.client.Scope(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
