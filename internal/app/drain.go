package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"idaas-ldap/dispatch"
)

// DrainPath is where the admin listener is told to hand over.
const DrainPath = "/drain"

// drainWithin bounds how long that may take: what is under way is finished first.
const drainWithin = time.Minute

// isShared reports whether other instances may have the same store.
func (a *App) isShared() bool { return !a.current.Load().cfg.Store.Postgres().Empty() }

// drain hands over all that this instance works on, and answers when others may take it. Until its end it takes events in for them.
func (a *App) drain(w http.ResponseWriter, r *http.Request) {
	if !a.isShared() {
		http.Error(w, "the store is a file, and no other instance could go on: stop the service instead", http.StatusConflict)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(a.clock.Now().Add(2 * drainWithin)) // else the usual one holds
	ctx, cancel := context.WithTimeout(r.Context(), drainWithin)
	defer cancel()
	a.log.Info("this instance is told to hand over what it works on; events are taken in until it ends")
	if err := a.Dispatcher.Drain(ctx); err != nil {
		http.Error(w, "what is under way is not finished yet; it is handed over after that", http.StatusServiceUnavailable)
		return
	}
	tenures := a.Dispatcher.Tenures()
	_, _ = fmt.Fprintf(w, "%d directories are handed over\n", len(tenures)) // whoever asked may have gone
}

// lease is who works on a directory.
type lease struct {
	Owner string `json:"owner"`
	// Since is when that began, or when this instance has found out.
	Since time.Time `json:"since"`
}

// thisInstance is the owner of what this one works on.
const thisInstance = "this instance"

func leases(tenures map[string]dispatch.Tenure) map[string]lease {
	out := make(map[string]lease, len(tenures))
	for name, tenure := range tenures {
		owner := tenure.Other
		if tenure.Mine {
			owner = thisInstance
		}
		out[name] = lease{owner, tenure.Since.UTC()}
	}
	return out
}
