package main

import (
	"strings"
	"testing"
)

// Elsewhere than on a terminal a list has a tab between its columns and no colours.
func TestATableInAPipe(t *testing.T) {
	var out strings.Builder
	list := table{head: []string{"NAME", "STATE"}}
	list.row("王\t芳\n", "failed")
	list.row("x", "done")
	if err := (terminal{Out: screen{&out}}).writeTable(list); err != nil {
		t.Fatal(err)
	}
	if want := "NAME\tSTATE\n王\\t芳\\n\tfailed\nx\tdone\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// On a terminal columns are aligned by what a person sees, and states have colours unless they are switched off.
func TestATableOnATerminal(t *testing.T) {
	list := table{head: []string{"NAME", "STATE", "WHY"}}
	list.row("王芳", "failed", "x")
	list.row("Zoë Lee", "done", "failed because")
	if got, want := list.text(true, false), "NAME     STATE   WHY\n王芳     failed  x\nZoë Lee  done    failed because\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := list.text(true, true); !strings.Contains(got, "\x1b[31mfailed\x1b[0m  x\n") || !strings.Contains(got, "\x1b[32mdone\x1b[0m    failed because\n") {
		t.Errorf("in colours it is %q", got)
	}
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "王芳": 4, "ｆｕ": 4, "e\u0301": 1, "한": 2, "ﾊﾝ": 2, "Zoë": 3} {
		if got := columns(text); got != want {
			t.Errorf("%q has %d columns, want %d", text, got, want)
		}
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"plain 王\n\tb": "plain 王\n\tb", "\x1b[31m": `\u001b[31m`, "\u202e": `\u202e`, "\U000e0001": `\udb40\udc01`, "\r": `\u000d`, "\xff": `\ufffd`,
	} {
		if got := visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
