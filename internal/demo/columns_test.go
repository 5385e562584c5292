package demo_test

import (
	"slices"
	"testing"

	"idaas-ldap/internal/demo"
)

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "ann": 3, "诸葛亮": 6, "Mia 🚀": 6, "Zoë": 3, "│…": 2} {
		if got := demo.Columns(text); got != want {
			t.Errorf("%q takes %d columns; want %d", text, got, want)
		}
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		text, hang string
		want       []string
	}{
		{"", "", []string{""}},
		{"short", "", []string{"short"}},
		{"just ten c", "", []string{"just ten c"}},
		{"more than ten columns", "", []string{"more than", "ten", "columns"}},
		{"more than ten columns", "  ", []string{"more than", "  ten", "  columns"}},
		{"abcdefghijklmnop", " ", []string{"abcdefghij", " klmnop"}},
		{"诸葛亮诸葛亮", "", []string{"诸葛亮诸葛", "亮"}},
	} {
		if got := demo.Wrapped(c.text, 10, c.hang); !slices.Equal(got, c.want) {
			t.Errorf("%q becomes %q; want %q", c.text, got, c.want)
		}
	}
}

func TestFolded(t *testing.T) {
	for text, want := range map[string][]string{
		"": {""}, "dn: dc=org": {"dn: dc=org"}, "dn: ou=people,dc=org": {"dn: ou=peo", " ple,dc=or", " g"}, "# 诸葛亮诸葛": {"# 诸葛亮诸", " 葛"},
	} {
		if got := demo.Folded(text, 10); !slices.Equal(got, want) {
			t.Errorf("%q becomes %q; want %q", text, got, want)
		}
	}
}
