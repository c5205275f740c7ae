package app

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/sirupsen/logrus"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
)

// Config is what a server is started with. Load fills it from flags,
// environment and a file.
type Config struct {
	AppID           int64
	PrivateKey      []byte // PEM
	WebhookSecrets  []string
	GitHubURL       string // root of the API
	Listen          string
	PublicURL       string
	DatabaseURL     string
	LogLevel        logrus.Level
	LogFormat       string // json or text
	ReconcileEvery  time.Duration
	KeepDeliveries  time.Duration
	KeepEvaluations time.Duration
	AllowedOwners   []string // empty: all
	Mode            gate.Mode
	Check           string

	// CheckpointTo is where signed checkpoints of the ledger go; nil: nowhere.
	CheckpointTo    *ledger.Place
	CheckpointKey   ed25519.PrivateKey // set when CheckpointTo is
	CheckpointEvery time.Duration

	Notices Notices

	// Version is the build, for /healthz and the user agent.
	Version string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// carrier brings requests to GitHub; nil is the network.
	carrier http.RoundTripper
}

// Setting is one setting: its key in the configuration file is also its flag
// (with dashes) and its environment variable (in capitals, after GONOGO_).
type Setting struct {
	Key     string
	Default string
	Help    string
	set     func(*Config, string) error
}

// Flag returns the setting's flag without its dashes in front.
func (s Setting) Flag() string { return strings.ReplaceAll(s.Key, "_", "-") }

// Env returns the setting's environment variable.
func (s Setting) Env() string { return "GONOGO_" + strings.ToUpper(s.Key) }

// Settings lists all settings in the order in which they are documented.
func Settings() []Setting { return slices.Concat(serverSettings(), noticeSettings(), mondaySettings()) }

func serverSettings() []Setting {
	return []Setting{
		{"app_id", "", "The App's numeric id, from its settings page.", func(c *Config, v string) (err error) {
			if v == "" {
				return errors.New("set GONOGO_APP_ID to the App's numeric id, which its settings page shows")
			}
			if c.AppID, err = strconv.ParseInt(v, 10, 64); err != nil || c.AppID <= 0 {
				return fmt.Errorf("GONOGO_APP_ID is %q; write the App's numeric id, which its settings page shows", v)
			}
			return nil
		}},
		{"private_key", "", "The App's private key in PEM form; or name its file with the next one.", func(c *Config, v string) error {
			if v != "" {
				c.PrivateKey = []byte(strings.ReplaceAll(v, `\n`, "\n"))
			}
			return nil
		}},
		{"private_key_file", "", "The file that holds the App's private key.", func(c *Config, v string) (err error) {
			if v == "" || len(c.PrivateKey) > 0 {
				return nil
			}
			if c.PrivateKey, err = os.ReadFile(v); err != nil {
				return fmt.Errorf("GONOGO_PRIVATE_KEY_FILE: %w; name the .pem file that the App's settings page gave you", err)
			}
			return nil
		}},
		{"webhook_secret", "", "The webhook's secret; several, separated by commas, while one replaces another.", func(c *Config, v string) error {
			for _, secret := range strings.Split(v, ",") {
				if secret = strings.TrimSpace(secret); secret != "" {
					c.WebhookSecrets = append(c.WebhookSecrets, secret)
				}
			}
			if len(c.WebhookSecrets) == 0 {
				return errors.New("set GONOGO_WEBHOOK_SECRET to the secret in the App's webhook settings: without it anyone could send events")
			}
			return nil
		}},
		{"github_url", "https://api.github.com/", "The root of GitHub's API; https://HOST/api/v3/ for GitHub Enterprise Server.", func(c *Config, v string) error {
			c.GitHubURL = v
			return nil
		}},
		{"listen", ":8080", "The address to serve on.", func(c *Config, v string) error { c.Listen = v; return nil }},
		{"public_url", "", "Where people reach this server; nothing links there before it has pages for them.", func(c *Config, v string) error { c.PublicURL = v; return nil }},
		{"database_url", "sqlite:gonogo.db", "The database: sqlite:PATH.", func(c *Config, v string) error { c.DatabaseURL = v; return nil }},
		{"log_level", "info", "debug, info, warn or error.", func(c *Config, v string) (err error) {
			if c.LogLevel, err = logrus.ParseLevel(v); err != nil {
				return fmt.Errorf("GONOGO_LOG_LEVEL is %q; write debug, info, warn or error", v)
			}
			return nil
		}},
		{"log_format", "json", "json or text.", func(c *Config, v string) error {
			if v != "json" && v != "text" {
				return fmt.Errorf("GONOGO_LOG_FORMAT is %q; write json or text", v)
			}
			c.LogFormat = v
			return nil
		}},
		{"reconcile_every", "10m", "How often all open pull requests are looked at again, besides at start.", duration("GONOGO_RECONCILE_EVERY", time.Minute, func(c *Config, d time.Duration) { c.ReconcileEvery = d })},
		{"keep_deliveries", "168h", "How long delivery ids are kept, to know repeated ones.", duration("GONOGO_KEEP_DELIVERIES", time.Hour, func(c *Config, d time.Duration) { c.KeepDeliveries = d })},
		{"keep_evaluations", "720h", "How long superseded evaluations are kept. The ledger is kept for ever.", duration("GONOGO_KEEP_EVALUATIONS", time.Hour, func(c *Config, d time.Duration) { c.KeepEvaluations = d })},
		{"checkpoint_to", "", "Where signed checkpoints of the ledger go: a file, or an https URL that takes them by POST. Empty: nowhere. docs/ledger.md says what they prove.", func(c *Config, v string) (err error) {
			if v == "" {
				return nil
			}
			if c.CheckpointTo, err = ledger.ParsePlace(v); err != nil {
				return fmt.Errorf("GONOGO_CHECKPOINT_TO: %w", err)
			}
			return nil
		}},
		{"checkpoint_key_file", "", "The file with the key that signs them; `gonogo ledger key FILE` makes one.", func(c *Config, v string) (err error) {
			if v == "" && c.CheckpointTo == nil {
				return nil
			}
			if v == "" {
				return errors.New("set GONOGO_CHECKPOINT_KEY_FILE to the key that signs checkpoints; make one with: gonogo ledger key FILE")
			}
			if c.CheckpointKey, err = ledger.ReadKey(v); err != nil {
				return fmt.Errorf("GONOGO_CHECKPOINT_KEY_FILE: %w", err)
			}
			return nil
		}},
		{"checkpoint_every", "5m", "How often a checkpoint is made when the ledger has grown, besides at start and stop.", duration("GONOGO_CHECKPOINT_EVERY", time.Second, func(c *Config, d time.Duration) { c.CheckpointEvery = d })},
		{"allowed_owners", "", "Accounts whose installations are served, separated by commas. Empty: all that install the App.", func(c *Config, v string) error {
			for _, owner := range strings.Split(v, ",") {
				if owner = strings.TrimPrefix(strings.TrimSpace(owner), "@"); owner != "" {
					c.AllowedOwners = append(c.AllowedOwners, owner)
				}
			}
			return nil
		}},
		{"mode", string(gate.Enforce), "How verdicts are published where an organization's policy says nothing: shadow (only into the database), trial (a check that always succeeds) or enforce.", func(c *Config, v string) error {
			if c.Mode = gate.ParseMode(v); c.Mode == "" {
				return fmt.Errorf("GONOGO_MODE is %q; write shadow, trial or enforce", v)
			}
			return nil
		}},
		{"check", policy.BuiltIn().Check, "The check's name where an organization's policy says nothing.", func(c *Config, v string) error {
			if err := policy.ValidateName(v); err != nil {
				return fmt.Errorf("GONOGO_CHECK is %q; %w", v, err)
			}
			c.Check = v
			return nil
		}},
	}
}

func duration(env string, least time.Duration, set func(*Config, time.Duration)) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < least {
			return fmt.Errorf("%s is %q; write a duration of at least %s, such as 10m or 24h", env, v, least)
		}
		set(c, d)
		return nil
	}
}

// Load settles every setting: a flag goes before the environment, that before
// the file, that before the default. An empty flag or variable counts as not
// given. The error names every setting that is wrong and says what to write.
func Load(flag func(Setting) string, env func(string) string, file []byte) (Config, error) {
	fromFile, err := parseFile(file)
	if err != nil {
		return Config{}, err
	}
	var c Config
	var wrong []error
	for _, s := range Settings() {
		value := s.Default
		for _, given := range []string{flag(s), env(s.Env()), fromFile[s.Key]} {
			if given != "" {
				value = given
				break
			}
		}
		if err := s.set(&c, value); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(c.PrivateKey) == 0 && len(wrong) == 0 {
		wrong = append(wrong, errors.New("set GONOGO_PRIVATE_KEY_FILE to the App's private key, a .pem file that its settings page gives"))
	}
	return c, errors.Join(wrong...)
}

// parseFile reads a configuration file: keys and plain values, nothing unknown
// and nothing twice.
func parseFile(data []byte) (map[string]string, error) {
	var values map[string]any
	if err := yaml.Unmarshal(data, &values); err != nil {
		return nil, fmt.Errorf("configuration file: %w", err)
	}
	known := map[string]bool{}
	for _, s := range Settings() {
		known[s.Key] = true
	}
	given := map[string]string{}
	for key, value := range values {
		if !known[key] {
			return nil, fmt.Errorf("configuration file: there is no setting %q; config/server.example.yml shows them all", key)
		}
		switch v := value.(type) {
		case nil:
		case []any:
			parts := make([]string, 0, len(v))
			for _, p := range v {
				parts = append(parts, fmt.Sprint(p))
			}
			given[key] = strings.Join(parts, ",")
		default:
			given[key] = fmt.Sprint(v)
		}
	}
	return given, nil
}
