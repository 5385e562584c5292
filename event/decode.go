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
// and JSON inside strings. An event that is not well-formed comes back with its Problem set and spoils no other; the
// error is a [*DocumentError] where the document itself cannot be read or an event cannot even be named.
func Decode(document []byte) (Document, error) {
	if !utf8.Valid(document) {
		return Document{}, documentError("is not UTF-8")
	}
	var top struct {
		AliUID       json.RawMessage `json:"aliUid"`
		InstanceID   string          `json:"instanceId"`
		EventVersion string          `json:"eventVersion"`
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
	d := Document{AliUID: strings.Trim(string(top.AliUID), `"`), InstanceID: top.InstanceID, Version: top.EventVersion}
	for i, r := range raw {
		c, err := decodeEvent(r)
		if err != nil {
			return Document{}, documentError("has an event that cannot be named: number %d %v", i+1, err)
		}
		d.Changes = append(d.Changes, c)
	}
	return d, nil
}

// decodeEvent reads one event. Its error means that there is no id to answer under.
func decodeEvent(raw json.RawMessage) (Change, error) {
	var e struct {
		EventID   string          `json:"eventId"`
		EventType string          `json:"eventType"`
		EventTime json.RawMessage `json:"eventTime"`
		BizID     json.RawMessage `json:"bizId"`
		BizData   json.RawMessage `json:"bizData"`
	}
	if err := strict(raw, &e); err != nil || !isObject(raw) {
		return Change{}, errors.New("is not an object with text in eventId and eventType")
	}
	if e.EventID == "" || e.EventType == "" {
		return Change{}, errors.New("has no eventId or no eventType")
	}
	c := Change{ID: e.EventID, Type: ParseType(e.EventType), Fields: Values{}}
	when, err := millis(e.EventTime)
	c.Stamp.Event = Millis(max(0, when))
	if c.Type.Kind() == "" {
		return c, nil // a test, a type that is not known or one that may not come from outside, whatever it carries
	}
	problem := func(format string, args ...any) (Change, error) {
		c.Problem = fmt.Sprintf(format, args...)
		c.Fields, c.Members, c.Password = Values{}, nil, secret.Text{}
		return c, nil
	}
	if err != nil || when <= 0 {
		return problem("eventTime is not a time in milliseconds")
	}
	payload, err := unwrap(e.BizData)
	if err != nil {
		return problem("bizData is no JSON")
	}
	var members map[string]json.RawMessage
	if err := strict(payload, &members); err != nil || members == nil {
		return problem("bizData is not an object")
	}
	if err := c.payload(members, text(e.BizID)); err != nil {
		return problem("%v", err)
	}
	return c, nil
}
