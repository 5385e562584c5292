package main

import (
	"idaas-ldap/internal/config"
	"idaas-ldap/mapping"
)

type schemaCommand struct {
	Config  schemaConfigCommand  `cmd:"" help:"Print the JSON Schema of the configuration."`
	Mapping schemaMappingCommand `cmd:"" help:"Print the JSON Schema of mapping files."`
}

type schemaConfigCommand struct{}

// Run prints the schema of the configuration.
func (schemaConfigCommand) Run(t terminal) error { return writeJSON(t.Out, config.Schema()) }

type schemaMappingCommand struct{}

// Run prints the schema of mapping files.
func (schemaMappingCommand) Run(t terminal) error { return writeJSON(t.Out, mapping.Schema()) }
