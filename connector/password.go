package connector

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" // {SSHA} is what old directories understand; the mapping has to ask for it.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"golang.org/x/crypto/argon2"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// extensionPasswordModify is the password modify extended operation (RFC 3062).
const extensionPasswordModify = "1.3.6.1.4.1.4203.1.11.1"

// setPassword sets a password by the means of the server, or as a hash where the mapping asks for one. Where the server
// takes passwords over TLS only, nothing is sent without.
func (d *Directory) setPassword(ctx context.Context, op plan.SetPassword) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	means := profile.Flavour.Password(op)
	send, err := passwordRequest(profile, means, op)
	if err != nil {
		return &OutcomeError{Kind: KindConfiguration, Verb: verbPassword, DN: op.DN, Err: err}
	}
	err = d.do(ctx, verbPassword, op.DN, op.Password, func(conn *pooled) error {
		if means.Secure && !conn.secure {
			return &OutcomeError{
				Kind: KindConfiguration, Verb: verbPassword, DN: op.DN, Code: ldap.LDAPResultConfidentialityRequired,
				Message: "the server takes passwords over TLS only, so it was not sent",
			}
		}
		return send(conn.Conn)
	})
	var refused *OutcomeError
	if errors.As(err, &refused) && refused.MaybeInUse && d.pool.login(ctx, op.DN.String(), op.Password) {
		refused.Kind = KindAlreadySo
	}
	if err != nil || len(means.After) == 0 {
		return err
	}
	return d.modify(ctx, plan.Modify{DN: op.DN, Modifications: means.After})
}

var errNoPassword = errors.New("the server does not offer to set passwords (RFC 3062); name a hash under user.password in the mapping")

func passwordRequest(profile *Profile, means PasswordMeans, op plan.SetPassword) (func(*ldap.Conn) error, error) {
	var controls []ldap.Control
	if profile.Controls[ldap.ControlTypeBeheraPasswordPolicy] {
		controls = append(controls, ldap.NewControlBeheraPasswordPolicy()) // so that a refusal says why
	}
	changes := means.Modify
	switch {
	case len(changes) > 0:
	case op.Hash != plan.HashNone && op.Hash != "":
		hashed, err := hashPassword(op.Hash, op.Password)
		if err != nil {
			return nil, err
		}
		changes = []ldap.Change{{Operation: ldap.ReplaceAttribute, Modification: ldap.PartialAttribute{Type: "userPassword", Vals: []string{hashed}}}}
	case profile.Extensions[extensionPasswordModify]:
		return func(conn *ldap.Conn) error {
			request := ldap.NewExtendedRequest(extensionPasswordModify, passwordModify(op))
			request.Controls = controls
			_, err := conn.Extended(request)
			return err
		}, nil
	default:
		return nil, errNoPassword
	}
	request := ldap.NewModifyRequest(op.DN.String(), controls)
	request.Changes = changes
	return func(conn *ldap.Conn) error { return conn.Modify(request) }, nil
}

// passwordModify encodes what the operation asks for (RFC 3062 section 2). The library can do so as well, but then without
// controls.
func passwordModify(op plan.SetPassword) *ber.Packet {
	value := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "PasswdModifyRequestValue")
	value.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, op.DN.String(), "userIdentity"))
	value.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 2, op.Password.Reveal(), "newPasswd"))
	return value
}

// policyError returns what the password policy control says in the response to a refused operation, -1 for nothing.
func policyError(refused *ldap.Error) int8 {
	if refused.Packet == nil || len(refused.Packet.Children) < 3 {
		return -1
	}
	for _, child := range refused.Packet.Children[2].Children {
		control, err := ldap.DecodeControl(child)
		if policy, ok := control.(*ldap.ControlBeheraPasswordPolicy); ok && err == nil {
			return policy.Error
		}
	}
	return -1
}

// Parameters of the hashes: those that the servers' own modules use, or better.
const (
	saltBytes        = 16
	pbkdf2Iterations = 210_000
	argon2Time       = 3
	argon2Memory     = 64 << 10 // KiB
	argon2Threads    = 1
)

// hashPassword writes a password as userPassword holds it (RFC 2307 schemes and those of OpenLDAP's modules).
func hashPassword(method plan.HashMethod, p secret.Text) (string, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	salted := []byte(p.Reveal() + string(salt))
	encode := base64.StdEncoding.EncodeToString
	switch method {
	case plan.HashCleartext:
		return p.Reveal(), nil
	case plan.HashSSHA:
		sum := sha1.Sum(salted) // See the import.
		return "{SSHA}" + encode(append(sum[:], salt...)), nil
	case plan.HashSSHA256:
		sum := sha256.Sum256(salted)
		return "{SSHA256}" + encode(append(sum[:], salt...)), nil
	case plan.HashSSHA512:
		sum := sha512.Sum512(salted)
		return "{SSHA512}" + encode(append(sum[:], salt...)), nil
	case plan.HashPBKDF2:
		key, err := pbkdf2.Key(sha512.New, p.Reveal(), salt, pbkdf2Iterations, sha512.Size)
		if err != nil {
			return "", fmt.Errorf("hash the password: %w", err)
		}
		return fmt.Sprintf("{PBKDF2-SHA512}%d$%s$%s", pbkdf2Iterations, adapted(salt), adapted(key)), nil
	case plan.HashArgon2id:
		raw := base64.RawStdEncoding
		key := argon2.IDKey([]byte(p.Reveal()), salt, argon2Time, argon2Memory, argon2Threads, sha256.Size)
		return fmt.Sprintf("{ARGON2}$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argon2Memory, argon2Time, argon2Threads,
			raw.EncodeToString(salt), raw.EncodeToString(key)), nil
	}
	return "", fmt.Errorf("there is no hash %q", method)
}

// adapted is base64 as OpenLDAP's PBKDF2 module writes it: with a dot for the plus and without padding.
func adapted(b []byte) string {
	return strings.ReplaceAll(base64.RawStdEncoding.EncodeToString(b), "+", ".")
}
