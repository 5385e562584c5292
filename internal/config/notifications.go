package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"time"

	"idaas-ldap/internal/secret"
)

// Notifications say who is told what waits for people, and when.
type Notifications struct {
	// Every is how often at most the same thing is told.
	Every time.Duration `yaml:"every"`
	// Names: people may be named.
	Names bool `yaml:"names"`
	// Language is the one of the texts, LanguageEnglish or LanguageChinese.
	Language string `yaml:"language"`
	// DownAfter is how long a directory has to be down before that is told.
	DownAfter time.Duration `yaml:"down_after"`
	// Failed is how many events may fail before that is told.
	Failed    FailedLimit            `yaml:"failed"`
	Receivers []NotificationReceiver `yaml:"receivers"`
}

// FailedLimit is a number of events within a span of time.
type FailedLimit struct {
	Count  int           `yaml:"count"`
	Within time.Duration `yaml:"within"`
}

// NotificationReceiver is who is told. Either Webhook or Mail is given.
type NotificationReceiver struct {
	// Name is what it is called in metrics and the log.
	Name    string  `yaml:"name"`
	Webhook Webhook `yaml:"webhook"`
	Mail    Mail    `yaml:"mail"`
}

// The languages of notifications.
const (
	LanguageEnglish = "en"
	LanguageChinese = "zh"
)

// The forms of webhooks.
const (
	WebhookGeneric  = "generic"
	WebhookDingTalk = "dingtalk"
	WebhookFeishu   = "feishu"
	WebhookSlack    = "slack"
)

// Webhook is a URL that messages are posted to.
type Webhook struct {
	// Form is one of the words above.
	Form string `yaml:"form"`
	// URL is a secret, as whoever knows it may post there.
	URL     secret.Text `yaml:"url" file:"url_file"`
	URLFile Path        `yaml:"url_file"`
	// Secret signs messages; empty where they are not signed.
	Secret     secret.Text `yaml:"secret" file:"secret_file"`
	SecretFile Path        `yaml:"secret_file"`
	// CAFile holds the certificates to trust; empty for those of the system.
	CAFile Path `yaml:"ca_file"`
}

// Given reports whether there is a webhook.
func (w Webhook) Given() bool { return !w.URL.Empty() || w.URLFile != "" }

// Mail is a mail server and those to whom it brings messages.
type Mail struct {
	// Server is smtp://HOST:PORT, with STARTTLS, or smtps://HOST:PORT.
	Server       string      `yaml:"server"`
	Username     string      `yaml:"username"`
	Password     secret.Text `yaml:"password" file:"password_file"`
	PasswordFile Path        `yaml:"password_file"`
	From         string      `yaml:"from"`
	To           []string    `yaml:"to"`
	// CAFile holds the certificates to trust; empty for those of the system.
	CAFile Path `yaml:"ca_file"`
}

// Given reports whether there is a mail server.
func (m Mail) Given() bool { return m.Server != "" }

// Address returns host and port of the server, whether TLS is spoken from the first octet, and whether it is on this machine.
func (m Mail) Address() (address string, implicit, local bool) {
	u, err := url.Parse(m.Server)
	if err != nil {
		return "", false, false
	}
	port := u.Port()
	if implicit = u.Scheme == smtpsScheme; port == "" {
		port = map[bool]string{true: "465", false: "587"}[implicit] // RFC 8314, RFC 6409
	}
	return net.JoinHostPort(u.Hostname(), port), implicit, isLoopback(u.Hostname())
}

const smtpScheme, smtpsScheme = "smtp", "smtps"

// Bounds of notifications.
const (
	minTold        = time.Minute
	maxFailedCount = 10_000
)

func (l *loader) validateNotifications() {
	n := l.config.Notifications
	for path, span := range map[string]time.Duration{"notifications.every": n.Every, "notifications.down_after": n.DownAfter, "notifications.failed.within": n.Failed.Within} {
		if span < minTold {
			l.wrong(path, "%s is too short; give at least %s", span, minTold)
		}
	}
	if n.Failed.Count < 1 || n.Failed.Count > maxFailedCount {
		l.wrong("notifications.failed.count", "%d is not between 1 and %d", n.Failed.Count, maxFailedCount)
	}
	seen := map[string]bool{}
	for i, r := range n.Receivers {
		path := fmt.Sprintf("notifications.receivers[%d]", i)
		switch {
		case r.Name == "":
			l.wrong(path+".name", "missing; give the receiver a short name")
		case !directoryName.MatchString(r.Name):
			l.wrong(path+".name", "%q is not a short name of letters, digits, dots, dashes and underscores", r.Name)
		case seen[r.Name]:
			l.wrong(path+".name", "%q is given twice; every receiver has its own name", r.Name)
		}
		seen[r.Name] = true
		switch {
		case r.Webhook.Given() == r.Mail.Given() && !l.spoilt[path+".webhook.url"] && !l.spoilt[path+".webhook.url_file"]:
			l.wrong(path, "give either webhook, with its url_file, or mail, with its server")
		case r.Mail.Given():
			l.validateMail(path+".mail", r.Mail)
		default:
			l.validateWebhook(path+".webhook", r.Webhook)
		}
	}
}

func (l *loader) validateWebhook(path string, w Webhook) {
	l.oneOf(path+".form", w.Form, WebhookGeneric, WebhookDingTalk, WebhookFeishu, WebhookSlack)
	key := path + ".url"
	if w.URLFile != "" {
		key = path + ".url_file"
	}
	if err := CheckWebhookURL(w.URL); err != nil && !w.URL.Empty() {
		l.wrong(key, "%v", err)
	}
	if w.Form == WebhookSlack && (!w.Secret.Empty() || w.SecretFile != "") {
		l.wrong(path+".secret_file", "Slack takes no signature: the URL is the secret; remove it")
	}
}

// CheckWebhookURL says why a text cannot be the URL of a webhook, without the text.
func CheckWebhookURL(text secret.Text) error {
	u, err := url.Parse(text.Reveal())
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("not the URL of a webhook; write it as https://HOST/PATH")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return errors.New("messages would cross the network unprotected; use https://")
	}
	return nil
}

func (l *loader) validateMail(path string, m Mail) {
	u, err := url.Parse(m.Server)
	switch {
	case err == nil && u.User != nil:
		l.hideAt(path + ".server")
		l.wrong(path+".server", "must not hold a user name or password; they belong in username and password_file")
	case err != nil || u.Hostname() == "" || u.Scheme != smtpScheme && u.Scheme != smtpsScheme || u.Path != "" || u.RawQuery != "" || u.Fragment != "":
		l.wrong(path+".server", "not a mail server; write it as smtps://HOST:465, or as smtp://HOST:587 for STARTTLS")
	}
	if password := !m.Password.Empty() || m.PasswordFile != ""; password != (m.Username != "") {
		l.both(path, "username", m.Username, "password_file", map[bool]string{true: "given"}[password])
	}
	if len(m.To) == 0 {
		l.wrong(path+".to", "missing; write it as [ops@example.org]")
	}
	l.mailAddress(path+".from", m.From)
	for i, to := range m.To {
		l.mailAddress(fmt.Sprintf("%s.to[%d]", path, i), to)
	}
}

// mailAddress checks an address of mail (RFC 5322) without a name.
func (l *loader) mailAddress(path, text string) {
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text {
		l.wrong(path, "%q is not an address of mail; write it as ops@example.org", text)
	}
}
