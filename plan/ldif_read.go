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

// LDIFLine is a line of LDIF without its folding.
type LDIFLine struct {
	// Number is that of its first line in the text, counted from 1.
	Number int
	// Name and Value are those of an attribute. Both are empty at the end of a record, and the name is "-" between the parts of a
	// modification.
	Name, Value string
	// Encoded: the value was written in base64.
	Encoded bool
}

// ReadLDIF calls each for every line of LDIF (RFC 2849) that is no comment. A mistake, and any error of each, is an
// [*LDIFError].
func ReadLDIF(r io.Reader, each func(LDIFLine) error) error {
	const longest = 16 << 20
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, longest)
	logical := ""
	number, start := 0, 0
	flush := func() error {
		if strings.HasPrefix(logical, "#") {
			return nil
		}
		line, err := ldifLine(logical)
		line.Number = start
		if err == nil {
			err = each(line)
		}
		if err != nil {
			return &LDIFError{start, err}
		}
		return nil
	}
	for scanner.Scan() {
		number++
		line := strings.TrimSuffix(scanner.Text(), "\r")
		if number == 1 {
			line = strings.TrimPrefix(line, "\ufeff") // a byte order mark, which editors of one system write
		}
		if strings.HasPrefix(line, " ") && logical != "" {
			logical += line[1:]
			continue
		}
		if number > 1 {
			if err := flush(); err != nil {
				return err
			}
		}
		logical, start = line, number
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read LDIF: %w", err)
	}
	return flush()
}

func ldifLine(text string) (line LDIFLine, err error) {
	if strings.TrimSpace(text) == "" {
		return line, nil
	}
	if strings.TrimRight(text, " ") == "-" {
		return LDIFLine{Name: "-"}, nil
	}
	name, value, ok := strings.Cut(text, ":")
	if !ok || name == "" {
		return line, fmt.Errorf("%.60q has no colon", text)
	}
	line.Name = name
	switch {
	case strings.HasPrefix(value, ":"):
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[1:]))
		if err != nil {
			return line, fmt.Errorf("the value of %s is not base64", name)
		}
		line.Value, line.Encoded = string(raw), true
	case strings.HasPrefix(value, "<"):
		return line, fmt.Errorf("the value of %s is in a file, which is not read", name)
	default:
		line.Value = strings.TrimLeft(value, " ")
	}
	return line, nil
}

// LDIFRecord is an entry as LDIF has it.
type LDIFRecord struct {
	// Line is where it begins, counted from 1.
	Line int
	// DN is its name as it is written.
	DN         string
	Attributes []Attribute
}

// ParseRecords reads LDIF content records. Change records are refused.
func ParseRecords(r io.Reader) ([]LDIFRecord, error) {
	var records []LDIFRecord
	inside := false
	err := ReadLDIF(r, func(line LDIFLine) error {
		switch {
		case line.Name == "":
			inside = false
		case !inside && strings.EqualFold(line.Name, "version"):
		case strings.EqualFold(line.Name, "changetype"), line.Name == "-":
			return errors.New("a change record where an entry is expected")
		case strings.EqualFold(line.Name, "dn"):
			records = append(records, LDIFRecord{Line: line.Number, DN: line.Value})
			inside = true
		case !inside:
			return errors.New("an entry begins with its dn")
		default:
			last := &records[len(records)-1]
			last.Attributes = put(DefaultMatching(), last.Attributes, line.Name, line.Value)
		}
		return nil
	})
	return records, err
}

// ParseEntries reads LDIF content records: what [WriteEntries] writes and what ldapsearch prints.
func ParseEntries(r io.Reader) ([]*Entry, error) {
	records, err := ParseRecords(r)
	if err != nil {
		return nil, err
	}
	entries := make([]*Entry, len(records))
	for i, record := range records {
		dn, err := ParseDN(record.DN)
		if err != nil {
			return nil, &LDIFError{record.Line, err}
		}
		entries[i] = &Entry{DN: dn, Attributes: record.Attributes}
	}
	return entries, nil
}
