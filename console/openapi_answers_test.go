package console_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/secret"
	"idaas-ldap/store"
)

// described is the document of the API, as it is served.
type described struct {
	*browser
	document map[string]any
	schemas  *jsonschema.Compiler
	// tried are the operations of which an answer was looked at.
	tried map[string]bool
}

// describedBy reads the document. An answer may have nothing that is not in it: whoever adds something says what it is.
func (b *browser) describedBy() *described {
	b.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(b.get("/api/v1/openapi.json").body))
	if err != nil {
		b.Fatal(err)
	}
	closed(document)
	d := &described{browser: b, document: document.(map[string]any), schemas: jsonschema.NewCompiler(), tried: map[string]bool{}}
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	if err := d.schemas.AddResource("api.json", document); err != nil {
		b.Fatal(err)
	}
	return d
}

// closed lets all objects whose properties a document names have no others.
func closed(part any) {
	switch part := part.(type) {
	case map[string]any:
		for _, inner := range part {
			closed(inner)
		}
		if _, names := part["properties"]; names && part["type"] == "object" {
			part["additionalProperties"] = false
		}
	case []any:
		for _, inner := range part {
			closed(inner)
		}
	}
}

// operations are those of the document.
func (d *described) operations() []string {
	var all []string
	for path, methods := range d.document["paths"].(map[string]any) {
		for method := range methods.(map[string]any) {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// asks asks for something, and checks that the answer is as the document says.
func (d *described) asks(method, address, body string) answer {
	d.Helper()
	path, _, _ := strings.Cut(address, "?")
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	a := d.ask(method, "/api/v1"+address, kind, body)
	switch {
	case a.status == http.StatusNoContent:
		d.tried[method+" /api/v1"+path] = true
	case a.status >= http.StatusBadRequest:
		d.says(method, path, "default", "application~1json", a.body)
	case a.header.Get("Content-Type") == "text/event-stream":
		d.says(method, path, "200", "text~1event-stream", dataOf(a.body)...)
	default:
		d.says(method, path, "200", "application~1json", a.body)
	}
	return a
}

// dataOf is the data of each event of a stream.
func dataOf(stream string) (texts []string) {
	for line := range strings.Lines(stream) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			texts = append(texts, data)
		}
	}
	return texts
}

// says checks texts that an operation has answered with.
func (d *described) says(method, path, status, kind string, texts ...string) {
	d.Helper()
	schema, err := d.schemas.Compile(fmt.Sprintf("api.json#/paths/%s/%s/responses/%s/content/%s/schema", strings.ReplaceAll("/api/v1"+path, "/", "~1"), strings.ToLower(method), status, kind))
	if err != nil {
		d.Fatalf("%s %s is not described: %v", method, path, err)
	}
	for _, text := range texts {
		said, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = schema.Validate(said)
		}
		if err != nil {
			d.Errorf("%s %s: %v\n%.1500s", method, path, err, text)
		}
	}
	if status == "200" && len(texts) > 0 {
		d.tried[method+" /api/v1"+path] = true
	}
}

// asksLive reads the first event of what moves.
func (d *described) asksLive() {
	d.Helper()
	request, err := http.NewRequestWithContext(d.Context(), http.MethodGet, d.url+"/api/v1/overview/live", nil)
	if err != nil {
		d.Fatal(err)
	}
	response, err := d.http.Do(request)
	if err != nil {
		d.Fatal(err)
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if texts := dataOf(lines.Text()); len(texts) > 0 {
			d.says(http.MethodGet, "/overview/live", "200", "text~1event-stream", texts...)
			return
		}
	}
}

func encoded(t *testing.T, what any) string {
	t.Helper()
	text, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// confirmed asks for a change, and again with what confirms it.
func (d *described) confirmed(path string, body map[string]any) {
	d.Helper()
	var asked struct {
		Confirm string `json:"confirm"`
	}
	a := d.asks(http.MethodPost, path, encoded(d.T, body))
	if err := json.Unmarshal([]byte(a.body), &asked); err != nil || asked.Confirm == "" {
		d.Fatalf("%s is answered with %s, %v", path, a.body, err)
	}
	body["confirm"], body["by"] = asked.Confirm, "ann"
	d.asks(http.MethodPost, path, encoded(d.T, body))
}

// Every answer of every route is as the document says, with all that it has: where there is much to tell, where there is nothing, and where something
// is wrong.
func TestEveryAnswerIsAsTheDocumentSays(t *testing.T) {
	live := idaastest.User{ID: "user_ann", Username: "ann.leigh", DisplayName: "Ann Leigh", Email: "ann@example.org"}
	s := serveAsking(t, inMemory(t), `token: "`+token+`",`, func(tenant *idaastest.Tenant) string {
		server := httptest.NewServer(idaastest.NewAPI(tenant.Live(idaastest.Organization{Users: []idaastest.User{live}}), secret.New("cl13nt-c4n4ry")))
		t.Cleanup(server.Close)
		return fmt.Sprintf(`, pull: { endpoint: %q, client_secret: cl13nt-c4n4ry, at_start: never, requests_per_second: 100 }`, server.URL)
	})
	d := s.browser().describedBy()
	for _, operation := range d.operations() {
		method, path, _ := strings.Cut(operation, " ")
		body := ""
		if method == http.MethodPost {
			body = "{}"
		}
		d.asks(method, strings.TrimPrefix(path, "/api/v1"), body) // without the token; openapi.json is all that answers
	}
	clear(d.tried)
	d.asks(http.MethodPost, "/session", `{"token":"`+token+`","who":"ann"}`)
	looks := []string{"/openapi.json", "/overview", "/events", "/held", "/people", "/people?who=nobody", "/audit", "/audit/writes", "/settings", "/mappings", "/mappings/one?directory=corp", "/mappings/one", "/events/one", "/people/one", "/held/set"}
	for _, address := range looks {
		d.asks(http.MethodGet, address, "")
	}
	people := s.company()
	changed := live
	changed.Email = "other@example.org"
	s.send(s.tenant.CreateUser(changed, userPassword))
	s.day()
	held := s.in(event.Held, 4)
	d.confirmed("/events/decide", map[string]any{"action": "discard", "seqs": []int64{held[0].Seq}})
	d.asks(http.MethodPost, "/events/decide", encoded(t, map[string]any{"action": "retry", "set": map[string]any{"directory": "corp", "code": "GUARDED", "act": "delete", "newest": held[0].Seq, "count": 20_000}}))
	draft := func(edit string, more map[string]any) string { return d.draftJSON(edit, more) }
	edit := s.edited("    displayName: user.displayName\n", "    displayName: user.displayName\n    title: { const: Dr, when: 'user.username in [\"jo.park\", \"gus.may\"]' }\n")
	for _, body := range []string{draft(edit, nil), draft(edit+"x: 1\n", nil), draft(s.edited("lower(user.email)", "upper(user.email)"), nil)} {
		d.asks(http.MethodPost, "/mappings/check", body)
	}
	for _, more := range []map[string]any{nil, {"who": "gus"}, {"who": "nobody"}, {"seq": s.in(event.Waiting, 1)[0].Seq}, {"sample": "type: x\n"}} {
		d.asks(http.MethodPost, "/mappings/try", draft(edit, more))
	}
	d.asks(http.MethodPost, "/mappings/try", draft("x", nil))
	d.asks(http.MethodPost, "/mappings/words", draft("user:\n  attributes:\n    mail: lo", map[string]any{"line": 3, "column": 13}))
	d.asks(http.MethodPost, "/mappings/words", draft(edit, nil))
	d.asks(http.MethodPost, "/mappings/everybody", draft(edit, nil))
	var force map[string]any
	if err := json.Unmarshal([]byte(draft(edit, nil)), &force); err != nil {
		t.Fatal(err)
	}
	d.confirmed("/mappings/force", force)
	s.write(s.mapping, s.edited("mail: lower(user.email)", "mail: lowr(user.email)"))
	s.eventually("the edit is refused", func() bool { return strings.Contains(d.get("/api/v1/mappings").body, "lowr") })
	for _, id := range []string{"user_ann", people.people[6].ID} {
		d.asks(http.MethodPost, "/people/ask", encoded(t, map[string]string{"directory": "corp", "kind": "user", "id": id}))
	}
	all, err := s.Store.Events(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		d.asks(http.MethodGet, fmt.Sprintf("/people/one?directory=corp&kind=%s&id=%s", e.Object.Kind, e.Object.ID), "")
		d.asks(http.MethodGet, fmt.Sprintf("/events/one?seq=%d", e.Seq), "")
	}
	for _, address := range append(looks, "/held/set?directory=corp&code=GUARDED&act=delete", "/people?who=a") {
		d.asks(http.MethodGet, address, "")
	}
	d.asksLive()
	d.asks(http.MethodDelete, "/session", "")
	for _, operation := range d.operations() {
		if !d.tried[operation] {
			t.Errorf("no answer of %s was looked at", operation)
		}
	}
}
