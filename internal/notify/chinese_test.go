package notify_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode"

	"idaas-ldap/internal/notify"
)

// isChinese reports whether a text has Chinese characters, and isEnglish whether it has a sentence of English.
func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func isEnglish(text string) bool {
	return strings.Contains(text, " the ") || strings.Contains(text, " is ")
}

// Everything that we say ourselves is there in Chinese, for every kind of news.
func TestPeopleAreToldInChinese(t *testing.T) {
	for _, kind := range []notify.Kind{notify.Held, notify.Failed, notify.Down, notify.Certificate, notify.Store, notify.Pull, notify.Test} {
		for _, over := range []bool{false, true} {
			m := notify.Message{News: notify.News{Kind: kind, Subject: "corp", Count: 7, Over: over}, Language: notify.Chinese}
			english := m
			english.Language = ""
			for _, text := range []string{m.Title(), m.Action()} {
				if !isChinese(text) || isEnglish(text) {
					t.Errorf("%s is told by %q", kind, text)
				}
			}
			if isChinese(english.Title() + english.Action()) {
				t.Errorf("%s is told in English by %q and %q", kind, english.Title(), english.Action())
			}
		}
	}
}

// The language of the settings is that of the message, also of one that is told later, and what is said in one language only is said in that.
func TestTheSettingsSayInWhichLanguage(t *testing.T) {
	for language, want := range map[notify.Language]string{notify.English: "Held now. / 1 / x", notify.Chinese: "现有。 / 1 / x"} {
		synctest.Test(t, func(t *testing.T) {
			var texts []string
			n, _ := rig(t, notify.Settings{Language: language, Receivers: []notify.Receiver{{Name: "ops", Sender: func() notify.Sender {
				return sends(func(m notify.Message) {
					texts = append(texts, m.Text)
					if m.InChinese != "" {
						t.Errorf("both languages are handed on: %+v", m)
					}
				})
			}}}})
			n.Tell(notify.News{Kind: notify.Held, Subject: "corp", Text: "Held now.", InChinese: "现有。"})
			synctest.Wait()
			n.Tell(notify.News{Kind: notify.Store, Text: "1"})
			synctest.Wait()
			n.Tell(notify.News{Kind: notify.Pull, Subject: "app", Text: "x"})
			synctest.Wait()
			if got := strings.Join(texts, " / "); got != want {
				t.Errorf("in %s it is told %q, want %q", language, got, want)
			}
		})
	}
}

// Each form is told in Chinese, with what chats filter by and what programs rely on as it was, and the longest message is one that they take.
func TestEveryFormInChinese(t *testing.T) {
	for form, has := range map[string][]string{
		notify.Generic:  {`"kind":"held"`, `"title":"corp 有 7 个事件被拦下`, `"subject":"corp"`},
		notify.DingTalk: {`"content":"idaas-ldap: corp 有 7 个事件被拦下`, "涉及：ann", "上次通知之后又发生了 2 次。"},
		notify.Feishu:   {`"zh_cn":`, `"title":"idaas-ldap: corp 有 7 个事件被拦下`, "涉及：ann"},
		notify.Slack:    {`"text":"idaas-ldap: corp 有 7 个事件被拦下`, "涉及：ann"},
	} {
		l := listen(t, answer(http.StatusOK, `{"errcode":0,"code":0}`))
		m := held("ann", strings.Repeat("<", 60), strings.Repeat("王", 60))
		m.Language, m.Repeats, m.Text = notify.Chinese, 2, strings.Repeat("<王&", 200)
		if err := hook(t, l, form, "key").Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		body, _, _ := l.first()
		for _, text := range has {
			if !strings.Contains(body, text) {
				t.Errorf("%s is posted without %s: %s", form, text, body)
			}
		}
		if n := len(body); n > 20_000 {
			t.Errorf("%s is posted with %d octets", form, n)
		}
	}
}
