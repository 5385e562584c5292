package mapping

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"
)

// syllable returns how a Chinese character is read, without the tone; empty for anything else. Each character is read by
// itself: the library knows no words.
func syllable(r rune) string {
	if !unicode.Is(unicode.Han, r) {
		return ""
	}
	if reading, ok := usualReadings[r]; ok {
		return reading
	}
	reading, _, _ := strings.Cut(pinyin.PinyinDict[int(r)], ",")
	return withoutTone.Replace(reading)
}

// usualReadings are the characters whose first reading in the library is not the one that names of people and places have.
var usualReadings = map[rune]string{'卜': "bu", '都': "du", '勒': "le", '晟': "sheng", '曾': "zeng", '长': "chang", '長': "chang", '𠮷': "ji", '﨑': "qi"}

// withoutTone takes the tone off a syllable, and writes ü as passports do.
var withoutTone = strings.NewReplacer(
	"ā", "a", "á", "a", "ǎ", "a", "à", "a", "ē", "e", "é", "e", "ě", "e", "è", "e", "ê", "e", "ế", "e", "ề", "e", "ī", "i", "í", "i", "ǐ", "i", "ì", "i",
	"ō", "o", "ó", "o", "ǒ", "o", "ò", "o", "ū", "u", "ú", "u", "ǔ", "u", "ù", "u", "ü", "yu", "ǖ", "yu", "ǘ", "yu", "ǚ", "yu", "ǜ", "yu",
	"ń", "n", "ň", "n", "ǹ", "n", "ḿ", "m", "\u0300", "", "\u0301", "", "\u0304", "", "\u030c", "",
)

// pinyinText writes the Chinese characters of a text as syllables with spaces between; the rest stays. What looks like the
// name of a person begins with the reading of a family name, as it does in pinyinName.
func pinyinText(s string) string {
	if !hasHan(s) {
		return s
	}
	s = withoutFormat(s)
	start, end := familyNameIn(s)
	return spell(s, start, end)
}

// spell writes the Chinese characters of a text as syllables with spaces between, those from start to end as a family name.
func spell(s string, start, end int) string {
	family := strings.Fields(familyReadings[s[start:end]])
	var b strings.Builder
	var before rune
	inPinyin := false
	for at, r := range s {
		reading := syllable(r)
		if at >= start && at < end && len(family) > 0 {
			reading, family = family[0], family[1:]
		}
		isWord := unicode.IsLetter(r) || unicode.IsDigit(r)
		if isWord && (reading != "" || inPinyin) && (inPinyin || unicode.IsLetter(before) || unicode.IsDigit(before)) {
			b.WriteByte(' ')
		}
		if inPinyin = reading != ""; inPinyin {
			b.WriteString(reading)
		} else {
			b.WriteRune(r)
		}
		before = r
	}
	return b.String()
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// pinyinName writes a Chinese name as passports do: the family name first, with the reading that it has as a family name,
// then the given name in one word. A name with a middle dot keeps its order. Other names stay.
func pinyinName(name string) string {
	parts := splitName(name)
	if !hasHan(parts.family) {
		return name
	}
	words, rest := []string{capital(spell(parts.family, 0, len(parts.family)))}, strings.Fields(parts.given)
	if parts.dotted != nil {
		words, rest = nil, parts.dotted
	}
	for _, word := range rest {
		words = append(words, capital(spell(word, 0, 0)))
	}
	return strings.Join(words, " ")
}

// capital joins syllables to a word that begins with a capital letter.
func capital(syllables string) string {
	word := []rune(strings.ReplaceAll(syllables, " ", ""))
	if len(word) > 0 {
		word[0] = unicode.ToUpper(word[0])
	}
	return string(word)
}
