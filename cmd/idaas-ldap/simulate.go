package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"idaas-ldap/event"
	"idaas-ldap/idaastest"
	"idaas-ldap/internal/config"
)

type simulateCommand struct {
	Config        string `placeholder:"FILE" type:"path" help:"Take the URL, the application and its encryption key from this configuration. Without it and without --url: from the one that other commands take."`
	URL           string `placeholder:"URL" help:"Where to send to; without it, to the receiver of the configuration on this machine."`
	Application   string `placeholder:"ID" help:"The application that sends, which is the token's aud; the first one of the configuration otherwise, or a made-up one."`
	Instance      string `placeholder:"ID" help:"The instance that sends, which is the token's sub; that of the configuration otherwise, or the same in every run."`
	EncryptionKey string `placeholder:"FILE" type:"path" help:"A file with the AES key as 64 hex digits; without it the key of the configuration, and without that events are sent unencrypted."`
	SigningKey    string `default:"simulate.key" type:"path" help:"The file of the signing key, which is made, with its key set beside it (.jwks), where it is not there; simulate.key without it."`
	CA            string `name:"ca" placeholder:"FILE" type:"path" help:"Trust the certificates in this file (PEM) and no others; those of the system otherwise."`

	File   string `placeholder:"FILE" help:"Send the events in this file; none without it. ${events} What an event does not say, its id and time, is made up."`
	At     moment `placeholder:"TIME" help:"Open a recorded callback in --file as of this time (RFC 3339); now otherwise."`
	People int    `help:"Push a made-up organisation of this many people, 10 units and six groups; none without it."`
	Units  int    `default:"10" help:"How many units the organisation has; 10 without it."`
	Seed   uint64 `default:"1" help:"Which organisation is made up: the same number makes the same one; 1 without it."`
	Remove bool   `help:"Delete that organisation instead: with the same --people, --units and --seed. The guards of the mapping hold what is too much at once."`
	Batch  int    `default:"20" help:"How many events go into one request; 20 without it, as in IDaaS."`
	Test   bool   `help:"Send the connection test."`
	Retry  bool   `help:"Try again as IDaaS does where the answer is not 200: five times, within 36 s."`
	Output string `enum:"text,json" default:"text" help:"Form of the output: text, or json for programs; text without it."`
}

// Run sends events as IDaaS does and prints a summary of the answers.
func (c simulateCommand) Run(ctx context.Context, t terminal) error {
	if c.Remove && c.People == 0 {
		return usageError{errors.New("--remove deletes what --people has made: say --people N, with the same --units and --seed")}
	}
	var cfg *config.Config
	if c.Config != "" || c.URL == "" {
		var err error
		if cfg, err = loadConfig(c.Config, t); err != nil {
			return err
		}
	}
	tenant, made, err := c.tenant(cfg)
	if err != nil {
		return err
	}
	if made {
		fmt.Fprintf(t.Err, "a signing key was made; let the service trust it with jwks_file: %s\n", jwksPath(c.SigningKey))
	}
	events, err := c.events(ctx, t, cfg, tenant)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return usageError{errors.New("say what to send: --people N, --file FILE or --test")}
	}
	trusting, err := c.trusting()
	if err != nil {
		return err
	}
	client := &idaastest.Client{Tenant: tenant, URL: c.URL, HTTP: trusting}
	if c.Retry {
		client.Retries = idaastest.Retries()
	}
	return c.send(ctx, t, client, events)
}

func (c simulateCommand) send(ctx context.Context, t terminal, client *idaastest.Client, events []idaastest.Event) error {
	sum := summary{Problems: []idaastest.Result{}}
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
			return fmt.Errorf("answered with %d %s: %s", answer.Status, oneLine(answer.Error), oneLine(answer.ErrorDescription))
		}
		sum.add(answer)
		for _, r := range append(answer.Failed, answer.Retried...) {
			progress.end()
			fmt.Fprintf(t.Err, "%s %s: %s\n", oneLine(r.EventID), oneLine(r.EventCode), oneLine(r.EventMessage))
		}
		sent += len(batch)
		progress.at(sent)
	}
	progress.end()
	if c.Output == "json" {
		if err := writeJSON(t.Out, sum); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(t.Out, "%s in %s\n", sum, time.Since(start).Round(time.Millisecond))
	}
	if sum.Failed+sum.Retried > 0 {
		return errReported
	}
	return nil
}

// trusting returns a client that trusts the certificates that it is told to.
func (c simulateCommand) trusting() (*http.Client, error) {
	if c.CA == "" {
		return &http.Client{}, nil
	}
	raw, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, configError{fmt.Errorf("read the certificates of --ca: %w", err)}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(withoutMark(raw)) {
		return nil, configError{fmt.Errorf("%s holds no certificate in PEM form", c.CA)}
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	return &http.Client{Transport: transport}, nil
}

// withoutMark returns what a file holds without the byte order mark that some editors write.
func withoutMark(raw []byte) []byte { return bytes.TrimPrefix(raw, []byte("\ufeff")) }

// summary counts what events were answered with, and lists those that need somebody.
type summary struct {
	Success  int `json:"success"`
	Accepted int `json:"accepted"` // of them, stored and still to be applied
	Skipped  int `json:"skipped"`
	Failed   int `json:"failed"`
	Retried  int `json:"retried"`

	Problems []idaastest.Result `json:"problems"`
}

func (s *summary) add(answer idaastest.Answer) {
	s.Success += len(answer.Success)
	s.Skipped += len(answer.Skipped)
	s.Failed += len(answer.Failed)
	s.Retried += len(answer.Retried)
	s.Problems = append(append(s.Problems, answer.Failed...), answer.Retried...)
	for _, r := range answer.Success {
		if r.EventCode == string(event.CodeAccepted) {
			s.Accepted++
		}
	}
}

// String is one line for a person.
func (s summary) String() string {
	success := fmt.Sprintf("%d success", s.Success)
	if s.Accepted > 0 {
		success += fmt.Sprintf(" (%d of them stored and still to be applied)", s.Accepted)
	}
	return fmt.Sprintf("%s, %d skipped, %d failed, %d retried", success, s.Skipped, s.Failed, s.Retried)
}

func (c simulateCommand) events(ctx context.Context, t terminal, cfg *config.Config, tenant *idaastest.Tenant) ([]idaastest.Event, error) {
	var events []idaastest.Event
	if c.Test {
		events = append(events, tenant.Test())
	}
	if c.People > 0 {
		organization := idaastest.Generate(c.Seed, c.People, c.Units)
		if c.Remove {
			events = append(events, organization.Remove(tenant)...)
		} else {
			events = append(events, organization.Push(tenant)...)
		}
	}
	if c.File == "" {
		return events, nil
	}
	input := eventInput{path: c.File, at: c.At.Time, id: func(int) string { return tenant.Event("", "", nil).ID }}
	_, changes, err := input.read(ctx, t, cfg)
	if err != nil {
		return nil, err
	}
	for _, change := range changes {
		events = append(events, idaastest.Event{
			ID: change.ID, Type: change.Type, Time: change.Stamp.Event.Time(), BizID: change.Object.ID, BizData: change.Payload(),
		})
	}
	return events, nil
}
