package config

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Prefix begins the name of every environment variable that overrides a value of the file.
const Prefix = "IDAAS_LDAP"

// serviceVariable is what Kubernetes and Docker set in every container for a service that is called idaas-ldap, or begins so.
var serviceVariable = regexp.MustCompile(`^` + Prefix + `(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// slot is one value that a variable can override.
type slot struct {
	variable string
	path     string
	value    reflect.Value
	// twin and twinPath are the value beside it that says the same in another way: a secret and the file of the secret.
	twin     reflect.Value
	twinPath string
	// keep appends what was set to the lists that it is a new item of.
	keep func()
}

// environment applies the variables that begin with [Prefix]. An index may be the next free one of its list, so a list
// can be made of variables alone.
func (l *loader) environment(environ []string) {
	pending := map[string]string{}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, Prefix+"_") {
			pending[name] = text
		}
	}
	for progress := true; progress && len(pending) > 0; {
		progress = false
		for _, name := range slices.Sorted(maps.Keys(pending)) {
			slots := l.slots()
			if i := slices.IndexFunc(slots, func(s slot) bool { return s.variable == name }); i >= 0 {
				l.override(slots[i], pending[name])
				delete(pending, name)
				progress = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pending)) {
		if serviceVariable.MatchString(name) {
			l.warnings = append(l.warnings, Warning{Position{Variable: name}, "it is not read: Kubernetes sets it for a service of this name; enableServiceLinks: false in the pod keeps it away"})
			continue
		}
		l.unknownVariable(name)
	}
}

// override sets one value from a variable.
func (l *loader) override(s slot, text string) {
	given := origin{position: Position{Variable: s.variable}}
	if wrong := setScalar(text, s.value); wrong != "" {
		l.spoilt[s.path] = true
		l.note(given.position, nil, s.path, wrong)
	}
	s.keep()
	delete(l.spoilt, s.path)
	l.origins[s.path] = given
	for p := above(s.path); p != ""; p = above(p) {
		if _, known := l.origins[p]; !known {
			l.origins[p] = given
		}
	}
	if s.twin.IsValid() && l.origin(s.twinPath).position.Variable == "" {
		s.twin.SetZero()
	}
}

func (l *loader) unknownVariable(name string) {
	var names []string
	for _, s := range l.slots() {
		names = append(names, s.variable)
	}
	slices.Reverse(names) // of items of a list, the next free one is the likeliest
	message := "overrides nothing; names are " + Prefix + " and the path of a key, joined by _"
	if near := nearest(name, names); near != "" {
		message = fmt.Sprintf("overrides nothing; did you mean %s?", near)
	}
	l.note(Position{Variable: name}, nil, "", message)
}

// slots returns all values that could be overridden now, those of the next item of each list included.
func (l *loader) slots() []slot {
	var all []slot
	collect(slot{variable: Prefix, value: reflect.ValueOf(l.config).Elem(), keep: func() {}}, &all)
	return all
}

func collect(s slot, into *[]slot) {
	switch {
	case isScalar(s.value.Type()):
		*into = append(*into, s)
	case s.value.Kind() == reflect.Slice:
		collectItems(s, into)
	default:
		collectFields(s, into)
	}
}

func collectFields(s slot, into *[]slot) {
	for i := range fields(s.value.Type()) {
		tag := s.value.Type().Field(i).Tag
		field := slot{
			variable: s.variable + "_" + strings.ToUpper(tag.Get("yaml")),
			path:     below(s.path, tag.Get("yaml")),
			value:    s.value.Field(i),
			keep:     s.keep,
		}
		if twin := twinOf(s.value.Type(), i); twin >= 0 {
			field.twin = s.value.Field(twin)
			field.twinPath = below(s.path, s.value.Type().Field(twin).Tag.Get("yaml"))
		}
		collect(field, into)
	}
}

func collectItems(s slot, into *[]slot) {
	for i := range s.value.Len() + 1 {
		item := slot{
			variable: fmt.Sprintf("%s_%d", s.variable, i),
			path:     fmt.Sprintf("%s[%d]", s.path, i),
			twin:     s.twin, twinPath: s.twinPath,
			keep: s.keep,
		}
		if i < s.value.Len() {
			item.value = s.value.Index(i)
		} else {
			item.value = newItem(s.value.Type())
			item.keep = func() {
				s.value.Set(reflect.Append(s.value, item.value))
				s.keep()
			}
		}
		collect(item, into)
	}
}

// twinOf returns the index of the field that says the same as another one in another way, or -1.
func twinOf(t reflect.Type, i int) int {
	names := fieldNames(t)
	if file := t.Field(i).Tag.Get("file"); file != "" {
		return slices.Index(names, file)
	}
	for j := range fields(t) {
		if t.Field(j).Tag.Get("file") == names[i] {
			return j
		}
	}
	return -1
}
