package app

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/mapping"
)

// watchMappings reads the mapping files again when they change.
func watchMappings(directories []*Directory, log logrus.FieldLogger, metrics *telemetry.Metrics) (*reload.Watcher, error) {
	files := make([]*reload.File, len(directories))
	for i, d := range directories {
		files[i] = d.mapping
		metrics.MappingLoaded(d.Name)
	}
	return reload.NewWatcher(files, log)
}

// ReloadMappings reads all mapping files now, whether or not they seem to have changed. It needs Run.
func (a *App) ReloadMappings(ctx context.Context) { a.watcher.Reload(ctx) }

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

// MappingState returns what there is to say about the mapping file: ok, or why it is not in force as it is now.
func (d *Directory) MappingState() string {
	if err := d.mapping.Refused(); err != nil {
		return "refused, the one from before is in force: " + err.Error()
	}
	return "ok"
}
