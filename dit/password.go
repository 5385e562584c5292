package dit

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what RFC 2307 password schemes are made of
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"

	"idaas-ldap/internal/secret"
)

// HashPassword makes the stored form of a password: salted SHA-512.
func HashPassword(rand io.Reader, password secret.Text) (string, error) {
	salt := make([]byte, 8)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return "", err
	}
	sum := sha512.Sum512(append([]byte(password.Reveal()), salt...))
	return "{SSHA512}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...)), nil
}

// isHashed reports whether a stored password names a scheme.
func isHashed(stored string) bool {
	scheme, _ := cutScheme(stored)
	return scheme != ""
}

// cutScheme splits "{SCHEME}rest"; without a scheme all is rest.
func cutScheme(stored string) (scheme, rest string) {
	if end := strings.IndexByte(stored, '}'); strings.HasPrefix(stored, "{") && end > 1 {
		return strings.ToUpper(stored[1:end]), stored[end+1:]
	}
	return "", stored
}

// passwordMatches compares a password with a stored value in any of the schemes that the product can write. What is in no
// known scheme matches nothing.
func passwordMatches(stored string, password secret.Text) bool {
	scheme, rest := cutScheme(stored)
	switch scheme {
	case "":
		return same([]byte(stored), []byte(password.Reveal()))
	case "CLEARTEXT":
		return same([]byte(rest), []byte(password.Reveal()))
	case "SHA", "SSHA":
		return digestMatches(sha1.New, rest, password)
	case "SHA256", "SSHA256":
		return digestMatches(sha256.New, rest, password)
	case "SHA384", "SSHA384":
		return digestMatches(sha512.New384, rest, password)
	case "SHA512", "SSHA512":
		return digestMatches(sha512.New, rest, password)
	case "PBKDF2", "PBKDF2-SHA1":
		return pbkdf2Matches(sha1.New, rest, password)
	case "PBKDF2-SHA256":
		return pbkdf2Matches(sha256.New, rest, password)
	case "PBKDF2-SHA512":
		return pbkdf2Matches(sha512.New, rest, password)
	case "ARGON2":
		return argon2Matches(rest, password)
	}
	return false
}

func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// digestMatches compares with a digest that may be followed by its salt.
func digestMatches(algorithm func() hash.Hash, stored string, password secret.Text) bool {
	raw, err := base64.StdEncoding.DecodeString(stored)
	h := algorithm()
	if err != nil || len(raw) < h.Size() {
		return false
	}
	h.Write([]byte(password.Reveal()))
	h.Write(raw[h.Size():])
	return same(h.Sum(nil), raw[:h.Size()])
}

// pbkdf2Matches reads "rounds$salt$key", in base64 with '.' in the place of '+' and without padding.
func pbkdf2Matches(algorithm func() hash.Hash, stored string, password secret.Text) bool {
	parts := strings.Split(stored, "$")
	if len(parts) != 3 {
		return false
	}
	rounds, err := strconv.Atoi(parts[0])
	salt, errSalt := adaptedBase64(parts[1])
	want, errKey := adaptedBase64(parts[2])
	if err != nil || errSalt != nil || errKey != nil || rounds < 1 || rounds > 10_000_000 || len(want) == 0 {
		return false
	}
	key, err := pbkdf2.Key(algorithm, password.Reveal(), salt, rounds, len(want))
	return err == nil && same(key, want)
}

func adaptedBase64(text string) ([]byte, error) {
	text = strings.TrimRight(strings.ReplaceAll(text, ".", "+"), "=")
	return base64.RawStdEncoding.DecodeString(text)
}

// argon2Matches reads "$argon2id$v=19$m=65536,t=2,p=1$salt$key".
func argon2Matches(stored string, password secret.Text) bool {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return false
	}
	costs := map[string]uint64{}
	for _, c := range strings.Split(parts[3], ",") {
		name, value, _ := strings.Cut(c, "=")
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return false
		}
		costs[name] = n
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	want, errKey := base64.RawStdEncoding.DecodeString(parts[5])
	memory, time, lanes := costs["m"], costs["t"], costs["p"]
	if errSalt != nil || errKey != nil || len(want) == 0 || time < 1 || time > 100 || lanes < 1 || lanes > 255 || memory > 1<<20 {
		return false
	}
	derive := argon2.IDKey
	if parts[1] == "argon2i" {
		derive = argon2.Key
	}
	return same(derive([]byte(password.Reveal()), salt, uint32(time), uint32(memory), uint8(lanes), uint32(len(want))), want)
}
