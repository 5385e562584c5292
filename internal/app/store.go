package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"idaas-ldap/internal/config"
	"idaas-ldap/store"
)

// OpenStore opens the configured store for what the caller is about to do. Only who serves changes how it is built, so whoever does
// that has to be the one who works on what is due.
func OpenStore(ctx context.Context, cfg *config.Config, access store.Access) (store.Store, error) {
	return openStoreAs(ctx, cfg, store.SQLiteConfig{Access: access}, time.Now)
}

func openStoreAs(ctx context.Context, cfg *config.Config, as store.SQLiteConfig, clock func() time.Time) (store.Store, error) {
	if !cfg.Store.Postgres().Empty() {
		s, err := store.OpenPostgres(ctx, onServer(cfg, as, clock), string(cfg.Store.KeyFile), rand.Reader)
		if err != nil {
			return nil, err // as below
		}
		return s, nil
	}
	as.Path, as.Reserve, as.As = string(cfg.Store.SQLite()), as.Access == store.ToServe, thisProcess()
	s, err := store.Open(ctx, as, string(cfg.Store.KeyFile), rand.Reader)
	if err != nil {
		return nil, err // and not s, which would be a store that is nil
	}
	return s, nil
}

// onServer says how to open a store on a server, which several processes may do.
func onServer(cfg *config.Config, as store.SQLiteConfig, clock func() time.Time) store.PostgresConfig {
	return store.PostgresConfig{URL: cfg.Store.Postgres(), Access: as.Access, As: thisProcess(), Clock: clock, Growth: store.GrowthUsual, Together: as.Together}
}

// CarryStore carries the configured store over to an empty one, with the same key. Nobody may serve either meanwhile.
func CarryStore(ctx context.Context, cfg *config.Config, to config.Store, told func(done, of int64)) ([]store.Carried, error) {
	c := carrying(cfg)
	c.To, c.ToName, c.Told = placeOf(to), to.URL, told
	return c.Run(ctx)
}

// TakeStoreBack lets the configured store be served again of which everything was carried over to another one, and returns where that is.
func TakeStoreBack(ctx context.Context, cfg *config.Config) (where string, err error) {
	return carrying(cfg).TakeBack(ctx)
}

func carrying(cfg *config.Config) store.Carrying {
	return store.Carrying{From: placeOf(cfg.Store), KeyFile: string(cfg.Store.KeyFile), As: thisProcess(), Clock: time.Now, Random: rand.Reader}
}

func placeOf(s config.Store) store.Place {
	return store.Place{File: string(s.SQLite()), URL: s.Postgres()}
}

// examineStore reports why the store could not be opened to serve, and whether somebody works with it now. It changes nothing.
func examineStore(ctx context.Context, cfg *config.Config) (running bool, err error) {
	keyFile := string(cfg.Store.KeyFile)
	if !cfg.Store.Postgres().Empty() {
		return store.ExaminePostgres(ctx, onServer(cfg, store.SQLiteConfig{Access: store.ToServe}, time.Now), keyFile)
	}
	path := string(cfg.Store.SQLite())
	return store.Reserved(ctx, path), store.Examine(ctx, store.SQLiteConfig{Path: path}, keyFile)
}

// thisProcess says who we are, for whoever finds the work reserved.
func thisProcess() string {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Sprintf("process %d", os.Getpid())
	}
	return fmt.Sprintf("process %d on %s", os.Getpid(), host)
}

// OpenStoreToRead opens the configured store for a command that only looks. Where there is none yet, an empty one stands
// in for it and nothing is made.
func OpenStoreToRead(ctx context.Context, cfg *config.Config) (store.Store, error) {
	s, err := OpenStore(ctx, cfg, store.ToRead)
	if !errors.Is(err, store.ErrNoStore) {
		return s, err
	}
	return TemporaryStore(ctx)
}

// TemporaryStore makes an empty store that is removed when it is closed.
func TemporaryStore(ctx context.Context) (store.Store, error) {
	folder, err := os.MkdirTemp("", "idaas-ldap-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	empty, err := store.Open(ctx, store.SQLiteConfig{Path: filepath.Join(folder, "empty.db")}, filepath.Join(folder, "key"), rand.Reader)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return temporaryStore{Store: empty, folder: folder}, nil
}

// temporaryStore is removed when it is closed.
type temporaryStore struct {
	store.Store
	folder string
}

// Close closes the store and removes it.
func (t temporaryStore) Close() error {
	return errors.Join(t.Store.Close(), os.RemoveAll(t.folder))
}
