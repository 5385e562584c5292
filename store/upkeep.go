package store

import (
	"context"
	"database/sql"
	"errors"
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
	log    logrus.FieldLogger
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// newUpkeep begins the upkeep, with a look at the whole database that is made first.
func newUpkeep(w *writer, log logrus.FieldLogger, check func(context.Context) error) *upkeep {
	ctx, cancel := context.WithCancel(context.Background())
	u := &upkeep{writer: w, log: log, cancel: cancel}
	u.done.Go(func() {
		if err := check(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrDamaged) {
			log.WithError(err).Warn("the database cannot be checked")
		}
		u.run(ctx)
	})
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
		err := u.round(ctx)
		if errors.Is(err, ErrDamaged) {
			return // that was said, and nothing is written any more
		}
		if err != nil && ctx.Err() == nil {
			u.log.WithError(err).Warn("cannot keep the files of the store small; trying again later")
		}
	}
}

// round does it once.
func (u *upkeep) round(ctx context.Context) error {
	if err := u.vacuum(ctx); err != nil {
		return fmt.Errorf("give back unused pages: %w", err)
	}
	if err := u.writer.between(ctx, checkpoint); err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	return nil
}

// checkpoint empties the write-ahead log. It has no patience: where somebody reads, the log is emptied as far as it goes, and
// the rest next time. The statements are not kept: that of the patience acts when it is prepared.
func checkpoint(ctx context.Context, conn *sql.Conn) (err error) {
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return failure(err)
	}
	defer func() {
		_, again := conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA "+busyTimeout)
		err = errors.Join(err, failure(again))
	}()
	_, err = conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return failure(err)
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
