package acceptance_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		panic(err) // The one who has started it sees that it does not run.
	}
}

// serve does what the command serve does, by a clock that can be put off the right time, and works on so many objects at a time; 0 for as many as usual.
func serve(atOnce, path string) error {
	cfg, _, err := config.Load(path, nil)
	if err != nil {
		return fmt.Errorf("load the configuration: %w", err)
	}
	log, err := telemetry.NewLogger(telemetry.LogConfig{Level: cfg.Log.Level, Format: cfg.Log.Format, Out: os.Stderr})
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	number, err := strconv.Atoi(atOnce)
	if err != nil {
		return fmt.Errorf("read how many objects are worked on at a time: %w", err)
	}
	clock := newClock()
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		clock.follow(os.Stdin)
		stop() // the test is over
	}()
	a, err := app.OpenWith(ctx, cfg, log, "test", app.Options{Clock: clock, AtOnce: number})
	if err != nil {
		return fmt.Errorf("open the product: %w", err)
	}
	return a.Run(ctx) //nolint:wrapcheck // It says what it was doing.
}

// follow puts the clock as far off the right time as each line says.
func (c *clock) follow(lines io.Reader) {
	var is time.Duration
	for said := bufio.NewScanner(lines); said.Scan(); {
		if off, err := time.ParseDuration(said.Text()); err == nil {
			c.Forward(off - is)
			is = off
		}
	}
}
