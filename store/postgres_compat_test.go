package store_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"idaas-ldap/internal/secret"
	"idaas-ldap/ldaptest"
	"idaas-ldap/store"
)

// firstOnPostgres is the version of the schema that was the first on PostgreSQL.
const firstOnPostgres = 12

// compatDump is the dump of a PostgreSQL database of an earlier version, in a schema that is called like the version.
func compatDump(version int) string {
	return filepath.Join("testdata", "compat", fmt.Sprintf("postgres-%02d.sql.gz", version))
}

func compatSchema(version int) string { return fmt.Sprintf("compat_%02d", version) }

// A database of every earlier version of the schema is opened, brought up to date, and knows what it knew. What is in testdata is never made
// anew: a new migration gets its dump by -update.
func TestPostgresStoresOfEveryEarlierVersionAreOpened(t *testing.T) {
	server := ldaptest.StartPostgres(t, "CREATE ROLE "+ldaptest.PostgresUser+" LOGIN PASSWORD '"+ldaptest.PostgresPassword+"'",
		"CREATE DATABASE "+ldaptest.PostgresDatabase+" OWNER "+ldaptest.PostgresUser)
	for version := firstOnPostgres; version <= store.SchemaVersion(t); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			packed, err := os.ReadFile(compatDump(version))
			if errors.Is(err, os.ErrNotExist) && *update {
				packed, err = makeCompatDump(t, server, version)
			}
			if err != nil {
				t.Fatalf("%v: make it by 'go test ./store -run EveryEarlierVersion -update'", err)
			}
			server.Administer(t, ldaptest.PostgresDatabase, "SET ROLE "+ldaptest.PostgresUser+";\n"+string(unpacked(t, packed)))
			url := secret.New(server.URL() + "&search_path=" + compatSchema(version))
			if n := store.PostgresVersion(t, url); n != version {
				t.Fatalf("the dump is of version %d", n)
			}
			knowsWhatItKnew(t, openPostgres(t, store.PostgresConfig{URL: url}))
			if n := store.PostgresVersion(t, url); n != store.SchemaVersion(t) {
				t.Errorf("it is brought to version %d", n)
			}
		})
	}
}

// makeCompatDump makes the dump of an earlier version from the store in a file of the same version.
func makeCompatDump(t *testing.T, server *ldaptest.PostgresServer, version int) ([]byte, error) {
	t.Helper()
	packed, err := os.ReadFile(compatStore(version))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(t.TempDir(), "store.db")
	unpack(t, packed, path)
	schema := compatSchema(version)
	server.Administer(t, ldaptest.PostgresDatabase, "CREATE SCHEMA "+schema+" AUTHORIZATION "+ldaptest.PostgresUser)
	store.CopyToPostgres(t, path, secret.New(server.URL()+"&search_path="+schema), version)
	dump := server.Dump(t, ldaptest.PostgresDatabase, schema)
	server.Administer(t, ldaptest.PostgresDatabase, "DROP SCHEMA "+schema+" CASCADE")
	return pack(dump, compatDump(version))
}
