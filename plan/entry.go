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
}

// Values returns the values of an attribute, whatever the case of its name; nil if the entry has none.
func (e *Entry) Values(name string) []string {
	for _, a := range e.Attributes {
		if strings.EqualFold(a.Name, name) {
			return a.Values
		}
	}
	return nil
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

// Matching compares values by the rules of the directory's schema. See [DefaultMatching].
type Matching interface {
	// Equal reports whether two values of an attribute are the same to the server.
	Equal(attribute, a, b string) bool
	// SingleValued reports whether the attribute holds at most one value.
	SingleValued(attribute string) bool
}

func (e *Entry) remove(m Matching, name, value string) {
	for i, a := range e.Attributes {
		if SameAttribute(a.Name, name) {
			e.Attributes[i].Values = slices.DeleteFunc(a.Values, func(v string) bool { return m.Equal(name, v, value) })
		}
	}
}

func (e *Entry) put(name, value string) { e.Attributes = put(e.Attributes, name, value) }

// put adds a value to the attribute with a name.
func put(attributes []Attribute, name, value string) []Attribute {
	for i, a := range attributes {
		if SameAttribute(a.Name, name) {
			attributes[i].Values = append(a.Values, value)
			return attributes
		}
	}
	return append(attributes, Attribute{Name: name, Values: []string{value}})
}
