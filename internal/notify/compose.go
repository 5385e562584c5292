package notify

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// compose writes a message as a mail (RFC 5322). Nothing from outside stands in a header but encoded (RFC 2047).
func (s *Mailer) compose(m Message) []byte {
	var out bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&out, "%s: %s\r\n", name, value) }
	to := make([]string, len(s.cfg.To))
	for i, address := range s.cfg.To {
		to[i] = (&mail.Address{Address: address}).String()
	}
	header("From", (&mail.Address{Name: "idaas-ldap", Address: s.cfg.From}).String())
	header("To", strings.Join(to, ",\r\n "))
	header("Subject", mime.QEncoding.Encode("utf-8", m.headline()))
	header("Date", m.At.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+s.cfg.Random()+"@idaas-ldap.invalid>")
	header("Auto-Submitted", "auto-generated") // RFC 3834: nobody should answer
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	out.WriteString("\r\n")
	body := quotedprintable.NewWriter(&out)
	_, _ = body.Write([]byte(strings.ReplaceAll(m.lines(), "\n", "\r\n") + "\r\n")) // a buffer takes everything
	_ = body.Close()
	return out.Bytes()
}
