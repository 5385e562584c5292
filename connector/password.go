package connector

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1" // {SSHA} is what old directories understand; the mapping has to ask for it.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/crypto/argon2"

	"idaas-ldap/internal/secret"
	"idaas-ldap/plan"
)

// extensionPasswordModify is the password modify extended operation (RFC 3062).
const extensionPasswordModify = "1.3.6.1.4.1.4203.1.11.1"

// setPassword sets a password by the means of the server, or as a hash where the mapping asks for one. A connection that
// is neither protected nor local is refused before anything is sent.
func (d *Directory) setPassword(ctx context.Context, op plan.SetPassword) error {
	profile, err := d.Profile(ctx)
	if err != nil {
		return err
	}
	send, err := d.passwordRequest(profile, op)
	if err != nil {
		return &OutcomeError{Kind: KindConfiguration, Verb: verbPassword, DN: op.DN, Err: err}
	}
	return d.do(ctx, verbPassword, op.DN, op.Password, func(conn *pooled) error {
		if profile.Flavour.Name() == ActiveDirectory && !conn.secure {
			return &OutcomeError{
				Kind: KindConfiguration, Verb: verbPassword, DN: op.DN, Code: ldap.LDAPResultConfidentialityRequired,
				Message: "Active Directory takes passwords over TLS only",
			}
		}
		return send(conn.Conn)
	})
}

func (d *Directory) passwordRequest(profile *Profile, op plan.SetPassword) (func(*ldap.Conn) error, error) {
	modify := func(attribute, value string) func(*ldap.Conn) error {
		return func(conn *ldap.Conn) error {
			request := ldap.NewModifyRequest(op.DN.String(), nil)
			request.Replace(attribute, []string{value})
			if op.MustChange && profile.Flavour.Name() == ActiveDirectory {
				request.Replace("pwdLastSet", []string{"0"})
			}
			return conn.Modify(request)
		}
	}
	switch {
	case profile.Flavour.Name() == ActiveDirectory:
		return modify("unicodePwd", unicodePassword(op.Password)), nil
	case op.Hash != plan.HashNone && op.Hash != "":
		hashed, err := hashPassword(op.Hash, op.Password)
		return modify("userPassword", hashed), err
	case profile.Extensions[extensionPasswordModify]:
		return func(conn *ldap.Conn) error {
			_, err := conn.PasswordModify(ldap.NewPasswordModifyRequest(op.DN.String(), "", op.Password.Reveal()))
			return err
		}, nil
	}
	return nil, fmt.Errorf("the server does not offer to set passwords (RFC 3062): name a hash under user.password in the mapping")
}

// unicodePassword writes a password as Active Directory takes it: in quotes, as UTF-16 little endian.
func unicodePassword(p secret.Text) string {
	units := utf16.Encode([]rune(`"` + p.Reveal() + `"`))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
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
