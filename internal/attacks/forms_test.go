//go:build linux && !race

package attacks_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"idaas-ldap/idaastest"
)

// raw sends octets on a connection of its own and returns the status of the answer, 0 where there is none.
func raw(t *testing.T, s *service, request string) int {
	t.Helper()
	conn, err := from(60)(t.Context(), "tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(conn, request) // the service may have had enough of it
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.CloseWrite() // as above
		}
	}()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		_ = conn.Close() // which ends the sending
		<-sent
		return 0
	}
	_, _ = io.Copy(io.Discard, answer.Body) // it may be cut
	_ = answer.Body.Close()
	_ = conn.Close() // as above
	<-sent
	return answer.StatusCode
}

// Requests in forms that nobody sends who means well are refused, each by a status that is no success, and leave nothing behind.
func TestFormsOfRequests(t *testing.T) {
	s := start(t, "", "")
	token, err := s.tenant.Token([]idaastest.Event{s.tenant.CreateUser(idaastest.User{ID: s.tenant.NewUserID(), Username: "mallory"}, "")})
	if err != nil {
		t.Fatal(err)
	}
	body := `{"event":"` + token + `"}`
	var zipped bytes.Buffer
	squeeze := gzip.NewWriter(&zipped)
	if _, err := squeeze.Write(bytes.Repeat([]byte(" "), 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := squeeze.Close(); err != nil {
		t.Fatal(err)
	}
	post := func(headers, content string) string {
		return "POST /accounts/provision HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n" + headers + "\r\n" + content
	}
	sized := func(headers, content string) string {
		return post(headers+fmt.Sprintf("Content-Length: %d\r\n", len(content)), content)
	}
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
	for name, c := range map[string]struct {
		request  string
		statuses []int // 0 where the service may have had enough before all was sent
	}{
		"a length and chunks":           {post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), []int{400}},
		"two lengths":                   {post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), []int{400}},
		"a length that is none":         {post("Content-Length: -1\r\n", ""), []int{400}},
		"an unknown encoding":           {post("Transfer-Encoding: gzip, chunked\r\n", chunk+"0\r\n\r\n"), []int{501, 400}},
		"chunks without an end":         {post("Transfer-Encoding: chunked\r\n", chunk), []int{400}},
		"a chunk of a wrong size":       {post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{"), []int{400}},
		"extensions of chunks":          {post("Transfer-Encoding: chunked\r\n", strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\n{\r\n", 64)+"0\r\n\r\n"), []int{400, 431, 0}},
		"trailers without an end":       {post("Transfer-Encoding: chunked\r\nTrailer: X\r\n", "1\r\n{\r\n0\r\nX: "+strings.Repeat("y", 1<<20)), []int{400, 431, 0}},
		"a squeezed body":               {sized("Content-Encoding: gzip\r\n", zipped.String()), []int{400, 415}},
		"a header without an end":       {post("X: "+strings.Repeat("y", 1<<20)+"\r\n", ""), []int{431, 0}},
		"very many headers":             {post(strings.Repeat("X: y\r\n", 20_000), ""), []int{431, 0}},
		"a header with a NUL":           {post("X: a\x00b\r\n", ""), []int{400}},
		"a folded header":               {sized("X: a\r\n b\r\nContent-Encoding: identity\r\n", "{}"), []int{400}},
		"a space before the colon":      {post("Content-Length : 2\r\n", "{}"), []int{400}},
		"no host":                       {"POST /accounts/provision HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", []int{400}},
		"two hosts":                     {post("Host: b\r\nContent-Length: 2\r\n", "{}"), []int{400}},
		"a method in small letters":     {strings.Replace(sized("", body), "POST", "post", 1), []int{405}},
		"another method by a header":    {strings.Replace(sized("X-HTTP-Method-Override: POST\r\n", body), "POST", "GET", 1), []int{405}},
		"a trace":                       {strings.Replace(sized("", body), "POST", "TRACE", 1), []int{405, 400}},
		"a tunnel":                      {"CONNECT 192.0.2.1:389 HTTP/1.1\r\nHost: 192.0.2.1:389\r\n\r\n", []int{404, 405}},
		"all that there is":             {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{404, 405, 400}},
		"two slashes":                   {strings.Replace(sized("", body), "/accounts", "//accounts", 1), []int{404}},
		"a slash at the end":            {strings.Replace(sized("", body), "/provision", "/provision/", 1), []int{404}},
		"dots in the path":              {strings.Replace(sized("", body), "/accounts", "/x/../accounts", 1), []int{404}},
		"a path of a megabyte":          {strings.Replace(sized("", body), "/accounts", "/"+strings.Repeat("a", 1<<20), 1), []int{431, 414, 0}},
		"the first version":             {"POST /accounts/provision\r\n\r\n", []int{400, 0}},
		"another version":               {strings.Replace(sized("", body), "HTTP/1.1", "HTTP/9.9", 1), []int{400, 505}},
		"the beginning of HTTP/2":       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00", 9), []int{400, 404, 405, 505, 0}},
		"the beginning of TLS":          {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", []int{400, 0}},
		"UTF-16":                        {sized("", "\xff\xfe{\x00}\x00"), []int{400}},
		"a mark and nothing":            {sized("", "\ufeff"), []int{400}},
		"nested deeply":                 {sized("", strings.Repeat(`{"event":`, 100_000)+"1"+strings.Repeat("}", 100_000)), []int{400}},
		"lists nested deeply":           {sized("", `{"event":`+strings.Repeat("[", 1<<20)), []int{400}},
		"very many members":             {sized("", "{"+strings.Repeat(`"a":1,`, 300_000)+`"event":"`+token+`"}`), []int{400}},
		"the same member in disguise":   {sized("", `{"event":"`+token+`","\u0065vent":"x"}`), []int{400}},
		"a number beyond all measure":   {sized("", `{"event":`+strings.Repeat("9", 1<<20)+`}`), []int{400}},
		"a NUL in the token":            {sized("", `{"event":"`+token+`\u0000"}`), []int{400, 401}},
		"a line break in the token":     {sized("", `{"event":"`+token[:40]+`\n`+token[40:]+`"}`), []int{400, 401}},
		"very many dots":                {sized("", `{"event":"`+strings.Repeat(".", 1<<20)+`"}`), []int{400}},
		"a token that is asked to wait": {post("Expect: 100-continue\r\nContent-Length: 4000000\r\n", ""), []int{100, 400}},
	} {
		t.Run(name, func(t *testing.T) {
			got := raw(t, s, c.request)
			for _, status := range c.statuses {
				if got == status {
					return
				}
			}
			t.Errorf("answered with %d; want one of %d", got, c.statuses)
		})
	}
	answer, err := http.Post("http://"+s.address+"/accounts/provision", "application/json", strings.NewReader(body))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("in its usual form the same request is refused, so the forms prove nothing: %v, %v", answer, err)
	}
	_ = answer.Body.Close() // nothing of it is read
	within(t, s)
}
