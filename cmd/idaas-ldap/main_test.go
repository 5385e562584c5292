package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"idaas-ldap": main, oneAtOnce: serveAtOnce(1), manyAtOnce: serveAtOnce(500)})
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(env *testscript.Env) error {
		env.Setenv("MAPPINGS", mappingsFolder(t))
		return nil
	}})
}
