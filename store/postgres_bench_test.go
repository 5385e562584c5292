package store_test

import (
	"path/filepath"
	"testing"
	"time"

	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// BenchmarkPostgresBesideSQLite measures both stores in turn on the same machine, and by what part of SQLite's rates PostgreSQL with one instance
// takes events in, and loads and settles objects.
func BenchmarkPostgresBesideSQLite(b *testing.B) {
	server := ldaptest.StartPostgres(b, "CREATE ROLE "+ldaptest.PostgresUser+" LOGIN PASSWORD '"+ldaptest.PostgresPassword+"'",
		"CREATE DATABASE "+ldaptest.PostgresDatabase+" OWNER "+ldaptest.PostgresUser)
	const workers = 64
	accept := func(s store.Store) func(int) error {
		return func(i int) error {
			_, err := s.Accept(b.Context(), 1, []store.NewEvent{typicalEvent(i)})
			return err
		}
	}
	settle := func(s store.Store) func(int) error { return func(i int) error { return settleTypical(b, s, i) } }
	var file, onServer [2]time.Duration
	for range 3 {
		for i, s := range []store.Store{
			open(b, store.SQLiteConfig{Path: filepath.Join(b.TempDir(), "store.db")}),
			openPostgres(b, store.PostgresConfig{URL: secret.New(server.Schema(b)), Growth: store.GrowthUsual}),
		} {
			took := &file
			if i == 1 {
				took = &onServer
			}
			took[0] += timed(b, workers, accept(s))
			took[1] += timed(b, workers, settle(s))
		}
	}
	b.ReportMetric(float64(file[0])/float64(onServer[0]), "of-accept")
	b.ReportMetric(float64(file[1])/float64(onServer[1]), "of-settle")
	b.ReportMetric(3*float64(b.N)/onServer[0].Seconds(), "events/s")
	b.ReportMetric(3*float64(b.N)/onServer[1].Seconds(), "settled/s")
}

// timed says how long it takes to have b.N pieces of work done.
func timed(b *testing.B, workers int, work func(i int) error) time.Duration {
	b.Helper()
	from := time.Now()
	share(b, workers, work)
	return time.Since(from)
}
