package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestProgressIsForTerminals(t *testing.T) {
	var out bytes.Buffer
	piped := terminal{Err: &out}.progress("events", 100)
	piped.at(20)
	piped.end()
	if out.Len() != 0 {
		t.Errorf("piped it shows %q", out.String())
	}
	seen := progress{out: &out, shown: true, what: "events", total: 100}
	seen.say("%s: %s", "app_example", "groups")
	if want := "\r\x1b[Kapp_example: groups"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("in words it shows %q; want %q", out.String(), want)
	}
	out.Reset()
	seen.at(20)
	seen.at(40)
	seen.end()
	if want := "\r\x1b[K20 of 100 events\r\x1b[K40 of 100 events\r\x1b[K"; out.String() != want {
		t.Errorf("on a terminal it shows %q; want %q", out.String(), want)
	}
}
