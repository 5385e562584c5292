package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/receiver"
	"idaas-ldap/store"
)

// openParts opens all that is made from files: directories with their mappings and certificates, key sets, the receiver's
// certificate. Everything that is wrong is reported at once, each with its place.
func (a *App) openParts() error {
	var wrong []error
	var err error
	if a.Directories, err = openDirectories(a.cfg, a.log, a.metrics, a.clock.Now); err != nil {
		wrong = append(wrong, err)
	}
	if a.certificate, err = serverCertificate(a.cfg, a.clock.Now, filesReloaded(a.log, a.metrics)); err != nil {
		wrong = append(wrong, err)
	}
	if a.verifier, a.keys, err = newVerifier(a.cfg, a.log, a.clock.Now); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

const serverTLS = "receiver.tls"

// serverCertificate reads the certificate of the receiver; nil where it speaks plain HTTP.
func serverCertificate(cfg *config.Config, now func() time.Time, observe func(reload.Result)) (*reload.Held[*tls.Certificate], error) {
	files := cfg.Receiver.TLS
	if !files.Enabled() {
		return nil, nil
	}
	held, err := reload.Hold(serverTLS, []string{string(files.CertFile), string(files.KeyFile)}, func(raw [][]byte, before **tls.Certificate) (*tls.Certificate, error) {
		pair, err := pairIn(raw[0], raw[1])
		if err != nil {
			return nil, &keyError{serverTLS + ".cert_file", fmt.Errorf("%s with %s: %w", files.CertFile, files.KeyFile, err)}
		}
		if before != nil {
			if err := noWorse((*before).Leaf, pair.Leaf, now()); err != nil {
				return nil, &keyError{serverTLS + ".cert_file", fmt.Errorf("%s %w", files.CertFile, err)}
			}
		}
		return pair, nil
	}, observe)
	if err != nil {
		return nil, located(cfg, keyOf(err, serverTLS, map[string]config.Path{".cert_file": files.CertFile, ".key_file": files.KeyFile}), err)
	}
	return held, nil
}

// openStore opens the store to serve, and reserves the work on what is due.
func (a *App) openStore(ctx context.Context) error {
	var err error
	a.Store, err = OpenStore(ctx, a.cfg, store.ToServe)
	if errors.Is(err, store.ErrReserved) {
		return fmt.Errorf("another process of idaas-ldap works with the store %s; stop it first: %w", a.cfg.Store.SQLite(), err)
	}
	return storeProblem(a.cfg, err)
}

// storeProblem gives what is wrong with the store its place.
func storeProblem(cfg *config.Config, err error) error {
	var wrong *store.Misconfigured
	if !errors.As(err, &wrong) {
		return err
	}
	key := "store.url"
	if wrong.Key {
		key = "store.key_file"
	}
	return located(cfg, key, err)
}

// listenProblem gives what is wrong with an address its place. One that another process has may be free in a moment.
func listenProblem(cfg *config.Config, key string, err error) error {
	if err == nil {
		return nil
	}
	problem := located(cfg, key, err)
	if errors.Is(err, syscall.EADDRINUSE) {
		return errors.New(problem.Error())
	}
	return problem
}

// Examination is what Examine has found.
type Examination struct {
	Directories []*Directory
	// Problems keep the service from starting, or from doing all that it is for. Notes are good to know.
	Problems []error
	Notes    []string
}

// Examine opens everything that the service opens when it starts, by the same code, and changes nothing. The directories are those
// that could be opened; their servers have to be closed.
func Examine(ctx context.Context, cfg *config.Config, log *logrus.Logger) Examination {
	a := &App{log: log, clock: dispatch.SystemClock{}, cfg: cfg, metrics: telemetry.NewMetrics("", time.Now)}
	var e Examination
	note := func(err error) {
		if err != nil {
			e.Problems = append(e.Problems, err)
		}
	}
	note(a.openParts())
	e.Directories = a.Directories
	note(storeProblem(cfg, store.Examine(ctx, store.SQLiteConfig{Path: string(cfg.Store.SQLite())}, string(cfg.Store.KeyFile))))
	for _, c := range a.certificates() {
		switch text, invalidNow := c.trouble(a.clock.Now()); {
		case invalidNow:
			note(&config.Problems{List: []config.Problem{cfg.Problem(c.key, text)}})
		case text != "":
			e.Notes = append(e.Notes, cfg.Problem(c.key, text).String())
		}
	}
	running := store.Reserved(ctx, string(cfg.Store.SQLite()))
	for _, a := range addresses(cfg) {
		err := receiver.CanListen(ctx, a.address)
		if running && errors.Is(err, syscall.EADDRINUSE) {
			continue // by the service that works with this store
		}
		note(listenProblem(cfg, a.key, err))
	}
	return e
}

// address is one that the service listens on, with the key of the configuration that names it.
type address struct{ key, address string }

func addresses(cfg *config.Config) []address {
	return []address{{"receiver.listen", cfg.Receiver.Listen}, {"admin.listen", cfg.Admin.Listen}}
}

// mayListen looks whether the addresses are there to be listened on, before anything is made.
func (a *App) mayListen(ctx context.Context) error {
	var wrong []error
	for _, address := range addresses(a.cfg) {
		wrong = append(wrong, listenProblem(a.cfg, address.key, receiver.CanListen(ctx, address.address)))
	}
	return errors.Join(wrong...)
}
