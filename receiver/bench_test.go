package receiver_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"idaas-ldap/idaastest"
	"idaas-ldap/receiver"
)

// BenchmarkOpen opens the captured token.
func BenchmarkOpen(b *testing.B) {
	c := loadCaptured(b)
	v := c.verifier(b, c.at())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Open(context.Background(), c.Event); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenUser opens tokens like those of a first push: one new user each.
func BenchmarkOpenUser(b *testing.B) {
	tenant, err := idaastest.NewTenant(time.Now)
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "jwks.json")
	if err := os.WriteFile(path, tenant.JWKS(), 0o600); err != nil {
		b.Fatal(err)
	}
	keys, err := receiver.NewFileKeys(path, silentLog(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	v := receiver.NewVerifier([]receiver.Application{{ID: tenant.Application, Keys: keys, EncryptionKeys: encryptedWith(tenant.EncryptionKey)}}, time.Now)
	tokens := make([]string, 100)
	for i, e := range idaastest.Generate(1, len(tokens), 0).Push(tenant)[:len(tokens)] {
		if tokens[i], err = tenant.Token([]idaastest.Event{e}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := v.Open(context.Background(), tokens[i%len(tokens)]); err != nil {
			b.Fatal(err)
		}
	}
}
