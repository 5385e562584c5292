package demo

import (
	"strings"

	"golang.org/x/text/width"
)

// The page is made for a hundred columns: what IDaaS says on the left, what the directory is told on the right.
const (
	pageWidth  = 100
	leftWidth  = 38
	rightWidth = pageWidth - leftWidth - len("   | ")
)

// columns returns how many columns a text takes on a terminal: letters of East Asian scripts and pictures take two.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// padded fills a text up with spaces.
func padded(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-columns(text)))
}

// wrapped breaks a text between words into lines that are no wider than given. All but the first begin with hang. A word
// that is wider than a line is broken anywhere.
func wrapped(text string, wide int, hang string) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && columns(line)+1+columns(word) > wide {
			lines, line = append(lines, line), hang
		}
		if line != "" && line != hang {
			line += " "
		}
		line += word
		for columns(line) > wide {
			head := cut(line, wide)
			lines, line = append(lines, head), hang+line[len(head):]
		}
	}
	return append(lines, line)
}

// folded breaks a line of LDIF as RFC 2849 does, at a width: what follows begins with a space.
func folded(line string, wide int) []string {
	var lines []string
	for columns(line) > wide {
		head := cut(line, wide)
		lines, line = append(lines, head), " "+line[len(head):]
	}
	return append(lines, line)
}

// cut returns the part of a text that fits.
func cut(text string, wide int) string {
	n := 0
	for i, r := range text {
		n += columns(string(r))
		if n > wide {
			return text[:i]
		}
	}
	return text
}
