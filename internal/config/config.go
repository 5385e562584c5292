package config

import (
	"net/netip"
	"strings"
	"time"

	"idaas-ldap/internal/secret"
)

// Config is the whole configuration. The tags are the names in the file; a tag "file" names the key beside a secret that
// holds the path of a file to read it from.
type Config struct {
	Receiver     Receiver      `yaml:"receiver"`
	Applications []Application `yaml:"applications"`
	Store        Store         `yaml:"store"`
	Directories  []Directory   `yaml:"directories"`
	Admin        Admin         `yaml:"admin"`
	Log          Log           `yaml:"log"`
	Audit        Audit         `yaml:"audit"`
	// Notifications say who is told what waits for people.
	Notifications Notifications `yaml:"notifications"`

	places map[string]Position // by path, where a value was given
}

// Problem returns what is wrong with the value at a path, such as directories[0].tls.ca_file, with the position where it was given:
// for what shows only when the configuration is put to use.
func (c *Config) Problem(path, message string) Problem {
	at := path
	for ; at != ""; at = above(at) {
		if position, ok := c.places[at]; ok {
			return Problem{Position: position, Path: path, Message: message}
		}
	}
	return Problem{Position: c.places[""], Path: path, Message: message}
}

// Receiver says where and how callbacks of IDaaS are taken in.
type Receiver struct {
	// Listen is the address and port, such as 0.0.0.0:8443.
	Listen string `yaml:"listen"`
	// Path is the one path of the URL that is answered.
	Path string `yaml:"path"`
	// TLS names the certificate; without one, plain HTTP is spoken.
	TLS ServerTLS `yaml:"tls"`
	// AllowFrom are the networks that callers must be in; empty for any.
	AllowFrom []netip.Prefix `yaml:"allow_from"`
	// TrustedProxies are the networks whose X-Forwarded-For or Forwarded is believed; empty for none.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// AnswerWithin is how long an answer may wait for results; IDaaS gives up after 10 s.
	AnswerWithin time.Duration `yaml:"answer_within"`
	// MaxBodyBytes is the largest request that is read.
	MaxBodyBytes int64 `yaml:"max_body_bytes"`
	// Limits bound what anybody can hold, with a key or without.
	Limits Limits `yaml:"limits"`
}

// Limits bound what those who call can hold of memory, connections and time.
type Limits struct {
	// BodyBytes is how much memory all bodies that are being read or verified take together.
	BodyBytes int64 `yaml:"body_bytes"`
	// Connections and ConnectionsPerAddress are how many are kept open; StreamsPerConnection how many requests one of
	// HTTP/2 carries at a time.
	Connections           int `yaml:"connections"`
	ConnectionsPerAddress int `yaml:"connections_per_address"`
	StreamsPerConnection  int `yaml:"streams_per_connection"`
	// HeaderWithin and BodyWithin are how long the head of a request and its body may take to come, IdleWithin how long a
	// connection is kept without a request.
	HeaderWithin time.Duration `yaml:"header_within"`
	BodyWithin   time.Duration `yaml:"body_within"`
	IdleWithin   time.Duration `yaml:"idle_within"`
	// RequestsPerSecond is what one address may send, Burst how much of it at once.
	RequestsPerSecond int `yaml:"requests_per_second"`
	Burst             int `yaml:"burst"`
}

// ServerTLS names the certificate of a server. Both paths are empty, or none is.
type ServerTLS struct {
	CertFile Path `yaml:"cert_file"`
	KeyFile  Path `yaml:"key_file"`
}

// Enabled reports whether there is a certificate.
func (t ServerTLS) Enabled() bool { return t.CertFile != "" }

// Application is one application of IDaaS whose events are taken in.
type Application struct {
	// ID is the aud of the application's tokens.
	ID string `yaml:"id"`
	// InstanceID, if not empty, must be the sub of the tokens and stand in the document.
	InstanceID string `yaml:"instance_id"`
	// JWKSURL or JWKSFile is where the public keys are; exactly one is set.
	JWKSURL  string `yaml:"jwks_url"`
	JWKSFile Path   `yaml:"jwks_file"`
	// EncryptionKeys are AES keys in hexadecimal, the newest first, wherever they were written. With none, events come
	// unencrypted.
	EncryptionKeys     []secret.Text `yaml:"encryption_keys" file:"encryption_key_files"`
	EncryptionKeyFiles []Path        `yaml:"encryption_key_files"`
	// Pull says how IDaaS's own API is asked for what was missed.
	Pull Pull `yaml:"pull"`
}

// Pull says how IDaaS's own API is asked.
type Pull struct {
	// Endpoint is the scheme and host of the API; empty where it is not asked.
	Endpoint string `yaml:"endpoint"`
	// ClientID is who asks; empty for the application itself.
	ClientID         string      `yaml:"client_id"`
	ClientSecret     secret.Text `yaml:"client_secret" file:"client_secret_file"`
	ClientSecretFile Path        `yaml:"client_secret_file"`
	// Every is how often everything is read.
	Every time.Duration `yaml:"every"`
	// AtStart is one of the words below.
	AtStart string `yaml:"at_start"`
	// RequestsPerSecond bounds what is asked.
	RequestsPerSecond int `yaml:"requests_per_second"`
}

// Enabled reports whether the API is asked.
func (p Pull) Enabled() bool { return p.Endpoint != "" }

// When everything is read at the start of the service, beside the usual times.
const (
	PullAfterOutage = "after_outage" // where it did not run for longer than IDaaS repeats a callback
	PullAlways      = "always"
	PullNever       = "never"
)

// Store says where events and what became of them are kept.
type Store struct {
	// URL is sqlite:PATH, with the path resolved, or a postgres: URL of which only the server and the database are left.
	URL string `yaml:"url"`
	// URLFile holds the URL instead, as it may have a password in it.
	URLFile Path `yaml:"url_file"`
	// KeyFile holds the key that everything personal in the store is encrypted with. It is made if absent.
	KeyFile Path `yaml:"key_file"`
	// Retention is how long settled events are kept.
	Retention time.Duration `yaml:"retention"`

	postgres secret.Text
}

// SQLite returns the path of the database, which is on no server then.
func (s Store) SQLite() Path { return Path(strings.TrimPrefix(s.URL, sqliteScheme)) }

// Postgres returns the whole URL of a PostgreSQL server, the empty one where the database is a file.
func (s Store) Postgres() secret.Text { return s.postgres }

const sqliteScheme = "sqlite:"

// The flavours of directory servers.
const (
	TypeAuto            = "auto" // found out by asking the server
	TypeOpenLDAP        = "openldap"
	TypeActiveDirectory = "active-directory"
	Type389DS           = "389ds"
	TypeGeneric         = "generic" // nothing but what the RFCs say
)

// SASLExternal is the SASL mechanism that takes the identity from the TLS certificate or the local socket (RFC 4422).
const SASLExternal = "external"

// Directory is one directory that is kept in step.
type Directory struct {
	// Name is what the directory is called in events, metrics and the log.
	Name string `yaml:"name"`
	// Type is one of the flavours above.
	Type string `yaml:"type"`
	// URLs are the servers in the order in which they are tried; all hold the same directory. A local socket is
	// ldapi:///PATH, whichever way it was written.
	URLs []string `yaml:"urls"`
	// StartTLS protects ldap:// connections (RFC 4511 section 4.14).
	StartTLS bool `yaml:"start_tls"`
	// AllowCleartext permits ldap:// without StartTLS to hosts other than this one.
	AllowCleartext bool      `yaml:"allow_cleartext"`
	TLS            ClientTLS `yaml:"tls"`
	// BindDN and BindPassword are who binds, unless SASL is [SASLExternal].
	BindDN           string      `yaml:"bind_dn"`
	BindPassword     secret.Text `yaml:"bind_password" file:"bind_password_file"`
	BindPasswordFile Path        `yaml:"bind_password_file"`
	SASL             string      `yaml:"sasl"`
	// Mapping is the mapping file.
	Mapping Path `yaml:"mapping"`
	// Applications are the ids of the applications that feed the directory; nil for all.
	Applications []string `yaml:"applications"`
	// PasswordSync is false where passwords are to be dropped before anything is stored.
	PasswordSync bool `yaml:"password_sync"`
	// Connections is how many are kept open at most, to all servers together.
	Connections int `yaml:"connections"`
	// Timeout is how long one operation of the server may take.
	Timeout time.Duration `yaml:"timeout"`
}

// FedBy reports whether events of an application are for this directory.
func (d Directory) FedBy(application string) bool {
	if d.Applications == nil {
		return true
	}
	for _, id := range d.Applications {
		if id == application {
			return true
		}
	}
	return false
}

// ClientTLS says whom to trust and who we are.
type ClientTLS struct {
	// CAFile holds the certificates to trust, in PEM; empty for those of the system.
	CAFile Path `yaml:"ca_file"`
	// CertFile and KeyFile are our own certificate; both or none.
	CertFile Path `yaml:"cert_file"`
	KeyFile  Path `yaml:"key_file"`
}

// Admin says where health, metrics and the console are served.
type Admin struct {
	Listen string `yaml:"listen"`
	// TLS names the certificate; without one, plain HTTP is spoken.
	TLS ServerTLS `yaml:"tls"`
	// TrustedProxies are the networks of the proxies that speak TLS in front of the listener; where they are given nobody else but
	// this machine may connect.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// Hosts are the names that the listener is asked under, beside localhost and its addresses.
	Hosts []string `yaml:"hosts"`
	// Token is asked for on everything but /livez. It may be empty only where Listen is a loopback address; beyond, TLS or
	// TrustedProxies have to be given as well.
	Token     secret.Text `yaml:"token" file:"token_file"`
	TokenFile Path        `yaml:"token_file"`
}

// Log says what is logged and how.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text or json
}

// Audit says whether and how a log of all writes to directories is kept.
type Audit struct {
	// File is what is written to; empty for no such log.
	File Path `yaml:"file"`
	// Values: old and new values are in it, but for passwords.
	Values bool `yaml:"values"`
	// MaxBytes is the size from which on another file is begun, Keep how many full ones are kept; zero for all.
	MaxBytes int64 `yaml:"max_bytes"`
	Keep     int   `yaml:"keep"`
	// Syslog is where lines are forwarded to.
	Syslog Syslog `yaml:"syslog"`
}

// Path is the path of a file. In the file and in the environment it may be relative to the folder of the configuration
// file; after [Load] it is relative to the working directory, or absolute.
type Path string

// Defaults returns the configuration of a file that says nothing. It is not complete: an application and a directory are
// missing.
func Defaults() Config {
	return Config{
		Receiver: Receiver{
			Listen:       "0.0.0.0:8443",
			Path:         "/accounts/provision",
			AnswerWithin: 8 * time.Second,
			MaxBodyBytes: 4 << 20,
			Limits: Limits{
				BodyBytes:   64 << 20,
				Connections: 1024, ConnectionsPerAddress: 256, StreamsPerConnection: 32,
				HeaderWithin: 5 * time.Second, BodyWithin: 15 * time.Second, IdleWithin: time.Minute,
				RequestsPerSecond: 5000, Burst: 10_000,
			},
		},
		Store: Store{
			URL:       sqliteScheme + "data/idaas-ldap.db",
			KeyFile:   "data/store.key",
			Retention: 720 * time.Hour,
		},
		Admin: Admin{Listen: "127.0.0.1:9090"},
		Log:   Log{Level: "info", Format: "text"},
		Audit: Audit{MaxBytes: 64 << 20, Syslog: Syslog{Facility: 13}},
		Notifications: Notifications{
			Every: time.Hour, Names: true, Language: LanguageEnglish, DownAfter: 5 * time.Minute, Failed: FailedLimit{Count: 10, Within: time.Hour},
		},
	}
}

// DefaultApplication returns what holds for an application of which the file says nothing.
func DefaultApplication() Application {
	return Application{Pull: Pull{Every: 24 * time.Hour, AtStart: PullAfterOutage, RequestsPerSecond: 5}}
}

// DefaultReceiver returns what holds for a receiver of notifications of which the file says nothing.
func DefaultReceiver() NotificationReceiver {
	return NotificationReceiver{Webhook: Webhook{Form: WebhookGeneric}}
}

// DefaultDirectory returns what holds for a directory of which the file says nothing.
func DefaultDirectory() Directory {
	return Directory{
		Type:         TypeAuto,
		PasswordSync: true,
		Connections:  4,
		Timeout:      10 * time.Second,
	}
}
