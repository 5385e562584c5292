package main

import (
	"fmt"
	"io"
)

// progress shows on a terminal how far long work has come, in one line that goes when the work is done. Elsewhere it shows
// nothing.
type progress struct {
	out   io.Writer
	shown bool
	what  string
	total int
}

func (t terminal) progress(what string, total int) progress {
	return progress{out: bare(t.Err), shown: isTerminal(t.Err), what: oneLine(what), total: total}
}

// busy shows on a terminal what is being done, where nobody can tell how much of it there is.
func (t terminal) busy(what string) progress {
	p := t.progress(what, 0)
	if p.shown {
		fmt.Fprintf(p.out, "\r\x1b[K%s ...", p.what)
	}
	return p
}

// at shows that so much of it is done.
func (p progress) at(n int) {
	if p.shown {
		fmt.Fprintf(p.out, "\r\x1b[K%d of %d %s", n, p.total, p.what)
	}
}

// of shows that so much of so much is done.
func (p progress) of(n, total int64) {
	p.total = int(total)
	p.at(int(n))
}

// say shows how far it has come in words.
func (p progress) say(format string, args ...any) {
	if p.shown {
		fmt.Fprintf(p.out, "\r\x1b[K"+format, args...)
	}
}

// end takes the line away.
func (p progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
