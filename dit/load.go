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
			if err := d.load(r, Terms{Who: who, Writer: true}); err != nil {
				return fmt.Errorf("load LDIF, line %d: %s: %w", r.Line, r.DN, err)
			}
		}
		return nil
	})
}

func (d *Directory) load(r plan.LDIFRecord, terms Terms) error {
	dn, err := d.schema.parseDN(r.DN)
	if err != nil {
		return err
	}
	drafts, err := d.draftEntry(r.Attributes)
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
