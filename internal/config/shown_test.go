package config_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

// What is shown is what is in force, and no secret, wherever somebody has put it.
func TestWhatIsShownHasNoSecrets(t *testing.T) {
	cfg := config.Defaults()
	cfg.Admin.Token = secret.New("c4n4ry-token")
	cfg.Receiver.AnswerWithin = 3 * time.Second
	application := config.DefaultApplication()
	application.ID, application.JWKSURL = "app_1", "https://somebody:c4n4ry-login@keys.example.org/jwks?key=c4n4ry-query"
	application.EncryptionKeys = []secret.Text{secret.New("c4n4ry-key")}
	application.Pull.ClientSecret = secret.New("c4n4ry-client")
	cfg.Applications = []config.Application{application}
	directory := config.DefaultDirectory()
	directory.Name, directory.BindPassword, directory.URLs = "corp", secret.New("c4n4ry-bind"), []string{"ldaps://ldap.example.org"}
	cfg.Directories = []config.Directory{directory}
	shown := cfg.Shown()
	for _, s := range shown {
		if strings.Contains(s.Key+s.Value, "c4n4ry") {
			t.Errorf("%s is %s", s.Key, s.Value)
		}
	}
	for _, want := range []config.Setting{
		{"receiver.answer_within", "3s"},
		{"admin.token", "[secret]"},
		{"applications[0].id", "app_1"},
		{"applications[0].encryption_keys[0]", "[secret]"},
		{"applications[0].pull.client_secret", "[secret]"},
		{"directories[0].urls[0]", "ldaps://ldap.example.org"},
		{"directories[0].bind_password", "[secret]"},
		{"directories[0].start_tls", "false"},
		{"store.retention", "720h0m0s"},
		{"receiver.limits.connections", "1024"},
	} {
		if !slices.Contains(shown, want) {
			t.Errorf("there is no %s: %s in %v", want.Key, want.Value, shown)
		}
	}
}
