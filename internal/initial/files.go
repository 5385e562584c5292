package initial

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"idaas-ldap/configs"
	"idaas-ldap/connector"
	"idaas-ldap/mapping"
	"idaas-ldap/plan"
)

// Answers are what has to be known of an installation.
type Answers struct {
	// URL is that of a server of the directory, BindDN the account with which the service logs in; CAFile names whom to trust, empty for
	// what the system trusts.
	URL, BindDN, CAFile string
	StartTLS            bool
	// Base is the entry below which everything happens, and Type the flavour of the server.
	Base plan.DN
	Type string
	// POSIX: accounts are for logins to UNIX as well.
	POSIX bool
	// KeyEndpoint is where the console of IDaaS says that the public keys are; empty where the simulation stands in for IDaaS.
	KeyEndpoint string
	// CertFile and KeyFile are the receiver's certificate. Without one it listens to this machine only, for a proxy that speaks TLS.
	CertFile, KeyFile string
	// State is the folder of the store.
	State string
}

// The names of the files, which the configuration names.
const (
	ConfigurationFile = "idaas-ldap.yaml"
	BindSecret        = "bind.secret"
	EncryptionSecret  = "encryption.secret"
	// SimulatedKey is the signing key of the simulation, and SimulatedKeySet what the service trusts of it.
	SimulatedKey    = "simulate.key"
	SimulatedKeySet = "simulate.jwks"
)

// SimulatedApplication is the application that the simulation sends as.
const SimulatedApplication = "app_simulated"

// Port is where events are taken in.
const Port = "8443"

// endpoint is how the console shows the key endpoint of an application.
var endpoint = regexp.MustCompile(`^/v2/([A-Za-z0-9_-]+)/([A-Za-z0-9_-]+)/provisioning/jwks$`)

// Application returns which instance and which application a key endpoint is of.
func Application(keyEndpoint string) (instance, application string, err error) {
	u, err := url.Parse(keyEndpoint)
	if err != nil {
		return "", "", fmt.Errorf("the key endpoint: %w", err)
	}
	parts := endpoint.FindStringSubmatch(u.Path)
	if u.Scheme != "https" || u.Host == "" || parts == nil {
		return "", "", errors.New("the key endpoint is not one as IDaaS shows it: https://.../v2/INSTANCE/APPLICATION/provisioning/jwks")
	}
	return parts[1], parts[2], nil
}

// File is one to be written, relative to the folder of the installation.
type File struct {
	Name    string
	Content []byte
	// Secret: it is for its owner only.
	Secret bool
}

// Files returns the configuration and the mapping. The mapping is compiled, and its tests are its own.
func Files(a Answers) ([]File, error) {
	name, text, err := a.mapping()
	if err != nil {
		return nil, err
	}
	if _, err := mapping.Compile(name, text); err != nil {
		return nil, fmt.Errorf("the ready mapping cannot be used below %s, so take it from the source and put your base in by hand: %w", a.Base, err)
	}
	configuration, err := a.configuration(name)
	if err != nil {
		return nil, err
	}
	return []File{{Name: ConfigurationFile, Content: configuration}, {Name: name, Content: text}}, nil
}

// The suffix of the ready mappings, and the domain in the user names of the one for Active Directory.
const (
	readySuffix = "dc=example,dc=org"
	readyDomain = "example.org"
)

// userName are the places of the ready mapping for Active Directory in which the domain is that of user names.
var userName = regexp.MustCompile(`(?m)(userPrincipalName: .*@)` + regexp.QuoteMeta(readyDomain))

// mapping returns the ready mapping for the server, below the base.
func (a Answers) mapping() (name string, text []byte, err error) {
	switch {
	case a.Type == connector.ActiveDirectory:
		name, text = "mappings/active-directory.yaml", configs.ActiveDirectory
	case a.Type == connector.DS389:
		name, text = "mappings/389ds.yaml", configs.DS389
	case a.POSIX:
		name, text = "mappings/openldap-posix.yaml", configs.OpenLDAPPosix
	default:
		name, text = "mappings/openldap.yaml", configs.OpenLDAP
	}
	if a.POSIX && name != "mappings/openldap-posix.yaml" {
		return "", nil, fmt.Errorf("there is no ready mapping with accounts for UNIX for %s: take the one without, and see docs/mapping.md", a.Type)
	}
	text = a.below(text)
	// What LDIF cannot hold as it is stands in the tests encoded (RFC 2849).
	return name, encoded.ReplaceAllFunc(text, func(line []byte) []byte {
		parts := encoded.FindSubmatch(line)
		value, err := base64.StdEncoding.DecodeString(string(parts[2]))
		if err != nil {
			return line // it is no such value
		}
		name, value, _ := bytes.Cut(a.below(append(append(bytes.Clone(parts[1]), ": "...), value...)), []byte(": "))
		return []byte(string(name) + ":: " + base64.StdEncoding.EncodeToString(value))
	}), nil
}

// encoded is an attribute of LDIF with its value in base64.
var encoded = regexp.MustCompile(`([A-Za-z]+):: ([A-Za-z0-9+/=]+)`)

// below puts the base, and the domain of user names, in the place of the ready ones.
func (a Answers) below(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte(readySuffix), []byte(a.Base.String()))
	return userName.ReplaceAll(text, []byte("${1}"+domainOf(a.Base)))
}

// domainOf is the domain that a DN of domain components stands for (RFC 2247); the ready one for any other.
func domainOf(base plan.DN) string {
	var labels []string
	for dn := base; !dn.Empty(); dn = dn.Parent() {
		kind, label, _ := strings.Cut(dn.RDN().String(), "=")
		if !strings.EqualFold(kind, "dc") {
			return readyDomain
		}
		labels = append(labels, label)
	}
	return strings.Join(labels, ".")
}

// configuration is as short as it can be: what has a default is left out.
func (a Answers) configuration(mappingFile string) ([]byte, error) {
	var b bytes.Buffer
	line := func(format string, values ...any) {
		for i, v := range values {
			if text, ok := v.(string); ok {
				values[i] = quoted(text)
			}
		}
		fmt.Fprintf(&b, format+"\n", values...)
	}
	line("# Written by 'idaas-ldap init'. What is left out has its default; 'idaas-ldap schema config' has all keys, for editors.")
	line("receiver:")
	if a.CertFile != "" {
		line("  listen: %s", "0.0.0.0:"+Port)
		line("  tls: { cert_file: %s, key_file: %s }", a.CertFile, a.KeyFile)
	} else {
		line("  listen: %s # for a proxy on this machine that speaks TLS; give tls.cert_file and key_file to do without one", "127.0.0.1:"+Port)
		line("  trusted_proxies: [127.0.0.1]")
	}
	line("applications:")
	if a.KeyEndpoint == "" {
		line("  - id: %s", SimulatedApplication)
		line("    jwks_file: %s # the key of 'idaas-ldap simulate': for a trial only", SimulatedKeySet)
	} else {
		instance, application, err := Application(a.KeyEndpoint)
		if err != nil {
			return nil, err
		}
		line("  - id: %s", application)
		line("    instance_id: %s", instance)
		line("    jwks_url: %s", a.KeyEndpoint)
	}
	line("    encryption_key_files: [%s]", EncryptionSecret)
	line("store: { url: %s, key_file: %s }", "sqlite:"+a.State+"/idaas-ldap.db", a.State+"/store.key")
	line("directories:")
	line("  - name: corp")
	line("    type: %s", a.Type)
	line("    urls: [%s]", a.URL)
	if a.StartTLS {
		line("    start_tls: true")
	}
	if a.CAFile != "" {
		line("    tls: { ca_file: %s }", a.CAFile)
	}
	line("    bind_dn: %s", a.BindDN)
	line("    bind_password_file: %s", BindSecret)
	line("    mapping: %s", mappingFile)
	return b.Bytes(), nil
}

// quoted is a text in the single quotes of YAML, in which nothing but the quote itself means anything.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
