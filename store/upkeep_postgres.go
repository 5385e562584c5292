package store

import (
	"context"
	"sync"
)

// GrowthUsual is what is usual for the number of rows that are worked on between two looks at how much the tables have grown.
const GrowthUsual = 4096

// growth has the server gather statistics anew about tables that have grown to twice their size. Without any it takes all of a directory for a
// single row, and reads all of it to find a few; of its own accord it gathers them a minute later, in which a first push brings many thousand
// rows. It looks by how much is written, not as time passes: an idle process asks for nothing, and a quick one does not outrun it.
type growth struct {
	every   int64
	touched int64 // rows since it was asked to look; the writer alone counts
	look    chan struct{}
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// watchGrowth begins to look after every so many rows.
func (s *Postgres) watchGrowth(every int64) *growth {
	ctx, cancel := context.WithCancel(context.Background())
	g := &growth{every: every, look: make(chan struct{}, 1), cancel: cancel}
	g.done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-g.look:
			}
			_ = s.gather(ctx) // else the server does it by itself, a little later
		}
	})
	return g
}

// count is told how many rows were worked on.
func (g *growth) count(rows int64) {
	if g.touched += rows; g.touched < g.every {
		return
	}
	g.touched = 0
	select {
	case g.look <- struct{}{}:
	default: // it is going to look
	}
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
