package pull

import (
	"context"
	"errors"
	"fmt"

	"idaas-ldap/event"
)

// rights are what the console of IDaaS calls the rights to read the objects of a kind. Which one the groups need is not written anywhere.
var rights = map[event.Kind]string{
	event.KindUnit: "urn:alibaba:idaas:scope:organizational_unit:read_all", event.KindUser: "urn:alibaba:idaas:scope:user:read_all",
}

// Trial is what came of asking for a little of everything.
type Trial struct {
	// Wrong is what keeps a round from its end, or from finding anything. Notes are good to know.
	Wrong []error
	Notes []string
}

// Try asks for a token, the scope, and the first page of each list, each of them once, and concludes nothing from what is listed.
func (c *Client) Try(ctx context.Context) Trial {
	once, err := NewClient(c.cfg)
	if err != nil {
		return Trial{Wrong: []error{err}}
	}
	once.http.RetryMax = 0
	scope, err := once.Scope(ctx)
	if err != nil {
		return Trial{Wrong: []error{err}}
	}
	var t Trial
	unit := event.RootUnitID
	switch {
	case len(scope.Units) > 0:
		unit = scope.Units[0]
	case len(scope.Groups) == 0:
		t.Wrong = append(t.Wrong, ErrNoScope)
		return t
	default:
		t.Notes = append(t.Notes, "the synchronization scope names groups and no unit, so nobody who is gone is deleted")
	}
	for _, l := range []listing{unitsBelow(unit), usersOf(unit), allGroups()} {
		if len(scope.Units) == 0 && l.kind != event.KindGroup {
			continue
		}
		_, err := once.get(ctx, l.what+" from "+once.host, &page{}, l.pageOf(1, ""), l.path...)
		switch right := rights[l.kind]; {
		case err == nil:
		case !errors.Is(err, ErrDenied):
			t.Wrong = append(t.Wrong, err)
		case right == "":
			t.Notes = append(t.Notes, "the groups stay as they are: "+err.Error())
		default:
			t.Wrong = append(t.Wrong, fmt.Errorf("the right %s is missing: %w", right, err))
		}
	}
	return t
}

// ErrNoScope says that the application may see nobody.
var ErrNoScope = errors.New("the synchronization scope of the application names no unit and no group; set it in the console of IDaaS")
