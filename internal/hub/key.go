package hub

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v4"
	"github.com/sirupsen/logrus"
)

const keyHelp = "download one from the App's settings (Private keys) and set it, or set GONOGO_PRIVATE_KEY_FILE to its path"

// parsePrivateKey reads an RSA key in PEM form. Its errors never hold any of
// the input.
func parsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, errors.New("GONOGO_PRIVATE_KEY is not set: " + keyHelp)
	}
	// Environment files keep a key on one line with the newlines spelt out.
	if !bytes.ContainsRune(text, '\n') {
		text = bytes.ReplaceAll(text, []byte(`\n`), []byte("\n"))
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("GONOGO_PRIVATE_KEY holds no PEM block (it begins with -----BEGIN RSA PRIVATE KEY-----): " + keyHelp)
	}
	if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") || block.Type == "ENCRYPTED PRIVATE KEY" {
		return nil, errors.New("GONOGO_PRIVATE_KEY is protected by a passphrase: " + keyHelp)
	}
	switch block.Type {
	case "RSA PRIVATE KEY":
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		return nil, errors.New("GONOGO_PRIVATE_KEY is damaged: " + keyHelp)
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("GONOGO_PRIVATE_KEY is damaged: " + keyHelp)
		}
		if key, ok := parsed.(*rsa.PrivateKey); ok {
			return key, nil
		}
		return nil, errors.New("GONOGO_PRIVATE_KEY is no RSA key; Apps sign with RSA: " + keyHelp)
	default:
		return nil, fmt.Errorf("GONOGO_PRIVATE_KEY holds a block that is no private key: %s", keyHelp)
	}
}

// GitHub takes a JWT for ten minutes at most and none from the future. The
// library's own signs two minutes from half a minute ago, which fails on a
// clock that is off by more.
const (
	jwtBackdate = 60 * time.Second
	jwtLifetime = 9 * time.Minute
	skewAlarm   = 30 * time.Second
)

// signer signs the App's tokens by GitHub's clock, as far as it is known.
type signer struct {
	key    *rsa.PrivateKey
	now    func() time.Time
	log    *logrus.Entry
	offset atomic.Int64 // nanoseconds that GitHub's clock is ahead of ours
}

func newSigner(key *rsa.PrivateKey, now func() time.Time, log *logrus.Entry) *signer {
	return &signer{key: key, now: now, log: log}
}

// Sign implements [ghinstallation.Signer]: the issuer is kept, the times are
// set anew.
func (s *signer) Sign(claims jwt.Claims) (string, error) {
	registered, ok := claims.(*jwt.RegisteredClaims)
	if !ok {
		return "", fmt.Errorf("sign App token: unexpected claims %T", claims)
	}
	now := s.now().Add(time.Duration(s.offset.Load())).Truncate(time.Second)
	registered.IssuedAt = jwt.NewNumericDate(now.Add(-jwtBackdate))
	registered.ExpiresAt = jwt.NewNumericDate(now.Add(jwtLifetime))
	return jwt.NewWithClaims(jwt.SigningMethodRS256, registered).SignedString(s.key)
}

// adjust sets the clock by the Date of an answer that refused a token.
func (s *signer) adjust(header http.Header) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	offset := date.Sub(s.now())
	if offset.Abs() > skewAlarm {
		s.log.WithField("skew", offset.Round(time.Second).String()).
			Warn("this machine's clock differs from GitHub's: correct it")
	} else {
		offset = 0
	}
	s.offset.Store(int64(offset))
}
