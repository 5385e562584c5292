package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The script makes bash offer what can follow, and nothing where a file is meant.
func TestBashCompletes(t *testing.T) {
	code, script, errs := call(t, "completion", "bash")
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, c := range []struct {
		line string
		want []string
	}{
		{"ex", []string{"explain"}},
		{"events ", []string{"discard", "list", "retry", "show"}},
		{"events li", []string{"list"}},
		{"events list --fa", []string{"--failed"}},
		{"events list --output ", []string{"json", "text"}},
		{"explain --config my.yaml --dir", []string{"--directory"}},
		{"explain --config ", nil},
		{"schema m", []string{"mapping"}},
		{"validate --on", []string{"--online"}},
		{"completion ", []string{"bash", "fish", "zsh"}},
	} {
		words := strings.Split("idaas-ldap "+c.line, " ")
		ask := script + "\nCOMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _idaas_ldap; printf '%s\\n' \"${COMPREPLY[@]}\""
		out, err := exec.CommandContext(t.Context(), "bash", append([]string{"-c", ask, "bash"}, words...)...).Output()
		if err != nil {
			t.Fatalf("%q: %v", c.line, err)
		}
		got := strings.Fields(string(out))
		if slices.Sort(got); c.want != nil && strings.HasSuffix(c.line, " ") {
			got = slices.DeleteFunc(got, func(w string) bool { return strings.HasPrefix(w, "--") })
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %v instead of %v", c.line, got, c.want)
		}
	}
}

func TestOtherShellsAreTold(t *testing.T) {
	for shell, wants := range map[string][]string{
		"zsh": {"bashcompinit", "complete -o default -F _idaas_ldap idaas-ldap"},
		"fish": {
			"complete -c idaas-ldap -n 'true; and not __fish_seen_subcommand_from demo ",
			"complete -c idaas-ldap -n '__fish_seen_subcommand_from events; and __fish_seen_subcommand_from list' -l output -x -a 'text json'",
		},
	} {
		code, out, errs := call(t, "completion", shell)
		for _, want := range wants {
			if code != exitDone || !strings.Contains(out, want) {
				t.Errorf("%s: exit %d: %q is missing in\n%s%s", shell, code, want, out, errs)
			}
		}
	}
	if code, _, _ := call(t, "completion", "cmd.exe"); code != exitUsage {
		t.Errorf("an unknown shell: exit %d", code)
	}
}
