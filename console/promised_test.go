package console

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"

	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/promised"
	"idaas-ldap/mapping"
	"idaas-ldap/store"
)

// Routes of the API with their parameters, what they demand, and the members of what they answer are those of every earlier version, or more.
func TestTheAPIKeepsItsPromises(t *testing.T) {
	var document struct {
		Paths      map[string]map[string]operation `json:"paths"`
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(openAPIDocument, &document); err != nil {
		t.Fatal(err)
	}
	var has []string
	for path, methods := range document.Paths {
		for method, o := range methods {
			has = append(has, o.promises(strings.ToUpper(method)+" "+path, document.Components.Schemas)...)
		}
	}
	for name, answered := range map[string]any{
		"/overview": overview{}, "/events": eventList{}, "/events/one": oneEvent{}, "/held": []heldSet{}, "/held/set": heldList{}, "/people": personList{},
		"/people/one": explain.Story{}, "/audit": []store.AuditRecord{}, "/audit/writes": writeList{}, "/settings": Settings{}, "/mappings": []mappingRow{},
		"/mappings/check": checkedView{}, "/mappings/try": triedView{}, "/mappings/words": []mapping.Word{}, "/events/decide": proposal{}, "/mappings/force": exchange{},
	} {
		has = append(has, promised.Members("answer "+name, answered)...)
	}
	promised.Keep(t, "..", "api", has)
}

// operation is one method of a path in the document.
type operation struct {
	Parameters []struct {
		Name, In string
		Required bool
		Schema   schema
	} `json:"parameters"`
	RequestBody struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

// promises are what a caller relies on: what may be sent, and what has to be.
func (o operation) promises(name string, known map[string]schema) []string {
	has, demands := []string{name}, []string{}
	for _, p := range o.Parameters {
		has = append(has, fmt.Sprintf("%s takes %s in %s: %s", name, p.Name, p.In, p.Schema.kind()))
		if p.Required {
			demands = append(demands, p.Name)
		}
	}
	for kind, body := range o.RequestBody.Content {
		has = append(has, body.Schema.promises(name+" takes as "+kind, known)...)
	}
	sort.Strings(demands)
	return append(has, fmt.Sprintf("%s demands %v", name, demands))
}

// schema is a part of a JSON Schema.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"` // a word, or several
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	Enum       []any             `json:"enum"`
}

// kind is the type, empty where none is said.
func (s schema) kind() string {
	if s.Type == nil {
		return ""
	}
	return fmt.Sprint(s.Type)
}

// promises are what may be sent, and what has to be.
func (s schema) promises(name string, known map[string]schema) []string {
	if of, refers := strings.CutPrefix(s.Ref, "#/components/schemas/"); refers {
		return known[of].promises(name, known)
	}
	demands := slices.Sorted(slices.Values(s.Required))
	has := []string{fmt.Sprintf("%s is %s", name, s.kind()), fmt.Sprintf("%s demands %v", name, demands)}
	for _, word := range s.Enum {
		has = append(has, fmt.Sprint(name, " may be ", word))
	}
	for member, of := range s.Properties {
		has = append(has, of.promises(name+"."+member, known)...)
	}
	if s.Items != nil {
		has = append(has, s.Items.promises(name+"[]", known)...)
	}
	return has
}
