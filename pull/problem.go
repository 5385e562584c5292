package pull

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	"idaas-ldap/internal/secret"
)

// What an error of the API means, where somebody acts on it.
var (
	// ErrAbsent: there is no such object. Of the codes of the API only one says so; a status of 404 alone does not.
	ErrAbsent = errors.New("there is no such object in IDaaS")
	// ErrOutside: the object is outside the synchronization scope, or, for all that is known, gone.
	ErrOutside = errors.New("it is outside the synchronization scope")
	// ErrDenied: the application lacks the right to ask.
	ErrDenied = errors.New("the application may not ask for this")

	errToken = errors.New("the token is not taken any more")
)

// Problem is an answer of the API that is an error.
type Problem struct {
	Status int
	// Code and Message are IDaaS's own; both may be empty where something else has answered in its place.
	Code, Message string
	// RequestID is what IDaaS's support asks for.
	RequestID string
}

// Error says what IDaaS answered, and what to do about it where that is known.
func (p *Problem) Error() string {
	said := ""
	for _, part := range []struct{ before, text string }{{" ", p.Code}, {": ", p.Message}} {
		if part.text != "" {
			said += part.before + shown(part.text)
		}
	}
	switch request, advice := shown(p.RequestID), adviceOn(p.Code); {
	case request != "" && advice != "":
		return fmt.Sprintf("IDaaS answers %d%s (request %s); %s", p.Status, said, request, advice)
	case advice != "":
		return fmt.Sprintf("IDaaS answers %d%s; %s", p.Status, said, advice)
	case request != "":
		return fmt.Sprintf("IDaaS answers %d%s (request %s)", p.Status, said, request)
	}
	return fmt.Sprintf("IDaaS answers %d%s", p.Status, said)
}

// Unwrap returns what the answer means.
func (p *Problem) Unwrap() error {
	switch {
	case absentCode.MatchString(p.Code) && p.noneOrBad():
		return ErrAbsent
	case p.Code == "OrganizationUnitIdNotInScopes", p.Code == "OrganizationalUnitIdNotInScopes":
		return ErrOutside
	case p.Code == "permission_denied":
		return ErrDenied
	case p.Code == "invalid_token", p.Status == http.StatusUnauthorized && p.Code != "invalid_client":
		return errToken
	}
	return nil
}

// absentCode are the codes that say of an object that there is none. A code that names an application or an instance says nothing about those
// in it.
var absentCode = regexp.MustCompile(`^ResourceNotFound\.(User|Organizational?Unit|Group)`)

func (p *Problem) noneOrBad() bool {
	return p.Status == http.StatusNotFound || p.Status == http.StatusBadRequest
}

// undecided reports whether IDaaS itself refuses to show an object, with a code that nobody has described: the object may be gone or not.
func (p *Problem) undecided() bool {
	return p.noneOrBad() && p.Code != "" && p.Unwrap() == nil && adviceOn(p.Code) == "" && !strings.HasPrefix(p.Code, throttling)
}

// without returns the problem without the texts that repeat a secret: they go to the log.
func (p *Problem) without(with secret.Text) *Problem {
	for _, text := range []*string{&p.Code, &p.Message, &p.RequestID} {
		if with.In(*text) {
			*text = "(left out, as it repeats a secret)"
		}
	}
	return p
}

// adviceOn says what to do about an error, by its code.
func adviceOn(code string) string {
	switch code {
	case "invalid_grant", "application_api_disabled":
		return "open the Developer API for the application in the console of IDaaS"
	case "invalid_client", "invalid_request":
		return "check client_id, client_secret, id and instance_id of the application"
	case "application_not_found", "instance_not_found":
		return "check id and instance_id of the application, and whether the endpoint is that of its region"
	case "application_disabled":
		return "the application is switched off in IDaaS"
	case "permission_denied":
		return "grant the application the right to read accounts and organizational units in the console of IDaaS"
	}
	return ""
}

// shown makes text from outside fit for a line of the log.
func shown(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "…"
	}
	return text
}

// problemOf reads an answer that is an error, in IDaaS's own form or in that of the gateway in front of it. Whoever reads the body after it
// finds it as it was.
func problemOf(response *http.Response) *Problem {
	body, _ := io.ReadAll(io.LimitReader(response.Body, largestErrorAnswer)) // What is cut off is no JSON.
	_ = response.Body.Close()                                                // only read from
	response.Body = io.NopCloser(bytes.NewReader(body))
	return problemIn(response.StatusCode, body)
}

// problemIn reads a body as an error.
func problemIn(status int, body []byte) *Problem {
	var form struct {
		Error       any    `json:"error"`
		Description string `json:"error_description"`
		ID          string `json:"request_id"`
		Code        any    `json:"code"`      // or Code
		Text        string `json:"message"`   // or Message
		Request     string `json:"requestId"` // or RequestId
	}
	_ = json.Unmarshal(body, &form) // What is no JSON comes from something in between, and the status has to do.
	failed, _ := form.Error.(string)
	code, _ := form.Code.(string)
	return &Problem{
		Status: status, Code: cmp.Or(failed, code), Message: cmp.Or(form.Description, form.Text), RequestID: cmp.Or(form.ID, form.Request),
	}
}

// refuses reports whether an answer that calls itself a success is an error all the same.
func (p *Problem) refuses() bool {
	switch strings.ToUpper(p.Code) {
	case "", "OK", "SUCCESS", "200":
		return false
	}
	return p.Message != "" || p.RequestID != ""
}
