package receiver

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"idaas-ldap/internal/jsonscan"
)

// Bounds of what a token may say of time. IDaaS signs for half an hour.
const (
	skew     = 60 * time.Second
	maxLife  = 24 * time.Hour
	lastTime = 253402300799 // the end of the year 9999, in seconds
)

// maxAudiences bounds how many applications a token may be for.
const maxAudiences = 16

// claims are those that a token of IDaaS has. Pointers tell what is missing.
type claims struct {
	issuer, subject              string
	audience                     []string
	expires, issuedAt, notBefore *time.Time
	dataEncrypted                *bool
	cipherData                   []byte
	plainData                    []byte // JSON
}

// readClaims reads the claims by their exact names, in one pass. Those that are not known are left aside.
func readClaims(payload []byte) (claims, error) {
	var c claims
	var seen uint
	err := jsonscan.Object(payload, func(name string, value []byte) error {
		if string(value) == "null" {
			return nil // as if it were not there
		}
		number, err := c.read(name, value)
		switch {
		case err != nil:
			return fmt.Errorf("%s %w", name, err)
		case seen&(1<<number) != 0 && number > 0:
			return fmt.Errorf("%s is there twice", name)
		}
		seen |= 1 << number
		return nil
	})
	return c, err
}

// read reads one claim and returns its number, 0 for one that is not known.
func (c *claims) read(name string, value []byte) (number int, err error) {
	switch name {
	case "iss":
		return 1, readText(value, &c.issuer)
	case "sub":
		return 2, readText(value, &c.subject)
	case "aud":
		c.audience, err = audiences(value)
		return 3, err
	case "exp":
		c.expires, err = readTime(value)
		return 4, err
	case "iat":
		c.issuedAt, err = readTime(value)
		return 5, err
	case "nbf":
		c.notBefore, err = readTime(value)
		return 6, err
	case "dataEncrypted":
		is := string(value) == "true"
		if !is && string(value) != "false" {
			return 7, errors.New("is neither true nor false")
		}
		c.dataEncrypted = &is
		return 7, nil
	case "cipherData":
		content, ok := jsonscan.Bytes(value)
		if !ok {
			return 8, errors.New("is not text")
		}
		c.cipherData = content
		return 8, nil
	case "plainData":
		c.plainData = value
		return 9, nil
	}
	return 0, nil
}

func readText(value []byte, into *string) error {
	text, ok := jsonscan.Text(value)
	if !ok {
		return errors.New("is not text")
	}
	*into = text
	return nil
}

// readTime reads a NumericDate (RFC 7519 section 2) of a year that anybody can mean.
func readTime(value []byte) (*time.Time, error) {
	if value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return nil, errors.New("is not a number")
	}
	seconds, err := strconv.ParseFloat(string(value[:min(len(value), 64)]), 64)
	if err != nil || len(value) > 64 || seconds < 0 || seconds > lastTime {
		return nil, errors.New("is not a time between 1970 and 9999")
	}
	at := time.Unix(int64(seconds), 0)
	return &at, nil
}

// audiences reads one audience or a list of them.
func audiences(value []byte) ([]string, error) {
	if one, ok := jsonscan.Text(value); ok {
		return []string{one}, nil
	}
	var many []string
	err := jsonscan.Array(value, func(item []byte) error {
		var one string
		if err := readText(item, &one); err != nil {
			return err
		}
		if many = append(many, one); len(many) > maxAudiences {
			return errors.New("names too many")
		}
		return nil
	})
	return many, err
}

// check looks at the claims of a token whose signature holds.
func (c claims) check(now time.Time, a Application) error {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case c.issuer != issuer:
		return invalidToken("the issuer is %.100q", c.issuer)
	case a.InstanceID != "" && c.subject != a.InstanceID:
		return invalidToken("the subject is %.100q, configured is the instance %q", c.subject, a.InstanceID)
	case c.expires == nil || c.issuedAt == nil:
		return invalidToken("exp or iat is missing")
	case c.expires.Before(*c.issuedAt):
		return invalidToken("it expires at %s, before it was issued", at(*c.expires))
	case c.expires.Sub(*c.issuedAt) > maxLife:
		return invalidToken("it is good for longer than a day, until %s", at(*c.expires))
	case now.After(c.expires.Add(skew)):
		return invalidToken("expired at %s", at(*c.expires))
	case now.Before(c.issuedAt.Add(-skew)):
		return invalidToken("issued in the future, at %s; are the clocks right?", at(*c.issuedAt))
	case c.notBefore != nil && now.Before(c.notBefore.Add(-skew)):
		return invalidToken("not valid before %s", at(*c.notBefore))
	case c.dataEncrypted == nil:
		return invalidToken("dataEncrypted is missing")
	}
	return nil
}

// content returns the document, decrypted where it is encrypted.
func (c claims) content(a Application) ([]byte, error) {
	keys := a.decryption()
	if *c.dataEncrypted {
		return keys.decrypt(c.cipherData, a.ID)
	}
	if len(keys.openers) > 0 {
		return nil, invalidToken("the event is not encrypted, though an encryption key is configured for %s", a.ID)
	}
	if text, ok := jsonscan.Bytes(c.plainData); ok {
		return text, nil
	}
	if len(c.plainData) == 0 {
		return nil, badRequest("the token carries no document")
	}
	return c.plainData, nil
}
