package notify

import (
	"encoding/base64"
	"errors"
	"net/smtp"
	"slices"
	"strings"

	"idaas-ldap/internal/secret"
)

// login logs in to a mail server by PLAIN (RFC 4616), or by the older LOGIN where it has nothing else, and only over TLS.
type login struct {
	username string
	password secret.Text
	answers  []string // to the questions of LOGIN
}

// Start chooses how to log in.
func (l *login) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	if !server.TLS {
		return "", nil, permanent{errors.New("the connection is not protected, so no password is sent")}
	}
	offers := func(mechanism string) bool {
		return slices.ContainsFunc(server.Auth, func(have string) bool { return strings.EqualFold(have, mechanism) })
	}
	switch {
	case offers("PLAIN"):
		return "PLAIN", []byte("\x00" + l.username + "\x00" + l.password.Reveal()), nil
	case offers("LOGIN"):
		l.answers = []string{l.username, l.password.Reveal()}
		return "LOGIN", nil, nil
	}
	return "", nil, permanent{errors.New("the server offers neither PLAIN nor LOGIN to log in")}
}

// Next answers a question of the server.
func (l *login) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if len(l.answers) == 0 {
		return nil, errors.New("the server asks for more than a name and a password")
	}
	answer := l.answers[0]
	l.answers = l.answers[1:]
	return []byte(answer), nil
}

// inBase64 is how a password looks on the way, in which a server may repeat it.
func inBase64(password secret.Text, username string) []string {
	return []string{
		base64.StdEncoding.EncodeToString([]byte(password.Reveal())),
		base64.StdEncoding.EncodeToString([]byte("\x00" + username + "\x00" + password.Reveal())),
	}
}
