package console

import (
	"html/template"
	"strings"

	"idaas-ldap/store"
)

// tab is a link to a page in the head of all pages.
type tab struct {
	Name, Path string
	Current    bool
}

// rowsView is a table of events. With Choose each has a box.
type rowsView struct {
	Events []eventRow
	Choose bool
}

// parts are functions that give the parts of templates what they show.
func parts() template.FuncMap {
	return template.FuncMap{
		"tab": func(p page, name, path string, also ...string) tab {
			current := p.Name == name
			for _, other := range also {
				current = current || p.Name == other
			}
			return tab{name, path, current}
		},
		"plots": plots,
		"many":  many,
		"word":  func(state string) string { word, _, _ := strings.Cut(state, ":"); return word },
		"rest":  func(state string) string { _, rest, _ := strings.Cut(state, ": "); return rest },
		"rows":  func(events []eventRow, choose bool) rowsView { return rowsView{events, choose} },
		"told": func(records []store.EventRecord) rowsView {
			view := rowsView{Choose: true}
			for _, r := range records {
				view.Events = append(view.Events, eventRow{EventRecord: r})
			}
			return view
		},
	}
}
