package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// publicPrefix begins a public key as it is shown.
const publicPrefix = "ed25519:"

// NewKey makes a signing key in a new file that only its owner may read. It
// never writes over one.
func NewKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return key, nil
}

// ReadKey reads a signing key: PEM with PKCS #8, as NewKey and openssl genpkey
// write it.
func ReadKey(path string) (ed25519.PrivateKey, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		if any, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := any.(ed25519.PrivateKey); ok {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%s holds no Ed25519 key; make one with: gonogo ledger key FILE", path)
}

// PublicKey returns the public half of a key as it is shown.
func PublicKey(key ed25519.PrivateKey) string {
	return publicPrefix + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

// ParsePublicKey reads what PublicKey returned.
func ParsePublicKey(s string) (ed25519.PublicKey, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(s), publicPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%q is no public key; it is the line that gonogo ledger key printed, such as %s…", s, publicPrefix)
	}
	return key, nil
}
