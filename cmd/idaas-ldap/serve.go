package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/internal/tracing"
)

type serveCommand struct{ configFlag }

// Run serves until it is told to stop.
func (c serveCommand) Run(ctx context.Context, t terminal) error {
	path, err := t.configFile(c.Config)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(path, t)
	if err != nil {
		return err
	}
	log, err := telemetry.NewLogger(telemetry.LogConfig{Level: cfg.Log.Level, Format: cfg.Log.Format, Out: bare(t.Err)})
	if err != nil {
		return configError{err}
	}
	limitMemory(os.DirFS("/"), t.Environ)
	slog.SetDefault(telemetry.Slog(log)) // for libraries that log by themselves
	tracer, err := tracing.FromEnvironment(ctx, t.Environ, currentVersion(), log)
	if err != nil {
		return configError{err}
	}
	a, err := app.OpenWith(ctx, cfg, log, currentVersion(), app.Options{Tracer: tracer})
	if err != nil {
		return err
	}
	return runUntil(ctx, a, func() (*config.Config, error) {
		cfg, warnings, err := config.Load(path, t.otherVariables())
		for _, w := range warnings {
			log.WithField(telemetry.FieldReason, w.String()).Warn("the configuration is read again")
		}
		return cfg, err //nolint:wrapcheck // It names the file and the place.
	})
}

// runUntil runs the service until ctx ends. On SIGHUP the configuration is loaded again, and put in force with all that it names if
// everything is good.
func runUntil(ctx context.Context, a *app.App, load func() (*config.Config, error)) error {
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)
	ctx, stop := context.WithCancel(ctx)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer stop()
	listening.Go(func() {
		for {
			select {
			case <-hangUp:
				cfg, err := load()
				a.Reload(ctx, cfg, err)
			case <-ctx.Done():
				return
			}
		}
	})
	return a.Run(ctx)
}

// loadConfig reads the configuration and prints what is good to know about it.
func loadConfig(path string, t terminal) (*config.Config, error) {
	path, err := t.configFile(path)
	if err != nil {
		return nil, err
	}
	cfg, warnings, err := config.Load(path, t.otherVariables())
	var problems *config.Problems
	switch {
	case errors.As(err, &problems):
		return nil, err
	case err != nil:
		return nil, configError{err}
	}
	for _, w := range warnings {
		fmt.Fprintf(t.Err, "warning: %s\n", w)
	}
	return cfg, nil
}

// quietLog is the log of commands that print what matters themselves.
func quietLog(out io.Writer) *logrus.Logger {
	log := logrus.New()
	log.SetOutput(out)
	log.SetLevel(logrus.ErrorLevel)
	return log
}
