package mapping

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// nameParts is a shown name taken apart.
type nameParts struct {
	family, given string
	// dotted are the parts of a name with middle dots in their order, nil where there are none.
	dotted []string
}

func familyName(name string) string { return splitName(name).family }

func givenName(name string) string { return splitName(name).given }

// splitName takes a shown name apart into family and given name. Remarks in brackets are neither.
func splitName(name string) nameParts {
	name = strings.ReplaceAll(normalize(withoutFormat(name)), "，", ",")
	if plain := normalize(withoutRemarks(name)); plain != "" {
		name = plain
	}
	if last := strings.LastIndexByte(name, ','); last >= 0 && isAfterName(name[last+1:]) {
		name = name[:last]
	}
	if before, after, comma := strings.Cut(name, ","); comma {
		return nameParts{family: strings.TrimSpace(before), given: strings.TrimSpace(after)}
	}
	if eastern := strings.TrimLeftFunc(name, isMark); isEastAsian(eastern) {
		return splitEastAsian(eastern)
	}
	words := strings.Fields(name)
	if len(words) == 0 {
		return nameParts{}
	}
	if at := familyNameBehind(name); at > 0 && len(words) == 1 {
		return nameParts{family: name[at:], given: name[:at]}
	}
	first := familyStart(words)
	return nameParts{family: strings.Join(words[first:], " "), given: strings.Join(words[:first], " ")}
}

// withoutFormat takes out characters that nobody sees: of no width, and those that change the direction of text.
func withoutFormat(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

// familyNameBehind returns where a Chinese family name begins that stands alone behind a name in Latin letters, as in David王 and
// David 王; 0 where there is none.
func familyNameBehind(name string) int {
	at := strings.IndexFunc(name, func(r rune) bool { return unicode.Is(unicode.Han, r) })
	if at <= 0 || strings.ContainsFunc(name[:at], func(r rune) bool { return !unicode.Is(unicode.Latin, r) && r != ' ' }) {
		return 0
	}
	if family := name[at:]; len([]rune(family)) == 1 || slices.Contains(doubleNames, family) {
		return at
	}
	return 0
}

// opening and closing are the brackets around remarks, after normalization.
const (
	opening = "([{【〔〖〘〈《「『"
	closing = ")]}】〕〗〙〉》」』"
)

// withoutRemarks takes out what stands in brackets, as in 张三（外包） and Ann Lee (Berlin).
func withoutRemarks(name string) string {
	if !strings.ContainsAny(name, opening+closing) {
		return name
	}
	var b strings.Builder
	depth := 0
	for _, r := range name {
		switch {
		case strings.ContainsRune(opening, r):
			depth++
		case strings.ContainsRune(closing, r):
			depth = max(0, depth-1)
			b.WriteByte(' ')
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isAfterName reports whether what comes after a comma is neither family nor given name: Jr., III, PhD.
func isAfterName(text string) bool {
	switch strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ".", "")) {
	case "jr", "sr", "ii", "iii", "iv", "phd", "md", "mba":
		return true
	}
	return false
}

// isMark reports whether a character is no part of a name that it stands before.
func isMark(r rune) bool { return !unicode.IsLetter(r) }

// isEastAsian reports whether a name begins in a script that writes the family name first.
func isEastAsian(name string) bool {
	for _, r := range name {
		return unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
	}
	return false
}

// splitEastAsian takes apart a name that begins with an East Asian letter: 王小明, 王 小明, 王小明2, 王小明-外包, 阿卜杜拉·买买提.
func splitEastAsian(name string) nameParts {
	if parts := cutDots(name); parts != nil {
		return splitDotted(parts)
	}
	first, rest, _ := strings.Cut(name, " ")
	letters, tail := cutLetters(first)
	if rest != "" && isEastAsian(rest) {
		return nameParts{family: letters, given: strings.ReplaceAll(rest, " ", "")}
	}
	if strings.ContainsFunc(letters, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana) }) {
		return nameParts{family: letters, given: rest}
	}
	family, given := splitUnspaced(letters)
	return nameParts{family: family, given: strings.TrimSpace(given + tail + " " + rest)}
}

// cutLetters returns the East Asian letters at the beginning of a word, and what belongs to the name behind them: the numbers
// and letters that tell people of one name apart, and no remark after a dash or another mark.
func cutLetters(word string) (letters, tail string) {
	end := strings.IndexFunc(word, func(r rune) bool { return !isEastAsian(string(r)) })
	if end < 0 {
		return word, ""
	}
	letters, tail = word[:end], word[end:]
	mark := strings.IndexFunc(tail, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if mark >= 0 && strings.ContainsFunc(tail[mark:], unicode.IsLetter) {
		tail = tail[:mark]
	}
	return letters, strings.TrimRightFunc(tail, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// isDot reports whether a character separates the parts of a foreign name. Several look alike.
func isDot(r rune) bool {
	return strings.ContainsRune("·•‧∙⋅・･.．․﹒·᛫ᐧ●⸱⸳ꞏㆍ\u119e", r)
}

// cutDots returns the parts of a name between dots, nil where it has no two parts in an East Asian script.
func cutDots(name string) []string {
	parts := strings.FieldsFunc(name, isDot)
	for i, part := range parts {
		letters, tail := cutLetters(strings.TrimSpace(part))
		if parts[i] = letters + tail; letters == "" {
			return nil
		}
	}
	if len(parts) < 2 { //nolint:mnd // Two parts are the least that a dot can separate.
		return nil
	}
	return parts
}

// splitDotted takes apart a name whose parts are separated by dots. It names the given name first, as the language does that
// it comes from, except behind a Chinese family name.
func splitDotted(parts []string) nameParts {
	last := len(parts) - 1
	if first := parts[0]; len([]rune(first)) == 1 || slices.Contains(doubleNames, first) {
		return nameParts{family: first, given: strings.Join(parts[1:], "")}
	}
	family, _ := cutLetters(parts[last])
	return nameParts{family: family, given: strings.Join(parts[:last], "·"), dotted: parts}
}

// splitUnspaced takes apart an East Asian name without spaces.
func splitUnspaced(name string) (family, given string) {
	_, n := utf8.DecodeRuneInString(name)
	for _, double := range doubleNames {
		// Alone, two characters are a family name and a given name, but for those that are read together only.
		alone := len(double) == len(name) && familyReadings[double] == ""
		if len(double) > n && strings.HasPrefix(name, double) && !alone {
			n = len(double)
		}
	}
	return name[:n], name[n:]
}

// familyStart returns the word at which the family name begins: the last, with the words in small letters before it that
// belong to it (van, de la, bin).
func familyStart(words []string) int {
	first := len(words) - 1
	if !startsUpper(words[first]) {
		return first
	}
	for first > 1 && unicode.IsLower([]rune(words[first-1])[0]) {
		first--
	}
	return first
}

func startsUpper(word string) bool { return unicode.IsUpper([]rune(word)[0]) }
