package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

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
)

// Decode reads a document. Both generations of field names are understood, numbers as numbers or as strings of digits,
// and JSON inside strings. What cannot be read counts as not said, is named in Unread and spoils nothing else. An event of
// which nothing is left comes back with its Problem set; the error is a [*DocumentError] where that is so of the document.
func Decode(document []byte) (Document, error) {
	if !utf8.Valid(document) {
		return Document{}, documentError("is not UTF-8")
	}
	var top struct {
		AliUID       json.RawMessage `json:"aliUid"`
		InstanceID   json.RawMessage `json:"instanceId"`
		EventVersion json.RawMessage `json:"eventVersion"`
		EventData    json.RawMessage `json:"eventData"`
	}
	if !isObject(document) {
		return Document{}, documentError("is not a JSON object")
	}
	if err := strict(document, &top); err != nil {
		return Document{}, documentError("is not the JSON that was expected: %v", err)
	}
	data, err := unwrap(top.EventData)
	if err != nil {
		return Document{}, documentError("has an eventData that is no JSON: %v", err)
	}
	var raw []json.RawMessage
	if err := strict(data, &raw); err != nil || raw == nil {
		return Document{}, documentError("has no list of events in eventData")
	}
	if len(raw) > maxEvents {
		return Document{}, documentError("has %d events; at most %d are taken at a time", len(raw), maxEvents)
	}
	d := Document{AliUID: text(top.AliUID), InstanceID: text(top.InstanceID), Version: text(top.EventVersion)}
	for i, r := range raw {
		c, err := decodeEvent(r)
		if err != nil {
			d.Unread = append(d.Unread, fmt.Sprintf("event number %d %v", i+1, err))
			continue
		}
		d.Changes = append(d.Changes, c)
	}
	if len(d.Changes) == 0 && len(d.Unread) > 0 {
		return Document{}, documentError("has no event that can be named: %s", d.Unread[0])
	}
	return d, nil
}

// decodeEvent reads one event. Its error means that there is no id to answer under.
func decodeEvent(raw json.RawMessage) (Change, error) {
	var e struct {
		EventID   json.RawMessage `json:"eventId"`
		EventType json.RawMessage `json:"eventType"`
		EventTime json.RawMessage `json:"eventTime"`
		BizID     json.RawMessage `json:"bizId"`
		BizData   json.RawMessage `json:"bizData"`
	}
	if err := strict(raw, &e); err != nil || !isObject(raw) {
		return Change{}, errors.New("is no object")
	}
	id, kind := identifier(e.EventID), identifier(e.EventType)
	if id == "" || kind == "" {
		return Change{}, errors.New("has no eventId or no eventType")
	}
	c := Change{ID: id, Type: ParseType(kind), Fields: Values{}}
	when, err := millis(e.EventTime)
	c.Stamp.Event = Millis(max(0, when))
	if c.Type.Kind() == "" {
		return c, nil // a test, a type that is not known or one that may not come from outside, whatever it carries
	}
	if err != nil || when <= 0 {
		c.unread("eventTime is not a time in milliseconds")
	}
	members, err := payloadOf(e.BizData)
	if err != nil {
		c.unread("bizData %v", err)
	}
	if err == nil || c.Type.speaksForItself() {
		err = c.payload(members, identifier(e.BizID))
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
	var members map[string]json.RawMessage
	if err := strict(payload, &members); err != nil || members == nil {
		return nil, errors.New("is not an object")
	}
	return members, nil
}

// Bounds of what is named for the log.
const (
	unreadNamed  = 20
	unreadLength = 200
)

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
