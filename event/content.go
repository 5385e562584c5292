package event

import (
	"encoding/json"
	"fmt"

	"idaas-ldap/internal/jsonscan"
)

// Content is what is kept of an event beside its head, but for the password.
type Content struct {
	Fields  Values   `json:"fields,omitempty"`
	Members []Member `json:"members,omitempty"`
	Problem string   `json:"problem,omitempty"`
	// Object is the one that the event is about, as its head says: an event that was moved to another object is noticed.
	Object string `json:"object,omitempty"`
	// Trace is the one that the event belongs to.
	Trace string `json:"trace,omitempty"`
}

// MarshalContent writes a content in the form that [UnmarshalContent] reads.
func MarshalContent(c Content) ([]byte, error) {
	out := []byte("{")
	name := func(name string) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendText(out, name), ':')
	}
	var err error
	if len(c.Fields) > 0 {
		name("fields")
		if out, err = appendValues(out, c.Fields); err != nil {
			return nil, err
		}
	}
	if len(c.Members) > 0 {
		members, err := json.Marshal(c.Members)
		if err != nil {
			return nil, fmt.Errorf("encode the members: %w", err)
		}
		name("members")
		out = append(out, members...)
	}
	if c.Problem != "" {
		name("problem")
		out = appendText(out, c.Problem)
	}
	if c.Object != "" {
		name("object")
		out = appendText(out, c.Object)
	}
	if c.Trace != "" {
		name("trace")
		out = appendText(out, c.Trace)
	}
	return append(out, '}'), nil
}

// UnmarshalContent reads a content with the same Go types that [Values] documents.
func UnmarshalContent(data []byte) (Content, error) {
	if c, err := parseContent(data); err == nil {
		return c, nil
	}
	var c Content
	if err := json.Unmarshal(data, &c); err != nil {
		return Content{}, fmt.Errorf("decode the content: %w", err)
	}
	return c, nil
}

func parseContent(data []byte) (c Content, err error) {
	err = jsonscan.Object(data, func(name string, value []byte) (err error) {
		ok := true
		switch name {
		case "fields":
			c.Fields, err = parseValues(value)
		case "members":
			err = json.Unmarshal(value, &c.Members)
		case "problem":
			c.Problem, ok = jsonscan.Text(value)
		case "object":
			c.Object, ok = jsonscan.Text(value)
		case "trace":
			c.Trace, ok = jsonscan.Text(value)
		}
		if !ok {
			return errUnusual
		}
		return err
	})
	return c, err //nolint:wrapcheck // Where it is unusual, it is read anew.
}
