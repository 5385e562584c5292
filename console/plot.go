package console

import (
	"fmt"
	"strings"
	"time"

	"idaas-ldap/event"
)

// A plot is so wide and so high, in units of its own, and has a point for every ten minutes of a day.
const (
	plotWidth  = 720
	plotHeight = 100
	plotPoints = 144
)

// plot is the last day of one number, as a line.
type plot struct {
	Name string // of its text
	Most int64
	Last int64
	// Line are the points of the line, Area those of what is below it, as SVG has them.
	Line, Area string
}

// plots returns those of the overview. Where the service did not run there is nothing.
func plots(o overview) []plot {
	type tally struct{ accepted, failed, backlog, operations, took int64 }
	tallies := make([]tally, plotPoints)
	step := event.Millis(day.Milliseconds() / plotPoints)
	for _, s := range o.Samples {
		i := plotPoints - 1 - int((o.At-s.At)/step)
		if i < 0 || i >= plotPoints {
			continue
		}
		t := &tallies[i]
		t.accepted += s.Accepted
		t.failed += s.Failed
		t.backlog = max(t.backlog, s.Backlog)
		t.operations += s.Operations
		t.took += int64(s.Took)
	}
	of := func(name string, value func(tally) int64) plot {
		values := make([]int64, plotPoints)
		for i, t := range tallies {
			values[i] = value(t)
		}
		return line(name, values)
	}
	return []plot{
		of("plot.accepted", func(t tally) int64 { return t.accepted }),
		of("plot.failed", func(t tally) int64 { return t.failed }),
		of("plot.backlog", func(t tally) int64 { return t.backlog }),
		of("plot.latency", func(t tally) int64 { return t.took / max(1, t.operations) / int64(time.Millisecond) }),
	}
}

// line draws values from left to right.
func line(name string, values []int64) plot {
	p := plot{Name: name, Last: values[len(values)-1]}
	for _, v := range values {
		p.Most = max(p.Most, v)
	}
	var points strings.Builder
	for i, v := range values {
		x := float64(i) * plotWidth / float64(len(values)-1)
		y := plotHeight - float64(v)*(plotHeight-4)/float64(max(1, p.Most)) - 1
		fmt.Fprintf(&points, "%.1f,%.1f ", x, y)
	}
	p.Line = strings.TrimSpace(points.String())
	p.Area = fmt.Sprintf("0,%d %s %d,%d", plotHeight, p.Line, plotWidth, plotHeight)
	return p
}
