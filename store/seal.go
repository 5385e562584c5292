package store

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"

	"idaas-ldap/internal/secret"
)

// Seal turns what is stored into JWEs (RFC 7516: dir, A256GCM) and back. The name of the row is sealed in, so that a
// value that was moved to another row does not open.
type Seal struct {
	key       []byte
	encrypter jose.Encrypter
}

// sealKeyBytes is the length of the store's key.
const sealKeyBytes = 32

// NewSeal returns a seal with a key of 64 hex digits.
func NewSeal(key secret.Text) (*Seal, error) {
	raw, err := hex.DecodeString(key.Reveal())
	if err != nil || len(raw) != sealKeyBytes {
		return nil, errors.New("the store's key is not 64 hex digits")
	}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: raw}, nil)
	if err != nil {
		return nil, fmt.Errorf("make the seal: %w", err)
	}
	return &Seal{key: raw, encrypter: encrypter}, nil
}

// LoadOrCreateKey returns the seal with the key in a file, which is made, for its owner only, where there is none. A
// file that others may read is refused.
func LoadOrCreateKey(path string, random io.Reader) (*Seal, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := createKey(path, random); err != nil {
			return nil, fmt.Errorf("make the store's key: %w", err)
		}
		info, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the store's key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the store's key %s may be read by others: chmod 600 %s", path, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the store's key: %w", err)
	}
	seal, err := NewSeal(secret.New(string(bytes.TrimSpace(raw))))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return seal, nil
}

// createKey writes a new key so that after a power cut it is there whole or not at all.
func createKey(path string, random io.Reader) error {
	raw := make([]byte, sealKeyBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return err //nolint:wrapcheck // The caller says what for.
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".store-key-*") // made with mode 0600
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	_, err = io.WriteString(file, hex.EncodeToString(raw)+"\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		// A link, unlike a rename, does not replace the key that another instance made at the same time.
		if err = os.Link(file.Name(), path); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	return errors.Join(err, os.Remove(file.Name()), syncFolder(filepath.Dir(path)))
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// close seals content for a row.
func (s *Seal) close(row string, content []byte) ([]byte, error) {
	plain := make([]byte, 0, len(row)+1+len(content))
	plain = append(append(append(plain, row...), 0), content...)
	sealed, err := s.encrypter.Encrypt(plain)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", row, err)
	}
	compact, err := sealed.CompactSerialize()
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", row, err)
	}
	return []byte(compact), nil
}

var errWrongKey = errors.New("it does not open with the store's key: the key file and the database do not belong together, or the database is damaged")

// open returns what was sealed for a row.
func (s *Seal) open(row string, compact []byte) ([]byte, error) {
	sealed, err := jose.ParseEncryptedCompact(string(compact), []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", row, errWrongKey)
	}
	plain, err := sealed.Decrypt(s.key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", row, errWrongKey)
	}
	name, content, _ := bytes.Cut(plain, []byte{0})
	if string(name) != row {
		return nil, fmt.Errorf("open %s: it was sealed for another row", row)
	}
	return content, nil
}
