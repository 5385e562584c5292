package mapping

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// familyReadings are the family names that are read otherwise than their characters are elsewhere.
var familyReadings = map[string]string{
	"卜": "bu", "薄": "bo", "乘": "sheng", "单": "shan", "單": "shan", "仇": "qiu", "查": "zha", "晟": "cheng", "种": "chong", "翟": "zhai",
	"都": "du", "繁": "po", "盖": "ge", "蓋": "ge", "句": "gou", "炅": "gui", "黑": "he", "郇": "xun", "祭": "zhai", "角": "jue", "解": "xie",
	"颉": "xie", "頡": "xie", "阚": "kan", "闞": "kan", "隗": "wei", "乐": "yue", "樂": "yue", "秘": "bi", "祕": "bi", "缪": "miao", "繆": "miao",
	"乜": "nie", "佴": "nai", "能": "nai", "兒": "ni", "粘": "nian", "区": "ou", "區": "ou", "逄": "pang", "朴": "piao", "覃": "qin", "曾": "zeng",
	"折": "she", "莘": "shen", "召": "shao", "澹": "tan", "钭": "tou", "鈄": "tou", "洗": "xian", "冼": "xian", "幺": "yao", "么": "yao", "蔚": "yu",
	"员": "yun", "員": "yun", "贠": "yun", "貟": "yun", "藏": "zang", "贲": "ben", "賁": "ben", "谌": "chen", "諶": "chen", "宓": "mi", "任": "ren",
	"乐正": "yue zheng", "樂正": "yue zheng", "万俟": "mo qi", "萬俟": "mo qi", "尉迟": "yu chi", "尉遲": "yu chi", "长孙": "zhang sun",
	"長孫": "zhang sun", "澹台": "tan tai", "澹臺": "tan tai", "宰父": "zai fu",
}

// doubleNames are Chinese family names of two characters and more, in both scripts.
var doubleNames = strings.Fields(`
	欧阳 歐陽 太史 端木 上官 司马 司馬 东方 東方 独孤 獨孤 南宫 南宮 万俟 萬俟 闻人 聞人 夏侯 诸葛 諸葛 尉迟 尉遲 公羊 赫连 赫連 澹台 澹臺
	皇甫 宗政 濮阳 濮陽 公冶 太叔 申屠 公孙 公孫 慕容 仲孙 仲孫 钟离 鍾離 鐘離 长孙 長孫 宇文 司徒 鲜于 鮮于 司空 司寇 闾丘 閭丘 令狐 百里 呼延
	轩辕 軒轅 拓跋 西门 西門 东郭 東郭 第五 淳于 乐正 樂正 亓官 颛孙 顓孫 巫马 巫馬 宰父 谷梁 穀梁 夹谷 夾谷 公西 漆雕 壤驷 壤駟 公良 左丘
	东门 東門 南门 南門 南郭 北宫 北宮 羊舌 微生 梁丘 段干 百里 子车 子車 孟孙 孟孫 叔孙 叔孫 季孙 季孫 达奚 達奚 褚师 褚師 哥舒 贺兰 賀蘭 斛律
	纳兰 納蘭 完颜 完顏 富察 那拉 叶赫那拉 葉赫那拉 爱新觉罗 愛新覺羅 钮祜禄 鈕祜祿 瓜尔佳 瓜爾佳 赫舍里 佟佳`)

// Texts that begin or end like this are no names of people, although their first character is a family name with a reading of
// its own.
var (
	startsNotNames = strings.Fields(`
		单元 单位 单据 单证 单车 單元 單位 解决 解析 解放 解答 查询 查验 查重 盖板 黑龙 黑河 黑客 角色 角度 乐园 乐器 乐队 秘书 祕書 能源 能力 能效 能量 能耗
		区域 区块 區域 区县 折扣 折旧 粘合 粘接 粘胶 繁殖 繁体 祭祀 召集 召回 藏品 藏书 种子 种植 种业 员工 員工 洗涤 洗浴 洗衣 洗护 兒童`)
	endsNotNames = []rune("部组組科室处處局厂廠店股站院课課")
)

// familyNameIn returns where in a text a family name stands that is read as one: at the beginning of what may be the name of
// a person, two to four Chinese characters with nothing or something else behind, or the family name alone. Both are 0 where
// there is none.
func familyNameIn(s string) (start, end int) {
	if at := familyNameBehind(s); at > 0 {
		return at, len(s)
	}
	start = afterRemark(s)
	start += len(s[start:]) - len(strings.TrimLeftFunc(s[start:], isMark))
	name := leadingName(s[start:])
	if name == "" {
		return 0, 0
	}
	if slices.Contains(doubleNames, name) {
		return start, start + len(name)
	}
	family, _ := splitUnspaced(name)
	if next, _ := utf8.DecodeRuneInString(s[start+len(name):]); isDot(next) && family != name {
		return 0, 0 // a foreign name, whose characters stand for sounds
	}
	return start, start + len(family)
}

// afterRemark returns where a text goes on behind what stands in brackets at its beginning, as in 【外包】单雄信; 0 where it does not.
func afterRemark(s string) int {
	const fullWidth = "（［｛"
	first, _ := utf8.DecodeRuneInString(s)
	if !strings.ContainsRune(opening+fullWidth, first) {
		return 0
	}
	end := strings.IndexAny(s, closing+"）］｝")
	if end < 0 {
		return 0
	}
	_, n := utf8.DecodeRuneInString(s[end:])
	if !hasHan(s[end+n:]) {
		return 0
	}
	return end + n
}

// leadingName returns the Chinese characters at the beginning of a text, with spaces between, empty where they name nobody.
func leadingName(s string) string {
	const longest = 4
	end := strings.IndexFunc(s, func(r rune) bool { return r != ' ' && !unicode.Is(unicode.Han, r) })
	if end >= 0 {
		s = s[:end]
	}
	name := strings.TrimRight(s, " ")
	letters := []rune(strings.ReplaceAll(name, " ", ""))
	startsLike := func(word string) bool { return strings.HasPrefix(name, word) }
	switch n := len(letters); {
	case n > longest, slices.ContainsFunc(startsNotNames, startsLike), n > 1 && slices.Contains(endsNotNames, letters[n-1]):
		return ""
	}
	return name
}
