package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/config"
	"idaas-ldap/internal/reload"
	"idaas-ldap/internal/telemetry"
	"idaas-ldap/receiver"
)

// keyRetries is how often one fetch of a key set is repeated.
const keyRetries = 2

// applicationKeys are the keys of one application.
type applicationKeys struct {
	application, url string
	// State tells whether there was ever a set, and what there is to say about it.
	state func() (loaded bool, state string)
	// Confirmed is when the set in force last was, zero while there is none.
	confirmed func() time.Time
	// Usable tells whether tokens can be verified now.
	usable func() bool
	remote *receiver.RemoteKeys // nil for a file
}

// Verifier returns a verifier for the configured applications, with a clock of the caller's.
func (a *App) Verifier(clock func() time.Time) (*receiver.Verifier, error) {
	return NewVerifier(a.current.Load().cfg, a.log, clock)
}

// NewVerifier returns a verifier for the configured applications whose key sets are fetched when they are needed.
func NewVerifier(cfg *config.Config, log logrus.FieldLogger, clock func() time.Time) (*receiver.Verifier, error) {
	keys, err := encryptionKeys(cfg, nil)
	if err != nil {
		return nil, err
	}
	v, _, err := newVerifier(cfg, keys, nil, log, clock)
	return v, err
}

// newVerifier returns the key sets beside the verifier, which have to be kept fresh. What was fetched before from the same URL for the
// same application goes on being used, so that nobody depends on whether it can be fetched just now.
func newVerifier(cfg *config.Config, encryption []*reload.Held[*receiver.EncryptionKeys], former []applicationKeys, log logrus.FieldLogger, clock func() time.Time) (*receiver.Verifier, []applicationKeys, error) {
	var wrong []error
	keys := make([]applicationKeys, len(cfg.Applications))
	applications := make([]receiver.Application, len(cfg.Applications))
	for i, a := range cfg.Applications {
		applications[i] = receiver.Application{ID: a.ID, InstanceID: a.InstanceID, EncryptionKeys: encryptionOf(a, encryption[i])}
		keys[i].application, keys[i].url = a.ID, a.JWKSURL
		entry := log.WithField(telemetry.FieldApplication, a.ID)
		if a.JWKSFile != "" {
			file, err := receiver.NewFileKeys(string(a.JWKSFile), entry, time.Now)
			if err != nil {
				wrong = append(wrong, located(cfg, fmt.Sprintf("applications[%d].jwks_file", i), err))
				continue
			}
			applications[i].Keys, keys[i].state, keys[i].confirmed, keys[i].usable = file, file.State, file.Confirmed, usable(file)
			continue
		}
		remote := known(former, a)
		if remote == nil {
			remote = receiver.NewRemoteKeys(receiver.RemoteConfig{
				URL: a.JWKSURL, Retries: keyRetries, RetryLog: telemetry.RetryLogger(log), Log: entry, Clock: time.Now,
			})
		}
		applications[i].Keys, keys[i].state, keys[i].confirmed, keys[i].usable, keys[i].remote = remote, remote.State, remote.Confirmed, usable(remote), remote
	}
	return receiver.NewVerifier(applications, clock), keys, errors.Join(wrong...)
}

// keySets are how the key sets of the applications are, for the metrics.
func (a *App) keySets() []telemetry.KeySet {
	var sets []telemetry.KeySet
	for _, k := range a.current.Load().keys {
		sets = append(sets, telemetry.KeySet{Application: k.application, Usable: k.usable(), Confirmed: k.confirmed()})
	}
	return sets
}

// usable returns what tells whether tokens can be verified with a key set: to look for any key of one that cannot be used is an error.
func usable(keys receiver.KeySource) func() bool {
	return func() bool {
		_, err := keys.Find("")
		return err == nil
	}
}

// known returns the key set that was fetched for an application before.
func known(former []applicationKeys, a config.Application) *receiver.RemoteKeys {
	for _, k := range former {
		if k.application == a.ID && k.url == a.JWKSURL {
			return k.remote
		}
	}
	return nil
}

// encryptionOf returns what gives the keys of an application that are in force: those of its files, or those in the configuration.
func encryptionOf(a config.Application, held *reload.Held[*receiver.EncryptionKeys]) func() *receiver.EncryptionKeys {
	if held != nil {
		return held.Value
	}
	fixed := receiver.NewEncryptionKeys(a.EncryptionKeys...)
	return func() *receiver.EncryptionKeys { return fixed }
}

// limits hands the configured limits to a listener.
func limits(l config.Limits) receiver.Limits {
	return receiver.Limits{
		BodyBytes: l.BodyBytes, Connections: l.Connections, ConnectionsPerAddress: l.ConnectionsPerAddress, StreamsPerConnection: l.StreamsPerConnection,
		HeaderWithin: l.HeaderWithin, BodyWithin: l.BodyWithin, IdleWithin: l.IdleWithin, RequestsPerSecond: l.RequestsPerSecond, Burst: l.Burst,
	}
}
