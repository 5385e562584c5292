package dit

import (
	"fmt"
	"strings"

	"idaas-ldap/plan"
)

// LoadLDIF adds entries (RFC 2849, content records), parents first. As with slapadd they may bring operational attributes such as
// entryUUID, and their passwords are kept as they are. Nothing is loaded if one cannot be.
func (d *Directory) LoadLDIF(text string, who plan.DN) error {
	records, err := plan.ParseRecords(strings.NewReader(text))
	if err != nil {
		return err //nolint:wrapcheck // It says what was tried.
	}
	return d.atomically(func() error {
		for _, r := range records {
			if err := d.load(r.DN, r.Attributes, who); err != nil {
				return fmt.Errorf("load LDIF, line %d: %s: %w", r.Line, r.DN, err)
			}
		}
		return nil
	})
}

// Load adds entries, as LoadLDIF does.
func (d *Directory) Load(who plan.DN, entries ...*plan.Entry) error {
	return d.atomically(func() error {
		for _, e := range entries {
			if err := d.load(e.DN.String(), e.Attributes, who); err != nil {
				return fmt.Errorf("load %s: %w", e.DN, err)
			}
		}
		return nil
	})
}

func (d *Directory) load(name string, attributes []plan.Attribute, who plan.DN) error {
	terms := Terms{Who: who, Writer: true}
	dn, err := d.schema.parseDN(name)
	if err != nil {
		return err
	}
	drafts, err := d.draftEntry(attributes)
	if err != nil {
		return err
	}
	if err := d.mustBeInside(dn, terms); err != nil {
		return err
	}
	e, err := d.insert(dn, drafts, terms)
	if err != nil {
		return err
	}
	d.groupAdded(e.DN(), d.groupMembers(e))
	return nil
}
