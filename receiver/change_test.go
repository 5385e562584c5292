package receiver_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"idaas-ldap/receiver"
)

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

// A connection that is open meets the configuration that is in force when it asks; whether TLS is spoken is settled when it comes.
func TestAChangeMeetsEverybody(t *testing.T) {
	server, stop := serving(t, receiver.ServerConfig{Handler: says("first")})
	ask := func(conn net.Conn, answers *bufio.Reader) string {
		t.Helper()
		if _, err := fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	plain, err := net.Dial("tcp", server.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	answers := bufio.NewReader(plain)
	if got := ask(plain, answers); got != "first" {
		t.Errorf("at first: %q", got)
	}
	pair := pairOf(t, 1)
	for i := range 20 {
		want := fmt.Sprint("then", i)
		server.Change(receiver.ServerConfig{
			Handler: says(want), Certificate: func() *tls.Certificate { return pair },
			Limits: receiver.Limits{IdleWithin: time.Duration(i+1) * time.Minute, StreamsPerConnection: i + 1},
		})
		if got := ask(plain, answers); got != want {
			t.Errorf("on the connection of before: %q", got)
		}
		secured, err := tls.Dial("tcp", server.Address().String(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(secured, bufio.NewReader(secured)); got != want {
			t.Errorf("over TLS: %q", got)
		}
		_ = secured.Close() // it has served
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := answers.ReadByte(); err == nil {
		t.Error("a connection from before the changes outlives the server")
	}
}
