package console

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"idaas-ldap/event"
	"idaas-ldap/store"
)

// counted is how many events are counted at most where they are only counted, as there may be millions. One more stands for more than that.
const (
	counted   = 10_000
	countedTo = counted + 1
)

// many is a number of events as it is shown.
func many(n any) string {
	switch n := n.(type) {
	case int:
		return many(int64(n))
	case int64:
		if n <= counted {
			return strconv.FormatInt(n, 10)
		}
	}
	return "> " + strconv.Itoa(counted)
}

// directoryRow is how one directory is.
type directoryRow struct {
	Name  string `json:"name"`
	State string `json:"state"`
	// Open are the events that are not tried yet or wait, Held those that a person has to decide about, Failed those that are kept.
	Open   int64 `json:"open"`
	Held   int64 `json:"held"`
	Failed int64 `json:"failed"`
	// Oldest is when the oldest open event was received, zero where none is open.
	Oldest event.Millis `json:"oldest,omitempty"`
}

// overview is how everything is.
type overview struct {
	At          event.Millis   `json:"at,omitempty"`
	Directories []directoryRow `json:"directories"`
	// Failures is what has failed, by reason.
	Failures []store.Failures `json:"failures"`
	// Minute, Hour and Day are the events that came in within the last whole minute, hour and day.
	Minute int64 `json:"lastMinute"`
	Hour   int64 `json:"lastHour"`
	Day    int64 `json:"lastDay"`
	// Samples is the last day, minute by minute, as far as the service ran.
	Samples []store.Sample `json:"samples,omitempty"`
}

// Open is how many events are not tried yet or wait, over all directories.
func (o overview) Open() (n int64) {
	for _, d := range o.Directories {
		n += d.Open
	}
	return n
}

// Held is how many events a person has to decide about.
func (o overview) Held() (n int64) {
	for _, d := range o.Directories {
		n += d.Held
	}
	return n
}

// Failed is how many events have failed.
func (o overview) Failed() (n int64) {
	for _, d := range o.Directories {
		n += d.Failed
	}
	return n
}

// Oldest is when the oldest open event was received.
func (o overview) Oldest() (at event.Millis) {
	for _, d := range o.Directories {
		if d.Oldest != 0 && (at == 0 || d.Oldest < at) {
			at = d.Oldest
		}
	}
	return at
}

// latest is the overview that was made last. All who look within a moment see the same, so that many of them cost the store nothing.
type latest struct {
	mu   sync.Mutex
	made time.Time
	is   overview
}

// freshFor is how long an overview is shown before another one is made.
const freshFor = time.Second

// day is how far back the overview looks.
const day = 24 * time.Hour

func (c *Console) overview(ctx context.Context) (overview, error) {
	c.latest.mu.Lock()
	defer c.latest.mu.Unlock()
	now := c.Clock()
	if age := now.Sub(c.latest.made); age >= 0 && age < freshFor {
		return c.latest.is, nil
	}
	o, err := c.makeOverview(ctx, now)
	if err == nil {
		c.latest.made, c.latest.is = now, o
	}
	return o, err
}

func (c *Console) makeOverview(ctx context.Context, now time.Time) (overview, error) {
	o := overview{At: event.Millis(now.UnixMilli()), Directories: []directoryRow{}, Failures: []store.Failures{}}
	known := c.States()
	for _, d := range c.Directories() {
		counts, err := c.Store.CountsUpTo(ctx, d.Name, countedTo)
		if err != nil {
			return o, err //nolint:wrapcheck // It says what it does.
		}
		row := directoryRow{
			Name: d.Name, State: known[d.Name], Open: min(counts[event.Pending]+counts[event.Waiting], countedTo), Held: counts[event.Held], Failed: counts[event.Failed],
		}
		if row.Oldest, err = c.Store.OldestOpen(ctx, d.Name); err != nil {
			return o, err //nolint:wrapcheck // It says what it does.
		}
		o.Directories = append(o.Directories, row)
	}
	failures, err := c.Store.FailuresByReason(ctx, countedTo)
	if err != nil {
		return o, err //nolint:wrapcheck // It says what it does.
	}
	o.Failures = append(o.Failures, failures...)
	if o.Samples, err = c.Store.Samples(ctx, o.At-event.Millis(day.Milliseconds())); err != nil {
		return o, err //nolint:wrapcheck // It says what it does.
	}
	for _, s := range o.Samples {
		o.Day += s.Accepted
		if age := time.Duration(o.At-s.At) * time.Millisecond; age < time.Hour {
			o.Hour += s.Accepted
		}
	}
	if n := len(o.Samples); n > 0 && time.Duration(o.At-o.Samples[n-1].At)*time.Millisecond < 3*time.Minute {
		o.Minute = o.Samples[n-1].Accepted
	}
	return o, nil
}

func (c *Console) overviewPage(ctx *gin.Context) {
	o, err := c.overview(ctx.Request.Context())
	c.show(ctx, "overview", o, err)
}

func (c *Console) overviewAPI(ctx *gin.Context) {
	o, err := c.overview(ctx.Request.Context())
	c.answer(ctx, o, err)
}

// What moves is looked at every two seconds. A stream ends after a while and the browser asks for another one, so that a session that has
// ended shows nothing for long; and there are so many at most.
const (
	streamEvery = 2 * time.Second
	streamEnds  = 5 * time.Minute
	mostStreams = 64
)

// overviewStream sends the part of the page that moves.
func (c *Console) overviewStream(ctx *gin.Context) {
	l := languageOf(ctx.Request)
	c.stream(ctx, func(o overview) (string, error) { return c.part(l, "overviewLive", o) })
}

func (c *Console) overviewLiveAPI(ctx *gin.Context) {
	c.stream(ctx, func(o overview) (string, error) {
		o.At, o.Samples = 0, nil // what changes all the time, and what is long, are asked for apart
		return encoded(o)
	})
}

// stream sends an overview whenever it has changed, as server-sent events.
func (c *Console) stream(ctx *gin.Context, form func(overview) (string, error)) {
	if c.streams.Add(1) > mostStreams {
		c.streams.Add(-1)
		c.fail(ctx, &problem{http.StatusServiceUnavailable, "unavailable", "too many look at what moves; ask again in a while"})
		return
	}
	defer c.streams.Add(-1)
	endStream, err := beginStream(ctx)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	defer endStream()
	ticker, end := time.NewTicker(streamEvery), time.NewTimer(streamEnds)
	defer ticker.Stop()
	defer end.Stop()
	for sent := ""; ; {
		o, err := c.overview(ctx.Request.Context())
		if err != nil {
			return // the next request is told
		}
		text, err := form(o)
		if err != nil {
			c.Log.WithError(err).Error("the overview of the console cannot be made")
			return
		}
		if text != sent {
			if send(ctx, "overview", text) != nil {
				return // who looked has gone
			}
			sent = text
		}
		select {
		case <-ticker.C:
		case <-end.C:
			return
		case <-ctx.Request.Context().Done():
			return
		case <-c.Stopping:
			return
		}
	}
}
