package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"idaas-ldap/internal/app"
	"idaas-ldap/internal/config"
	"idaas-ldap/store"
)

// configFlag is the flag of every command that needs the configuration.
type configFlag struct {
	Config string `placeholder:"FILE" type:"path" help:"The configuration file. Without it: what IDAAS_LDAP_CONFIG names, ./idaas-ldap.yaml, /etc/idaas-ldap/idaas-ldap.yaml."`
}

func (c configFlag) readStore(ctx context.Context, t terminal) (*config.Config, store.Store, error) {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return nil, nil, err
	}
	s, err := app.OpenStoreToRead(ctx, cfg)
	return cfg, s, err
}

func (c configFlag) changeStore(ctx context.Context, t terminal) (*config.Config, store.Store, error) {
	cfg, err := loadConfig(c.Config, t)
	if err != nil {
		return nil, nil, err
	}
	s, err := app.OpenStore(ctx, cfg, store.ToChange)
	return cfg, s, err
}

// configVariable names the configuration file where no flag does.
const configVariable = "IDAAS_LDAP_CONFIG"

// configFile returns the configuration file: the one that was asked for, or the first of those that are looked for.
func (t terminal) configFile(asked string) (string, error) {
	if asked != "" {
		return asked, nil
	}
	for _, v := range t.Environ {
		if path, ok := strings.CutPrefix(v, configVariable+"="); ok && path != "" {
			return path, nil
		}
	}
	usual := []string{"idaas-ldap.yaml", "/etc/idaas-ldap/idaas-ldap.yaml"}
	for _, path := range usual {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
	}
	return "", usageError{fmt.Errorf("there is no configuration: name one with --config FILE or in %s; without that ./%s is looked for", configVariable, strings.Join(usual, " and "))}
}

// otherVariables returns the environment without the name of the configuration file, which is no setting in it.
func (t terminal) otherVariables() []string {
	return slices.DeleteFunc(slices.Clone(t.Environ), func(v string) bool { return strings.HasPrefix(v, configVariable+"=") })
}

// knownDirectory refuses the name of a directory that is not configured. No name is no question.
func knownDirectory(cfg *config.Config, name string) error {
	names := make([]string, len(cfg.Directories))
	for i, d := range cfg.Directories {
		names[i] = d.Name
	}
	if name == "" || slices.Contains(names, name) {
		return nil
	}
	return usageError{fmt.Errorf("there is no directory %s%s; look at directories[].name", name, didYouMean(name, names))}
}

// didYouMean names the candidate that was probably meant, in brackets.
func didYouMean(name string, candidates []string) string {
	if near := config.Nearest(name, candidates); near != "" {
		return " (did you mean " + near + "?)"
	}
	return ""
}
