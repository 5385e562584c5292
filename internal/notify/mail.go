package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"idaas-ldap/internal/secret"
)

// How often and how long a mail is tried.
const (
	mailTries                   = 3
	mailPause                   = 10 * time.Second
	mailWithin                  = 30 * time.Second
	largestMailAnswer     int64 = 1 << 20
	firstPermanentRefusal       = 500 // RFC 5321 section 4.2.1
)

// MailConfig is what a mailer is made from.
type MailConfig struct {
	// Server is the host and port. TLS is spoken from the first octet (RFC 8314) where Implicit is set, else after STARTTLS (RFC 3207).
	Server   string
	Implicit bool
	// Unprotected: no TLS is insisted on, as the server is on this machine and no password is sent.
	Unprotected bool
	Username    string
	Password    secret.Text
	From        string
	To          []string
	// Roots are whom to trust; nil for those of the system.
	Roots *x509.CertPool
	Clock Clock
	// Random is where the ids of messages come from.
	Random func() string
	// Within bounds one try, Pause is that after the first one; zero for what is usual.
	Within, Pause time.Duration
}

// Mailer sends messages by mail.
type Mailer struct{ cfg MailConfig }

// NewMailer returns a mailer. Nothing is sent yet.
func NewMailer(cfg MailConfig) *Mailer { return &Mailer{cfg} }

// Send sends a message, and tries again where that may help.
func (s *Mailer) Send(ctx context.Context, m Message) error {
	text := s.compose(m)
	pause := or(s.cfg.Pause, mailPause)
	for try := 1; ; try++ {
		err := s.once(ctx, text)
		if err == nil {
			return nil
		}
		if err = s.withoutSecrets(err); isPermanent(err) || try == mailTries {
			return err
		}
		reached, stop := s.cfg.Clock.At(s.cfg.Clock.Now().Add(pause))
		select {
		case <-reached:
		case <-ctx.Done():
			stop()
			return err
		}
		stop()
		pause *= 3
	}
}

// permanent is a refusal that the next try would meet too.
type permanent struct{ error }

func isPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

// once tries to send a text.
func (s *Mailer) once(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, or(s.cfg.Within, mailWithin))
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.cfg.Server)
	if err != nil {
		return fmt.Errorf("connect to the mail server: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer conn.Close()
	if err := s.talk(ctx, conn, text); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("the mail server %s does not answer in time: %w", s.cfg.Server, ctx.Err())
		}
		var refusal *textproto.Error
		if errors.As(err, &refusal) && refusal.Code >= firstPermanentRefusal {
			err = permanent{err}
		}
		return fmt.Errorf("send by %s: %w", s.cfg.Server, err)
	}
	return nil
}

// talk speaks SMTP (RFC 5321).
func (s *Mailer) talk(ctx context.Context, conn net.Conn, text []byte) error {
	host, _, err := net.SplitHostPort(s.cfg.Server)
	if err != nil {
		return permanent{err}
	}
	protection := &tls.Config{ServerName: host, RootCAs: s.cfg.Roots, MinVersion: tls.VersionTLS12}
	conn = &bounded{Conn: conn, left: largestMailAnswer}
	if s.cfg.Implicit {
		protected := tls.Client(conn, protection)
		if err := protected.HandshakeContext(ctx); err != nil {
			return err //nolint:wrapcheck // The caller says with whom.
		}
		conn = protected
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return err //nolint:wrapcheck // The caller says with whom.
	}
	if err := client.Hello("localhost"); err != nil { // what a server that refuses this offers is not known
		return err //nolint:wrapcheck // The caller says with whom.
	}
	if !s.cfg.Implicit {
		if err := s.startTLS(client, protection); err != nil {
			return err
		}
	}
	if !s.cfg.Password.Empty() {
		if err := client.Auth(&login{username: s.cfg.Username, password: s.cfg.Password}); err != nil {
			return fmt.Errorf("log in as %s: %w", s.cfg.Username, err)
		}
	}
	if err := s.deliver(client, text); err != nil {
		return err
	}
	_ = client.Quit() // The mail is accepted; how the server says goodbye changes nothing.
	return nil
}

func (s *Mailer) startTLS(client *smtp.Client, protection *tls.Config) error {
	if offered, _ := client.Extension("STARTTLS"); offered {
		return client.StartTLS(protection) //nolint:wrapcheck // The caller says with whom.
	}
	if s.cfg.Unprotected && s.cfg.Password.Empty() {
		return nil
	}
	return permanent{errors.New("it does not offer STARTTLS, and nothing is sent without TLS; use smtps://, or a server that offers it")}
}

// deliver hands the text over for everybody whom the server takes it for.
func (s *Mailer) deliver(client *smtp.Client, text []byte) error {
	if err := client.Mail(s.cfg.From); err != nil {
		return fmt.Errorf("mail from %s: %w", s.cfg.From, err)
	}
	var refused []error
	for _, to := range s.cfg.To {
		if err := client.Rcpt(to); err != nil {
			refused = append(refused, fmt.Errorf("mail to %s: %w", to, err))
		}
	}
	if len(refused) == len(s.cfg.To) {
		return errors.Join(refused...)
	}
	body, err := client.Data()
	if err != nil {
		return err //nolint:wrapcheck // The caller says with whom.
	}
	if _, err := body.Write(text); err != nil {
		return err //nolint:wrapcheck // The caller says with whom.
	}
	if err := body.Close(); err != nil {
		return err //nolint:wrapcheck // The caller says with whom.
	}
	if len(refused) > 0 {
		return permanent{fmt.Errorf("the others have it: %w", errors.Join(refused...))} // who has it should not get it twice
	}
	return nil
}

// withoutSecrets returns an error in whose text the password is not.
func (s *Mailer) withoutSecrets(err error) error {
	text := err.Error()
	if !s.cfg.Password.Empty() {
		for _, form := range append(inBase64(s.cfg.Password, s.cfg.Username), s.cfg.Password.Reveal()) {
			text = strings.ReplaceAll(text, form, secret.Mask)
		}
	}
	short := errors.New(plain(text, longestText))
	if isPermanent(err) {
		return permanent{short}
	}
	return short
}

// bounded is a connection from which no more than so much is read.
type bounded struct {
	net.Conn
	left int64
}

// Read reads until the bound is reached.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("it says more than a mail server has to say: %w", io.ErrUnexpectedEOF)
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err //nolint:wrapcheck // It stands in for the connection.
}
