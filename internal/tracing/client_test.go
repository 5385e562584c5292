package tracing

import (
	"net/http"
	"testing"
	"time"
)

// A collector that asks for hours is asked again before its spans are given up.
func TestTheCollectorDoesNotSayHowLongIsWaited(t *testing.T) {
	c := newClient("", nil, time.Second, nil, nil)
	busy := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}}
	if pause := c.http.Backoff(leastPause, longestRepeatPause, 0, busy); pause != longestRepeatPause {
		t.Errorf("waits for %s, want %s", pause, longestRepeatPause)
	}
}
