package app

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
)

// NewLog returns the server's log. Whatever is logged, the configured secrets,
// and anything that looks like a token of GitHub, never reach out.
func NewLog(cfg Config, out io.Writer) *logrus.Entry {
	log := logrus.New()
	log.SetOutput(out)
	log.SetLevel(cfg.LogLevel)
	var inner logrus.Formatter = &logrus.JSONFormatter{}
	if cfg.LogFormat == "text" {
		inner = &logrus.TextFormatter{FullTimestamp: true}
	}
	log.SetFormatter(newCensor(inner, cfg))
	return logrus.NewEntry(log)
}

// censor is a formatter that takes secrets out of what another one made.
type censor struct {
	inner   logrus.Formatter
	secrets [][]byte
}

func newCensor(inner logrus.Formatter, cfg Config) *censor {
	c := &censor{inner: inner}
	add := func(s string) {
		if s = strings.TrimSpace(s); len(s) < minSecret {
			return
		}
		for _, shape := range []string{s, strings.Trim(fmt.Sprintf("%q", s), `"`)} {
			c.secrets = append(c.secrets, []byte(shape))
		}
	}
	for _, s := range slices.Concat(cfg.WebhookSecrets, cfg.Notices.secrets()) {
		add(s)
	}
	for _, line := range strings.Split(string(cfg.PrivateKey), "\n") {
		if !strings.HasPrefix(line, "-----") {
			add(line)
		}
	}
	return c
}

// minSecret is the shortest text that is looked for: shorter ones would hide
// ordinary words.
const minSecret = 8

// tokens matches GitHub's tokens and JWTs.
var tokens = regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9_]{10,}|github_pat_[A-Za-z0-9_]{10,}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})`)

var censored = []byte("[censored]")

// Format implements logrus.Formatter.
func (c *censor) Format(e *logrus.Entry) ([]byte, error) {
	line, err := c.inner.Format(e)
	for _, s := range c.secrets {
		line = bytes.ReplaceAll(line, s, censored)
	}
	return tokens.ReplaceAll(line, censored), err
}
