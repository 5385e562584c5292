package plan

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// LDIFError is a mistake in LDIF at a line, counted from 1.
type LDIFError struct {
	Line int
	Err  error
}

// Error names the line.
func (e *LDIFError) Error() string { return fmt.Sprintf("read LDIF: line %d: %v", e.Line, e.Err) }

// Unwrap returns the reason.
func (e *LDIFError) Unwrap() error { return e.Err }

// ParseEntries reads LDIF content records (RFC 2849): what [WriteEntries] writes and what ldapsearch prints. A mistake is an
// [*LDIFError]. Change records are refused.
func ParseEntries(r io.Reader) ([]*Entry, error) {
	const longest = 16 << 20
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, longest)
	var entries []*Entry
	var current *Entry
	var logical string
	number, start := 0, 0
	flush := func() error {
		line := logical
		logical = ""
		if line == "" || strings.HasPrefix(line, "#") {
			return nil
		}
		name, value, err := ldifValue(line)
		switch {
		case err != nil:
			return &LDIFError{start, err}
		case current == nil && strings.EqualFold(name, "version"):
			return nil
		case strings.EqualFold(name, "changetype"):
			return &LDIFError{start, errors.New("a change record where an entry is expected")}
		case strings.EqualFold(name, "dn"):
			dn, err := ParseDN(value)
			if err != nil {
				return &LDIFError{start, err}
			}
			current = &Entry{DN: dn}
			entries = append(entries, current)
			return nil
		case current == nil:
			return &LDIFError{start, errors.New("an entry begins with its dn")}
		}
		current.put(name, value)
		return nil
	}
	for scanner.Scan() {
		number++
		line := strings.TrimSuffix(scanner.Text(), "\r")
		if strings.HasPrefix(line, " ") && logical != "" {
			logical += line[1:]
			continue
		}
		if err := flush(); err != nil {
			return nil, err
		}
		logical, start = line, number
		if line == "" {
			current = nil
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read LDIF: %w", err)
	}
	return entries, flush()
}

func ldifValue(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return "", "", fmt.Errorf("%q has no colon", line)
	}
	if encoded, is := strings.CutPrefix(value, ":"); is {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil {
			return "", "", fmt.Errorf("the value of %s is not base64", name)
		}
		return name, string(raw), nil
	}
	return name, strings.TrimLeft(value, " "), nil
}
