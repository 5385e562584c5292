package app

import "testing"

func TestLittleSpaceIsToldInTime(t *testing.T) {
	for _, tt := range []struct {
		free  int64
		known bool
		want  string
	}{
		{free: littleSpace, known: true},
		{free: 0, known: false},
		{free: 100 << 20, known: true, want: "Only 100 MiB are left on the disk of the store. When nothing is left no events are taken in."},
	} {
		if got := nearlyFull(tt.free, tt.known); got != tt.want {
			t.Errorf("%d bytes: %q, want %q", tt.free, got, tt.want)
		}
	}
	if free, err := freeBytes(t.TempDir()); err != nil || free <= 0 {
		t.Errorf("%d bytes are free (%v)", free, err)
	}
}
