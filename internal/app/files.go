package app

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/mapping"
)

// held is what is made from files and can be refused when they change.
type held interface {
	reload.Source
	What() string
	Refused() error
}

// files returns all that is made from files of the configuration.
func (a *App) files() []held {
	var all []held
	if a.certificate != nil {
		all = append(all, a.certificate)
	}
	for _, d := range a.Directories {
		all = append(all, d.mapping, d.credentials)
	}
	return all
}

// watchFiles reads the files again when they change.
func (a *App) watchFiles() (*reload.Watcher, error) {
	var sources []reload.Source
	for _, h := range a.files() {
		sources = append(sources, h)
		if _, isMapping := h.(*reload.File); !isMapping {
			a.metrics.FilesLoaded(h.What())
		}
	}
	for _, d := range a.Directories {
		a.metrics.MappingLoaded(d.Name)
	}
	return reload.NewWatcher(sources, a.log) //nolint:wrapcheck // It says what it does.
}

// Reload reads everything that the configuration names again, as a whole: where something is wrong, all stays as it is. What is
// wrong with the configuration file itself, if anything, the caller knows. A login that was refused is tried again at once. It
// needs Run.
func (a *App) Reload(ctx context.Context, wrong error) {
	err := wrong
	if err == nil {
		err = a.watcher.Reload(ctx)
	}
	a.mu.Lock()
	a.refused = err
	a.mu.Unlock()
	for _, d := range a.Directories {
		d.Server.LogInAgain()
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.metrics.Reloaded(false)
		a.log.WithError(err).Error("what the configuration names was read again and is not good; everything stays in force as it was")
	default:
		a.metrics.Reloaded(true)
		a.log.Info("what the configuration names was read again and is in force; a change of the configuration file itself takes a restart")
	}
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
