package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/secretscan"
	"gonogo/internal/tracker"
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

	MondayToken   string
	MondayURL     string
	MondayVersion string  // of its API
	MondayBoards  []int64 // that may be read and written

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

// mondaySettings are the settings of the tracker Monday.com.
func mondaySettings() []Setting {
	return []Setting{
		{"monday_token", "", "A token of Monday.com with the scopes me:read, boards:read, updates:read and updates:write; docs/notices.md says what for.", func(c *Config, v string) error {
			c.Notices.MondayToken = v
			return nil
		}},
		{"monday_boards", "", "The ids of the boards that may be read and written with it, separated by commas.", func(c *Config, v string) error {
			for _, s := range strings.Split(v, ",") {
				if s = strings.TrimSpace(s); s == "" {
					continue
				}
				id, err := strconv.ParseInt(s, 10, 64)
				if err != nil || id <= 0 {
					return fmt.Errorf("GONOGO_MONDAY_BOARDS: %q is no id of a board; it stands in the board's address", s)
				}
				c.Notices.MondayBoards = append(c.Notices.MondayBoards, id)
			}
			if c.Notices.MondayToken != "" && len(c.Notices.MondayBoards) == 0 {
				return errors.New("set GONOGO_MONDAY_BOARDS to the ids of the boards that GONOGO_MONDAY_TOKEN is for: policies can name those and no others")
			}
			return nil
		}},
		{"monday_url", "https://api.monday.com/v2", "The address of its API.", address("GONOGO_MONDAY_URL", func(c *Config, v string) { c.Notices.MondayURL = v })},
		{"monday_version", "2026-10", "The version of its API.", func(c *Config, v string) error {
			if _, err := time.Parse("2006-01", v); err != nil {
				return fmt.Errorf("GONOGO_MONDAY_VERSION is %q; write a version such as 2026-10", v)
			}
			c.Notices.MondayVersion = v
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
	all := []string{n.SlackToken, n.Secret, n.MondayToken}
	for _, s := range []string{n.SlackWebhook, n.URL} {
		if u, err := url.Parse(s); err == nil && len(u.RequestURI()) > 1 {
			all = append(all, u.RequestURI())
		}
	}
	return all
}

// newMonday makes the client of Monday.com; nil without a token.
func newMonday(cfg Config) (*tracker.Monday, error) {
	n := cfg.Notices
	if n.MondayToken == "" {
		return nil, nil
	}
	return tracker.NewMonday(tracker.MondayConfig{
		URL: n.MondayURL, Token: n.MondayToken, Version: n.MondayVersion, Boards: n.MondayBoards, Client: notify.Client(n.Network), Now: cfg.Now,
	})
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
	return append(all, &itemCarrier{a}), nil
}

// settled enters that a notice was sent, or given up.
func (a *App) settled(ctx context.Context, tx *sql.Tx, l notify.Letter, s notify.State) error {
	_, err := ledger.Append(ctx, tx, ledger.Entry{
		At: a.cfg.Now(), Kind: ledger.KindNotice, RepoID: l.Notice.RepoID, Once: "notice/" + l.Key + "/" + string(s),
		Data: map[string]any{"key": l.Notice.Key, "kind": l.Notice.Kind, "via": l.Via, "state": s, "attempts": l.Attempts},
	})
	return err
}
