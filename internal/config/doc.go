// Package config reads the configuration of idaas-ldap.
//
// The path of a YAML file and the environment go in ([Load]); a [Config] comes out in which every default is filled in,
// every override from the environment is applied, every secret is read and every relative path is made relative to the
// folder of the file. It is complete and consistent, or it does not come out at all: then the error is [*Problems], which
// lists everything that is wrong, each with its position.
//
// The package reads the configuration file and the files of secrets and nothing else. Whether certificates, mapping files
// and servers are there and good is found out by those who use them. It never puts a secret into a problem, a warning
// or an excerpt of the file.
package config
