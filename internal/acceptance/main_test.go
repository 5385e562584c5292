package acceptance_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/telemetry"
)

// asProduct is the name under which the test binary is the product, as a process that can be killed.
const asProduct = "idaas-ldap-to-be-killed"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != asProduct {
		m.Run()
		return
	}
	if err := serve(os.Args[len(os.Args)-1]); err != nil {
		panic(err) // it was not killed
	}
}

// serve does what the command serve does.
func serve(path string) error {
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		return fmt.Errorf("load the configuration: %w", err)
	}
	log, err := telemetry.NewLogger(telemetry.LogConfig{Level: cfg.Log.Level, Format: cfg.Log.Format, Out: os.Stderr})
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	a, err := app.Open(context.Background(), cfg, log, "test")
	if err != nil {
		return fmt.Errorf("open the product: %w", err)
	}
	return a.Run(context.Background()) //nolint:wrapcheck // It says what it was doing.
}
