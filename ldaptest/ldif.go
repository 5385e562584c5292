package ldaptest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/plan"
)

// LoadLDIF adds entries (RFC 2849, content records), parents first. As with slapadd they may bring operational attributes such as
// entryUUID, their passwords are kept as they are, and the journal says nothing of them. Nothing is loaded if one cannot be.
func (s *Server) LoadLDIF(text string) error {
	records, err := readLDIF(text)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.dir
	terms := terms{who: s.admin, writer: true}
	return d.atomically(func() error {
		for _, r := range records {
			dn, err := d.schema.parseDN(r.dn)
			if err != nil {
				return fmt.Errorf("load LDIF, line %d: %q: %w", r.line, r.dn, err)
			}
			drafts, err := d.draftEntry(r.attributes)
			if err == nil {
				err = d.mustBeInside(dn, terms)
			}
			if err != nil {
				return fmt.Errorf("load LDIF, line %d: %s: %w", r.line, dn, err)
			}
			e, err := d.insert(dn, drafts, terms)
			if err != nil {
				return fmt.Errorf("load LDIF, line %d: %s: %w", r.line, dn, err)
			}
			d.groupAdded(e.dn(), d.groupMembers(e))
		}
		return nil
	})
}

// LDIF returns the whole tree, always in the same order: parents first, names sorted, values sorted. Operational attributes are
// left out unless they are named; of passwords it says only that they are there.
func (s *Server) LDIF(operational ...string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var entries []*plan.Entry
	want := s.dir.schema.readSelection(append([]string{"*"}, operational...))
	var visit func(*entry)
	visit = func(e *entry) {
		entries = append(entries, s.dir.snapshot(e, want))
		children := e.sortedChildren()
		slices.SortFunc(children, func(a, b *entry) int { return cmp.Compare(a.key, b.key) })
		for _, c := range children {
			visit(c)
		}
	}
	if s.dir.root != nil {
		visit(s.dir.root)
	}
	var b strings.Builder
	_ = plan.WriteEntries(&b, entries...) // a strings.Builder takes everything
	return b.String()
}

// Entry returns an entry with all its attributes, the operational ones too, sorted; nil if there is none.
func (s *Server) Entry(dn string) *plan.Entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	name, err := s.dir.schema.parseDN(dn)
	if err != nil {
		return nil
	}
	e, found := s.dir.find(name)
	if !found {
		return nil
	}
	return s.dir.snapshot(e, selection{user: true, operational: true})
}

// Size returns the number of entries.
func (s *Server) Size() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.dir.size
}

// snapshot copies an entry, sorted for people: objectClass first.
func (d *directory) snapshot(e *entry, want selection) *plan.Entry {
	out := &plan.Entry{DN: e.dn(), Attributes: d.read(e, want, false, true)}
	if id := valuesOf(e, description{typ: d.schema.mustAttribute("entryUUID")}); len(id) > 0 {
		out.Link = id[0]
	}
	for _, a := range out.Attributes {
		slices.Sort(a.Values)
	}
	rank := func(a plan.Attribute) string {
		if a.Name == "objectClass" {
			return ""
		}
		return strings.ToLower(a.Name)
	}
	slices.SortFunc(out.Attributes, func(a, b plan.Attribute) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// ldifRecord is one content record.
type ldifRecord struct {
	line       int
	dn         string
	attributes []plan.Attribute
}

func (r *ldifRecord) add(name, value string) {
	for i, a := range r.attributes {
		if strings.EqualFold(a.Name, name) {
			r.attributes[i].Values = append(a.Values, value)
			return
		}
	}
	r.attributes = append(r.attributes, plan.Attribute{Name: name, Values: []string{value}})
}

// set gives an attribute other values.
func (r *ldifRecord) set(name string, values ...string) {
	r.attributes = slices.DeleteFunc(r.attributes, func(a plan.Attribute) bool { return strings.EqualFold(a.Name, name) })
	r.attributes = append(r.attributes, plan.Attribute{Name: name, Values: values})
}

// readLDIF reads content records. Values from files ("attribute:< url") are refused: the text is all there is.
func readLDIF(text string) ([]ldifRecord, error) {
	var records []ldifRecord
	var current *ldifRecord
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		at, line := i+1, lines[i]
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], " ") {
			i++
			line += lines[i][1:]
		}
		switch {
		case strings.TrimSpace(line) == "":
			current = nil
			continue
		case strings.HasPrefix(line, "#"), current == nil && strings.HasPrefix(line, "version:"):
			continue
		}
		name, value, err := ldifLine(line)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read LDIF, line %d: %w", at, err)
		case current == nil && !strings.EqualFold(name, "dn"):
			return nil, fmt.Errorf("read LDIF, line %d: a record begins with dn", at)
		case current == nil:
			records = append(records, ldifRecord{line: at, dn: value})
			current = &records[len(records)-1]
		case strings.EqualFold(name, "changetype") && value != "add":
			return nil, fmt.Errorf("read LDIF, line %d: only entries can be loaded, not changes", at)
		case !strings.EqualFold(name, "changetype"):
			current.add(name, value)
		}
	}
	return records, nil
}

// ldifLine reads "name: value" and "name:: base64".
func ldifLine(line string) (name, value string, err error) {
	name, value, found := strings.Cut(line, ":")
	if !found || name == "" {
		return "", "", fmt.Errorf("%.60q is no attribute with a value", line)
	}
	switch {
	case strings.HasPrefix(value, ":"):
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value[1:]))
		if err != nil {
			return "", "", fmt.Errorf("the value of %s is not base64: %w", name, err)
		}
		return name, string(raw), nil
	case strings.HasPrefix(value, "<"):
		return "", "", fmt.Errorf("the value of %s is in a file, which is not read", name)
	}
	return name, strings.TrimLeft(value, " "), nil
}
