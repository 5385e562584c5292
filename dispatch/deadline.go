package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/processor"
)

// errTooLong ends the work on an object that does not come to an end.
var errTooLong = errors.New("the work on the object has taken too long")

// within bounds the work on one object: a server that answers each question slowly enough would keep it for ever. The caller
// calls end, whatever has become of the work.
func (l *lane) within(parent context.Context) (ctx context.Context, end func()) {
	if l.route.Longest <= 0 {
		return parent, func() {}
	}
	ctx, cancel := context.WithCancelCause(parent)
	reached, stop := l.Clock.At(l.Clock.Now().Add(l.route.Longest))
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-reached:
			cancel(errTooLong)
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel(nil)
		watch.Wait()
		stop()
	}
}

// cutShort says of the work that was ended because it took too long that it is tried again. What has become of it until then
// counts, and what the end of it looks like to the directory does not.
func (l *lane) cutShort(ctx context.Context, result processor.Result) processor.Result {
	if !errors.Is(context.Cause(ctx), errTooLong) {
		return result
	}
	cut := event.Outcome{State: event.Waiting, Code: event.CodeRetry, Message: fmt.Sprintf(
		"given up after %s, as the directory answers too slowly; another try goes on with what is left. If that comes again, look what keeps the server busy, "+
			"or give it more time by directories[].timeout", l.route.Longest.Round(time.Second))}
	isCut := func(o event.Outcome) bool {
		return o.State == event.Waiting && (o.Code == event.CodeRetry || o.Code == event.CodeUnavailable)
	}
	if isCut(result.Outcome) {
		result.Outcome = cut
	}
	for facet, o := range result.Facets {
		if isCut(o) {
			result.Facets[facet] = cut
		}
	}
	for user, o := range result.MemberOutcomes {
		if isCut(o) && o.Code == event.CodeUnavailable {
			result.MemberOutcomes[user] = cut
		}
	}
	return result
}
