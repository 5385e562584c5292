package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How much memory the runtime takes before it collects garbage more often than it would by itself.
const (
	memoryUsual = 112 << 20
	memoryRoom  = 16 << 20
	memoryEvery = 2 * time.Second
	liveHeap    = "/gc/heap/live:bytes"

	// How much more than what is in use may be garbage, in percent, as long as all of it is no more than usual. The runtime's own
	// measure is made for programs that hold much; here little is in use, and a tenth of all processor time went into collecting.
	garbageUsual   = 300
	garbageRuntime = 100
)

// boundMemory keeps the runtime from taking twice of what is in use, as it does by itself: what strangers make us hold is
// bounded, and would count twice. Where more is in use for good reason, the bound goes up with it, though not beyond one that was
// set before. It ends with ctx.
func boundMemory(ctx context.Context) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	if percent := debug.SetGCPercent(garbageUsual); percent != garbageRuntime {
		debug.SetGCPercent(percent) // who has set GOGC knows better
	} else {
		defer debug.SetGCPercent(percent)
	}
	ticker := time.NewTicker(memoryEvery)
	defer ticker.Stop()
	sample := []metrics.Sample{{Name: liveHeap}}
	for {
		metrics.Read(sample)
		debug.SetMemoryLimit(min(before, memoryBound(int64(sample[0].Value.Uint64()))))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// memoryBound leaves a quarter of what is in use, and a little more, for garbage.
func memoryBound(live int64) int64 { return max(memoryUsual, live+live/4+memoryRoom) }
