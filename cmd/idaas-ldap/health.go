package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
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
	client, url, err := adminClient(cfg.Admin)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answeredWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the service: %w", err)
	}
	if !cfg.Admin.Token.Empty() {
		request.Header.Set("Authorization", "Bearer "+cfg.Admin.Token.Reveal())
	}
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
