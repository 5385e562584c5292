package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"idaas-ldap/internal/telemetry"
)

// littleSpace is how much of the disk of the store has to be left, or people are told.
const littleSpace = 512 << 20

// storeSpace returns what the files of the store take, and what is left on their disk. It is false where the store is on a server, or
// where that cannot be told.
func (a *App) storeSpace() (taken, free int64, known bool) {
	path := string(a.current.Load().cfg.Store.SQLite())
	if !a.current.Load().cfg.Store.Postgres().Empty() {
		return 0, 0, false
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if info, err := os.Stat(name); err == nil {
			taken += info.Size()
		}
	}
	free, err := freeBytes(filepath.Dir(path))
	return taken, free, err == nil && taken > 0
}

// state is how things are, for the metrics.
func (a *App) state() telemetry.State {
	out := telemetry.State{Works: map[string]bool{}, Keys: a.keySets()}
	tenures := a.Dispatcher.Tenures()
	for _, d := range a.current.Load().directories {
		out.Works[d.Name] = tenures[d.Name].Mine
	}
	if guards := a.guards.Load(); guards != nil {
		out.Guards = *guards
	}
	out.Bytes, out.Free, out.Sized = a.storeSpace()
	if t := a.options.trail; t != nil {
		out.Audited, out.Written = true, t.log.Written()
		if out.Forwards = a.forwarder != nil; out.Forwards {
			out.Unforwarded = max(t.log.Last()-a.forwarder.Position(), 0)
		}
	}
	return out
}

// backlog is what waits for a directory.
func (a *App) backlog(ctx context.Context, directory string) (telemetry.Backlog, error) {
	counts, err := a.Store.Counts(ctx, directory)
	if err != nil {
		return telemetry.Backlog{}, err //nolint:wrapcheck // It says what it does.
	}
	oldest, err := a.Store.OldestOpen(ctx, directory)
	return telemetry.Backlog{Counts: counts, Oldest: oldest}, err //nolint:wrapcheck // As above.
}

// nearlyFullInChinese says the same as nearlyFull in Chinese.
func nearlyFullInChinese(free int64) string {
	return fmt.Sprintf("存储库的磁盘只剩 %d MiB。用完之后不再接收事件。", free>>20)
}

// nearlyFull says that the disk of the store is nearly full; empty where it is not.
func nearlyFull(free int64, known bool) string {
	if !known || free >= littleSpace {
		return ""
	}
	return fmt.Sprintf("Only %d MiB are left on the disk of the store. When nothing is left no events are taken in.", free>>20)
}
