package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/notify"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/receiver"
	"idaas-ldap/store"
)

// openStore opens the store to serve, and reserves the work on what is due.
func (a *App) openStore(ctx context.Context, cfg *config.Config) error {
	var err error
	a.Store, err = openStoreAs(ctx, cfg, store.SQLiteConfig{Access: store.ToServe, Log: a.log, Damaged: a.damaged, Together: a.options.AtOnce}, a.clock.Now)
	if errors.Is(err, store.ErrReserved) {
		return fmt.Errorf("another process of idaas-ldap works with the store %s; stop it first: %w", cfg.Store.SQLite(), err)
	}
	return storeProblem(cfg, err)
}

// damaged tells that the store was found damaged.
func (a *App) damaged(err error) {
	a.metrics.StoreDamaged()
	a.notifier.Tell(notify.News{
		Kind: notify.Store, Text: "It is damaged, and nothing is taken in any more: " + err.Error(), InChinese: "已损坏，不再接收任何内容：" + err.Error(),
	})
}

// storeProblem gives what is wrong with the store its place.
func storeProblem(cfg *config.Config, err error) error {
	var wrong *store.Misconfigured
	if !errors.As(err, &wrong) {
		return err
	}
	key := "store.url"
	if cfg.Store.URLFile != "" {
		key = "store.url_file"
	}
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

	cfg     *config.Config
	keys    []applicationKeys
	sources []*Source
}

// FetchKeys asks the key endpoints of the applications for their sets, and returns what is wrong with them, each with its place.
func (e Examination) FetchKeys(ctx context.Context) []string {
	wrong := make([]string, len(e.keys))
	var asking sync.WaitGroup
	for i, k := range e.keys {
		if k.remote == nil {
			continue
		}
		asking.Go(func() {
			k.remote.Renew(ctx)
			if _, state := k.state(); state != "ok" {
				wrong[i] = e.cfg.Problem(fmt.Sprintf("applications[%d].jwks_url", i), state).String()
			}
		})
	}
	asking.Wait()
	return slices.DeleteFunc(wrong, func(text string) bool { return text == "" })
}

// AskSources asks IDaaS's own API, as each application that has it, for a little of everything, and returns what is wrong with that, each
// with its place, and what is good to know.
func (e Examination) AskSources(ctx context.Context) (wrong, notes []string) {
	for _, s := range e.sources {
		found := s.Client.Try(ctx)
		for _, err := range found.Wrong {
			wrong = append(wrong, e.cfg.Problem(s.placeOf(err), err.Error()).String())
		}
		for _, note := range found.Notes {
			notes = append(notes, e.cfg.Problem(s.at, note).String())
		}
	}
	return wrong, notes
}

// Examine opens everything that the service opens when it starts, by the same code, and changes nothing. The directories are those
// that could be opened; their servers have to be closed.
func Examine(ctx context.Context, cfg *config.Config, log *logrus.Logger) Examination {
	clock := dispatch.SystemClock{}
	now := clock.Now
	e := Examination{cfg: cfg}
	note := func(err error) {
		if err != nil {
			e.Problems = append(e.Problems, err)
		}
	}
	found, err := builder{log: log, metrics: telemetry.NewMetrics("", now), clock: clock}.parts(cfg)
	note(err)
	e.Directories, e.keys, e.sources = found.directories, found.keys, found.sources
	running, err := examineStore(ctx, cfg)
	note(storeProblem(cfg, err))
	for _, c := range found.certificates() {
		switch text, invalidNow := c.trouble(now()); {
		case invalidNow:
			note(&config.Problems{List: []config.Problem{cfg.Problem(c.key, text)}})
		case text != "":
			e.Notes = append(e.Notes, cfg.Problem(c.key, text).String())
		}
	}
	note(mayTrail(cfg))
	note(maySyslog(cfg))
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
func mayListen(ctx context.Context, cfg *config.Config) error {
	var wrong []error
	for _, address := range addresses(cfg) {
		wrong = append(wrong, listenProblem(cfg, address.key, receiver.CanListen(ctx, address.address)))
	}
	return errors.Join(wrong...)
}
