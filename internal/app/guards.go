package app

import (
	"context"
	"fmt"

	"idaas-ldap/event"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// lookAtGuards notes how much of what they let through is used.
func (a *App) lookAtGuards(ctx context.Context) error {
	now := event.Millis(a.clock.Now().UnixMilli())
	var all []telemetry.GuardUse
	for _, d := range a.current.Load().directories {
		for act, limit := range processor.Limits(d.Mapping().Guards()) {
			used, err := guardUse(ctx, a.Store, d.Name, string(act), limit, now)
			if err != nil {
				return err
			}
			all = append(all, telemetry.GuardUse{Directory: d.Name, Act: string(act), Used: used})
		}
	}
	a.guards.Store(&all)
	return nil
}

// guardUse returns how much of a limit is used, 1 for all of it: by its number, or by its share of one kind where more of that is used.
func guardUse(ctx context.Context, s store.Store, directory, act string, limit mapping.Limit, now event.Millis) (float64, error) {
	since := now - event.Millis(limit.Window.Milliseconds())
	spent, err := s.Spent(ctx, directory, act, "", since)
	if err != nil || spent == 0 {
		return 0, err //nolint:wrapcheck // It says what it does.
	}
	used := float64(spent) / float64(limit.Max)
	for _, kind := range []event.Kind{event.KindUser, event.KindGroup, event.KindUnit} {
		known, err := s.CountObjects(ctx, directory, kind, limit.Enough())
		if err != nil {
			return 0, fmt.Errorf("count the objects of %s: %w", directory, err)
		}
		if spent, err = s.Spent(ctx, directory, act, kind, since); err != nil {
			return 0, err //nolint:wrapcheck // As above.
		}
		used = max(used, float64(spent)/float64(limit.Allows(known)))
	}
	return used, nil
}
