package app

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// readyWithin bounds how long the store may take to show that it works.
const readyWithin = 3 * time.Second

// adminHandler serves health and metrics.
func (a *App) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.metrics.Handler())
	return mux
}

// readiness is the answer of /readyz. A directory that is down and a mapping file that is refused are shown, and do not
// make the service unready: events go on being taken in.
type readiness struct {
	Ready       bool              `json:"ready"`
	Store       string            `json:"store"`
	Directories map[string]string `json:"directories"`
	Mappings    map[string]string `json:"mappings"`
}

func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyWithin)
	defer cancel()
	out := readiness{Ready: true, Store: "ok", Directories: map[string]string{}, Mappings: map[string]string{}}
	if err := a.Store.Check(ctx); err != nil {
		out.Ready, out.Store = false, err.Error()
	}
	for name, reason := range a.Dispatcher.Availability() {
		out.Directories[name] = "ok"
		if reason != "" {
			out.Directories[name] = "down: " + reason
		}
	}
	for _, d := range a.Directories {
		out.Mappings[d.Name] = d.MappingState()
	}
	w.Header().Set("Content-Type", "application/json")
	if !out.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		a.log.WithError(err).Debug("the caller of /readyz has gone")
	}
}
