package notify_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/notify"
	"idaas-ldap/internal/secret"
)

// post is a mail server.
type post struct {
	listener net.Listener
	cert     tls.Certificate
	roots    *x509.CertPool
	serving  sync.WaitGroup

	// What it is like.
	implicit, noStartTLS, onlyLogin, silent, cut, chatty bool
	refuse                                               map[string][]string // answers to a verb, one after the other; then it says yes

	mu     sync.Mutex
	conns  map[net.Conn]bool
	mails  []string
	said   []string // verbs with what they said
	secure []bool   // whether TLS was spoken then
}

func newPost(t *testing.T, change func(*post)) *post {
	t.Helper()
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	p := &post{cert: web.TLS.Certificates[0], roots: x509.NewCertPool(), conns: map[net.Conn]bool{}, refuse: map[string][]string{}}
	p.roots.AddCert(web.Certificate())
	web.Close()
	if change != nil {
		change(p)
	}
	var err error
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	p.serving.Go(p.accept)
	t.Cleanup(func() {
		_ = p.listener.Close()
		p.mu.Lock()
		for conn := range p.conns {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.serving.Wait()
	})
	return p
}

func (p *post) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.conns[conn] = true
		p.mu.Unlock()
		p.serving.Go(func() {
			defer conn.Close()
			if p.implicit {
				p.serve(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{p.cert}, MinVersion: tls.VersionTLS12}), true)
				return
			}
			p.serve(conn, false)
		})
	}
}

func (p *post) serve(conn net.Conn, secure bool) {
	say := func(format string, about ...any) { fmt.Fprintf(conn, format+"\r\n", about...) }
	lines := bufio.NewReader(conn)
	switch {
	case p.silent:
		_, _ = lines.ReadString('\n')
		return
	case p.chatty:
		for range 1 << 10 {
			if _, err := io.WriteString(conn, "220-"+strings.Repeat("x", 4096)+"\r\n"); err != nil {
				return
			}
		}
	}
	say("220 ready")
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, _, _ := strings.Cut(line, " ")
		switch answer := p.note(verb, line, secure); {
		case answer != "":
			say("%s", answer)
		case verb == "EHLO":
			say("250-post")
			if !p.noStartTLS && !secure {
				say("250-STARTTLS")
			}
			say("250 AUTH %s", map[bool]string{true: "LOGIN", false: "PLAIN LOGIN"}[p.onlyLogin])
		case verb == "STARTTLS":
			say("220 go on")
			p.serve2(tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{p.cert}, MinVersion: tls.VersionTLS12}))
			return
		case line == "AUTH LOGIN":
			for _, question := range []string{"Username:", "Password:"} {
				say("334 %s", base64.StdEncoding.EncodeToString([]byte(question)))
				answer, _ := lines.ReadString('\n')
				p.note("answer", strings.TrimSpace(answer), secure)
			}
			say("235 welcome")
		case verb == "AUTH":
			say("235 welcome")
		case verb == "DATA":
			say("354 go on")
			var text strings.Builder
			for line, err := lines.ReadString('\n'); err == nil && line != ".\r\n"; line, err = lines.ReadString('\n') {
				text.WriteString(line)
			}
			if p.cut {
				return
			}
			p.mu.Lock()
			p.mails = append(p.mails, text.String())
			p.mu.Unlock()
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// serve2 goes on after STARTTLS, where no greeting is sent.
func (p *post) serve2(conn net.Conn) { p.serve(quiet{conn}.first(), true) }

// quiet is a connection on which the greeting is not sent.
type quiet struct{ net.Conn }

func (q quiet) first() net.Conn { return &swallowing{Conn: q.Conn, left: len("220 ready\r\n")} }

type swallowing struct {
	net.Conn
	left int
}

// Write swallows the first octets.
func (s *swallowing) Write(b []byte) (int, error) {
	n := min(s.left, len(b))
	s.left -= n
	if n == len(b) {
		return n, nil
	}
	m, err := s.Conn.Write(b[n:])
	return n + m, err
}

func (p *post) note(verb, line string, secure bool) (refusal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said, p.secure = append(p.said, line), append(p.secure, secure)
	if answers := p.refuse[verb]; len(answers) > 0 {
		p.refuse[verb] = answers[1:]
		return answers[0]
	}
	return ""
}

const mailPassword = "c4n4ry-mail"

func (p *post) mailer(change ...func(*notify.MailConfig)) *notify.Mailer {
	cfg := notify.MailConfig{
		Server: p.listener.Addr().String(), Implicit: p.implicit, Username: "robot", Password: secret.New(mailPassword), From: "idaas-ldap@example.org",
		To: []string{"ops@example.org", "night@example.org"}, Roots: p.roots, Clock: dispatch.SystemClock{}, Random: func() string { return "id" },
		Within: time.Minute, Pause: time.Millisecond,
	}
	for _, c := range change {
		c(&cfg)
	}
	return notify.NewMailer(cfg)
}

func TestMailIsSentOverTLSAndNamesDoNoHarm(t *testing.T) {
	for name, change := range map[string]func(*post){
		"STARTTLS": nil,
		"TLS":      func(p *post) { p.implicit = true },
		"LOGIN":    func(p *post) { p.onlyLogin = true },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, change)
			m := held(hostile)
			m.Subject = "corp\r\nBcc: everybody@evil.example"
			if err := p.mailer().Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			read, err := mail.ReadMessage(strings.NewReader(p.mails[0]))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := (&mime.WordDecoder{}).DecodeHeader(read.Header.Get("Subject"))
			if err != nil || !strings.HasPrefix(subject, "idaas-ldap: 7 events of corp  Bcc: everybody@evil.example") || read.Header.Get("Bcc") != "" {
				t.Errorf("the headers are %v (%v)", read.Header, err)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(read.Body))
			if err != nil || !strings.Contains(string(body), "approve or drop them") {
				t.Errorf("the body is %s (%v)", body, err)
			}
			for i, line := range p.said {
				if strings.HasPrefix(line, "AUTH") && !p.secure[i] || strings.HasPrefix(line, "MAIL") && !p.secure[i] {
					t.Errorf("%s was said in the clear", line)
				}
			}
			if name == "LOGIN" && !strings.Contains(strings.Join(p.said, "\n"), base64.StdEncoding.EncodeToString([]byte(mailPassword))) {
				t.Errorf("nobody logged in: %q", p.said)
			}
		})
	}
}

func TestUnkindMailServers(t *testing.T) {
	for name, tt := range map[string]struct {
		post    func(*post)
		mailer  func(*notify.MailConfig)
		problem string // empty where it arrives
		mails   int
	}{
		"no STARTTLS":           {post: func(p *post) { p.noStartTLS = true }, problem: "does not offer STARTTLS"},
		"none needed":           {post: func(p *post) { p.noStartTLS = true }, mailer: func(c *notify.MailConfig) { c.Unprotected, c.Password = true, secret.Text{} }, mails: 1},
		"none, but a password":  {post: func(p *post) { p.noStartTLS = true }, mailer: func(c *notify.MailConfig) { c.Unprotected = true }, problem: "does not offer STARTTLS"},
		"another certificate":   {mailer: func(c *notify.MailConfig) { c.Roots = x509.NewCertPool() }, problem: "unknown authority"},
		"busy, and then not":    {post: func(p *post) { p.refuse["MAIL"] = []string{"451 later", "421 later"} }, mails: 1},
		"busy at the greeting":  {post: func(p *post) { p.refuse["EHLO"], p.refuse["HELO"] = []string{"421 later"}, []string{"421 later"} }, mails: 1},
		"a wrong password":      {post: func(p *post) { p.refuse["AUTH"] = []string{"535 not " + mailPassword} }, problem: "535"},
		"one receiver unknown":  {post: func(p *post) { p.refuse["RCPT"] = []string{"550 nobody"} }, problem: "the others have it", mails: 1},
		"all receivers unknown": {post: func(p *post) { p.refuse["RCPT"] = []string{"550 nobody", "550 nobody"} }, problem: "550"},
		"cut before the end":    {post: func(p *post) { p.cut = true }, problem: "EOF"},
		"silence":               {post: func(p *post) { p.silent = true }, mailer: func(c *notify.MailConfig) { c.Within = 50 * time.Millisecond }, problem: "time"},
		"a speech":              {post: func(p *post) { p.chatty = true }, problem: "more than a mail server has to say"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, tt.post)
			var change []func(*notify.MailConfig)
			if tt.mailer != nil {
				change = append(change, tt.mailer)
			}
			err := p.mailer(change...).Send(t.Context(), held("ann"))
			switch {
			case tt.problem == "" && err != nil, tt.problem != "" && (err == nil || !strings.Contains(err.Error(), tt.problem)):
				t.Errorf("the error is %v, want %q", err, tt.problem)
			case err != nil && strings.Contains(err.Error(), "c4n4ry"):
				t.Errorf("the password is in %v", err)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.mails) != tt.mails {
				t.Errorf("%d mails, want %d", len(p.mails), tt.mails)
			}
			for i, line := range p.said {
				if strings.HasPrefix(line, "AUTH") && !p.secure[i] {
					t.Errorf("%s was said in the clear", line)
				}
			}
		})
	}
}
