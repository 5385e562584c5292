package console

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The document describes every route of the API, and nothing else.
func TestTheDocumentDescribesEveryRoute(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct {
			Summary    string `json:"summary"`
			Parameters []struct {
				Name, In, Description string
			} `json:"parameters"`
			Responses map[string]struct{ Description string } `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(openAPIDocument, &document); err != nil {
		t.Fatal(err)
	}
	var described, served []string
	for path, methods := range document.Paths {
		for method, operation := range methods {
			described = append(described, strings.ToUpper(method)+" "+path)
			if operation.Summary == "" || len(operation.Responses) == 0 {
				t.Errorf("%s %s says too little", method, path)
			}
		}
	}
	for _, r := range (&Console{}).routes() {
		if isBelow(r.path, apiPath) {
			served = append(served, r.method+" "+r.path)
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described are\n%s\nserved are\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}
