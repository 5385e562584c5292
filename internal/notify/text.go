package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// plain returns text from outside as one line of at most so many characters, without what moves the cursor, turns the direction of
// writing or is not to be seen.
func plain(text string, most int) string {
	var out strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > most {
			out.WriteRune('…')
			break
		}
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsGraphic(r) || r == unicode.ReplacementChar:
			r = '?'
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}

// program begins every text, as chats filter by it.
const program = "idaas-ldap: "

// headline is the title as a text begins with it.
func (m Message) headline() string { return plain(program+m.Title(), longestTitle) }

// lines are the message for a person, without markup.
func (m Message) lines() string {
	lines := []string{m.headline()}
	if m.Text != "" {
		lines = append(lines, m.Text)
	}
	if len(m.Names) > 0 {
		names := strings.Join(m.Names, ", ")
		if m.Count > len(m.Names) {
			names += ", …"
		}
		concerns := "Whom it concerns: "
		if m.Language == Chinese {
			concerns = "涉及："
		}
		lines = append(lines, concerns+strings.ReplaceAll(names, "://", ": //")) // a name is no link
	}
	if m.Repeats > 0 {
		lines = append(lines, repeated(m))
	}
	return strings.Join(append(lines, m.Action(), fmt.Sprintf("%s, %s", m.Instance, m.At.UTC().Format(time.RFC3339))), "\n")
}

func repeated(m Message) string {
	if m.Language == Chinese {
		return chineseRepeated(m)
	}
	times := fmt.Sprintf("It has happened %d more times since it was told", m.Repeats)
	if m.Repeats == 1 {
		times = "It has happened once more since it was told"
	}
	if m.Over && m.Kind == Down {
		return times + ", and is over."
	}
	return times + "."
}
