package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/secret"
)

const canary = "c4n4ry-0f-4-s3cr3t"

func TestNothingPrintsASecret(t *testing.T) {
	type holder struct {
		Password secret.Text
		Pointer  *secret.Text
		hidden   secret.Text
		List     []secret.Text
		Map      map[string]secret.Text
	}
	text := secret.New(canary)
	h := holder{text, &text, text, []secret.Text{text}, map[string]secret.Text{"k": text}}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%08.3f"} {
		fmt.Fprintf(&out, verb+"\n", text)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
	}
	asJSON, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(asJSON)
	out.Write(asYAML)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "password", text, "holder", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "password", text, "holder", h)
	log := logrus.New()
	log.SetOutput(&out)
	log.WithField("password", text).WithField("holder", h).Info("x")
	log.SetFormatter(&logrus.JSONFormatter{})
	log.WithField("password", text).WithField("holder", h).Info("x")

	printed := out.String()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprint([]byte(canary))} {
		if strings.Contains(printed, form) {
			t.Errorf("the secret was printed as %q", form)
		}
	}
	if !strings.Contains(printed, secret.Mask) {
		t.Error("nothing shows that there is a secret")
	}
}

func TestRevealGivesTheContentBack(t *testing.T) {
	if got := secret.New(canary).Reveal(); got != canary {
		t.Errorf("Reveal = %q", got)
	}
	if !secret.New("").Empty() || secret.New("x").Empty() || (secret.Text{}).Reveal() != "" {
		t.Error("an empty secret is not told from one with content")
	}
	if secret.New("").String() != "" {
		t.Error("an empty secret should print as nothing")
	}
}

func TestEqualAndIn(t *testing.T) {
	a := secret.New(canary)
	if !a.Equal(secret.New(canary)) || a.Equal(secret.New(canary+"x")) || a.Equal(secret.Text{}) {
		t.Error("Equal is wrong")
	}
	if !a.In("x"+canary+"y") || a.In("nothing here") || (secret.Text{}).In("anything") {
		t.Error("In is wrong")
	}
}
