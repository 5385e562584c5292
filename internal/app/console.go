package app

import (
	"crypto/rand"

	"idaas-ldap/console"
	"idaas-ldap/internal/explain"
	"idaas-ldap/internal/secret"
)

// newConsole makes the console. It outlives a change of the configuration, as sessions do, and asks for what is in force.
func (a *App) newConsole() (*console.Console, error) {
	return console.New(console.Config{ //nolint:wrapcheck // It says what it does.
		Store: a.Store, Wake: a.Dispatcher.Wake, Log: a.log, Clock: a.clock.Now, Random: rand.Text,
		Token: func() secret.Text { return a.current.Load().adminToken() },
		Directories: func() []explain.Directory {
			var directories []explain.Directory
			for _, d := range a.current.Load().directories {
				directories = append(directories, explain.Directory{Name: d.Name, Inspector: d.Processor, Entries: d.Server, Mapping: d.Mapping()})
			}
			return directories
		},
	})
}
