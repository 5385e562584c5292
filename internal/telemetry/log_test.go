package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sirupsen/logrus"
	"pgregory.net/rapid"

	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/telemetry"
)

const canary = "c4n4ry-0f-4-s3cr3t"

func newLogger(t rapid.TB, format string) (*logrus.Logger, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	logger, err := telemetry.NewLogger(telemetry.LogConfig{Level: "debug", Format: format, Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	return logger, &out
}

func TestNewLoggerRefusesUnknownWords(t *testing.T) {
	for _, cfg := range []telemetry.LogConfig{
		{Level: "loud", Format: "text"},
		{Level: "", Format: "text"},
		{Level: "info", Format: "xml"},
	} {
		cfg.Out = &bytes.Buffer{}
		if _, err := telemetry.NewLogger(cfg); err == nil {
			t.Errorf("level %q and format %q were accepted", cfg.Level, cfg.Format)
		}
	}
}

func TestLevel(t *testing.T) {
	var out bytes.Buffer
	logger, err := telemetry.NewLogger(telemetry.LogConfig{Level: "warn", Format: "text", Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("quiet")
	logger.Warn("loud")
	if got := out.String(); strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Errorf("got %q", got)
	}
}

func TestText(t *testing.T) {
	logger, out := newLogger(t, "text")
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	logger.WithTime(at).WithFields(logrus.Fields{
		telemetry.FieldDN:       "uid=a,dc=example,dc=org",
		telemetry.FieldDuration: 1500 * time.Millisecond,
		telemetry.FieldAttempt:  3,
		"at":                    at,
		"error":                 errors.New("no route\nto host"),
	}).Warn("not reached")
	want := `time="2026-11-24T12:00:00Z" level=warning msg="not reached" at="2026-11-24T12:00:00Z" attempt=3 dn="uid=a,dc=example,dc=org" duration=1.5s error="no route\\nto host"` + "\n"
	if got := out.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// A field may have the name of what every entry has; each name is in a line once.
func TestFieldsDoNotClash(t *testing.T) {
	for format, once := range map[string][]string{"text": {"time=", "level=", "msg="}, "json": {`"time":`, `"level":`, `"msg":`}} {
		logger, out := newLogger(t, format)
		logger.WithFields(logrus.Fields{"msg": "theirs", "level": "theirs", "time": "theirs"}).Info("ours")
		for _, key := range once {
			if n := strings.Count(out.String(), key); n != 1 {
				t.Errorf("%s is there %d times in %s", key, n, out)
			}
		}
		if n := strings.Count(out.String(), "theirs"); n != 3 || !strings.Contains(out.String(), "ours") {
			t.Errorf("something is lost in %s", out)
		}
	}
}

// Whatever comes from outside, an entry is one line of harmless characters, and in JSON its text stays so when decoded.
func TestEntriesCannotBeForged(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				logger, out := newLogger(t, format)
				hostile := rapid.OneOf(
					rapid.String(),
					rapid.SampledFrom([]string{"a\nlevel=error msg=forged", "\r\x1b[2K", "\u2028\u2029\u0085", "\u202egnp.exe", "\xff\xfe", `" level="`, "x\x00y"}),
				)
				logger.WithFields(logrus.Fields{
					hostile.Draw(t, "key"): hostile.Draw(t, "value"),
					"error":                errors.New(hostile.Draw(t, "error")),
					"bytes":                []byte(hostile.Draw(t, "bytes")),
					"list":                 []string{hostile.Draw(t, "item")},
				}).Info(hostile.Draw(t, "message"))

				line := strings.TrimSuffix(out.String(), "\n")
				wantHarmless(t, line)
				if format == "json" {
					var fields map[string]any
					if err := json.Unmarshal([]byte(line), &fields); err != nil {
						t.Fatalf("%v in %s", err, line)
					}
					for key, value := range fields {
						wantHarmless(t, key)
						wantHarmless(t, fmt.Sprint(value))
					}
				}
			})
		})
	}
}

func wantHarmless(t *rapid.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("not UTF-8: %q", text)
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			t.Fatalf("%U in %q", r, text)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			logger, out := newLogger(t, format)
			for _, key := range []string{
				"password", "bind_password", "userPassword", "Passwd", "unicodePwd", "secret", "client-secret", "token", "accessToken",
				"key", "encryption_key", "encryptionKeys", "api.key", "Authorization", "Set-Cookie", "credentials", "tokens",
			} {
				logger.WithField(key, canary).Info("entry")
			}
			text := secret.New(canary)
			logger.WithField("bind", text).WithField("pointer", &text).WithField("struct", struct{ P secret.Text }{text}).Info(text)
			logger.Infof("password %s %v %q", text, &text, text)
			logger.WithError(fmt.Errorf("bind with %v", text)).Error("failed")
			telemetry.Slog(logger).Info("entry", "password", canary, slog.Group("tls", "key", canary), slog.Any("bind", text))
			telemetry.RetryLogger(logger).Debug("request", "token", canary)
			header := "eyJhbGciOiJSUzI1NiJ9"
			logger.WithError(errors.New("cannot read " + header + "." + canary + ".c2ln")).Info("token " + header + ".." + canary + "." + canary + ".dGFn was refused")
			if got := out.String(); strings.Contains(got, canary) {
				t.Errorf("a secret was logged:\n%s", got)
			}
		})
	}
}

func TestOtherFieldsAreShown(t *testing.T) {
	logger, out := newLogger(t, "text")
	for _, key := range []string{"monkey", "key_ids", "key_file", "bind_password_file", "jwks", "tokens_seen", "keyboard"} {
		logger.WithField(key, "shown-"+key).Info("entry")
		if !strings.Contains(out.String(), key+"=shown-"+key) {
			t.Errorf("field %s is not shown: %s", key, out.String())
		}
	}
}

func TestBridges(t *testing.T) {
	logger, out := newLogger(t, "text")
	telemetry.Slog(logger).With("a", 1).WithGroup("g").Warn("from slog", "b", "c d")
	retry := telemetry.RetryLogger(logger)
	retry.Error("e", "url", "https://keys.example.org", "status", 503, "odd")
	retry.Warn("w")
	retry.Info("i")
	retry.Debug("d")

	want := []string{
		`level=warning msg="from slog" a=1 g.b="c d"`,
		`level=error msg=e status=503 url="https://keys.example.org"`,
		`level=warning msg=w`, `level=info msg=i`, `level=debug msg=d`,
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("want %d lines, got\n%s", len(want), out.String())
	}
	for i, line := range lines {
		if _, got, _ := strings.Cut(line, `" `); got != want[i] {
			t.Errorf("got  %s\nwant %s", got, want[i])
		}
	}
}
