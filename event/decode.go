package event

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"idaas-ldap/internal/jsonscan"
	"idaas-ldap/internal/secret"
)

// Document is what one callback of IDaaS carries once it is verified and decrypted.
type Document struct {
	AliUID     string
	InstanceID string
	Version    string
	Changes    []Change
	// Unread names events that cannot be answered, as they have no id or no type, and why, for the log.
	Unread []string
}

// DocumentError says that a document cannot be taken apart into events at all.
type DocumentError struct{ Reason string }

// Error says what is wrong, for the log.
func (e *DocumentError) Error() string { return "the document " + e.Reason }

func documentError(format string, args ...any) error {
	return &DocumentError{Reason: fmt.Sprintf(format, args...)}
}

// Limits of a document. IDaaS sends a few kilobytes; these are far beyond and keep hostile input small.
const (
	maxEvents = 10_000
	maxText   = 1 << 20
	maxID     = 256
)

// Decode reads a document. Both generations of field names are understood, numbers as numbers or as strings of digits,
// and JSON inside strings. What cannot be read counts as not said, is named in Unread and spoils nothing else. An event of
// which nothing is left comes back with its Problem set; the error is a [*DocumentError] where that is so of the document, or
// where two events have one id, as each is to be answered under its own. The result shares no memory with the document.
func Decode(document []byte) (Document, error) {
	var d Document
	var data json.RawMessage
	err := jsonscan.Object(document, func(name string, value []byte) error {
		switch name {
		case "aliUid":
			d.AliUID = text(value)
		case "instanceId":
			d.InstanceID = text(value)
		case "eventVersion":
			d.Version = text(value)
		case "eventData":
			data = value
		}
		return nil
	})
	if err != nil {
		return Document{}, documentError("is not the JSON that was expected: %v", err)
	}
	if data, err = unwrap(data); err != nil {
		return Document{}, documentError("has an eventData that is no JSON: %v", err)
	}
	if err := d.events(data); err != nil {
		return Document{}, err
	}
	if len(d.Changes) == 0 && len(d.Unread) > 0 {
		return Document{}, documentError("has no event that can be named: %s", d.Unread[0])
	}
	return d, nil
}

// events reads the list of events.
func (d *Document) events(data []byte) error {
	number, seen := 0, map[string]bool{}
	err := jsonscan.Array(data, func(value []byte) error {
		if number++; number > maxEvents {
			return documentError("has more than %d events; that many are taken at a time", maxEvents)
		}
		c, err := decodeEvent(value)
		if err != nil {
			d.Unread = append(d.Unread, fmt.Sprintf("event number %d %v", number, err))
			return nil
		}
		if seen[c.ID] {
			return documentError("has two events with the eventId %q", c.ID)
		}
		seen[c.ID] = true
		d.Changes = append(d.Changes, c)
		return nil
	})
	var told *DocumentError
	if err == nil || errors.As(err, &told) {
		return err
	}
	return documentError("has no list of events in eventData")
}

// envelope is what an event says around its payload.
type envelope struct{ id, kind, time, bizID, bizData json.RawMessage }

func readEnvelope(raw []byte) (e envelope, err error) {
	return e, jsonscan.Object(raw, func(name string, value []byte) error {
		switch name {
		case "eventId":
			e.id = value
		case "eventType":
			e.kind = value
		case "eventTime":
			e.time = value
		case "bizId":
			e.bizID = value
		case "bizData":
			e.bizData = value
		}
		return nil
	})
}

// decodeEvent reads one event. Its error means that there is no id to answer under.
func decodeEvent(raw []byte) (Change, error) {
	e, err := readEnvelope(raw)
	if err != nil {
		return Change{}, errors.New("is no object")
	}
	id, kind := identifier(e.id), identifier(e.kind)
	switch {
	case id == "" || kind == "":
		return Change{}, errors.New("has no eventId or no eventType")
	case wrongID(id) != "" || wrongID(kind) != "":
		return Change{}, fmt.Errorf("has an eventId or eventType that %s", cmp.Or(wrongID(id), wrongID(kind)))
	}
	c := Change{ID: id, Type: ParseType(kind), Fields: Values{}}
	when, err := millis(e.time)
	c.Stamp.Event = Millis(max(0, when))
	if c.Type.Kind() == "" {
		return c, nil // a test, a type that is not known or one that may not come from outside, whatever it carries
	}
	if err != nil || when <= 0 {
		c.unread("eventTime is not a time in milliseconds")
	}
	members, err := payloadOf(e.bizData)
	if err != nil {
		c.unread("bizData %v", err)
	}
	if err == nil || c.Type.speaksForItself() {
		err = c.payload(members, identifier(e.bizID))
	}
	if err != nil {
		c.Problem = strings.Join(append(c.Unread, err.Error()), "; ")
		c.Fields, c.Members, c.Password = Values{}, nil, secret.Text{}
	}
	return c, nil
}

// payloadOf returns the members of a payload.
func payloadOf(raw json.RawMessage) (map[string]json.RawMessage, error) {
	payload, err := unwrap(raw)
	if err != nil {
		return nil, errors.New("is no JSON")
	}
	members := map[string]json.RawMessage{}
	err = jsonscan.Object(payload, func(name string, value []byte) error {
		members[name] = value
		return nil
	})
	if err != nil {
		return nil, errors.New("is not an object")
	}
	return members, nil
}

// Bounds of what is named for the log.
const (
	unreadNamed  = 20
	unreadLength = 200
)

// wrongID says what is wrong with an id, empty for nothing. Ids of IDaaS are some fifty characters of ASCII; what is shown,
// stored and compared everywhere must not be able to pass for something else.
func wrongID(id string) string {
	switch {
	case len(id) > maxID:
		return fmt.Sprintf("is longer than %d octets", maxID)
	case strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "holds a character that cannot be shown"
	}
	return ""
}

// unread notes that something cannot be read. The words hold no value.
func (c *Change) unread(format string, args ...any) {
	switch n := len(c.Unread); {
	case n < unreadNamed:
		c.Unread = append(c.Unread, clip(fmt.Sprintf(format, args...)))
	case n == unreadNamed:
		c.Unread = append(c.Unread, "and more")
	}
}

func clip(text string) string {
	if len(text) <= unreadLength {
		return text
	}
	return strings.ToValidUTF8(text[:unreadLength], "") + "…"
}
