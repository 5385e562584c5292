package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"idaas-ldap/internal/config"
)

type healthCommand struct {
	configFlag
	Live bool `help:"Ask only whether it is alive (/livez), and not whether it is ready (/readyz)."`
}

// Limits of the question: a probe that waits longer counts as failed anyway.
const (
	answeredWithin = 8 * time.Second
	healthBytes    = 1 << 20
)

// Run asks the service that this configuration runs, on this machine, and prints its answer.
func (c healthCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	path := "/readyz"
	if c.Live {
		path = "/livez"
	}
	url, err := adminURL(cfg.Admin)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answeredWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	if !cfg.Admin.Token.Empty() {
		request.Header.Set("Authorization", "Bearer "+cfg.Admin.Token.Reveal())
	}
	// It is this machine that is asked, whatever name is in the certificate.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}} //nolint:gosec // As said above.
	defer client.CloseIdleConnections()
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, healthBytes))
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	fmt.Fprintln(t.Out, strings.TrimSpace(string(said)))
	if answer.StatusCode != http.StatusOK {
		return errReported
	}
	return nil
}

// adminURL is where the admin address is asked on this machine.
func adminURL(a config.Admin) (string, error) {
	host, port, err := net.SplitHostPort(a.Listen)
	if err != nil {
		return "", fmt.Errorf("admin.listen: %w", err)
	}
	if port == "0" {
		return "", configError{errors.New("admin.listen has the port 0, which is another one at every start: name one")}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if a.TLS.Enabled() {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port), nil
}
