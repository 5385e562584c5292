package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/audit"
	"idaas-ldap/internal/config"
	"idaas-ldap/mapping"
	"idaas-ldap/processor"
	"idaas-ldap/store"
)

// trail is the audit log of what is written to directories. A nil one records nothing.
type trail struct {
	log    *audit.Log
	file   string
	noted  string // the name of the note with its end
	values bool
	clock  dispatch.Clock
	// written is called after each line, and must not wait. It is set before anything is written.
	written func()
}

// trailNote is the name under which the store remembers the end of a log. Instances that share a store are on several machines, each with a
// log of its own, and all may have the same path.
func trailNote(cfg *config.Config) string {
	name := "audit:" + string(cfg.Audit.File)
	if cfg.Store.Postgres().Empty() {
		return name
	}
	return name + "@" + InstanceName()
}

// syncEvery is how much of the audit log a power cut can take, and how often the store is told where it ends.
const syncEvery = 5 * time.Second

// TrailDigest returns the digest that the lines of the audit log carry: that of the key of the store.
func TrailDigest(cfg *config.Config) (audit.Digest, error) {
	seal, err := store.LoadKey(string(cfg.Store.KeyFile))
	if err != nil {
		return nil, err //nolint:wrapcheck // It names the file.
	}
	return seal.Digest, nil
}

// openTrail opens the audit log where the configuration names one. The store with its key has to be there.
func openTrail(ctx context.Context, cfg *config.Config, s store.Store, log logrus.FieldLogger, clock dispatch.Clock) (*trail, error) {
	if cfg.Audit.File == "" {
		return nil, nil //nolint:nilnil // Without a log nothing is recorded.
	}
	digest, err := TrailDigest(cfg)
	if err != nil {
		return nil, err
	}
	known, err := TrailEnd(ctx, cfg, s)
	if err != nil {
		return nil, err
	}
	t := &trail{file: string(cfg.Audit.File), noted: trailNote(cfg), values: cfg.Audit.Values, clock: clock, written: func() {}}
	l, found, err := audit.Open(audit.Config{
		Path: t.file, MaxBytes: cfg.Audit.MaxBytes, Keep: cfg.Audit.Keep, Digest: digest, Known: known, Forward: func([]byte) { t.written() },
	})
	if err != nil {
		return nil, located(cfg, "audit.file", err)
	}
	if found.Missing > 0 {
		log.WithField("lines", found.Missing).Error("the end of the audit log is not there: somebody has removed it, or an older copy was put in its place; 'audit verify' goes on saying so")
	}
	if found.Cut > 0 {
		log.WithField("bytes", found.Cut).Warn("the last line of the audit log was not whole and is taken away; the write that it was about may have happened")
	}
	t.log = l
	return t, nil
}

// mayTrail reports what would keep the audit log from being opened, and makes nothing.
func mayTrail(cfg *config.Config) error {
	path := string(cfg.Audit.File)
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	switch {
	case err == nil:
		err = file.Close()
	case errors.Is(err, fs.ErrNotExist):
		var folder fs.FileInfo
		if folder, err = os.Stat(filepath.Dir(path)); err == nil && !folder.IsDir() {
			err = fmt.Errorf("%s is not a folder", filepath.Dir(path))
		}
	}
	if err != nil {
		return located(cfg, "audit.file", fmt.Errorf("open the audit log: %w", err))
	}
	return nil
}

// follow returns a route on a directory whose writes are recorded.
func (t *trail) follow(d *Directory, written processor.Target, route dispatch.Route) dispatch.Route {
	if t == nil {
		return route
	}
	target := audit.Target{Target: written, Directory: d.Name, Log: t.log, Values: t.values, Clock: t.clock.Now}
	route.Processor = processor.New(target, func() *mapping.Set { return d.Mapping() })
	route.Begin = func(ctx context.Context, job store.Job) context.Context { return audit.Begin(ctx, causeOf(job)) }
	return route
}

// causeOf says for whom and why an object is worked on.
func causeOf(job store.Job) audit.Cause {
	cause := audit.Cause{Object: job.Key.Object}
	for _, p := range job.Pending {
		cause.Events = append(cause.Events, audit.Event{
			Application: p.Application, ID: p.EventID, Type: string(p.Change.Type), ApprovedBy: p.ApprovedBy,
		})
	}
	return cause
}

// keep brings the log to the disk again and again, until ctx ends.
func (t *trail) keep(ctx context.Context, s store.Store, log logrus.FieldLogger) {
	if t == nil {
		return
	}
	ticker := time.NewTicker(syncEvery)
	defer ticker.Stop()
	var last audit.End
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		end, err := t.log.Sync()
		if err == nil && end != last {
			err = t.note(ctx, s, end)
		}
		if err != nil && ctx.Err() == nil {
			log.WithError(err).Error("the audit log cannot be kept; nothing is written to the directories until it can be written again")
			continue
		}
		if err := t.log.Forget(end.Removed); err != nil {
			log.WithError(err).Warn("old files of the audit log cannot be removed; trying again")
		}
		last = end
	}
}

// note tells the store where the log ends.
func (t *trail) note(ctx context.Context, s store.Store, end audit.End) error {
	text, err := json.Marshal(end)
	if err == nil {
		err = s.SetNote(ctx, t.noted, text, "", nil)
	}
	if err != nil {
		return fmt.Errorf("note where the audit log ends: %w", err)
	}
	return nil
}

// TrailEnd returns the last record that the store remembers; the zero value where it remembers none.
func TrailEnd(ctx context.Context, cfg *config.Config, s store.Store) (audit.End, error) {
	var end audit.End
	text, err := s.Note(ctx, trailNote(cfg))
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &end)
	}
	if err != nil {
		return end, fmt.Errorf("look where the audit log ends: %w", err)
	}
	return end, nil
}

// close brings the log to its end. Nothing may write any more.
func (t *trail) close(s store.Store, log logrus.FieldLogger) {
	if t == nil {
		return
	}
	end, err := t.log.Sync()
	if err == nil && end.Seq > 0 {
		err = t.note(context.Background(), s, end)
	}
	if err = errors.Join(err, t.log.Close()); err != nil {
		log.WithError(err).Error("cannot close the audit log")
	}
}
