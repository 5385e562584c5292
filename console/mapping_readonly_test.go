package console

import (
	"errors"
	"strings"
	"testing"

	"idaas-ldap/internal/workbench"
)

// A mapping that can only be read, as on Kubernetes, is shown as such in both languages, with why, and is offered as a download and not to be
// put in force.
func TestAMappingThatCanOnlyBeReadIsOfferedAsADownload(t *testing.T) {
	texts, err := readTexts()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := readPages(texts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for l, catalogue := range texts {
		for _, why := range []error{nil, errors.New("read-only file system")} {
			view := mappingView{draft: draft{Directory: "corp", Source: "version: 1\n"}, Row: rowOfMapping(workbench.Directory{Name: "corp"}), Name: "mapping.yaml"}
			if why != nil {
				view.ReadOnly = why.Error()
			}
			shown := page{Name: "mapping", Language: l, View: view}
			var text strings.Builder
			if err := pages[l].ExecuteTemplate(&text, "mapping.html", shown); err != nil {
				t.Fatal(err)
			}
			said := strings.Contains(text.String(), catalogue["mapping.readonly"]) && strings.Contains(text.String(), "read-only file system")
			if mayPut := strings.Contains(text.String(), "/console/mappings/force"); said != (why != nil) || mayPut == said || !strings.Contains(text.String(), "/console/mappings/file") {
				t.Errorf("%s, %v: it says so: %v, it may be put in force: %v", l, why, said, mayPut)
			}
		}
	}
}
