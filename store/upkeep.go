package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
)

// upkeepEvery is the pause between two rounds of upkeep.
const upkeepEvery = time.Minute

// upkeep keeps the files small: it empties the write-ahead log and gives pages that are no longer used back to the file
// system, a few at a time.
type upkeep struct {
	writer *writer
	db     *sql.DB
	log    logrus.FieldLogger
	cancel context.CancelFunc
	done   sync.WaitGroup
}

func newUpkeep(w *writer, db *sql.DB, log logrus.FieldLogger) *upkeep {
	ctx, cancel := context.WithCancel(context.Background())
	u := &upkeep{writer: w, db: db, log: log, cancel: cancel}
	u.done.Go(func() { u.run(ctx) })
	return u
}

func (u *upkeep) stop() {
	u.cancel()
	u.done.Wait()
}

func (u *upkeep) run(ctx context.Context) {
	ticker := time.NewTicker(upkeepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := u.round(ctx); err != nil && ctx.Err() == nil {
			u.log.WithError(err).Warn("cannot keep the files of the store small; trying again later")
		}
	}
}

// round does it once.
func (u *upkeep) round(ctx context.Context) error {
	if err := u.vacuum(ctx); err != nil {
		return fmt.Errorf("give back unused pages: %w", err)
	}
	// Without patience: where somebody reads, the log is emptied as far as it goes, and the rest next time.
	if _, err := u.db.ExecContext(ctx, "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	return nil
}

// vacuum gives pages back where more than a quarter of the file is unused: what little is free will be wanted again.
func (u *upkeep) vacuum(ctx context.Context) error {
	const pages = "2000" // 8 MB: a few milliseconds in which nobody else writes
	return u.writer.do(ctx, func(t *tx) error {
		var unused, all int64
		if _, err := t.row("PRAGMA freelist_count", nil, &unused); err != nil {
			return err
		}
		if _, err := t.row("PRAGMA page_count", nil, &all); err != nil || unused <= all/4 {
			return err
		}
		_, err := t.exec("PRAGMA incremental_vacuum(" + pages + ")")
		return err
	})
}
