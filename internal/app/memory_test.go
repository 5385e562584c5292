package app

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func garbagePercent() int {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}

// While the product runs, more may be garbage than the runtime would let, unless somebody has said how much; afterwards all is as
// it was.
func TestHowMuchMayBeGarbage(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(garbageRuntime))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	for before, want := range map[int]int{garbageRuntime: garbageUsual, 50: 50} {
		debug.SetGCPercent(before)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			boundMemory(ctx)
		}()
		for debug.SetMemoryLimit(-1) == math.MaxInt64 { // it is set after the other one
			runtime.Gosched()
		}
		if got := garbagePercent(); got != want {
			t.Errorf("with %d percent before it is %d, want %d", before, got, want)
		}
		stop()
		<-done
		if got := garbagePercent(); got != before || debug.SetMemoryLimit(-1) != math.MaxInt64 {
			t.Errorf("with %d percent before it is %d afterwards", before, got)
		}
	}
}
