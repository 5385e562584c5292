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

	"idaas-ldap/internal/secret"
)

// keyBytes is the length of the store's key, that of AES-256.
const keyBytes = 32

// LoadOrCreateKey returns the seal with the key in a file. Where there is none it is made from random, for its owner only.
func LoadOrCreateKey(path string, random io.Reader) (*Seal, error) {
	seal, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return seal, err
	}
	if err := createKey(path, random); err != nil {
		return nil, fmt.Errorf("make the store's key %s: %w", path, err)
	}
	return LoadKey(path)
}

// LoadKey returns the seal with the key in a file of 64 hex digits. A file that others may read is refused, where the system tells: whoever has
// read it can read the passwords in every copy of the database.
func LoadKey(path string) (*Seal, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the store's key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the store's key %s is not a file", path)
	}
	if othersMayRead(info, os.Geteuid()) {
		return nil, fmt.Errorf("the store's key %s may be read by others: chmod 600 %s", path, path)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the store's key: %w", err)
	}
	seal, err := NewSeal(secret.New(string(bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff"))))))
	if err != nil {
		return nil, fmt.Errorf("read the store's key %s: %w", path, err)
	}
	return seal, nil
}

// createKey writes a new key so that after a power cut it is there whole or not at all.
func createKey(path string, random io.Reader) error {
	raw := make([]byte, keyBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return err //nolint:wrapcheck // The caller says what for.
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err //nolint:wrapcheck // The error names the path.
	}
	file, err := os.CreateTemp(folder, ".store-key-*") // made with mode 0600
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
	return errors.Join(err, os.Remove(file.Name()), syncFolder(folder))
}
