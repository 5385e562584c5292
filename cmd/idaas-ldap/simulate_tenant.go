package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/secret"
)

// tenant puts together who sends: from the flags, and from the configuration where they say nothing.
func (c *simulateCommand) tenant(cfg *config.Config) (*idaastest.Tenant, bool, error) {
	private, made, err := signingKey(c.SigningKey)
	if err != nil {
		return nil, false, err
	}
	tenant := simulatedTenant(private)
	if made {
		if err := os.WriteFile(jwksPath(c.SigningKey), tenant.JWKS(), 0o644); err != nil { // Public keys.
			return nil, false, fmt.Errorf("write the key set: %w", err)
		}
	}
	if cfg != nil {
		if err := c.fromConfig(cfg, tenant); err != nil {
			return nil, false, err
		}
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
		if tenant.EncryptionKey, err = config.SecretIn(raw); err != nil {
			return nil, false, configError{fmt.Errorf("the encryption key: %s %w", c.EncryptionKey, err)}
		}
	}
	return tenant, made, nil
}

// simulatedTenant is the instance that the simulation sends as, where nothing else is said.
func simulatedTenant(private *rsa.PrivateKey) *idaastest.Tenant {
	tenant := idaastest.NewTenantWithKey(private, time.Now)
	tenant.KeyID, tenant.Instance, tenant.EncryptionKey = simulatedKeyID, simulatedInstance, secret.Text{}
	return tenant
}

// fromConfig takes the application, and where to send to, from a configuration.
func (c *simulateCommand) fromConfig(cfg *config.Config, tenant *idaastest.Tenant) error {
	ids := make([]string, len(cfg.Applications))
	for i, a := range cfg.Applications {
		ids[i] = a.ID
	}
	i := 0
	if c.Application != "" {
		if i = slices.Index(ids, c.Application); i < 0 {
			return usageError{fmt.Errorf("there is no application %s%s; look at applications[].id", oneLine(c.Application), didYouMean(c.Application, ids))}
		}
	}
	a := cfg.Applications[i]
	tenant.Application = a.ID
	if a.InstanceID != "" {
		tenant.Instance = a.InstanceID
	}
	if len(a.EncryptionKeys) > 0 {
		tenant.EncryptionKey = a.EncryptionKeys[0]
	}
	if c.URL == "" {
		c.URL = ownURL(cfg.Receiver)
	}
	return nil
}

// ownURL is where a receiver is reached from the machine that it runs on.
func ownURL(r config.Receiver) string {
	scheme := "http"
	if r.TLS.Enabled() {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(r.Listen)
	if err != nil {
		return scheme + "://" + r.Listen + r.Path
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port) + r.Path
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
		key, text, err := newSigningKey()
		if err != nil {
			return nil, false, err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return nil, false, fmt.Errorf("write the signing key: %w", err)
		}
		return key, true, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read the signing key: %w", err)
	}
	block, _ := pem.Decode(withoutMark(raw))
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

// newSigningKey makes a key, and the text of its file.
func newSigningKey() (*rsa.PrivateKey, []byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, fmt.Errorf("make the signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the signing key: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
