package syslog

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Severity is how grave an entry is (RFC 5424 section 6.2.1).
type Severity int

// The severities that are used.
const (
	Warning       Severity = 4
	Informational Severity = 6
)

// Entry is one line of a log.
type Entry struct {
	// Seq grows by one from entry to entry.
	Seq      int64
	At       time.Time
	Severity Severity
	// Sort is the MSGID, a word.
	Sort string
	// Data are names and values of the structured data.
	Data [][2]string
	// Text is the message itself, in UTF-8.
	Text []byte
}

// sender says who sends.
type sender struct {
	facility      int
	host, program string
	process       int
}

// element is the SD-ID of our data. Its number is the one of RFC 5612 for whoever has none.
const element = "audit@32473"

// Bounds of RFC 5424 section 6.
const (
	longestHost    = 255
	longestProgram = 48
	longestSort    = 32
	longestValue   = 1 << 10
)

// message writes an entry as RFC 5424 has it, cut to a number of octets.
func (s sender) message(e Entry, most int) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "<%d>1 %s %s %s %d %s [%s", s.facility*8+int(e.Severity), e.At.UTC().Format("2006-01-02T15:04:05.000000Z"),
		word(s.host, longestHost), word(s.program, longestProgram), s.process, word(e.Sort, longestSort), element)
	parameter(&out, "seq", strconv.FormatInt(e.Seq, 10))
	for _, d := range e.Data {
		parameter(&out, d[0], d[1])
	}
	const mark = "\ufeff" // says that the text is UTF-8
	if out.Len()+len("] ")+len(mark)+len(e.Text) <= most {
		out.WriteString("] " + mark)
		out.Write(e.Text)
		return out.Bytes()
	}
	parameter(&out, "cut", "yes")
	out.WriteString("] " + mark)
	out.Write(whole(e.Text[:max(most-out.Len(), 0)]))
	return out.Bytes()
}

// whole takes a part of a character away from the end of a text.
func whole(text []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax, len(text)); i++ {
		if at := len(text) - i; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				return text[:at]
			}
			return text
		}
	}
	return text
}

// word returns text as a field of the header may have it: printable ASCII without spaces, and a dash for nothing.
func word(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '_'
		}
		return r
	}, text)
	if text == "" {
		return "-"
	}
	return text[:min(len(text), most)]
}

// escapes are what RFC 5424 section 6.3.3 has escaped in a value.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

func parameter(out *bytes.Buffer, name, value string) {
	value = strings.ToValidUTF8(value, "\ufffd")
	if len(value) > longestValue {
		value = string(whole([]byte(value[:longestValue])))
	}
	fmt.Fprintf(out, ` %s="%s"`, name, escapes.Replace(strings.Map(control, value)))
}

// control takes characters away that would begin another line where messages end with one.
func control(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
