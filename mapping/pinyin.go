package mapping

import (
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"
)

// familyReadings are the characters that are read otherwise where they are a family name.
var familyReadings = map[string]string{
	"单": "shan", "單": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "查": "zha", "区": "ou", "區": "ou", "盖": "ge", "蓋": "ge", "朴": "piao",
	"任": "ren", "华": "hua", "華": "hua", "燕": "yan", "应": "ying", "應": "ying", "种": "chong", "折": "she", "黑": "he", "缪": "miao", "繆": "miao",
	"乐": "yue", "樂": "yue", "员": "yun", "員": "yun", "翟": "zhai", "隗": "wei", "郗": "xi", "幺": "yao", "冼": "xian", "洗": "xian", "纪": "ji",
	"紀": "ji", "那": "na", "句": "gou", "覃": "qin", "谌": "chen", "諶": "chen", "尉迟": "yu chi", "尉遲": "yu chi", "万俟": "mo qi", "萬俟": "mo qi",
	"长孙": "zhang sun", "長孫": "zhang sun", "澹台": "tan tai", "澹臺": "tan tai", "鲜于": "xian yu", "鮮于": "xian yu", "令狐": "ling hu",
}

// syllable returns how a Chinese character is read, without the tone; empty for anything else. Each character is read by
// itself: the library knows no words.
func syllable(r rune) string {
	if !unicode.Is(unicode.Han, r) {
		return ""
	}
	reading, _, _ := strings.Cut(pinyin.PinyinDict[int(r)], ",")
	return withoutTone.Replace(reading)
}

// withoutTone takes the tone off a syllable, and writes ü as passports do.
var withoutTone = strings.NewReplacer(
	"ā", "a", "á", "a", "ǎ", "a", "à", "a", "ē", "e", "é", "e", "ě", "e", "è", "e", "ê", "e", "ế", "e", "ề", "e", "ī", "i", "í", "i", "ǐ", "i", "ì", "i",
	"ō", "o", "ó", "o", "ǒ", "o", "ò", "o", "ū", "u", "ú", "u", "ǔ", "u", "ù", "u", "ü", "yu", "ǖ", "yu", "ǘ", "yu", "ǚ", "yu", "ǜ", "yu",
	"ń", "n", "ň", "n", "ǹ", "n", "ḿ", "m", "\u0300", "", "\u0301", "", "\u0304", "", "\u030c", "",
)

// pinyinText writes the Chinese characters of a text as syllables with spaces between; the rest stays.
func pinyinText(s string) string {
	if !hasHan(s) {
		return s
	}
	var b strings.Builder
	var before rune
	inPinyin := false
	for _, r := range s {
		reading := syllable(r)
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
// then the given name in one word. Other names stay.
func pinyinName(name string) string {
	family, given := splitName(name)
	if !isEastAsian(family+given) || !hasHan(family) {
		return name
	}
	reading, ok := familyReadings[family]
	if !ok {
		reading = pinyinText(family)
	}
	return strings.TrimSpace(capital(reading) + " " + capital(pinyinText(given)))
}

// capital joins syllables to a word that begins with a capital letter.
func capital(syllables string) string {
	word := []rune(strings.ReplaceAll(syllables, " ", ""))
	if len(word) > 0 {
		word[0] = unicode.ToUpper(word[0])
	}
	return string(word)
}
