package translate_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"idaas-ldap/internal/translate"
	"idaas-ldap/mapping"
)

func inChinese(tb testing.TB) *translate.Catalogue {
	tb.Helper()
	c, err := translate.Chinese()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestMessagesAreTranslatedWithAllThatStandsInThem(t *testing.T) {
	c := inChinese(t)
	for message, want := range map[string]string{
		`there is no "usr" here`:                                  `这里没有 "usr"`,
		"uid is there twice":                                      "uid 出现了两次",
		"on_delete is delete or keep":                             "on_delete 应为 delete 或 keep",
		"lower takes text here, and this is a number":             "lower 在这里需要文本，而这是数字",
		"an item of protect is one value":                         "protect 中的一项是一个单独的值",
		"known are uid, cn and sn":                                "已知的有 uid、cn 和 sn",
		"allocate a uidNumber: every number from 1 to 9 is taken": "分配 uidNumber：从 1 到 9 的编号都已被占用",
		"waits for user u_1, which is not in the directory yet":   "等待账户 u_1，它还不在目录中",
		// The order is another one, and what is put together is taken apart.
		"held by the guard on deletes of the mapping, which lets through 20 within 1h0m0s (max): uid=a,dc=x and 3 entries below it. Approve with 'events retry', or drop with 'events discard'":             "被映射的安全限额拦下：删除（上限：1h0m0s 内 20 个（max））：uid=a,dc=x 以及其下的 3 个条目。用“events retry”批准，或用“events discard”放弃",
		"held by the guard on disables of the mapping, which lets through 2 within 1h0m0s (percent: 5 of 40 known users, at least 1): uid=a: b. Approve with 'events retry', or drop with 'events discard'": "被映射的安全限额拦下：禁用（上限：1h0m0s 内 2 个（percent：已知的 40 个账户的 5%，至少 1 个））：uid=a: b。用“events retry”批准，或用“events discard”放弃",
		"m.yaml:3:5: user.attributes.uid: it gives 2 values where one is needed":                                                                     "m.yaml:3:5: user.attributes.uid: 它给出 2 个值，而这里需要一个",
		"m.yaml:3:5: there is no \"usr\" here; did you mean user?\n    3 | usr: the file is empty\n      | ^":                                        "m.yaml:3:5: 这里没有 \"usr\"；是否想写 user？\n    3 | usr: the file is empty\n      | ^",
		"modify uid=a,dc=x: Insufficient Access Rights (50): no write access — the bind account may not do this; give it the right in the directory": "modify uid=a,dc=x: Insufficient Access Rights (50): no write access — 绑定账号没有此权限；请在目录中授予",
		"everything but this is written: mail: Invalid Attribute Syntax (21): mail: value #0 invalid per syntax":                                     "除此之外均已写入：mail: Invalid Attribute Syntax (21): mail: value #0 invalid per syntax",
		// What is wrong with a configuration that was read again, with files of it, with key sets, and with the store.
		"refused, everything is in force as before: idaas-ldap.yaml:3:5: directories[0].mapping: missing; name the mapping file\n    3 | mapping: the file is empty\n      | ^\nidaas-ldap.yaml:9:3: store.retention: 30m is too short: repeats of an event could not be told; give at least 1h": "未被采用，一切照旧有效：idaas-ldap.yaml:3:5: directories[0].mapping: 缺少；请指明映射文件\n    3 | mapping: the file is empty\n      | ^\nidaas-ldap.yaml:9:3: store.retention: 30m 太短：事件的重复将无法识别；至少应为 1h",
		"refused, everything is in force as before: c.yaml:9:3: store.retention: 30m is too short: repeats of an event could not be told; give at least 1h":                                                                                                                                      "未被采用，一切照旧有效：c.yaml:9:3: store.retention: 30m 太短：事件的重复将无法识别；至少应为 1h",
		"ok, but for what takes a restart: c.yaml:2:11: receiver.listen: an address takes a restart; until then it is 127.0.0.1:0, with receiver.tls as it was; c.yaml:4:1: store.url: the store takes a restart; until then it is sqlite:s.db with the key in s.key":                            "正常，但以下内容需要重启：c.yaml:2:11: receiver.listen: 地址的改动需要重启；在此之前仍为 127.0.0.1:0，receiver.tls 也照旧；c.yaml:4:1: store.url: 存储库的改动需要重启；在此之前仍为 sqlite:s.db，密钥在 s.key",
		"refused, the one from before is in force: directories[0].bind_password_file: bind.txt is empty; it should hold the secret":                                                                                                                                                              "未被采用，之前的仍然有效：directories[0].bind_password_file: bind.txt 是空的；其中应有机密",
		"refused, the one from before is in force: read the mapping from m.yaml: no such file or directory":                                                                                                                                                                                      "未被采用，之前的仍然有效：从 m.yaml 读取映射：no such file or directory",
		"there is no key set to verify with: none could be fetched from https://x/jwks yet: fetch the key set: dial tcp: refused":                                                                                                                                                                "没有可用于验证的密钥集：至今未能从 https://x/jwks 取得：获取密钥集：dial tcp: refused",
		"read user u_1 from eiam.example.org: IDaaS answers 403 permission_denied: no right (request 7F); grant the application the right to read accounts and organizational units in the console of IDaaS":                                                                                     "读取账户 u_1，来自 eiam.example.org: IDaaS 回答 403 permission_denied: no right（请求 7F）；请在 IDaaS 控制台中授予应用读取账户和组织机构的权限",
		"corp: dc=x has the id 1, and had 2": "corp：dc=x 的 ID 是 1，以前是 2",
		"read dc=x: this is another directory: the entry has the id 1, and had 2 before. Look where directories[].urls lead; if this is to be the directory from now on, say so with 'idaas-ldap reconcile --directory f --accept-directory'": "read dc=x: 这是另一个目录：条目的 ID 是 1，而以前是 2。请查看 directories[].urls 指向哪里；如果从现在起就用这个目录，请执行“idaas-ldap reconcile --directory f --accept-directory”",
		"count events of corp: the store cannot take this now: it is closed":                            "统计 corp 的事件：存储库现在不能接受：它已关闭",
		"left in place by Ann at 2026; 'events retry --event' takes that back and asks the guard again": "由 Ann 于 2026 决定保留原处；“events retry --event”会撤销此决定，并重新核对安全限额",
		// What a test says: its own words, and not the lines of LDIF.
		"  what is expected (-) and what would be written (+):\n    dn: uid=a\n  - description: the file is empty\n  + description: it is empty\n  the directory says so already": "  期望的内容（-）和将要写入的内容（+）：\n    dn: uid=a\n  - description: the file is empty\n  + description: it is empty\n  目录已经如此",
		// What is not ours stays, also where it has our words.
		"cn=there is no user here":              "cn=there is no user here",
		"value is invalid":                      "value 应为 invalid",
		"LDAP Result Code 49: value is invalid": "LDAP Result Code 49: value is invalid",
		"":                                      "",
	} {
		if got := c.Of(message); got != want {
			t.Errorf("%q is\n%q and not\n%q", message, got, want)
		}
	}
	var english *translate.Catalogue
	if got := english.Of("the file is empty"); got != "the file is empty" {
		t.Errorf("in English it is %q", got)
	}
}

// words are several English words in a row, as no message has them that is translated.
var words = regexp.MustCompile(`[a-z]{2,} [a-z]{2,} [a-z]{2,}`)

// whatStays is what messages have in quotes, and what is written as in a file.
var whatStays = regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`|\\([^)]*\\)|\\{.*\\}")

// What is wrong with a mapping, and what to do then, is told in Chinese with nothing left over.
func TestWhatIsWrongWithAMappingIsToldInChinese(t *testing.T) {
	c := inChinese(t)
	files, err := filepath.Glob("../../mapping/testdata/wrong/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = mapping.Compile(filepath.Base(file), source)
		var wrong *mapping.Errors
		if !errors.As(err, &wrong) {
			t.Fatal(file, err)
		}
		for _, p := range wrong.List {
			for _, message := range []string{p.Message, p.Hint} {
				if got := c.Of(message); message != "" && (!strings.ContainsFunc(got, isHan) || words.MatchString(whatStays.ReplaceAllString(got, ""))) {
					t.Errorf("%s: %q is %q", filepath.Base(file), message, got)
				}
			}
		}
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// What may stand at a place of a mapping file is told in Chinese.
func TestWhatMayStandInAMappingIsToldInChinese(t *testing.T) {
	c := inChinese(t)
	var all []mapping.Word
	for _, place := range []string{
		"", "user:\n  ", "user:\n  scope: ", "user:\n  scope: user.", "user:\n  lifecycle:\n    ", "user:\n  lifecycle:\n    delete: { ", "user:\n  attributes:\n    cn: { ",
		"user:\n  attributes:\n    cn: { authority: ", "user:\n  password:\n    ", "user:\n  password:\n    hash: ", "user:\n  match:\n    - ", "user:\n  on_delete:\n    when_not_empty: ",
		"group:\n  ", "group:\n  members:\n    ", "organizational_unit:\n  ", "organizational_unit:\n  scope: ou.", "group:\n  scope: group.", "guards:\n  ", "guards:\n  deletes:\n    ",
		"tests:\n  - ", "tests:\n  - event: { ", "user:\n  scope: parent.", "user:\n  scope: ou.",
	} {
		lines := strings.Split(place, "\n")
		found, _ := mapping.Words(place, len(lines), len(lines[len(lines)-1])+1)
		all = append(all, found...)
	}
	if len(all) < 150 {
		t.Errorf("%d words were offered", len(all))
	}
	for _, w := range all {
		if got := c.Of(w.Doc); w.Doc != "" && (!strings.ContainsFunc(got, isHan) || words.MatchString(whatStays.ReplaceAllString(got, ""))) {
			t.Errorf("%s: %q is %q", w.Text, w.Doc, got)
		}
	}
}

// Somebody who is called as the program speaks is shown as such, and so is whatever a page must not take for its own.
func TestWhatStrangersChoseStays(t *testing.T) {
	c := inChinese(t)
	for _, name := range []string{
		"<script>alert(1)</script>", "the file is empty", "a rule", `%s %v %[1]s`, "a: b; c. d — e", "x, which is y", "user u", "\u202egnp.exe", "there is no x here; did you mean y?",
	} {
		for _, message := range []string{"there is no %s here", "%s is there twice", "waits for user %s, which is not in the directory yet", "look up who has %s: no member"} {
			if got := c.Of(strings.Replace(message, "%s", name, 1)); !strings.Contains(strings.ReplaceAll(got, "：", ": "), name) || !strings.ContainsFunc(got, isHan) {
				t.Errorf("%q with %q is %q", message, name, got)
			}
		}
	}
}

// However long and twisted a message is, what is spent on it is bounded, and what it says stays.
func TestTheWorkOnAMessageIsBounded(t *testing.T) {
	c := inChinese(t)
	for _, part := range []string{"; ", "a: ", " is ", ", which is ", "there is no ", "\"", " — a; b: c. ", "belongs at x, where y is ", "is ", "holds ", "; f:1:1: ", "the mapping; f:1:1: ", "\n"} {
		for _, size := range []int{1 << 10, 32 << 10} {
			message := strings.Repeat(part, size/len(part))
			spent := translate.Spent(c, message)
			if spent > 2*translate.MostSpent {
				t.Errorf("%q of %d bytes takes %d", part, size, spent)
			}
			got := strings.Fields(c.Of("x " + message + " y"))
			if len(got) == 0 || !slices.Contains(got, "x") || !slices.Contains(got, "y") {
				t.Errorf("%q of %d bytes has lost its ends", part, size)
			}
		}
	}
}

func BenchmarkAMessage(b *testing.B) {
	c := inChinese(b)
	for b.Loop() {
		c.Of("ou=x,dc=y belongs at ou=z,dc=y, where unit ou_2 still is; the login is ended meanwhile")
	}
}
