package receiver

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/sirupsen/logrus"

	"idaas-ldap/internal/jsonscan"
)

// Bounds of a key set and of the keys in it. Verifying takes longer the longer the key is.
const (
	maxKeySet  = 1 << 20
	minKeyBits = 2048
	maxKeyBits = 8192
)

// byteOrderMark may stand in front of a text in UTF-8; editors of one system write it.
var byteOrderMark = []byte("\ufeff")

// keySet are the keys that may sign tokens, by id.
type keySet map[string][]*rsa.PublicKey

// ErrNoKeys says that no key set is at hand, so that nothing can be verified now.
var ErrNoKeys = errors.New("there is no key set to verify with")

// errNoUsableKey says that a set is well-formed and of no use.
var errNoUsableKey = errors.New("the key set holds no RSA key of 2048 bits or more for signatures")

// readKeySet reads a JWK Set (RFC 7517 section 5). Each key is judged by itself: one that is not understood or may not sign
// tokens is left out, and said why.
func readKeySet(data []byte) (keys keySet, leftOut []string, err error) {
	var members []byte
	err = jsonscan.Object(bytes.TrimPrefix(data, byteOrderMark), func(name string, value []byte) error {
		if name == "keys" {
			members = value
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the key set: %w", err)
	}
	keys, number := keySet{}, 0
	err = jsonscan.Array(members, func(member []byte) error {
		number++
		key, err := readKey(member)
		if err != nil {
			leftOut = append(leftOut, fmt.Sprintf("number %d (%.60q): %v", number, key.KeyID, err))
			return nil
		}
		keys[key.KeyID] = append(keys[key.KeyID], key.Key.(*rsa.PublicKey))
		return nil
	})
	if err != nil {
		return nil, nil, errors.New("read the key set: it has no list of keys")
	}
	return keys, leftOut, nil
}

// readKey reads one key. With an error, only the id of the result means something.
func readKey(member []byte) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(member); err != nil {
		return jose.JSONWebKey{KeyID: keyID(member)}, fmt.Errorf("it is not understood: %.100q", err.Error())
	}
	public, isRSA := key.Key.(*rsa.PublicKey)
	switch {
	case !isRSA:
		return key, errors.New("it is not a public RSA key")
	case public.N.BitLen() < minKeyBits || public.N.BitLen() > maxKeyBits:
		return key, fmt.Errorf("it has %d bits, not between %d and %d", public.N.BitLen(), minKeyBits, maxKeyBits)
	case key.Use != "" && key.Use != "sig":
		return key, fmt.Errorf("its use is %.20q", key.Use)
	case key.Algorithm != "" && key.Algorithm != algorithm:
		return key, fmt.Errorf("its algorithm is %.20q", key.Algorithm)
	case key.KeyID == "":
		return key, errors.New("it has no kid")
	}
	return key, nil
}

// keyID returns the kid of a key that is not understood, if it has one.
func keyID(member []byte) (kid string) {
	_ = jsonscan.Object(member, func(name string, value []byte) error { // What is no object has no id.
		if name == "kid" {
			kid, _ = jsonscan.Text(value)
		}
		return nil
	})
	return kid
}

// logKeys says which keys are in force now and which of the set are not.
func logKeys(log logrus.FieldLogger, before, now keySet, leftOut []string) {
	ids := slices.Sorted(maps.Keys(now))
	var gone []string
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if now[id] == nil {
			gone = append(gone, id)
		}
	}
	entry := log.WithField("key_ids", fmt.Sprintf("%.500q", ids))
	if len(gone) > 0 {
		entry = entry.WithField("withdrawn", fmt.Sprintf("%.500q", gone))
	}
	entry.Info("the key set was read and is in force")
	if len(leftOut) > 0 {
		log.WithField("reason", fmt.Sprintf("%.1000s", strings.Join(leftOut, "; "))).Warn("some keys of the set are left out")
	}
}
