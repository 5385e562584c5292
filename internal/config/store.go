package config

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"idaas-ldap/internal/secret"
)

// StoreAt returns a store by its URL, with nothing else set.
func StoreAt(address string) (Store, error) {
	var s Store
	err := s.at(address)
	return s, err
}

// at sets where the store is. The error does not hold the address, in which a password may be.
func (s *Store) at(address string) error {
	file, isSQLite := strings.CutPrefix(address, sqliteScheme)
	switch {
	case isPostgres(address):
		u, err := url.Parse(address)
		if err != nil || hostOf(u) == "" || strings.Trim(u.Path, "/") == "" {
			return errors.New("the URL of a PostgreSQL database is postgres://USER@HOST:5432/DATABASE; a host and a database must be in it")
		}
		s.postgres = secret.New(address)
		s.URL = (&url.URL{Scheme: "postgres", Host: u.Host, Path: u.Path}).String()
		return nil
	case !isSQLite:
		return errors.New("not a store; write it as sqlite:PATH, such as sqlite:data/idaas-ldap.db, or as postgres://USER@HOST/DATABASE")
	case file == "" || strings.ContainsAny(file, "?#") || strings.HasPrefix(file, "//") || strings.HasSuffix(file, ":memory:"):
		return errors.New("the path of a file must follow " + sqliteScheme + ", without options")
	}
	s.URL = address
	return nil
}

func isPostgres(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

func hostOf(u *url.URL) string { return cmp.Or(u.Hostname(), u.Query().Get("host")) }

// isUnverified reports whether nobody makes sure which server a database is on.
func isUnverified(address string) bool {
	u, err := url.Parse(address)
	return err == nil && !strings.HasPrefix(hostOf(u), "/") && !isLoopback(hostOf(u)) && u.Query().Get("sslmode") != "verify-full"
}
