package receiver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Bounds of how long a key set is used before it is asked for again. A withdrawn key must count no more within a minute,
// whatever the endpoint allows; and it is asked for that often even where it forbids to keep anything.
const (
	refreshLeast = 30 * time.Second
	refreshMost  = 50 * time.Second
)

// How long a set that could not be renewed stays in force. Where the endpoint demands that it is asked before a set is used
// again, that is for as long as IDaaS repeats an event and a little more; otherwise a day.
const (
	staleAllowed   = 24 * time.Hour
	staleForbidden = 5 * time.Minute
)

// freshness says how an answer may be kept.
type freshness struct {
	refresh time.Duration // until it is asked for again
	stale   time.Duration // until it is not used any more, if it cannot be asked for
}

// freshnessOf reads the headers of an answer as a private cache does (RFC 9111 sections 4.2 and 5.2.2), and keeps what they
// say within bounds. What cannot be read counts as stale already.
func freshnessOf(header http.Header, now time.Time) freshness {
	life, mustAsk := refreshMost, false
	if expires := header.Get("Expires"); expires != "" {
		life = until(expires, header.Get("Date"), now)
	}
	maxAge := false
	for _, directive := range strings.Split(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "max-age":
			if told := deltaSeconds(strings.Trim(value, `"`)); !maxAge || told < life {
				life = told // the shortest of several
			}
			maxAge = true
		case "no-store", "no-cache":
			life, mustAsk, maxAge = 0, true, true
		case "must-revalidate":
			mustAsk = true
		}
	}
	if age := header.Get("Age"); age != "" {
		life -= deltaSeconds(age)
	}
	f := freshness{refresh: min(max(life, refreshLeast), refreshMost), stale: staleAllowed}
	if mustAsk {
		f.stale = staleForbidden
	}
	return f
}

// until returns how long it is to a date of HTTP, from the date of the answer.
func until(expires, date string, now time.Time) time.Duration {
	end, err := http.ParseTime(expires)
	if err != nil {
		return 0
	}
	if from, err := http.ParseTime(date); err == nil {
		now = from
	}
	return end.Sub(now)
}

// deltaSeconds reads a number of seconds (RFC 9111 section 1.2.2); one that is too large counts as a year.
func deltaSeconds(text string) time.Duration {
	const year = 365 * 24 * 3600
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil && strings.Trim(text, "0123456789") == "" && text != "" {
		seconds = year
	} else if err != nil {
		return 0
	}
	return time.Duration(min(seconds, year)) * time.Second
}
