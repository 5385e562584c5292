package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
)

type drainCommand struct {
	configFlag
	At string `placeholder:"URL" help:"The admin address of the instance, such as http://127.0.0.1:9090; without it that of the configuration, on this machine."`
}

// Run has the instance on this machine hand over what it works on, and returns when others may take it.
func (c drainCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return err
	}
	client, own, err := adminClient(cfg.Admin)
	if err != nil {
		return err
	}
	at := cmp.Or(strings.TrimSuffix(c.At, "/"), own)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at+app.DrainPath, http.NoBody)
	if err != nil {
		return usageError{fmt.Errorf("--at: %w", err)}
	}
	if token := cfg.Admin.Token; !token.Empty() {
		request.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	progress := t.busy("what is under way is finished")
	response, err := client.Do(request)
	progress.end()
	if err != nil {
		return fmt.Errorf("tell the instance to hand over: %w", err)
	}
	defer response.Body.Close()
	const most = 4 << 10
	said, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, strings.TrimSpace(string(said)))
	}
	if err != nil {
		return fmt.Errorf("tell the instance at %s to hand over: %w", at, err)
	}
	_, err = t.Out.Write(said)
	return err //nolint:wrapcheck // Of the terminal.
}

// adminClient returns what speaks to the admin listener on this machine, and the address of that. With TLS it takes the certificate that the
// configuration names and no other one, whatever name that is for.
func adminClient(cfg config.Admin) (*http.Client, string, error) {
	host, port, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, "", configError{fmt.Errorf("admin.listen: %w", err)}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, port)
	if cfg.TLS.CertFile == "" {
		return &http.Client{}, "http://" + address, nil
	}
	pair, err := tls.LoadX509KeyPair(string(cfg.TLS.CertFile), string(cfg.TLS.KeyFile))
	if err != nil {
		return nil, "", configError{fmt.Errorf("admin.tls: %w", err)}
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, // #nosec G402 -- it is compared below.
		VerifyConnection: func(state tls.ConnectionState) error {
			if !bytes.Equal(state.PeerCertificates[0].Raw, pair.Certificate[0]) {
				return errors.New("it shows another certificate than that of admin.tls")
			}
			return nil
		},
	}}
	return &http.Client{Transport: transport}, "https://" + address, nil
}
