package app

import (
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/internal/workbench"
	"idaas-ldap/mapping"
)

// held is what is made from files and can be refused when they change.
type held interface {
	reload.Source
	What() string
	Check() error
	Refused() error
}

func isMapping(h held) bool {
	_, is := h.(*reload.File)
	return is
}

// filesReloaded tells everybody who looks what came of files that have changed.
func filesReloaded(log logrus.FieldLogger, metrics *telemetry.Metrics) func(reload.Result) {
	return func(r reload.Result) {
		if metrics != nil {
			metrics.FilesReloaded(r.What, r.Err == nil)
		}
		entry := log.WithField(telemetry.FieldSetting, r.What)
		if r.Err == nil {
			entry.Info("the files of this key have changed and are in force")
			return
		}
		entry.WithField(telemetry.FieldReason, r.Err.Error()).Error("the files of this key are refused as they are now; what was in force stays")
	}
}

// reloaded tells everybody who looks what came of a mapping file that has changed.
func (d *Directory) reloaded(r reload.Result, log logrus.FieldLogger, metrics *telemetry.Metrics) {
	d.fortunes.note(r.Err)
	if metrics != nil {
		metrics.MappingReloaded(d.Name, r.Err == nil)
	}
	entry := log.WithField(telemetry.FieldDirectory, d.Name).WithField(telemetry.FieldFile, r.Path)
	if r.Err == nil {
		entry.Info("the mapping file was read again and is in force; 'idaas-ldap reconcile' shows what it changes for everybody")
		return
	}
	const stays = "the mapping file is refused as it is now; the mapping from before stays in force"
	var wrong *mapping.Errors
	if !errors.As(r.Err, &wrong) {
		entry.WithError(r.Err).Error(stays)
		return
	}
	for _, p := range wrong.List {
		p.Excerpt = "" // a log has one line for everything
		entry.WithField(telemetry.FieldReason, p.String()).Error(stays)
	}
}

// stateOf says whether what files say is in force.
func stateOf(h held) string {
	if err := h.Refused(); err != nil {
		return "refused, the one from before is in force: " + err.Error()
	}
	return "ok"
}

// fortunes are since when a mapping is in force, and when its file was refused last.
type fortunes struct {
	clock func() time.Time

	mu      sync.Mutex
	since   time.Time
	refusal workbench.Refusal
}

func (f *fortunes) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.refusal = workbench.Refusal{At: f.clock(), Err: err}
		return
	}
	f.since = f.clock()
}

func (f *fortunes) told() (since time.Time, refusal workbench.Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.since, f.refusal
}
