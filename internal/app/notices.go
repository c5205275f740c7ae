package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/secretscan"
)

// Notices is where notices go. The policy names the channels; this is how they
// are reached.
type Notices struct {
	Network      notify.Network // that services may be on
	SlackToken   string
	SlackWebhook string // an incoming webhook's address, which is a secret
	SlackURL     string // root of Slack's API
	URL          string // of the operator's webhook
	Secret       string // that it is signed with
	Dir          string // for files

	every time.Duration // how often the outbox looks; 0: its own
}

// noticeSettings are the settings of where notices go. The network comes first:
// the addresses after it are held against it.
func noticeSettings() []Setting {
	return []Setting{
		{"notify_network", string(notify.Public), "Where the services of the next settings may be: public (the internet), private (also private addresses) or loopback (also this machine).", func(c *Config, v string) (err error) {
			if c.Notices.Network, err = notify.ParseNetwork(v); err != nil {
				return fmt.Errorf("GONOGO_NOTIFY_NETWORK: %w", err)
			}
			return nil
		}},
		{"slack_token", "", "A bot token of Slack's, with the scope chat:write; docs/notices.md says what is sent where.", func(c *Config, v string) error {
			c.Notices.SlackToken = v
			return nil
		}},
		{"slack_url", "https://slack.com/api/", "The root of Slack's API.", address("GONOGO_SLACK_URL", func(c *Config, v string) { c.Notices.SlackURL = v })},
		{"slack_webhook_url", "", "Instead of the token: an incoming webhook of Slack's. It reaches one channel.", func(c *Config, v string) error {
			if v != "" && c.Notices.SlackToken != "" {
				return errors.New("give GONOGO_SLACK_TOKEN or GONOGO_SLACK_WEBHOOK_URL, not both")
			}
			return address("GONOGO_SLACK_WEBHOOK_URL", func(c *Config, v string) { c.Notices.SlackWebhook = v })(c, v)
		}},
		{"notify_url", "", "An address of yours that gets every notice as signed JSON.", address("GONOGO_NOTIFY_URL", func(c *Config, v string) { c.Notices.URL = v })},
		{"notify_secret", "", "The secret that signs it.", func(c *Config, v string) error {
			if v == "" && c.Notices.URL != "" {
				return errors.New("set GONOGO_NOTIFY_SECRET to what GONOGO_NOTIFY_URL knows you by; make one with: openssl rand -hex 32")
			}
			c.Notices.Secret = v
			return nil
		}},
		{"notify_dir", "", "A directory in which agents find a file when a release changes what they can do.", func(c *Config, v string) error {
			if v == "" {
				return nil
			}
			if _, err := notify.NewDrop(v); err != nil {
				return fmt.Errorf("GONOGO_NOTIFY_DIR: %w; name a directory that is there", err)
			}
			c.Notices.Dir = v
			return nil
		}},
	}
}

// address is a setting that holds a service's address.
func address(env string, set func(*Config, string)) func(*Config, string) error {
	return func(c *Config, v string) error {
		if v == "" {
			return nil
		}
		if _, err := notify.ParseURL(v, c.Notices.Network); err != nil {
			return fmt.Errorf("%s: %w", env, err)
		}
		set(c, v)
		return nil
	}
}

// secrets are what must not be logged.
func (n Notices) secrets() []string {
	all := []string{n.SlackToken, n.Secret}
	for _, s := range []string{n.SlackWebhook, n.URL} {
		if u, err := url.Parse(s); err == nil && len(u.RequestURI()) > 1 {
			all = append(all, u.RequestURI())
		}
	}
	return all
}

// openOutbox makes the outbox with the carriers that are set up.
func (a *App) openOutbox(scanner *secretscan.Scanner, m *metrics) (err error) {
	carriers, err := a.carriers()
	if err != nil {
		return err
	}
	a.outbox, err = notify.New(notify.Config{
		Store: a.store, Carriers: carriers, Log: a.log, Now: a.cfg.Now, Redact: scanner.Redact, Settled: a.settled,
		Count: m.notice, Every: a.cfg.Notices.every,
	})
	return err
}

func (a *App) carriers() ([]notify.Carrier, error) {
	n := a.cfg.Notices
	client := notify.Client(n.Network)
	var all []notify.Carrier
	switch {
	case n.SlackToken != "":
		all = append(all, notify.NewSlack(n.SlackURL, n.SlackToken, client))
	case n.SlackWebhook != "":
		all = append(all, notify.NewSlackWebhook(n.SlackWebhook, client))
	}
	if n.URL != "" {
		all = append(all, notify.NewWebhook(n.URL, n.Secret, client))
	}
	if n.Dir != "" {
		drop, err := notify.NewDrop(n.Dir)
		if err != nil {
			return nil, fmt.Errorf("GONOGO_NOTIFY_DIR: %w; name a directory that is there", err)
		}
		all = append(all, drop)
	}
	return all, nil
}

// settled enters that a notice was sent, or given up.
func (a *App) settled(ctx context.Context, tx *sql.Tx, l notify.Letter, s notify.State) error {
	_, err := ledger.Append(ctx, tx, ledger.Entry{
		At: a.cfg.Now(), Kind: ledger.KindNotice, RepoID: l.Notice.RepoID, Once: "notice/" + l.Key + "/" + string(s),
		Data: map[string]any{"key": l.Notice.Key, "kind": l.Notice.Kind, "via": l.Via, "state": s, "attempts": l.Attempts},
	})
	return err
}
