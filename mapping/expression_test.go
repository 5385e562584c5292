package mapping_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"idaas-ldap/event"
	"idaas-ldap/mapping"
)

// ann is somebody of whom much is known.
var ann = event.Values{
	"username": "ann.lee", "displayName": "Ann Lee", "email": "Ann.Lee@Example.ORG", "emailVerified": true, "description": nil,
	"createTime": int64(1767225600000), "accountExpireTime": int64(-1), "custom.title": "Engineer", "custom.empty": "",
	"raw.level": 3.5, "raw.count": int64(7), "raw.flag": true, "raw.tags": []any{"a", "b"}, "raw.deep": map[string]any{"x": "y"},
	"ous":    []any{map[string]any{"id": "ou_1", "name": "Sales", "primary": true}, map[string]any{"id": "ou_2", "name": "研发", "primary": false}},
	"groups": []any{"group_1", "group_2"},
}

func TestExpressions(t *testing.T) {
	for _, c := range []struct {
		expression string
		want       []string
	}{
		{`user.username`, []string{"ann.lee"}},
		{`user.id`, []string{"user_1"}},
		{`user.custom.title`, []string{"Engineer"}},
		{`user.custom["title"]`, []string{"Engineer"}},
		{`[user.username, user.displayName]`, []string{"ann.lee", "Ann Lee"}},
		{`user.emailVerified`, []string{"TRUE"}},
		{`not user.emailVerified`, []string{"FALSE"}},
		{`user.createTime`, []string{"1767225600000"}},
		{`user.raw.level`, []string{"3.5"}},
		{`user.raw.tags`, []string{"a", "b"}},
		{`user.raw.deep.x`, []string{"y"}},
		{`[1, true, 2.5, "x", nil, "", "x"]`, []string{"1", "TRUE", "2.5", "x"}},

		// Fallbacks.
		{`user.phoneNumber`, nil},
		{`user.phoneNumber ?? "none"`, []string{"none"}},
		{`user.description ?? "null counts as absent"`, []string{"null counts as absent"}},
		{`user.custom.empty ?? "empty counts as absent"`, []string{"empty counts as absent"}},
		{`lower(user.phoneNumber) ?? "x"`, []string{"x"}},
		{`user.raw.nothing.below.it ?? "x"`, []string{"x"}},
		{`user.raw.nothing?.x ?? "x"`, []string{"x"}},

		// What lacks a part is absent as a whole.
		{`user.username + "@" + user.custom.domain`, nil},
		{`(user.username + "@" + user.custom.domain) ?? "x"`, []string{"x"}},
		{`user.accountExpireTime + user.lockExpireTime`, nil},
		{`-user.lockExpireTime`, nil},

		// Conditions: nothing is false, and equals nothing but nothing.
		{`user.phoneVerified ? "yes" : "no"`, []string{"no"}},
		{`not user.phoneVerified ? "yes" : "no"`, []string{"yes"}},
		{`user.phoneNumber == nil`, []string{"TRUE"}},
		{`user.phoneNumber == ""`, []string{"TRUE"}},
		{`user.custom.empty == nil`, []string{"TRUE"}},
		{`user.phoneNumber != "1"`, []string{"TRUE"}},
		{`user.lockExpireTime > 1 or user.lockExpireTime <= 1`, []string{"FALSE"}},
		{`user.username matches "^ann[.]"`, []string{"TRUE"}},
		{`user.phoneNumber matches "."`, []string{"FALSE"}},
		{`user.username startsWith "ann" and user.username endsWith "lee" and user.username contains "."`, []string{"TRUE"}},
		{`user.username in ["bob", "ann.lee"]`, []string{"TRUE"}},
		{`"group_2" in user.groups`, []string{"TRUE"}},
		{`"x" in user.raw.absent`, []string{"FALSE"}},
		{`user.createTime > 1767225599999`, []string{"TRUE"}},
		{`"b" > "a"`, []string{"TRUE"}},
		{`2 == 2.0`, []string{"TRUE"}},
		{`["a"] == ["a"]`, []string{"TRUE"}},

		// Numbers.
		{`1 + 2 * 3 - 4`, []string{"3"}},
		{`7 / 2`, []string{"3"}},
		{`7 % 4`, []string{"3"}},
		{`7.5 / 2`, []string{"3.75"}},
		{`user.createTime / 1000 / 86400`, []string{"20454"}},

		// Lists.
		{`map(user.ous, .name)`, []string{"Sales", "研发"}},
		{`map(filter(user.ous, .primary), .id)`, []string{"ou_1"}},
		{`map(filter(user.ous, not .primary), .id)`, []string{"ou_2"}},
		{`map(user.groups, # + "!")`, []string{"group_1!", "group_2!"}},
		{`map(user.raw.absent, #)`, nil},
		{`any(user.ous, .name == "Sales")`, []string{"TRUE"}},
		{`all(user.ous, .primary)`, []string{"FALSE"}},
		{`none(user.ous, .name == "x")`, []string{"TRUE"}},
		{`one(user.ous, .primary)`, []string{"TRUE"}},
		{`user.groups[0]`, []string{"group_1"}},
		{`user.groups[-1]`, []string{"group_2"}},
		{`user.groups[9]`, nil},
		{`user.ous[0].name`, []string{"Sales"}},
		{`user.ous[9].name`, nil},

		// Ways of writing.
		{`let word = split(user.username, ".")[0]; upper(word)`, []string{"ANN"}},
		{`user.email | lower()`, []string{"ann.lee@example.org"}},
		{"`a\"b`", []string{`a"b`}},
	} {
		t.Run(c.expression, func(t *testing.T) {
			got, err := mapping.Evaluate(c.expression, ann)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What the type checker cannot know ends as an error that names the value's kind and the place.
func TestExpressionsFailWithAReason(t *testing.T) {
	for _, c := range []struct{ expression, want string }{
		{`user.raw.level + "x"`, "a number and text"},
		{`lower(user.raw.tags)`, "text is needed here, and this is a list"},
		{`user.raw.deep`, "it gives a record where text is needed"},
		{`[[1]]`, "it gives a list where text is needed"},
		{`user.raw.level ? "a" : "b"`, "a condition is true or false, and this is a number"},
		{`map(user.raw.level, #)`, "a loop goes through a list, and this is a number"},
		{`"a" in user.raw.level`, "'in' looks into a list, and this is a number"},
		{`user.raw.level > "a"`, "two numbers or two texts"},
		{`user.raw.tags matches "a"`, "'matches' takes text"},
		{`user.raw.level.x`, "a number has no fields"},
		{`1 / 0`, "a division by zero"},
		{`9223372036854775807 + 1`, "the number is too large"},
		{`generalizedTime("today")`, "a moment is a number of milliseconds"},
		{`base64("%%%")`, "text in base64, and this is not"},
		{`loginName("../root")`, "only letters and digits of ASCII"},
		{`loginName("a:0:0::/:/bin/sh")`, "only letters and digits of ASCII"},
		{`loginName("ann\nroot")`, "only letters and digits of ASCII"},
		{`loginName("Zoë")`, "only letters and digits of ASCII"},
		{`loginName("-rf")`, "begins with neither"},
		{`loginName("..")`, "begins with neither"},
		{`loginName("0123")`, "taken for a number"},
		{`loginName("Root")`, "every system has an account of that name"},
		{`loginName("abcdefghijklmnopqrstuvwxyz0123456")`, "more than 32 characters"},
		{`fail("no mail address")`, "no mail address"},
	} {
		t.Run(c.expression, func(t *testing.T) {
			got, err := mapping.Evaluate(c.expression, ann)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q, %v; want an error with %q", got, err, c.want)
			}
		})
	}
}

// Every function answers the empty text, what is absent, and what is not ASCII.
func TestFunctions(t *testing.T) {
	for _, c := range []struct {
		expression string
		want       string
	}{
		{`lower("ÀÉ 王")`, "àé 王"},
		{`upper("àé 王")`, "ÀÉ 王"},
		{`trim("\u3000 a b \t")`, "a b"},
		{`trim("  ")`, ""},
		{`normalize("ﬁ  ① é")`, "fi 1 é"},
		{`transliterate("Łódź, Reykjavík, København, Straße")`, "Lodz, Reykjavik, Kobenhavn, Strasse"},
		{`transliterate("王小明 wang")`, "wang xiao ming wang"},
		{`transliterate("Αθήνα")`, "Αθηνα"},
		{`ascii("Αθήνα")`, ""},
		{`ascii("王")`, "wang"},
		{`pinyin("吕布")`, "lyu bu"},
		{`pinyin("A座3号")`, "A zuo 3 hao"},
		{`pinyin("Ann")`, "Ann"},
		{`pinyinName("诸葛亮")`, "Zhuge Liang"},
		{`pinyinName("曾国藩")`, "Zeng Guofan"},
		{`pinyinName("張三丰")`, "Zhang Sanfeng"},
		{`pinyinName("王, 小明")`, "Wang Xiaoming"},
		{`pinyinName("Ann Lee")`, "Ann Lee"},
		{`pinyinName("김철수")`, "김철수"},
		{`pinyinName("李")`, "Li"},
		{`slug("--Zoë & 王!!")`, "zoe-wang"},
		{`slug("!!")`, ""},
		{`truncate("张三丰", 0)`, ""},
		{`truncate("张三丰", -1)`, ""},
		{`truncate("张三丰", 9)`, "张三丰"},
		{`replace("aaa", "a", "bb")`, "bbbbbb"},
		{`replace("aaa", "", "b")`, "aaa"},
		{`replace("aaa", "a", "")`, ""},
		{`regexReplace("ann lee", "(\\w+) (\\w+)", "$2 $1")`, "lee ann"},
		{`regexReplace("aXbX", "^a|X$", "")`, "Xb"},
		{`regexReplace("a1b22", "[0-9]+", "#")`, "a#b#"},
		{`regexReplace("", "", "x")`, ""},
		{`text(1.50)`, "1.5"},
		{`text(true)`, "TRUE"},
		{`len(user.phoneNumber)`, "0"},
		{`len(user.groups)`, "2"},

		{`familyName("Ann Lee")`, "Lee"},
		{`familyName("Lee, Ann")`, "Lee"},
		{`familyName("Ann Lee, Jr.")`, "Lee"},
		{`givenName("Lee, Ann, Ph.D.")`, "Ann"},
		{`familyName("Ludwig van Beethoven")`, "van Beethoven"},
		{`familyName("María de la Cruz")`, "de la Cruz"},
		{`familyName("张三丰")`, "张"},
		{`familyName("欧阳锋")`, "欧阳"},
		{`familyName("欧阳")`, "欧"},
		{`familyName("王 小明")`, "王"},
		{`familyName("王，小明")`, "王"},
		{`familyName("김철수")`, "김"},
		{`familyName("madonna")`, "madonna"},
		{`familyName("  ")`, ""},
		{`givenName("Ann Lee")`, "Ann"},
		{`givenName("诸葛亮")`, "亮"},
		{`givenName("Lee, Ann Mary")`, "Ann Mary"},
		{`givenName("Madonna")`, ""},

		{`e164("86", "13900000000")`, "+8613900000000"},
		{`e164("0086", "139 0000-0000")`, "+8613900000000"},
		{`e164("49", "030 1234567")`, "+49301234567"},
		{`e164("39", "06 1234567")`, "+39061234567"},
		{`e164("86", "+49 30 1234567")`, "+49301234567"},
		{`e164("86", "0049 30 1234567")`, "+49301234567"},
		{`e164("", "13900000000")`, ""},
		{`e164("86", "")`, ""},
		{`e164("86", "12")`, ""},
		{`e164("86", "1234567890123456789")`, ""},
		{`e164("８６", "１３９００００００００")`, "+8613900000000"},
		{`samAccountName("王小明")`, "wangxiaoming"},
		{`samAccountName("a.very.long.name.indeed.")`, "a.very.long.name.ind"},
		{`samAccountName("@@")`, ""},
		{`loginName(user.username)`, "ann.lee"},
		{`loginName("_a-1.B")`, "_a-1.B"},
		{`loginName("")`, ""},
		{`loginName(user.description)`, ""},

		{`join(split("a;b;;c", ";"), "|")`, "a|b|c"},
		{`join(split("", ";"), "|")`, ""},
		{`join(["a", nil, "", 1], ", ")`, "a, 1"},
		{`join(user.phoneNumber, ", ")`, ""},
		{`join("a", ", ")`, "a"},
		{`join(unique(["b", "a", "b", "", nil]), "")`, "ba"},
		{`first([])`, ""},
		{`first(user.phoneNumber)`, ""},
		{`last(user.groups)`, "group_2"},

		{`generalizedTime(user.createTime)`, "20260101000000Z"},
		{`generalizedTime(user.accountExpireTime)`, ""},
		{`generalizedTime(0)`, ""},
		{`generalizedTime("1767225600000")`, "20260101000000Z"},
		{`generalizedTime(user.phoneNumber)`, ""},
		{`fileTime(1)`, "116444736000010000"},
		{`epochDays(86399999)`, "0"},
		{`epochDays(-86400000)`, ""},
		{`generalizedTime(253402214399999)`, "99991230235959Z"},
		{`generalizedTime(253402214400000)`, ""},
		{`fileTime(253402300799000)`, ""},
		{`fileTime(9223372036854775807)`, ""},
		{`fileTime("9223372036854775807")`, ""},
		{`epochDays("99999999999999999999")`, ""},
		{`epochDays("-99999999999999999999")`, ""},
		{`epochDays(86400000)`, "1"},
		{`base64("")`, ""},
		{`base64("YWJj\nZGVm")`, "abcdef"},
	} {
		t.Run(c.expression, func(t *testing.T) {
			got, err := mapping.Evaluate(c.expression, ann)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(got, "\n") != c.want {
				t.Errorf("%q; want %q", got, c.want)
			}
		})
	}
}

// Every documented example says what is true, and what an absent argument gives.
func TestFunctionsDoWhatTheirExamplesSay(t *testing.T) {
	for _, f := range mapping.Functions() {
		t.Run(f.Name, func(t *testing.T) {
			if f.Example == "" {
				return
			}
			got, err := mapping.Evaluate(f.Example, nil)
			if err != nil || strings.Join(got, " ") != f.Result {
				t.Errorf("%s = %q, %v; want %q", f.Example, got, err, f.Result)
			}
		})
	}
}

// A function that is given nothing gives nothing; none fails or panics on it.
func TestFunctionsOfNothingAreNothing(t *testing.T) {
	for _, f := range mapping.Functions() {
		count := strings.Count(f.Signature, ",") + 1
		if f.Name == "fail" || f.Name == "skip" || f.Name == "len" {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			arguments := make([]string, count)
			for i := range arguments {
				arguments[i] = "user.raw.absent"
			}
			switch {
			case f.Name == "regexReplace":
				arguments[1] = `"a"`
			case strings.HasSuffix(f.Signature, ", f)"), strings.HasSuffix(f.Signature, ", condition)"):
				arguments[1] = "true"
			}
			source := f.Name + "(" + strings.Join(arguments, ", ") + ")"
			got, err := mapping.Evaluate(source, nil)
			if truth := len(got) == 1 && (got[0] == "TRUE" || got[0] == "FALSE"); err != nil || len(got) != 0 && !truth {
				t.Errorf("%s = %q, %v", source, got, err)
			}
		})
	}
}

// Every Chinese character that is read at all is read in plain small letters.
func TestPinyinIsPlain(t *testing.T) {
	const first, last, at = 0x4e00, 0x9fff, 500
	for from := first; from <= last; from += at {
		var b strings.Builder
		for r := from; r < from+at; r++ {
			b.WriteRune(rune(r))
		}
		got, err := mapping.Evaluate("pinyin(user.username)", event.Values{"username": b.String()})
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range strings.Fields(got[0]) {
			rest := strings.Trim(word, "abcdefghijklmnopqrstuvwxyz")
			unread := strings.IndexFunc(word, func(r rune) bool { return r < first }) < 0
			if rest != "" && !unread {
				t.Errorf("%q", word)
			}
		}
	}
}

func TestSkipIsNoFailure(t *testing.T) {
	set := userRules(t, `cn: 'user.username startsWith "svc-" ? skip() : user.username'`)
	_, err := set.Desired(mapping.Input{Object: userOf(event.Values{"username": "svc-backup"})})
	var skipped *mapping.Skipped
	if !errors.As(err, &skipped) || skipped.Rule != "user.attributes.cn" {
		t.Fatalf("%v; want it to be skipped by the rule of cn", err)
	}
	if _, err := set.Desired(mapping.Input{Object: userOf(event.Values{"username": "ann"})}); err != nil {
		t.Fatal(err)
	}
}

func TestWholeNumbersDoNotWrapAround(t *testing.T) {
	for _, c := range []string{
		fmt.Sprintf("%d + 1", math.MaxInt64), fmt.Sprintf("-%d - 2", math.MaxInt64), fmt.Sprintf("%d * 2", math.MaxInt64),
		fmt.Sprintf("(-%d - 1) / -1", math.MaxInt64), fmt.Sprintf("(-%d - 1) * -1", math.MaxInt64), fmt.Sprintf("(-%d - 1) %% -1", math.MaxInt64),
	} {
		if got, err := mapping.Evaluate(c, nil); err == nil {
			t.Errorf("%s = %q", c, got)
		}
	}
}

// A file with more expressions than anybody writes is refused before they are compiled: that takes long, and is done at every pause in typing.
func TestExpressionsAreCounted(t *testing.T) {
	source := "version: 1\nbase: dc=example,dc=org\nuser:\n  dn: \"uid={user.username},{base}\"\n  attributes:\n"
	for i := range 3000 {
		source += fmt.Sprintf("    a%d: \" \"\n", i)
	}
	_, err := mapping.Compile("mapping.yaml", []byte(source))
	var wrong *mapping.Errors
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	said := wrong.Error()
	if !strings.HasSuffix(said, "and 1900 more problems") { // two expressions are in the DN, and the rules from 1,999 on are not looked at
		t.Errorf("it says %.300s ... %s", said, wrong.List[len(wrong.List)-1])
	}
}
