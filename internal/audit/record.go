package audit

import (
	"bytes"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"idaas-ldap/event"
)

// Record is one write to a directory, whatever came of it.
type Record struct {
	// Seq counts the records of a log from 1.
	Seq       int64     `json:"seq"`
	At        time.Time `json:"at"`
	Directory string    `json:"directory"`
	// Object is whose entry it is, and Events are what the write was made for; none where a time was reached or something else has moved.
	Object event.Ref `json:"object"`
	Events []Event   `json:"events,omitempty"`
	// Operation is that of LDAP: add, modify, modrdn, delete or password.
	Operation string `json:"operation"`
	DN        string `json:"dn"`
	// NewDN is where the entry is after a modrdn.
	NewDN string `json:"newDn,omitempty"`
	// Subtree: a delete took everything below along.
	Subtree bool     `json:"subtree,omitempty"`
	Changes []Change `json:"changes,omitempty"`
	// Outcome is done, refused, or in doubt: no answer came, and the directory was asked again afterwards.
	Outcome Outcome `json:"outcome"`
	// Reason is what the server said, where it was not done.
	Reason string `json:"reason,omitempty"`
}

// Event is an event that a write was made for.
type Event struct {
	Application string `json:"application"`
	ID          string `json:"id"`
	Type        string `json:"type"`
	// ApprovedBy is who has allowed what a guard held; empty where none did.
	ApprovedBy string `json:"approvedBy,omitempty"`
}

// Change is what was done to one attribute.
type Change struct {
	Attribute string `json:"attribute"`
	// Kind is add, delete or replace (RFC 4511 section 4.6).
	Kind string `json:"kind"`
	// Old are the values before as far as they were read, and New those of the change. Both are left out where values are not recorded, and
	// always for passwords.
	Old []string `json:"old,omitempty"`
	New []string `json:"new,omitempty"`
}

// Outcome is what came of a write.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	InDoubt Outcome = "in doubt"
)

// Digest returns a keyed digest of a text. Nobody without the key can make one.
type Digest func(text string) []byte

// macField begins the end of every line. It cannot be within a record: quotes in texts are escaped there.
var macField = []byte(`,"mac":"`)

// seal returns the line of a record, without the end of line, and its digest, which covers that of the line before.
func seal(digest Digest, before string, r Record) (line []byte, mac string, err error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, "", fmt.Errorf("encode a record of the audit log: %w", err)
	}
	mac = link(digest, before, body)
	line = append(body[:len(body)-1], macField...)
	return append(append(line, mac...), '"', '}'), mac, nil
}

func link(digest Digest, before string, body []byte) string {
	return hex.EncodeToString(digest("audit\n" + before + "\n" + string(body)))
}

// errLine says that a line is not one that this package has written.
var errLine = errors.New("this is no line of an audit log")

// unseal takes a line apart, and says whether its digest is right after the line before.
func unseal(digest Digest, before string, line []byte) (r Record, mac string, genuine bool, err error) {
	at := bytes.LastIndex(line, macField)
	if at < 0 || !bytes.HasSuffix(line, []byte(`"}`)) || len(line) < at+len(macField)+len(`"}`) {
		return Record{}, "", false, errLine
	}
	body := append(bytes.Clone(line[:at]), '}')
	mac = string(line[at+len(macField) : len(line)-len(`"}`)])
	if err := json.Unmarshal(body, &r); err != nil {
		return Record{}, "", false, errLine
	}
	if digest == nil {
		return r, mac, false, nil
	}
	return r, mac, hmac.Equal([]byte(mac), []byte(link(digest, before, body))), nil
}
