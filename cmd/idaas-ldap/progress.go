package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
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
	return progress{out: t.Err, shown: isTerminal(t.Err), what: what, total: total}
}

// at shows that so much of it is done.
func (p progress) at(n int) {
	if p.shown {
		fmt.Fprintf(p.out, "\r\x1b[K%d of %d %s", n, p.total, p.what)
	}
}

// end takes the line away.
func (p progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
