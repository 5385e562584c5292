package pull_test

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/pull"
)

// silent is a server that takes requests and never answers.
type silent struct{ asked int }

// RoundTrip waits until the client has enough of it.
func (s *silent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked++
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// A server that takes requests and does not answer is asked some times more, and then the round stops.
func TestAServerThatHangsStopsNobodyForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &silent{}
		client, err := pull.NewClient(pull.Config{
			Endpoint: "https://api.example.org", Instance: "i", Application: "a", Secret: func() secret.Text { return secret.New(canary) },
			RequestsPerSecond: 5, Transport: s, Clock: time.Now, Rand: random(),
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = client.Scope(t.Context())
		if err == nil || !strings.Contains(err.Error(), "does not answer in time") || strings.Contains(err.Error(), canary) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(start); s.asked < 1 || took < 30*time.Second || took > 10*time.Minute {
			t.Errorf("it was asked %d times within %v", s.asked, took)
		}
	})
}

// A list without an end is given up, and counts as not read whole, however its end is kept away.
func TestAListWithoutAnEndIsGivenUp(t *testing.T) {
	same := func(int) string { return `{"userId":"user_1"}` }
	for name, c := range map[string]struct {
		next    func(n int) string
		entry   func(n int) string
		total   string
		atMost  int
		numbers bool
	}{
		"two tokens in turns":         {func(n int) string { return strconv.Itoa(n % 2) }, same, `,"totalCount":1`, 100, false},
		"new tokens and empty pages":  {strconv.Itoa, func(int) string { return "" }, "", 100, false},
		"the same page again":         {strconv.Itoa, same, "", 100, true},
		"more and more than it holds": {strconv.Itoa, func(n int) string { return fmt.Sprintf(`{"userId":"user_%d"}`, n) }, `,"totalCount":3`, 400, false},
		"fewer than it says":          {strconv.Itoa, same, `,"totalCount":1000000`, 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, idaastest.Organization{}, func(w *world) {
				w.api.Before = func(n int, rw http.ResponseWriter, r *http.Request) bool {
					if strings.HasSuffix(r.URL.Path, "/token") {
						return false
					}
					fmt.Fprintf(rw, `{"data":[%s],"nextToken":%q%s}`, c.entry(n), c.next(n), c.total)
					return true
				}
				var whole bool
				var err error
				if c.numbers {
					whole, err = w.client.Users(w.Context(), "ou_1", func([]pull.Record) error { return nil })
				} else {
					_, _, whole, err = w.client.Members(w.Context(), "group_1")
				}
				if whole || err != nil || w.client.Requests() > c.atMost {
					t.Errorf("whole: %v, %v, after %d requests", whole, err, w.client.Requests())
				}
			})
		})
	}
}

// A token of which IDaaS does not say how long it is good is renewed after some minutes.
func TestATokenWithoutAnEndIsRenewed(t *testing.T) {
	inWorld(t, idaastest.Organization{}, func(w *world) {
		tokens := 0
		w.api.Before = func(_ int, rw http.ResponseWriter, r *http.Request) bool {
			if isToken(r) {
				tokens++
			}
			fmt.Fprint(rw, `{"access_token":"AT1","organizationalUnitIds":["ou_root"]}`)
			return true
		}
		for at, want := range []int{1, 1, 2} {
			if _, err := w.client.Scope(w.Context()); err != nil || tokens != want {
				t.Errorf("after %d pauses %d tokens were asked for; want %d; %v", at, tokens, want, err)
			}
			<-time.After(3 * time.Minute)
		}
	})
}

// A list that goes on and on with what is new is not held in memory for ever, and a token that no server takes is not sent.
func TestAListThatGoesOnAndOnEndsWithAnError(t *testing.T) {
	for says, next := range map[string]string{"list the groups from api.example.org: there is no end after 5000 pages": "n", "list the groups from api.example.org: the token of the next page has 20000 bytes": strings.Repeat("n", 20_000)} {
		inWorld(t, idaastest.Organization{}, func(w *world) {
			w.api.Before = func(n int, rw http.ResponseWriter, r *http.Request) bool {
				if isToken(r) {
					return false
				}
				fmt.Fprintf(rw, `{"data":[{"groupId":"group_%d"}],"nextToken":"%d%s"}`, n, n%2, next[1:])
				return true
			}
			whole, err := w.client.Groups(w.Context(), func([]pull.Record) error { return nil })
			if whole || err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("whole: %v, %v; want %q", whole, err, says)
			}
		})
	}
}

// An id is one part of an address, whatever is in it.
func TestAnIdStaysInItsPlaceInAnAddress(t *testing.T) {
	for _, id := range []string{"a/../../b", "a?x=1", "a#b", "a%2e%2e", "../users", "a b", "ü", "https://evil.example.net/"} {
		inWorld(t, idaastest.Organization{Users: []idaastest.User{{ID: id, Username: "ann"}}}, func(w *world) {
			var asked []string
			w.api.Before = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
				asked = append(asked, r.URL.Host+" "+r.URL.Path+" "+r.URL.RawQuery+" "+strconv.Itoa(strings.Count(r.URL.EscapedPath(), "/")))
				return false
			}
			_, err := w.client.Get(w.Context(), event.Ref{Kind: event.KindUser, ID: id})
			want := "api.example.org /v2/" + w.api.Tenant.Instance + "/" + w.api.Tenant.Application + "/users/" + id + "  5"
			if len(asked) != 2 || asked[1] != want {
				t.Errorf("%q was asked for as %q; want %q", id, asked, want)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// An answer that repeats what it was asked with does not bring it into the log.
func TestAnAnswerThatRepeatsTheSecretIsNotShown(t *testing.T) {
	for name, form := range map[string]string{"the service": `{"error":%[1]q,"error_description":%[1]q,"request_id":%[1]q}`, "the gateway": `{"Code":%[1]q,"Message":%[1]q,"RequestId":%[1]q}`, "text": "<html>%s"} {
		for _, token := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, token %v", name, token), func(t *testing.T) {
				inWorld(t, idaastest.Organization{}, func(w *world) {
					w.api.Before = func(_ int, rw http.ResponseWriter, r *http.Request) bool {
						if isToken(r) != token {
							return false
						}
						said := "who is " + r.Header.Get("Authorization")
						if token {
							said = "what is " + r.PostFormValue("client_secret")
						}
						rw.WriteHeader(http.StatusForbidden)
						fmt.Fprintf(rw, form, said)
						return true
					}
					_, err := w.client.Scope(w.Context())
					if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "ATmadeup") {
						t.Errorf("the error is %v", err)
					}
				})
			})
		}
	}
}

// Somebody is gone where IDaaS says so of that object. A code that is not known, or is about something else, proves nothing; one that is
// about the whole application stops the round.
func TestOnlyACodeAboutTheObjectSaysThatItIsGone(t *testing.T) {
	for answer, is := range map[string]error{
		"404 ResourceNotFound.User": pull.ErrAbsent, "400 ResourceNotFound.UserId": pull.ErrAbsent, "404 ResourceNotFound.OrganizationalUnit": pull.ErrAbsent,
		"404 ResourceNotFound.Group": pull.ErrAbsent, "404 ResourceNotFound.Application": pull.ErrOutside, "404 ResourceNotFound": pull.ErrOutside,
		"404 GroupNotExist": pull.ErrOutside, "400 InvalidParameter.GroupId": pull.ErrOutside,
		"404 application_not_found": nil, "404 instance_not_found": nil, "403 ResourceNotFound.User": nil, "200 ResourceNotFound.User": nil, "404 ": nil,
	} {
		inWorld(t, idaastest.Organization{}, func(w *world) {
			status, code, _ := strings.Cut(answer, " ")
			number, err := strconv.Atoi(status)
			if err != nil {
				t.Fatal(err)
			}
			every2(problem(number, code))(w)
			_, err = w.client.Get(w.Context(), event.Ref{Kind: event.KindUser, ID: "user_1"})
			for _, sentinel := range []error{pull.ErrAbsent, pull.ErrOutside} {
				if err == nil || errors.Is(err, sentinel) != errors.Is(is, sentinel) {
					t.Errorf("%s is understood as %v", answer, err)
				}
			}
		})
	}
}

// A group that IDaaS refuses to show with a code of which nobody knows what it means stays, and the round goes on to its end.
func TestWhatNobodyCanTellStopsNoRound(t *testing.T) {
	inProduct(t, small(), false, func(p *product) {
		p.live.DeleteGroup("group_1")
		p.live.DeleteUser("user_2")
		p.api.Before = func(_ int, w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/groups/group_1") {
				return false
			}
			problem(http.StatusNotFound, "EntityNotExist.Group")(w)
			return true
		}
		progress := p.catchUp()
		p.wantSaid("own:pull_absent user_2")
		if progress.Stage != pull.StageDone || progress.Unlisted != 1 {
			p.Errorf("%+v", progress)
		}
	})
}
