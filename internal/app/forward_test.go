package app_test

import (
	"bufio"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"idaas-ldap/event"
)

// What is written to a directory goes to the syslog server as it stands in the file, also what was written while the server was away.
func TestTheAuditLogIsForwarded(t *testing.T) {
	s := newStage(t)
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s.edit(accountDN, adminDN)
	s.write("bind.secret", "admin\n")
	s.edit("admin: {", "audit: { file: audit.log, values: true, syslog: { address: \"tcp://"+server.Addr().String()+"\" } }\nadmin: {")
	written := func(lines int) []string {
		t.Helper()
		file, err := os.ReadFile(s.path("audit.log"))
		if err != nil {
			t.Fatal(err)
		}
		found := strings.Split(strings.TrimSpace(string(file)), "\n")
		if len(found) != lines {
			t.Fatalf("the file has %d lines, want %d", len(found), lines)
		}
		return found
	}
	// takes reads from one connection, and reports whether the last line came.
	takes := func(conn net.Conn, lines []string) bool {
		defer conn.Close()
		for from := bufio.NewReader(conn); ; {
			message, err := framed(from)
			if err != nil {
				return false
			}
			head, line, _ := strings.Cut(message, "\ufeff")
			if !slices.Contains(lines, line) || !strings.HasPrefix(head, "<110>1 ") || !strings.Contains(head, `directory="corp" object="user user_`) || !strings.HasSuffix(head, `outcome="done"] `) {
				t.Errorf("%q stands otherwise in the file", message)
			}
			if line == lines[len(lines)-1] {
				return true
			}
		}
	}
	arrive := func(lines []string) {
		t.Helper()
		for {
			conn, err := server.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if takes(conn, lines) {
				return
			}
		}
	}
	end := s.begin()
	s.said(user(event.TypeUserCreate, 1), user(event.TypeUserCreate, 2))
	arrive(written(2))
	end()
	defer s.begin()()
	s.said(user(event.TypeUserCreate, 3))
	arrive(written(3))
	page := s.page("/metrics")
	for _, metric := range []string{"audit_written 1", `audit_forwarded_lines_total{result="lost"} 0`, `audit_forwarded_lines_total{result="sent"} `, "audit_unforwarded_lines "} {
		if !strings.Contains(page, "\nidaas_ldap_"+metric) {
			t.Errorf("there is no metric %s", metric)
		}
	}
}

// framed reads one message with its length before it.
func framed(from *bufio.Reader) (string, error) {
	length, err := from.ReadString(' ')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSpace(length))
	if err != nil {
		return "", err
	}
	message := make([]byte, n)
	_, err = io.ReadFull(from, message)
	return string(message), err
}
