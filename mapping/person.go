package mapping

import (
	"slices"
	"strings"
	"unicode"
)

// doubleNames are Chinese family names of two characters, in both scripts.
var doubleNames = []string{
	"欧阳", "歐陽", "太史", "端木", "上官", "司马", "司馬", "东方", "東方", "独孤", "獨孤", "南宫", "南宮", "万俟", "萬俟", "闻人", "聞人",
	"夏侯", "诸葛", "諸葛", "尉迟", "尉遲", "公羊", "赫连", "赫連", "澹台", "澹臺", "皇甫", "宗政", "濮阳", "濮陽", "公冶", "太叔", "申屠",
	"公孙", "公孫", "慕容", "仲孙", "仲孫", "钟离", "鍾離", "长孙", "長孫", "宇文", "司徒", "鲜于", "鮮于", "司空", "闾丘", "閭丘", "令狐",
	"百里", "呼延", "轩辕", "軒轅", "拓跋", "西门", "西門", "東郭", "东郭", "第五",
}

// splitName takes a shown name apart into family and given name.
func splitName(name string) (family, given string) {
	name = strings.ReplaceAll(normalize(name), "，", ",")
	if last := strings.LastIndexByte(name, ','); last >= 0 && isAfterName(name[last+1:]) {
		name = name[:last]
	}
	if before, after, comma := strings.Cut(name, ","); comma {
		return strings.TrimSpace(before), strings.TrimSpace(after)
	}
	words := strings.Fields(name)
	switch {
	case len(words) == 0:
		return "", ""
	case isEastAsian(name) && len(words) > 1:
		return words[0], strings.Join(words[1:], "")
	case isEastAsian(name):
		return splitUnspaced([]rune(name))
	}
	first := familyStart(words)
	return strings.Join(words[first:], " "), strings.Join(words[:first], " ")
}

// isAfterName reports whether what comes after a comma is neither family nor given name: Jr., III, PhD.
func isAfterName(text string) bool {
	switch strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ".", "")) {
	case "jr", "sr", "ii", "iii", "iv", "phd", "md", "mba":
		return true
	}
	return false
}

func splitUnspaced(letters []rune) (family, given string) {
	n := 1
	if len(letters) > 2 && slices.Contains(doubleNames, string(letters[:2])) {
		n = 2
	}
	return string(letters[:n]), string(letters[n:])
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

// isEastAsian reports whether a name is in a script that writes the family name first.
func isEastAsian(s string) bool {
	for _, r := range s {
		if r != ' ' && !unicode.In(r, unicode.Han, unicode.Hangul) {
			return false
		}
	}
	return true
}

func familyName(name string) string { family, _ := splitName(name); return family }

func givenName(name string) string { _, given := splitName(name); return given }

// e164 writes a phone number in international form (ITU-T E.164): +, the country code and the number, 15 digits at most.
func e164(_ *meter, args []any) (any, error) {
	region, err := textArgument(args[0])
	if err != nil {
		return nil, err
	}
	number, err := textArgument(args[1])
	if err != nil {
		return nil, err
	}
	const shortest, longest = 7, 15
	number = strings.TrimSpace(number)
	code := strings.TrimLeft(digits(region), "0")
	local := digits(number)
	switch {
	case strings.HasPrefix(number, "+"):
		code = ""
	case strings.HasPrefix(number, "00"):
		code, local = "", local[2:]
	case code == "" || local == "":
		return nil, nil
	case code != "39": // In Italy the 0 is part of the number; elsewhere it is only dialled inside the country.
		local = strings.TrimPrefix(local, "0")
	}
	if all := code + local; len(all) >= shortest && len(all) <= longest {
		return "+" + all, nil
	}
	return nil, nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, normalize(s))
}

// samAccountName follows MS-ADTS section 3.1.1.8.1.6 and the characters that the user tools of Windows refuse.
func samAccountName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`"/\[]:;|=,+*?<>@`, r) {
			return -1
		}
		return r
	}, ascii(s))
	const longest = 20
	return strings.TrimRight(s[:min(len(s), longest)], ".")
}
