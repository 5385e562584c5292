package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"idaas-ldap/console"
)

// readyWithin bounds how long the store may take to show that it works.
const readyWithin = 3 * time.Second

// adminHandler serves health, metrics and the console.
func (a *App) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+alive, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.Handle("POST "+DrainPath, http.NewCrossOriginProtection().Handler(http.HandlerFunc(a.drain))) // no page of a stranger may
	for _, path := range console.Paths() {
		mux.Handle(path, a.console)
	}
	return a.guarded(mux)
}

// readiness is the answer of /readyz. Without a key set that was loaded once for every application no event of it can be taken
// in. A directory that is down and files that are refused are shown, and do not make the service unready: events go on being
// taken in.
type readiness struct {
	Ready       bool              `json:"ready"`
	Store       string            `json:"store"`
	Keys        map[string]string `json:"keys"`
	Directories map[string]string `json:"directories"`
	// Leases say which instance works on each directory, and since when, where several share the store.
	Leases map[string]lease `json:"leases,omitempty"`
	// Drained: this instance has handed over what it worked on, and waits for its end.
	Drained  bool              `json:"drained,omitempty"`
	Mappings map[string]string `json:"mappings"`
	// Files are the secrets and certificates, by the key of the configuration.
	Files map[string]string `json:"files"`
	// Certificates are those that have ended or will within three weeks, by the key of the configuration.
	Certificates map[string]string `json:"certificates"`
	// Pull says how the reading of IDaaS's own API is, by application.
	Pull map[string]string `json:"pull,omitempty"`
	// Configuration says what came of the last SIGHUP.
	Configuration string `json:"configuration"`
}

func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	in := a.current.Load()
	out := readiness{
		Ready: true, Store: "ok", Keys: map[string]string{}, Directories: map[string]string{}, Mappings: map[string]string{}, Files: map[string]string{},
		Certificates: map[string]string{}, Configuration: a.reloadState(),
	}
	if err := a.Store.Check(ctx); err != nil {
		out.Ready, out.Store = false, err.Error()
	}
	for _, k := range in.keys {
		loaded, state := k.state()
		out.Ready, out.Keys[k.application] = out.Ready && loaded, state
	}
	if out.Drained = a.Dispatcher.Drained(); out.Drained {
		out.Ready = false
	}
	reasons, tenures := a.Dispatcher.Availability(), a.Dispatcher.Tenures()
	if a.isShared() {
		out.Leases = leases(tenures)
	}
	for _, d := range in.directories {
		out.Directories[d.Name] = d.State(reasons[d.Name])
		if other := tenures[d.Name].Other; other != "" {
			out.Directories[d.Name] = "left to another instance: " + other
		}
		out.Mappings[d.Name] = stateOf(d.mapping)
	}
	for _, h := range in.files() {
		if !isMapping(h) {
			out.Files[h.What()] = stateOf(h)
		}
	}
	for _, s := range in.sources {
		if out.Pull == nil {
			out.Pull = map[string]string{}
		}
		out.Pull[s.Application.ID] = s.schedule.State()
	}
	for _, c := range in.certificates() {
		if text, _ := c.trouble(a.clock.Now()); text != "" {
			out.Certificates[c.key] = text
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if !out.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		a.log.WithError(err).Debug("the caller of /readyz has gone")
	}
}

// reloadState says what came of the last SIGHUP.
func (a *App) reloadState() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refused != nil {
		return "refused, everything is in force as before: " + a.refused.Error()
	}
	if len(a.kept) > 0 {
		return "ok, but for what takes a restart: " + strings.Join(a.kept, "; ")
	}
	return "ok"
}
