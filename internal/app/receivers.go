package app

import (
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/notify"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/secret"
)

// Told is a receiver of notifications.
type Told struct {
	notify.Receiver

	held *reload.Held[notify.Sender] // nil where no file is named
}

// OpenReceivers makes the receivers of notifications. Nothing is sent yet.
func OpenReceivers(cfg *config.Config, observe func(reload.Result), clock dispatch.Clock) ([]Told, error) {
	var all []Told
	var wrong []error
	for i, r := range cfg.Notifications.Receivers {
		at := fmt.Sprintf("notifications.receivers[%d]", i)
		files := []file{{".webhook.url_file", r.Webhook.URLFile}, {".webhook.secret_file", r.Webhook.SecretFile}, {".webhook.ca_file", r.Webhook.CAFile}}
		build := webhookOf(at, r.Webhook, clock)
		if r.Mail.Given() {
			files, build = []file{{".mail.password_file", r.Mail.PasswordFile}, {}, {".mail.ca_file", r.Mail.CAFile}}, mailerOf(r.Mail, clock)
		}
		told, err := openReceiver(at, r.Name, files, build, observe)
		if err != nil {
			keys := map[string]config.Path{}
			for _, f := range files {
				keys[f.key] = f.path
			}
			wrong = append(wrong, located(cfg, keyOf(err, at, keys), err))
			continue
		}
		all = append(all, told)
	}
	return all, errors.Join(wrong...)
}

// file is one that a key below a receiver names; the zero value is none.
type file struct {
	key  string
	path config.Path
}

// material is what the three files of a receiver hold, and nil for those that are not named: two secrets and authorities.
type material struct {
	first, second *secret.Text
	roots         *x509.CertPool
}

func openReceiver(at, name string, files []file, produce func(material) (notify.Sender, error), observe func(reload.Result)) (Told, error) {
	var paths []string
	for _, f := range files {
		if f.path != "" {
			paths = append(paths, string(f.path))
		}
	}
	held, err := reload.Hold(at, paths, func(raw [][]byte, _ *notify.Sender) (notify.Sender, error) {
		m, err := materialIn(at, files, raw)
		if err != nil {
			return nil, err
		}
		return produce(m)
	}, observe)
	if err != nil {
		return Told{}, err //nolint:wrapcheck // It names the file, and the caller the key.
	}
	told := Told{Receiver: notify.Receiver{Name: name, Sender: held.Value}}
	if len(paths) > 0 {
		told.held = held
	}
	return told, nil
}

// materialIn takes what files hold apart.
func materialIn(at string, files []file, raw [][]byte) (material, error) {
	var m material
	for i, f := range files {
		if f.path == "" {
			continue
		}
		content := raw[0]
		raw = raw[1:]
		if i == len(files)-1 {
			var err error
			if m.roots, err = poolOf(content); err != nil {
				return m, &keyError{at + f.key, fmt.Errorf("%s %w", f.path, err)}
			}
			continue
		}
		text, err := config.SecretIn(content)
		if err != nil {
			return m, &keyError{at + f.key, fmt.Errorf("%s %w", f.path, err)}
		}
		*[]**secret.Text{&m.first, &m.second}[i] = &text
	}
	return m, nil
}

// poolOf returns the authorities in a file in PEM form.
func poolOf(raw []byte) (*x509.CertPool, error) {
	authorities, err := certificatesIn(raw)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, authority := range authorities {
		pool.AddCert(authority)
	}
	return pool, nil
}

// given returns what a file says, or else the configuration.
func given(inFile *secret.Text, inline secret.Text) secret.Text {
	if inFile != nil {
		return *inFile
	}
	return inline
}

func webhookOf(at string, w config.Webhook, clock dispatch.Clock) func(material) (notify.Sender, error) {
	return func(m material) (notify.Sender, error) {
		url := given(m.first, w.URL)
		if err := config.CheckWebhookURL(url); err != nil {
			return nil, &keyError{at + ".webhook.url_file", fmt.Errorf("%s: %w", w.URLFile, err)}
		}
		return notify.NewWebhook(notify.WebhookConfig{ //nolint:wrapcheck // It says what is wrong, and the caller where.
			Form: w.Form, URL: url, Secret: given(m.second, w.Secret), Roots: m.roots, Clock: clock.Now,
		})
	}
}

func mailerOf(c config.Mail, clock dispatch.Clock) func(material) (notify.Sender, error) {
	return func(m material) (notify.Sender, error) {
		address, implicit, local := c.Address()
		return notify.NewMailer(notify.MailConfig{
			Server: address, Implicit: implicit, Unprotected: local, Username: c.Username, Password: given(m.first, c.Password),
			From: c.From, To: c.To, Roots: m.roots, Clock: clock, Random: rand.Text,
		}), nil
	}
}

// notifications are the settings of the notifier.
func (s *setup) notifications() notify.Settings {
	out := notify.Settings{Every: s.cfg.Notifications.Every, Names: s.cfg.Notifications.Names, Language: notify.Language(s.cfg.Notifications.Language)}
	for _, t := range s.told {
		out.Receivers = append(out.Receivers, t.Receiver)
	}
	return out
}

// InstanceName is what this process is called where it tells somebody something.
func InstanceName() string {
	name, err := os.Hostname()
	if err != nil {
		return thisProcess()
	}
	return name
}
