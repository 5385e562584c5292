package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/dispatch"
	"idaas-ldap/internal/config"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/secret"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/receiver"
)

// setup is all that is made from one reading of the configuration. It is built as a whole, and takes the place of the one before
// at one moment.
type setup struct {
	cfg         *config.Config
	directories []*Directory
	// The certificates of the listeners are nil where plain HTTP is spoken, the token of the admin listener where no file holds it.
	certificate, adminCertificate *reload.Held[*tls.Certificate]
	token                         *reload.Held[secret.Text]
	encryption                    []*reload.Held[*receiver.EncryptionKeys]
	verifier                      *receiver.Verifier
	keys                          []applicationKeys
	sources                       []*Source
	told                          []Told
	watcher                       *reload.Watcher
	closed                        sync.Once
}

// builder makes setups.
type builder struct {
	log     *logrus.Logger
	metrics *telemetry.Metrics
	clock   dispatch.Clock
	atOnce  int
	former  *setup // the one in force, nil at the start
}

// parts opens all that is made from files: directories with their mappings and certificates, key sets, the receiver's certificate,
// the token. Everything that is wrong is reported at once, each with its place, beside what could be opened.
func (b builder) parts(cfg *config.Config) (*setup, error) {
	s, former := &setup{cfg: cfg}, b.former
	if former == nil {
		former = &setup{}
	}
	observe := filesReloaded(b.log, b.metrics)
	var wrong []error
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	var err error
	s.directories, err = openDirectories(cfg, former.directories, b.atOnce, b.log, b.metrics, b.clock.Now)
	note(err)
	s.certificate, err = certificateOf(cfg, serverTLS, cfg.Receiver.TLS, former.certificate, b.clock.Now, observe)
	note(err)
	s.adminCertificate, err = certificateOf(cfg, adminTLS, cfg.Admin.TLS, former.adminCertificate, b.clock.Now, observe)
	note(err)
	s.token, err = adminToken(cfg, observe)
	note(err)
	s.encryption, err = encryptionKeys(cfg, observe)
	note(err)
	s.verifier, s.keys, err = newVerifier(cfg, s.encryption, former.keys, b.log, b.clock.Now)
	note(err)
	s.sources, err = OpenSources(cfg, b.log, observe, b.clock.Now)
	note(err)
	s.told, err = OpenReceivers(cfg, observe, b.clock)
	note(err)
	return s, errors.Join(wrong...)
}

// build makes a whole setup, or nothing.
func (b builder) build(cfg *config.Config) (*setup, error) {
	s, err := b.parts(cfg)
	if err == nil {
		s.watcher, err = s.watch(b.log)
	}
	if err != nil {
		s.close(b.log)
		return nil, err
	}
	return s, nil
}

// watch reads the files again when they change.
func (s *setup) watch(log logrus.FieldLogger) (*reload.Watcher, error) {
	var sources []reload.Source
	for _, h := range s.files() {
		sources = append(sources, h)
	}
	return reload.NewWatcher(sources, log) //nolint:wrapcheck // It says what it does.
}

// run keeps what the setup is made of fresh, and lets the lanes of its directories work, until ctx ends; then it closes them.
func (s *setup) run(ctx context.Context, lanes func(ctx context.Context), log logrus.FieldLogger) {
	var parts sync.WaitGroup
	parts.Go(func() { lanes(ctx) })
	parts.Go(func() { s.watcher.Run(ctx) })
	for _, source := range s.sources {
		parts.Go(func() {
			source.schedule.Run(ctx)
			source.turn.end(ctx)
		})
	}
	for _, k := range s.keys {
		if k.remote != nil {
			parts.Go(func() { k.remote.Run(ctx) })
		}
	}
	parts.Wait()
	s.close(log)
}

// close closes what the setup has opened. It may be called again.
func (s *setup) close(log logrus.FieldLogger) {
	s.closed.Do(func() {
		if s.watcher != nil {
			if err := s.watcher.Close(); err != nil {
				log.WithError(err).Warn("cannot stop watching the files")
			}
		}
		for _, d := range s.directories {
			d.Server.Close()
		}
	})
}

// directory returns the one of a name, nil where there is none.
func (s *setup) directory(name string) *Directory { return named(s.directories, name) }

func named(directories []*Directory, name string) *Directory {
	for _, d := range directories {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// files returns all that is made from files of the configuration.
func (s *setup) files() []held {
	var all []held
	for _, certificate := range []*reload.Held[*tls.Certificate]{s.certificate, s.adminCertificate} {
		if certificate != nil {
			all = append(all, certificate)
		}
	}
	if s.token != nil {
		all = append(all, s.token)
	}
	for _, keys := range s.encryption {
		if keys != nil {
			all = append(all, keys)
		}
	}
	for _, source := range s.sources {
		if source.secret != nil {
			all = append(all, source.secret)
		}
	}
	for _, t := range s.told {
		if t.held != nil {
			all = append(all, t.held)
		}
	}
	for _, d := range s.directories {
		all = append(all, d.mapping, d.credentials)
	}
	return all
}

// shown returns what gives the certificate that a listener shows; its result is nil where plain HTTP is spoken.
func shown(held *reload.Held[*tls.Certificate]) func() *tls.Certificate {
	if held == nil {
		return nil
	}
	return held.Value
}

// adminToken returns the token that the admin listener asks for; empty where it asks for none.
func (s *setup) adminToken() secret.Text {
	if s.token == nil {
		return s.cfg.Admin.Token
	}
	return s.token.Value()
}

// The listeners that may show a certificate.
const (
	serverTLS = "receiver.tls"
	adminTLS  = "admin.tls"
)

// certificateOf reads the certificate of a listener; nil where it speaks plain HTTP. One that has ended does not follow one that is
// valid.
func certificateOf(cfg *config.Config, at string, files config.ServerTLS, former *reload.Held[*tls.Certificate], now func() time.Time, observe func(reload.Result)) (*reload.Held[*tls.Certificate], error) {
	if !files.Enabled() {
		return nil, nil
	}
	held, err := reload.Hold(at, []string{string(files.CertFile), string(files.KeyFile)}, func(raw [][]byte, before **tls.Certificate) (*tls.Certificate, error) {
		pair, err := pairIn(raw[0], raw[1])
		if err != nil {
			return nil, &keyError{at + ".cert_file", fmt.Errorf("%s with %s: %w", files.CertFile, files.KeyFile, err)}
		}
		if before == nil && former != nil {
			inForce := former.Value()
			before = &inForce
		}
		if before != nil {
			if err := noWorse((*before).Leaf, pair.Leaf, now()); err != nil {
				return nil, &keyError{at + ".cert_file", fmt.Errorf("%s %w", files.CertFile, err)}
			}
		}
		return pair, nil
	}, observe)
	if err != nil {
		return nil, located(cfg, keyOf(err, at, map[string]config.Path{".cert_file": files.CertFile, ".key_file": files.KeyFile}), err)
	}
	return held, nil
}

// adminToken reads the token of the admin listener; nil where no file holds it.
func adminToken(cfg *config.Config, observe func(reload.Result)) (*reload.Held[secret.Text], error) {
	const key = "admin.token_file"
	file := cfg.Admin.TokenFile
	if file == "" {
		return nil, nil
	}
	held, err := reload.Hold(key, []string{string(file)}, func(raw [][]byte, _ *secret.Text) (secret.Text, error) {
		token, err := config.SecretIn(raw[0])
		if err != nil {
			return token, &keyError{key, fmt.Errorf("%s %w", file, err)}
		}
		return token, nil
	}, observe)
	if err != nil {
		return nil, located(cfg, key, err)
	}
	return held, nil
}

// encryptionKeys reads the keys that events are encrypted with, of each application; nil for one whose keys are in no files.
func encryptionKeys(cfg *config.Config, observe func(reload.Result)) ([]*reload.Held[*receiver.EncryptionKeys], error) {
	all := make([]*reload.Held[*receiver.EncryptionKeys], len(cfg.Applications))
	var wrong []error
	for i, a := range cfg.Applications {
		if len(a.EncryptionKeyFiles) == 0 {
			continue
		}
		at := fmt.Sprintf("applications[%d].encryption_key_files", i)
		held, err := holdKeys(at, a.EncryptionKeyFiles, observe)
		if err != nil {
			files := make(map[string]config.Path, len(a.EncryptionKeyFiles))
			for n, file := range a.EncryptionKeyFiles {
				files[fmt.Sprintf("[%d]", n)] = file
			}
			wrong = append(wrong, located(cfg, keyOf(err, at, files), err))
			continue
		}
		all[i] = held
	}
	return all, errors.Join(wrong...)
}

func holdKeys(at string, files []config.Path, observe func(reload.Result)) (*reload.Held[*receiver.EncryptionKeys], error) {
	paths := make([]string, len(files))
	for n, file := range files {
		paths[n] = string(file)
	}
	return reload.Hold(at, paths, func(raw [][]byte, _ **receiver.EncryptionKeys) (*receiver.EncryptionKeys, error) {
		keys := make([]secret.Text, len(raw))
		for n := range raw {
			var err error
			if keys[n], err = config.SecretIn(raw[n]); err == nil {
				if err = config.CheckEncryptionKey(keys[n]); err != nil {
					err = fmt.Errorf("holds %w", err)
				}
			}
			if err != nil {
				return nil, &keyError{fmt.Sprintf("%s[%d]", at, n), fmt.Errorf("%s %w", files[n], err)}
			}
		}
		return receiver.NewEncryptionKeys(keys...), nil
	}, observe)
}

// keyOf returns the key of the configuration that names the file which cannot be read, or else the one that all of them are below.
func keyOf(err error, at string, files map[string]config.Path) string {
	var unread *reload.ReadError
	if errors.As(err, &unread) {
		for key, path := range files {
			if path != "" && filepath.Clean(string(path)) == unread.Path {
				return at + key
			}
		}
	}
	return strings.TrimSuffix(at, ".")
}
