package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/term"
)

// screen is where commands write to. What comes from outside (names, answers of servers, files) may hold characters that move the
// cursor, change colours or the direction of writing, or that nobody sees; they are escaped here, so that no command can forget it.
// The form is that of JSON, so JSON stays JSON.
type screen struct{ out io.Writer }

// Write writes text in which only line breaks and tabs are left of all that is not to be seen.
func (s screen) Write(text []byte) (int, error) {
	if _, err := io.WriteString(s.out, visible(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// bare returns what is behind a screen, for what the program itself paints.
func bare(w io.Writer) io.Writer {
	if s, is := w.(screen); is {
		return s.out
	}
	return w
}

// visible escapes what is not to be seen, but for line breaks and tabs.
func visible(text string) string {
	hidden := func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsGraphic(r) || r == utf8.RuneError }
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// isTerminal reports whether a stream goes to, or comes from, a terminal.
func isTerminal(stream any) bool {
	if s, is := stream.(screen); is {
		stream = s.out
	}
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
