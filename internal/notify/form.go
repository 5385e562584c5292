package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"idaas-ldap/internal/secret"
)

// The forms of webhooks.
const (
	Generic  = "generic"
	DingTalk = "dingtalk"
	Feishu   = "feishu"
	Slack    = "slack"
)

// form is how one sort of webhook takes messages. All texts are sent as plain text: what is in a name is never markup.
type form struct {
	// body returns what is posted. The time is that of the request.
	body func(m Message, key secret.Text, now time.Time) any
	// sign, if set, completes the URL, or returns a header of the request.
	sign   func(address *url.URL, key secret.Text, now time.Time)
	header func(body []byte, key secret.Text, now time.Time) (name, value string)
	// answer says what an answer with a status of success means.
	answer func(body []byte) verdict
}

// verdict is what an answer means.
type verdict struct {
	taken bool
	// again: a later try may be taken.
	again bool
	// reason is what the receiver said.
	reason string
}

func formOf(name string) (form, error) {
	switch name {
	case Generic:
		return form{body: genericBody, header: genericSignature, answer: func([]byte) verdict { return verdict{taken: true} }}, nil
	case DingTalk:
		return form{body: dingTalkBody, sign: signDingTalk, answer: dingTalkAnswer}, nil
	case Feishu:
		return form{body: feishuBody, answer: feishuAnswer}, nil
	case Slack:
		return form{body: slackBody, answer: func([]byte) verdict { return verdict{taken: true} }}, nil
	}
	return form{}, fmt.Errorf("%q is no form of a webhook; it is one of %s", name, strings.Join([]string{Generic, DingTalk, Feishu, Slack}, ", "))
}

// genericBody has everything in fields.
func genericBody(m Message, _ secret.Text, _ time.Time) any {
	return struct {
		Source   string    `json:"source"`
		Instance string    `json:"instance"`
		Kind     Kind      `json:"kind"`
		Subject  string    `json:"subject"`
		Over     bool      `json:"over"`
		Title    string    `json:"title"`
		Text     string    `json:"text"`
		Action   string    `json:"action"`
		Count    int       `json:"count"`
		Names    []string  `json:"names"`
		Repeats  int       `json:"repeats"`
		At       time.Time `json:"at"`
	}{
		"idaas-ldap", m.Instance, m.Kind, m.Subject, m.Over, m.Title(), m.Text, m.Action(), m.Count, append([]string{}, m.Names...), m.Repeats, m.At.UTC().Truncate(time.Second),
	}
}

// genericSignature is the keyed digest of the moment and the body, so that the receiver can tell who sent it, and a repeat.
func genericSignature(body []byte, key secret.Text, now time.Time) (name, value string) {
	at := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "Idaas-Ldap-Signature", "t=" + at + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}

// dingTalkBody is a message without markup: that of DingTalk would take names for links and headings.
func dingTalkBody(m Message, _ secret.Text, _ time.Time) any {
	return map[string]any{"msgtype": "text", "text": map[string]string{"content": m.lines()}}
}

// signDingTalk adds the moment and its keyed digest to the URL.
func signDingTalk(address *url.URL, key secret.Text, now time.Time) {
	at := strconv.FormatInt(now.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(at + "\n" + key.Reveal()))
	query := address.Query()
	query.Set("timestamp", at)
	query.Set("sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	address.RawQuery = query.Encode()
}

// dingTalkTooFast is what DingTalk answers where a robot says too much.
const dingTalkTooFast = 130101

func dingTalkAnswer(body []byte) verdict {
	var a struct {
		Code    *int   `json:"errcode"`
		Message string `json:"errmsg"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Code == nil {
		return verdict{reason: "the answer is not one of DingTalk"}
	}
	return verdict{taken: *a.Code == 0, again: *a.Code == dingTalkTooFast || *a.Code == -1, reason: fmt.Sprintf("errcode %d: %s", *a.Code, a.Message)}
}

// feishuBody is a message of pure texts, in which no tag means anything, with the signature where there is a secret.
func feishuBody(m Message, key secret.Text, now time.Time) any {
	var lines [][]map[string]string
	for line := range strings.SplitSeq(m.lines(), "\n") {
		lines = append(lines, []map[string]string{{"tag": "text", "text": line + "\n"}})
	}
	language := "en_us"
	if m.Language == Chinese {
		language = "zh_cn"
	}
	body := map[string]any{"msg_type": "post", "content": map[string]any{"post": map[string]any{
		language: map[string]any{"title": m.headline(), "content": lines[1:]},
	}}}
	if !key.Empty() {
		at := strconv.FormatInt(now.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(at+"\n"+key.Reveal()))
		body["timestamp"], body["sign"] = at, base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return body
}

// feishuTooFast is what Feishu answers where a robot says too much.
const feishuTooFast = 11232

func feishuAnswer(body []byte) verdict {
	var a struct {
		Code    *int   `json:"code"`
		Old     *int   `json:"StatusCode"`
		Message string `json:"msg"`
	}
	err := json.Unmarshal(body, &a)
	if a.Code == nil {
		a.Code = a.Old
	}
	if err != nil || a.Code == nil {
		return verdict{reason: "the answer is not one of Feishu"}
	}
	return verdict{taken: *a.Code == 0, again: *a.Code == feishuTooFast, reason: fmt.Sprintf("code %d: %s", *a.Code, a.Message)}
}

// slackEscapes are the three characters by which Slack begins anything but text.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func slackBody(m Message, _ secret.Text, _ time.Time) any {
	return map[string]any{"text": slackEscapes.Replace(m.lines()), "mrkdwn": false, "parse": "none", "link_names": false, "unfurl_links": false, "unfurl_media": false}
}
