package main

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"idaas-ldap/event"
)

// table is a list with columns: on a terminal they are aligned, with states in colours, and elsewhere a tab is between two of them.
type table struct {
	head []string
	rows [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// colours are those of states, as a terminal is told them (ECMA-48 SGR).
var colours = map[string]string{
	string(event.Failed): "31", string(event.Held): "33", string(event.Waiting): "36", string(event.Pending): "36", string(event.Done): "32",
}

// writeTable prints a table.
func (t terminal) writeTable(list table) error {
	_, err := io.WriteString(bare(t.Out), list.text(isTerminal(t.Out), t.wantsColour()))
	return err
}

// text returns the lines of a table.
func (t table) text(aligned, coloured bool) string {
	widths := make([]int, len(t.head))
	rows := [][]string{t.head}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = oneLine(cell)
		}
		rows = append(rows, cells)
	}
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var b strings.Builder
	for r, row := range rows {
		for i, cell := range row {
			if colour := colours[cell]; r > 0 && colour != "" && coloured {
				b.WriteString("\x1b[" + colour + "m" + cell + "\x1b[0m")
			} else {
				b.WriteString(cell)
			}
			switch last := i == len(row)-1; {
			case last:
				b.WriteByte('\n')
			case aligned:
				b.WriteString(strings.Repeat(" ", widths[i]-columns(cell)+2))
			default:
				b.WriteByte('\t')
			}
		}
	}
	return b.String()
}

// columns returns how many columns of a terminal a text takes: Chinese characters have two, marks that stand above others none.
func columns(text string) int {
	n := 0
	for _, r := range text {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me):
		case kind == width.EastAsianWide || kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
