package translate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// hole is what may stand in a place of a form.
type hole byte

// The holes: none is text that is always the same.
const (
	holeNone   hole = 0
	holeText   hole = 's'
	holeQuoted hole = 'q'
	holeNumber hole = 'd'
)

// segment is a part of a form: text that is always the same, or a place.
type segment struct {
	literal string
	hole    hole
}

// form is what all messages have in common that are made in one place of the program.
type form struct {
	segments []segment
	// longest is its longest part that is always the same, letters how many letters all of these have together.
	longest string
	letters int
	// own is how much of it is its own words: its letters, quotes, and that words stand in several parts of it.
	own int
	// chinese is what is said in its place.
	chinese []word
	// joined: it begins as messages do that are put together.
	joined bool
	// takesAnything: something stands in it that stays as it is, and may be whatever there is.
	takesAnything bool
}

// word is a part of a Chinese text: text, or a place, counted from 1, with what stands there.
type word struct {
	literal string
	place   int
	what    byte
}

// What stands in a place of a Chinese text: a message itself, or an object or a kind of objects. All else stays as it is.
const (
	aMessage = 'v'
	anObject = 'k'
)

var verb = regexp.MustCompile(`%[-+# 0-9.]*([a-zA-Z%])`)

func newForm(english, chinese string) (form, error) {
	var f form
	var texts []int
	places, from, quotes, worded := 0, 0, 0, 0
	add := func(s segment) {
		if s == (segment{}) {
			return
		}
		f.segments = append(f.segments, s)
		if len(s.literal) > len(f.longest) {
			f.longest = s.literal
		}
		letters := strings.Count(strings.Map(onlyLetters, s.literal), "a")
		f.letters += letters
		if letters > 0 {
			worded++
		}
		if s.hole == holeQuoted {
			quotes++
		}
	}
	for _, at := range verb.FindAllStringSubmatchIndex(english, -1) {
		add(segment{literal: english[from:at[0]]})
		kind := map[string]hole{"q": holeQuoted, "d": holeNumber}[english[at[2]:at[3]]]
		if kind == holeNone {
			kind = holeText
		}
		if n := len(f.segments); n > 0 && f.segments[n-1].hole == holeText && kind == holeText {
			return form{}, fmt.Errorf("%q has two places side by side", english)
		}
		add(segment{hole: kind})
		from = at[1]
		if places++; kind == holeText {
			texts = append(texts, places)
		}
	}
	add(segment{literal: english[from:]})
	f.own = max(f.letters, f.letters+2*quotes+2*(worded-1))
	f.joined = strings.HasPrefix(english, "%s: %s")
	if f.longest == "" {
		return form{}, fmt.Errorf("%q has no words", english)
	}
	var err error
	if f.chinese, err = wordsOf(chinese, places); err != nil {
		return form{}, fmt.Errorf("%q: %w", english, err)
	}
	f.takesAnything = slices.ContainsFunc(f.chinese, func(w word) bool {
		return w.what != aMessage && w.what != anObject && slices.Contains(texts, w.place)
	})
	return f, nil
}

// onlyLetters makes every letter an a, and nothing of all else.
func onlyLetters(r rune) rune {
	if unicode.IsLetter(r) {
		return 'a'
	}
	return -1
}

var chineseVerb = regexp.MustCompile(`%(?:\[([0-9])\])?([svkqd])`)

// wordsOf reads a Chinese text, which has each of so many places once.
func wordsOf(chinese string, places int) ([]word, error) {
	if chinese == "" {
		return nil, errors.New("there is no Chinese for it")
	}
	var out []word
	seen, from, next := map[int]bool{}, 0, 1
	for _, at := range chineseVerb.FindAllStringSubmatchIndex(chinese, -1) {
		out = append(out, word{literal: chinese[from:at[0]]})
		place := next
		if at[2] >= 0 {
			place, _ = strconv.Atoi(chinese[at[2]:at[3]]) // a digit
		}
		next, from = place+1, at[1]
		if place < 1 || place > places || seen[place] {
			return nil, fmt.Errorf("the Chinese has place %d, and there are %d", place, places)
		}
		seen[place] = true
		out = append(out, word{place: place, what: chinese[at[4]]})
	}
	if len(seen) != places {
		return nil, fmt.Errorf("the Chinese has %d places, and there are %d", len(seen), places)
	}
	return append(out, word{literal: chinese[from:]}), nil
}

// fits calls a function with each way in which a text is of a form: what then stands in its places. It ends where the function returns
// true, and returns that. Each look takes from what may be spent.
func (s *spent) fits(segments []segment, text string, holes []string, try func([]string) bool) bool {
	if s.take(1); s.over() {
		return false
	}
	if len(segments) == 0 {
		return text == "" && try(holes)
	}
	first, rest := segments[0], segments[1:]
	with := func(n int) bool {
		return s.fits(rest, text[n:], append(holes[:len(holes):len(holes)], text[:n]), try)
	}
	switch first.hole {
	case holeNone:
		return strings.HasPrefix(text, first.literal) && s.fits(rest, text[len(first.literal):], holes, try)
	case holeNumber:
		n := len(text) - len(strings.TrimLeft(text, "-0123456789"))
		return n > 0 && with(n)
	case holeQuoted:
		quoted, err := strconv.QuotedPrefix(text)
		s.take(len(quoted))
		return err == nil && quoted[0] == '"' && with(len(quoted))
	}
	if len(rest) == 0 {
		return with(len(text))
	}
	for at := 0; at <= len(text) && !s.over(); at++ {
		if next := rest[0]; next.hole == holeNone {
			found := strings.Index(text[at:], next.literal)
			if s.take(1 + (len(text)-at)/16); found < 0 {
				return false
			}
			at += found
		}
		if with(at) {
			return true
		}
	}
	return false
}
