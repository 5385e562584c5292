package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

type simulateCommand struct {
	Config        string `placeholder:"FILE" type:"path" help:"Take the URL, the application and its encryption key from this configuration."`
	URL           string `placeholder:"URL" help:"Where to send to; overrides the configuration."`
	Application   string `placeholder:"ID" help:"The token's aud."`
	Instance      string `placeholder:"ID" help:"The token's sub; that of the configuration, else the same in every run."`
	EncryptionKey string `placeholder:"FILE" type:"path" help:"A file with the AES key as 64 hex digits; without one events are sent unencrypted."`
	SigningKey    string `default:"simulate.key" type:"path" help:"The signing key; made, with its key set beside it (.jwks), if absent."`

	File   string `placeholder:"FILE" type:"path" help:"Send the events in this file: a JSON list of {type, id, data}."`
	People int    `help:"Push a made-up organisation of this many people."`
	Units  int    `default:"10" help:"How many units it has."`
	Seed   uint64 `default:"1" help:"Another number makes another organisation."`
	Batch  int    `default:"20" help:"How many events go into one request."`
	Test   bool   `help:"Send the connection test."`
	Retry  bool   `help:"Try again as IDaaS does where the answer is not 200."`
}

// Run sends events as IDaaS does and prints a summary of the answers.
func (c simulateCommand) Run(ctx context.Context, t terminal) error {
	tenant, made, err := c.tenant(t)
	if err != nil {
		return err
	}
	if made {
		fmt.Fprintf(t.Err, "a signing key was made; let the service trust it with jwks_file: %s\n", jwksPath(c.SigningKey))
	}
	events, err := c.events(tenant)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return usageError{errors.New("say what to send: --people N, --file FILE or --test")}
	}
	client := &idaastest.Client{Tenant: tenant, URL: c.URL, HTTP: &http.Client{}}
	if c.Retry {
		client.Retries = idaastest.Retries()
	}
	return c.send(ctx, t, client, events)
}

func (c simulateCommand) send(ctx context.Context, t terminal, client *idaastest.Client, events []idaastest.Event) error {
	var sum summary
	start := time.Now()
	progress := t.progress("events are sent", len(events))
	defer progress.end()
	for sent := 0; sent < len(events); {
		batch := events[sent:min(len(events), sent+max(1, c.Batch))]
		answer, err := client.Send(ctx, batch...)
		if err != nil {
			return err
		}
		if answer.Status != http.StatusOK {
			return fmt.Errorf("answered with %d %s: %s", answer.Status, answer.Error, answer.ErrorDescription)
		}
		sum.add(answer)
		for _, r := range append(answer.Failed, answer.Retried...) {
			progress.end()
			fmt.Fprintf(t.Err, "%s %s: %s\n", r.EventID, r.EventCode, r.EventMessage)
		}
		sent += len(batch)
		progress.at(sent)
	}
	progress.end()
	fmt.Fprintf(t.Out, "%s in %s\n", sum, time.Since(start).Round(time.Millisecond))
	if sum.failed+sum.retried > 0 {
		return errReported
	}
	return nil
}

// summary counts what events were answered with.
type summary struct{ success, accepted, skipped, failed, retried int }

func (s *summary) add(answer idaastest.Answer) {
	s.success += len(answer.Success)
	s.skipped += len(answer.Skipped)
	s.failed += len(answer.Failed)
	s.retried += len(answer.Retried)
	for _, r := range answer.Success {
		if r.EventCode == string(event.CodeAccepted) {
			s.accepted++
		}
	}
}

// String is one line for a person.
func (s summary) String() string {
	success := fmt.Sprintf("%d success", s.success)
	if s.accepted > 0 {
		success += fmt.Sprintf(" (%d of them stored and still to be applied)", s.accepted)
	}
	return fmt.Sprintf("%s, %d skipped, %d failed, %d retried", success, s.skipped, s.failed, s.retried)
}

// tenant puts together who sends: from the flags, and from the configuration where they say nothing.
func (c *simulateCommand) tenant(t terminal) (*idaastest.Tenant, bool, error) {
	private, made, err := signingKey(c.SigningKey)
	if err != nil {
		return nil, false, err
	}
	tenant := idaastest.NewTenantWithKey(private, time.Now)
	tenant.KeyID, tenant.Instance, tenant.EncryptionKey = simulatedKeyID, simulatedInstance, secret.Text{}
	if made {
		if err := os.WriteFile(jwksPath(c.SigningKey), tenant.JWKS(), 0o644); err != nil { // Public keys.
			return nil, false, fmt.Errorf("write the key set: %w", err)
		}
	}
	if c.Config != "" {
		cfg, err := loadConfig(c.Config, t)
		if err != nil {
			return nil, false, err
		}
		c.fromConfig(cfg, tenant)
	}
	if c.Application != "" {
		tenant.Application = c.Application
	}
	if c.Instance != "" {
		tenant.Instance = c.Instance
	}
	if c.EncryptionKey != "" {
		raw, err := os.ReadFile(c.EncryptionKey)
		if err != nil {
			return nil, false, configError{fmt.Errorf("read the encryption key: %w", err)}
		}
		tenant.EncryptionKey = secret.New(strings.TrimSpace(string(raw)))
	}
	if c.URL == "" {
		return nil, false, usageError{errors.New("say where to send to: --url URL or --config FILE")}
	}
	return tenant, made, nil
}

func (c *simulateCommand) fromConfig(cfg *config.Config, tenant *idaastest.Tenant) {
	for _, a := range cfg.Applications {
		if c.Application != "" && a.ID != c.Application {
			continue
		}
		tenant.Application = a.ID
		if a.InstanceID != "" {
			tenant.Instance = a.InstanceID
		}
		if len(a.EncryptionKeys) > 0 {
			tenant.EncryptionKey = a.EncryptionKeys[0]
		}
		break
	}
	if c.URL == "" {
		scheme := "http"
		if cfg.Receiver.TLS.Enabled() {
			scheme = "https"
		}
		c.URL = scheme + "://" + strings.Replace(cfg.Receiver.Listen, "0.0.0.0", "127.0.0.1", 1) + cfg.Receiver.Path
	}
}

// simulatedKeyID is the same in every run, so that a key set that was written once stays good.
const simulatedKeyID = "KEYsimulatedsimulatedsimulatedsimu01"

// simulatedInstance is the same in every run, so that a later one may speak about what an earlier one has brought.
const simulatedInstance = "idaas_simulatedsimulatedsimulate"

func jwksPath(key string) string { return strings.TrimSuffix(key, filepath.Ext(key)) + ".jwks" }

// signingKey reads a key, or makes one for its owner only.
func signingKey(path string) (key *rsa.PrivateKey, made bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, false, fmt.Errorf("make the signing key: %w", err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, false, fmt.Errorf("encode the signing key: %w", err)
		}
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			return nil, false, fmt.Errorf("write the signing key: %w", err)
		}
		return key, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the signing key: %w", err)
	}
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, false, configError{fmt.Errorf("%s holds no key in PEM form", path)}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, false, configError{fmt.Errorf("%s holds no RSA key in PKCS 8 form", path)}
	}
	return private, false, nil
}

// simulatedEvent is one event in a file.
type simulatedEvent struct {
	Type string         `json:"type"`
	ID   string         `json:"id"`
	Data map[string]any `json:"data"`
}

func (c simulateCommand) events(tenant *idaastest.Tenant) ([]idaastest.Event, error) {
	var events []idaastest.Event
	if c.Test {
		events = append(events, tenant.Test())
	}
	if c.People > 0 {
		events = append(events, idaastest.Generate(c.Seed, c.People, c.Units).Push(tenant)...)
	}
	if c.File == "" {
		return events, nil
	}
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return nil, configError{fmt.Errorf("read the events: %w", err)}
	}
	var list []simulatedEvent
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, usageError{fmt.Errorf("%s is no JSON list of {type, id, data}: %w", c.File, err)}
	}
	for _, e := range list {
		events = append(events, tenant.Event(event.ParseType(e.Type), e.ID, e.Data))
	}
	return events, nil
}
