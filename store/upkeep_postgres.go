package store

import (
	"context"
	"sync"
	"time"
)

// GrowthUsual is what is usual for the pause between two looks at how much the tables have grown.
const GrowthUsual = 2 * time.Second

// growth has the server gather statistics anew about tables that have grown to twice their size. Without any it takes all of a directory for a
// single row, and reads all of it to find a few; of its own accord it gathers them a minute later, in which a first push brings many thousand rows.
type growth struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// watchGrowth begins to look.
func (s *Postgres) watchGrowth(every time.Duration) *growth {
	ctx, cancel := context.WithCancel(context.Background())
	g := &growth{cancel: cancel}
	g.done.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			_ = s.gather(ctx) // else the server does it by itself, a little later
		}
	})
	return g
}

func (g *growth) stop() {
	g.cancel()
	g.done.Wait()
}

// grown are the tables whose statistics are of less than half of what is in them.
const grown = `SELECT relname FROM pg_catalog.pg_class WHERE relkind = 'r' AND pg_catalog.pg_table_is_visible(oid)
	AND pg_catalog.pg_relation_size(oid) > (2 * GREATEST(relpages, 0) + 8) * current_setting('block_size')::BIGINT`

// gather has statistics gathered about tables that have grown.
func (s *Postgres) gather(ctx context.Context) error {
	return s.within(ctx, func(session *session) error {
		big := map[string]bool{}
		if err := session.rows(grown, nil, func(row scanner) error {
			name := ""
			err := row.Scan(&name)
			big[name] = true
			return failure(err)
		}); err != nil {
			return err
		}
		for _, table := range carriedTables {
			if !big[table.name] {
				continue
			}
			if err := session.script(ctx, session.analyze+table.name); err != nil {
				return err
			}
		}
		return nil
	})
}
