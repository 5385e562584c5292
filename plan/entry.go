package plan

import (
	"slices"
	"strings"
)

// Attribute is an attribute description with its values. Values are octets; text is UTF-8.
type Attribute struct {
	Name   string
	Values []string
}

// Entry is a directory entry as it was read: only the attributes that were asked for.
type Entry struct {
	DN DN
	// Link is the stable id that the server gave the entry: entryUUID (RFC 4530) or nsUniqueId as text, objectGUID as
	// text in the form of RFC 9562. Empty where the server has none.
	Link       string
	Attributes []Attribute
	// Rule is the index of the match rule that has found the entry, where one has.
	Rule int
}

// Values returns the values of an attribute, by whichever of its well-known names; nil if the entry has none. Where the names
// of a directory's schema matter, see [Entry.ValuesOf].
func (e *Entry) Values(name string) []string {
	return e.values(name, SameAttribute)
}

// ValuesOf returns the values of an attribute by any name that the directory has for it; nil if the entry has none.
func (e *Entry) ValuesOf(m Matching, name string) []string {
	return e.values(name, func(a, b string) bool { return SameDescription(m, a, b) })
}

func (e *Entry) values(name string, same func(a, b string) bool) []string {
	var out []string
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, name) {
			return a.Values
		}
		if out == nil && same(a.Name, name) {
			out = a.Values
		}
	}
	return out
}

// Value returns the first value of an attribute, empty if there is none.
func (e *Entry) Value(name string) string {
	if v := e.Values(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Clone copies the entry so that the original stays as it is.
func (e *Entry) Clone() *Entry {
	c := *e
	c.DN = slices.Clone(e.DN)
	c.Attributes = make([]Attribute, len(e.Attributes))
	for i, a := range e.Attributes {
		c.Attributes[i] = Attribute{Name: a.Name, Values: slices.Clone(a.Values)}
	}
	return &c
}

func (e *Entry) remove(m Matching, name, value string) {
	for i, a := range e.Attributes {
		if SameDescription(m, a.Name, name) {
			e.Attributes[i].Values = slices.DeleteFunc(a.Values, func(v string) bool { return m.Equal(name, v, value) })
		}
	}
}

func (e *Entry) put(m Matching, name, value string) { e.Attributes = put(m, e.Attributes, name, value) }

// put adds a value to the attribute with a name.
func put(m Matching, attributes []Attribute, name, value string) []Attribute {
	for i, a := range attributes {
		if SameDescription(m, a.Name, name) {
			attributes[i].Values = append(a.Values, value)
			return attributes
		}
	}
	return append(attributes, Attribute{Name: name, Values: []string{value}})
}
