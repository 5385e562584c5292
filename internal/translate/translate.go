package translate

import (
	_ "embed" // for the catalogue
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:embed zh.json
var chineseFile []byte

// Catalogue says what messages are in another language.
type Catalogue struct {
	// byWord are the forms by the word that they begin with, open those that begin with a place. Those with the most text of their own
	// come first.
	byWord map[string][]form
	open   []form
	// words are what stands in messages, and what libraries say there. Alone they are no message.
	words map[string]string
	// kinds are the names of the kinds of objects.
	kinds map[string]string
}

// file is how a catalogue is written: what is said in the place of a form, by that form as the source of the program has it.
type file struct {
	Messages map[string]string `json:"messages"`
	Words    map[string]string `json:"words"`
	Kinds    map[string]string `json:"kinds"`
}

// Chinese returns the catalogue in Chinese.
func Chinese() (*Catalogue, error) {
	var f file
	if err := json.Unmarshal(chineseFile, &f); err != nil {
		return nil, fmt.Errorf("read the messages in Chinese: %w", err)
	}
	c := &Catalogue{byWord: map[string][]form{}, words: f.Words, kinds: f.Kinds}
	for _, english := range slices.Sorted(maps.Keys(f.Messages)) {
		made, err := newForm(english, f.Messages[english])
		if err != nil {
			return nil, fmt.Errorf("read the messages in Chinese: %w", err)
		}
		if first := made.segments[0]; first.hole == holeNone && strings.Contains(first.literal, " ") {
			c.byWord[firstWord(english)] = append(c.byWord[firstWord(english)], made)
		} else {
			c.open = append(c.open, made)
		}
	}
	longestFirst := func(a, b form) int { return b.letters - a.letters }
	for _, forms := range c.byWord {
		slices.SortStableFunc(forms, longestFirst)
	}
	slices.SortStableFunc(c.open, longestFirst)
	return c, nil
}

func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// Bounds on one message. What is longer, or takes more to find out, stays as it is from there on.
const (
	mostBytes = 32 << 10
	mostSpent = 1 << 16
	mostDeep  = 6
)

// spent counts what is spent on a message: bytes that are looked at and steps that are made.
type spent struct{ n int }

func (s *spent) take(n int) { s.n += n }
func (s *spent) over() bool { return s.n > mostSpent }

// Of returns what a message says. A catalogue that is nil, as that of English, leaves it as it is.
func (c *Catalogue) Of(message string) string {
	if c == nil || len(message) > mostBytes {
		return message
	}
	return c.lines(&spent{}, message)
}

func (c *Catalogue) lines(s *spent, message string) string {
	lines := strings.Split(message, "\n")
	for i, line := range lines {
		lines[i] = c.line(s, line)
	}
	return strings.Join(lines, "\n")
}

// asItIs is a line that is no message: one of a file with its number, the mark below it, or one of a change in LDIF.
var asItIs = regexp.MustCompile(`^ *[0-9]+ \||^ +\||^  [-+ ]`)

// inFile is what stands before a message about a place in a file.
var inFile = regexp.MustCompile(`^[^ ]+:[0-9]+:[0-9]+: `)

// anotherPlace is where a message about another place begins, in a file or in the environment.
var anotherPlace = regexp.MustCompile(`; (?:[^ ;]+:[0-9]+:[0-9]+|environment variable [A-Z0-9_]+): `)

func (c *Catalogue) line(s *spent, line string) string {
	if asItIs.MatchString(line) {
		return line
	}
	text := strings.TrimLeft(line, " ")
	before := line[:len(line)-len(text)] + inFile.FindString(text)
	return before + c.say(s, line[len(before):], 0).said
}

// reading is what a text says, as far as it is known: unknown is how many of its parts are not, and any that one is.
type reading struct {
	said    string
	unknown int
	any     bool
}

func unread(text string) reading { return reading{said: text, unknown: 1} }

// say returns what a text says.
func (c *Catalogue) say(s *spent, text string, depth int) reading {
	if depth > mostDeep || s.over() || text == "" {
		return unread(text)
	}
	if r := c.whole(s, text, depth); r.any {
		return r
	}
	if at := anotherPlace.FindStringIndex(text); at != nil {
		first, second := c.say(s, text[:at[0]], depth+1), c.say(s, text[at[0]+len("; "):], depth+1)
		return reading{said: first.said + "；" + second.said, unknown: first.unknown + second.unknown, any: first.any || second.any}
	}
	if r := c.inParts(s, text, depth); r.any || depth > 0 {
		return r
	}
	return c.loosely(s, text)
}

// ownWords is how much a form has of its own that is known by its own words wherever it stands. One of less, such as "%s is %s", might as
// well be the words of a server, and counts only where all that it holds is known too.
const ownWords = 9

// whole returns what a text says that is a word, of one form, or a list.
func (c *Catalogue) whole(s *spent, text string, depth int) reading {
	if strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "..") {
		r := c.whole(s, text[:len(text)-1], depth)
		if r.said += "。"; !r.any {
			r.said = text
		}
		return r
	}
	if said, ok := c.words[text]; ok && depth > 0 {
		return reading{said: said, any: true}
	}
	for f := range c.candidates(s, text) {
		if r, _ := c.read(s, f, text, depth); r.any && (f.own >= ownWords && !(f.joined && f.takesAnything) || r.unknown == 0 && !f.takesAnything) {
			return r
		}
	}
	if r := c.ofFile(s, text, depth); r.any || depth == 0 {
		return r
	}
	return listOf(text)
}

// ofFile returns what is said of a file that stands before it.
func (c *Catalogue) ofFile(s *spent, text string, depth int) reading {
	file, what, _ := strings.Cut(text, " ")
	if first := firstWord(what); file == "" || depth > mostDeep || s.over() || !slices.Contains([]string{"is", "has", "holds"}, first) {
		return unread(text)
	}
	r := c.whole(s, what, depth+1)
	r.said = string(join([]byte(file+" "), r.said))
	return r
}

// loosely takes a message as a whole that no form but one of few words fits, where it holds single words, and at its end one that is known.
func (c *Catalogue) loosely(s *spent, text string) reading {
	for f := range c.candidates(s, text) {
		r, holes := c.read(s, f, text, 0)
		if !r.any || len(holes) > 0 && slices.ContainsFunc(holes[:len(holes)-1], severalWords) {
			continue
		}
		if last := holes[max(0, len(holes)-1):]; !slices.ContainsFunc(last, severalWords) || c.say(s, last[0], 1).any {
			return r
		}
	}
	return unread(text)
}

func severalWords(text string) bool { return strings.Contains(text, " ") }

// candidates are the forms that a text may have, those with the most text of their own first.
func (c *Catalogue) candidates(s *spent, text string) iter.Seq[form] {
	return func(yield func(form) bool) {
		first, open := c.byWord[firstWord(text)], c.open
		for len(first)+len(open) > 0 && !s.over() {
			from := &first
			if len(first) == 0 || len(open) > 0 && open[0].letters > first[0].letters {
				from = &open
			}
			f := (*from)[0]
			*from = (*from)[1:]
			if s.take(1 + len(text)/16); strings.Contains(text, f.longest) && !yield(f) {
				return
			}
		}
	}
}

// mostWays is in how many ways a text is read by one form.
const mostWays = 8

// read reads a text by a form, of several ways by that of which most is known, and returns what stands in the places then.
func (c *Catalogue) read(s *spent, f form, text string, depth int) (best reading, places []string) {
	ways := 0
	s.fits(f.segments, text, nil, func(holes []string) bool {
		r := c.put(s, f, holes, depth)
		if !best.any || r.unknown < best.unknown {
			best, places = r, holes
		}
		ways++
		return r.unknown == 0 || ways == mostWays
	})
	return best, places
}

// put returns the Chinese of a form with what stands in its places.
func (c *Catalogue) put(s *spent, f form, holes []string, depth int) reading {
	r := reading{any: true}
	var b []byte
	for _, w := range f.chinese {
		part := reading{said: w.literal}
		if w.place > 0 {
			part.said = holes[w.place-1]
		}
		switch w.what {
		case aMessage:
			part = c.say(s, strings.TrimSpace(part.said), depth+1)
		case anObject:
			part = c.object(part.said)
		}
		r.unknown += part.unknown
		b = join(b, part.said)
	}
	r.said = string(b)
	return r
}

// object returns what an object is called that is named by its kind, and its id if it has one.
func (c *Catalogue) object(text string) reading {
	kind, id, _ := strings.Cut(text, " ")
	said, ok := c.kinds[kind]
	if !ok {
		return unread(text)
	}
	return reading{said: strings.TrimSpace(said + " " + id), any: true}
}

var list = regexp.MustCompile(`^((?:[^ ,]+, )*[^ ,]+) (and|or) ([^ ,]+)$`)

// listOf returns words that are joined as a sentence does.
func listOf(text string) reading {
	found := list.FindStringSubmatch(text)
	if found == nil {
		return unread(text)
	}
	last := map[string]string{"and": " 和 ", "or": " 或 "}[found[2]]
	return reading{said: strings.ReplaceAll(found[1], ", ", "、") + last + found[3], any: true}
}

// joints are where messages are put together, with how Chinese does.
var joints = [][2]string{{" — ", " — "}, {"; ", "；"}, {": ", "："}, {". ", "。"}}

// inParts returns what a text says that is put together of two, of which one at least is known.
func (c *Catalogue) inParts(s *spent, text string, depth int) reading {
	for at := 0; at < len(text) && !s.over(); at++ {
		for _, joint := range joints {
			if s.take(1); !strings.HasPrefix(text[at:], joint[0]) {
				continue
			}
			tail := text[at+len(joint[0]):]
			first, second := c.whole(s, text[:at], depth+1), c.whole(s, tail, depth+1)
			if !first.any && !second.any {
				continue
			}
			switch {
			case !first.any:
				first = c.say(s, text[:at], depth+1)
			case !second.any:
				second = c.say(s, tail, depth+1)
			}
			between := joint[0]
			if first.any && second.any {
				between = joint[1]
			}
			return reading{said: first.said + between + second.said, unknown: first.unknown + second.unknown, any: true}
		}
	}
	return unread(text)
}
