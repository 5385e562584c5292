package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"idaas-ldap/connector"
	"idaas-ldap/event"
	"idaas-ldap/plan"
)

// spares decides whether an entry may go, or move, with all that is below it. What is protected does not go along: the account that
// this service logs in with, and what the mapping or the kind of server protects. It returns false where the work on the record ends
// for it.
func (w *work) spares(ctx context.Context, d draft) bool {
	deletes, moves := d.deletesSubtree(), w.movesBelow(d)
	if d.current == nil || !deletes && !moves {
		return true
	}
	what := w.protectedNameBelow(d.current.DN)
	if what == "" && deletes {
		var err error
		if what, err = w.protectedBelow(ctx, d.current.DN); err != nil {
			return w.failed(err)
		}
	}
	if what == "" {
		return true
	}
	w.end(event.Failed, event.CodeRefused, fmt.Sprintf("%s is below %s, and would go along with it; move it elsewhere and retry", what, d.current.DN))
	return false
}

func (d draft) deletesSubtree() bool {
	return slices.ContainsFunc(d.plan.Operations, func(op plan.Operation) bool {
		remove, is := op.(plan.Delete)
		return is && remove.Subtree
	})
}

// movesBelow reports whether a draft gives what is below a unit another DN.
func (w *work) movesBelow(d draft) bool {
	return w.ref().Kind == event.KindUnit && slices.ContainsFunc(d.plan.Operations, func(op plan.Operation) bool {
		_, moves := op.(plan.ModifyDN)
		return moves
	})
}

// protectedNameBelow returns what is below an entry and protected by its DN; empty for nothing.
func (w *work) protectedNameBelow(at plan.DN) string {
	if login, err := plan.ParseDN(w.profile.Login); err == nil && !login.Empty() && plan.Below(w.profile.Matching, login, at) {
		return login.String() + ", the account that this service logs in with,"
	}
	protection := w.set.Protect()
	for _, dn := range slices.Concat(protection.DNs, protection.Subtrees) {
		if plan.Below(w.profile.Matching, dn, at) || plan.SameDN(w.profile.Matching, dn, at) {
			return dn.String() + ", which the mapping protects,"
		}
	}
	return ""
}

// protectedBelow returns an entry below another one that is protected by what it holds; empty for none. The directory is asked, so
// all that is there counts.
func (w *work) protectedBelow(ctx context.Context, at plan.DN) (string, error) {
	key := w.key("", []plan.Match{{Filter: w.protectedFilter()}})
	key.Base = at
	found, err := w.target.Find(ctx, key)
	var several *connector.AmbiguousError
	switch {
	case errors.As(err, &several):
		return several.Found[0].String() + ", which is protected,", nil
	case err != nil:
		return "", fmt.Errorf("look for what is protected below %s: %w", at, err)
	case found == nil || plan.SameDN(w.profile.Matching, found.DN, at):
		return "", nil
	}
	return found.DN.String() + ", which is protected,", nil
}

// protectedFilter finds entries that are protected by what they hold.
func (w *work) protectedFilter() string {
	parts := append(plan.ProtectedFilters(), w.set.Protect().Filters...)
	if w.profile.Login != "" {
		parts = append(parts, connector.LoginFilter(w.profile.Login))
	}
	return "(|" + strings.Join(parts, "") + ")"
}
