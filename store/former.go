package store

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// listed joins the objects at or below a DN with the memberships of those that are users. What is at the DN is read first: of memberships
// there are many.
const listed = ` FROM object o CROSS JOIN membership m WHERE o.directory = ? AND o.dn_key >= ? AND o.dn_key < ? AND o.kind = 'user'
	AND m.directory = o.directory AND m.member = o.id AND m.present`

// Listing returns the groups that are known to have a member whose entry is remembered at a DN or below it.
func (s *database) Listing(ctx context.Context, directory string, dn plan.DN) ([]event.Ref, error) {
	var groups []event.Ref
	err := s.listed(ctx, "SELECT DISTINCT m.grp"+listed+" ORDER BY m.grp", directory, dn, nil, func(rows scanner) error {
		group := event.Ref{Kind: event.KindGroup}
		err := rows.Scan(&group.ID)
		groups = append(groups, group)
		return failure(err)
	})
	return groups, err
}

// Listed returns the members of a group whose entries are remembered at a DN or below it.
func (s *database) Listed(ctx context.Context, group Key, dn plan.DN) ([]Holding, error) {
	var members []Holding
	err := s.listed(ctx, "SELECT o.id, o.dn"+listed+" AND m.grp = ? ORDER BY o.id", group.Directory, dn, []any{group.Object.ID}, func(rows scanner) error {
		member := Holding{Object: event.Ref{Kind: event.KindUser}}
		var text string
		if err := rows.Scan(&member.Object.ID, &text); err != nil {
			return failure(err)
		}
		var err error
		member.DN, err = plan.ParseDN(text)
		members = append(members, member)
		return err //nolint:wrapcheck // It names the DN.
	})
	return members, err
}

func (s *database) listed(ctx context.Context, statement, directory string, dn plan.DN, more []any, scan func(scanner) error) error {
	if dn.Empty() {
		return nil
	}
	from := treeKey(dn)
	err := s.readers.read(ctx, func(r *session) error {
		return r.rows(statement, append([]any{directory, from, treeEnd(from)}, more...), scan)
	})
	if err != nil {
		return fmt.Errorf("look up who lists what is at %s in %s: %w", dn, directory, err)
	}
	return nil
}

// KeepFormerNames keeps values by which a group may still name members.
func (s *database) KeepFormerNames(ctx context.Context, group Key, names []plan.FormerName) error {
	err := s.write(ctx, func(t *tx) error {
		for _, name := range names {
			row := []any{group.Directory, group.Object.ID, name.Member.ID, name.Value}
			for _, statement := range []string{
				"DELETE FROM former_name WHERE directory = ? AND grp = ? AND member = ? AND value = ?",
				"INSERT INTO former_name (directory, grp, member, value) VALUES (?, ?, ?, ?)",
			} {
				if _, err := t.exec(statement, row...); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep how %s in %s may name members: %w", group.Object, group.Directory, err)
	}
	return nil
}

// FormerNames returns what is kept for a group.
func (s *database) FormerNames(ctx context.Context, group Key) ([]plan.FormerName, error) {
	var names []plan.FormerName
	err := s.readers.read(ctx, func(r *session) error {
		return r.rows("SELECT member, value FROM former_name WHERE directory = ? AND grp = ?", []any{group.Directory, group.Object.ID}, func(rows scanner) error {
			name := plan.FormerName{Member: event.Ref{Kind: event.KindUser}}
			err := rows.Scan(&name.Member.ID, &name.Value)
			names = append(names, name)
			return failure(err)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("look up how %s in %s may name members: %w", group.Object, group.Directory, err)
	}
	return names, nil
}

// DropFormerNames forgets what was kept for a group.
func (s *database) DropFormerNames(ctx context.Context, group Key, names []plan.FormerName) error {
	err := s.write(ctx, func(t *tx) error {
		for _, name := range names {
			if _, err := t.exec("DELETE FROM former_name WHERE directory = ? AND grp = ? AND member = ? AND value = ?",
				group.Directory, group.Object.ID, name.Member.ID, name.Value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget how %s in %s may name members: %w", group.Object, group.Directory, err)
	}
	return nil
}
