// Package hub is the way to GitHub: the only importer of go-github and
// ghinstallation. It answers in the gate's own types.
//
// # The way of a request
//
//	method ─▶ limiter ─▶ http.Client ─▶ revalidator ─▶ authenticator ─▶ guard ─▶ network
//	          window,     redirects      If-None-Match   token, one      one host,
//	          60 slots    on one host                    retry on 401    version, counter
//
// Each installation has a client of its own: GitHub's limits belong to
// installations, and a ghinstallation transport may not be shared. go-github
// builds the requests and lends its types; answers are read and judged here,
// because the library knows no 429, and because a field that is missing must
// never become a zero value.
//
// # Guarantees
//
//   - A list is whole or an error: any page that fails fails the reading, and
//     a list that GitHub cuts is an error of kind [KindTruncated].
//   - A half answer, a malformed one, and one without a field that is needed
//     are faults.
//   - No request leaves inside a window that GitHub closed.
//   - The token goes to the API's own host only.
//   - Nothing is served from memory without asking GitHub.
//   - Every error is an [*Error], classified in one place and free of tokens.
//     A request is tried once, or twice when a 401 asks for a fresh token; all
//     other retrying belongs to the caller.
//
// It does not judge evidence: which checks are green, whose approval counts and
// whether a list agrees with the pull request's counts is asked elsewhere
// ([FilesComplete] and [CommitsComplete] help with the latter).
package hub

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bradleyfalzon/ghinstallation/v2"
	"github.com/google/go-github/v60/github"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/sirupsen/logrus"
)

// DefaultBaseURL is the API of github.com.
const DefaultBaseURL = "https://api.github.com/"

// apiVersion is pinned, so that GitHub changes nothing under our feet.
const apiVersion = "2022-11-28"

// Config is what a Hub needs. AppID and PrivateKey are required.
type Config struct {
	AppID int64
	// PrivateKey is the App's key in PEM form, PKCS #1 or PKCS #8.
	PrivateKey []byte
	// BaseURL is the API's root; "" is DefaultBaseURL. A GitHub Enterprise
	// Server has it at https://host/api/v3/.
	BaseURL string
	// Transport carries the requests; nil is one made for many parallel ones.
	Transport http.RoundTripper
	Log       *logrus.Entry    // nil: silent
	Now       func() time.Time // nil: time.Now
	UserAgent string           // "" is "gonogo"
	// CacheBytes bounds what is kept of answers for conditional requests, over
	// all installations; 0 is 64 MiB.
	CacheBytes int
	// Observe, when set, hears of every request that went out. It is called
	// from many goroutines and must not block.
	Observe func(Call)
}

// Hub speaks with GitHub as one App. It is safe for concurrent use.
type Hub struct {
	cfg   Config
	api   *url.URL
	key   *signer
	guard *guard
	cache *memory
	forms *decoded
	tally *tally

	app *client

	mu            sync.Mutex
	installations map[int64]*client
	self          *Self
}

// New checks the configuration and returns a Hub; it sends nothing. Its errors
// are sentences for operators that say what to set.
func New(cfg Config) (*Hub, error) {
	if cfg.AppID <= 0 {
		return nil, errors.New("GONOGO_APP_ID is not set: it is the number that the App's settings page shows as App ID")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "gonogo"
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport()
	}
	if cfg.CacheBytes <= 0 {
		cfg.CacheBytes = 64 << 20
	}
	if cfg.Log == nil {
		silent := logrus.New()
		silent.SetLevel(logrus.PanicLevel)
		cfg.Log = logrus.NewEntry(silent)
	}
	api, err := parseBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	key, err := parsePrivateKey(cfg.PrivateKey)
	if err != nil {
		return nil, err
	}
	forms, err := lru.New[*kept, any](decodedKept)
	if err != nil {
		return nil, err
	}
	h := &Hub{
		forms: forms,
		cfg:   cfg, api: api, key: newSigner(key, cfg.Now, cfg.Log),
		cache: newMemory(cfg.CacheBytes), tally: newTally(cfg.Observe),
		installations: map[int64]*client{},
	}
	h.cfg.PrivateKey = nil
	h.guard = &guard{next: cfg.Transport, api: api, agent: cfg.UserAgent, tally: h.tally}
	h.app = h.newClient(0, func() http.RoundTripper { return h.appTransport() })
	return h, nil
}

func newTransport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = maxInFlight
	return t
}

func parseBaseURL(raw string) (*url.URL, error) {
	if raw == "" {
		raw = DefaultBaseURL
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		(u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("GONOGO_GITHUB_URL is not an API base: write https://api.github.com/, " +
			"or https://your-host/api/v3/ for GitHub Enterprise Server")
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u, nil
}

// appTransport signs as the App itself.
func (h *Hub) appTransport() *ghinstallation.AppsTransport {
	// Without a signer only would NewAppsTransportWithOptions fail.
	t, err := ghinstallation.NewAppsTransportWithOptions(h.guard, h.cfg.AppID, ghinstallation.WithSigner(h.key))
	if err != nil {
		panic(fmt.Sprintf("hub: sign as App: %v", err))
	}
	t.BaseURL = strings.TrimSuffix(h.api.String(), "/")
	return t
}

// installationTransport fetches and sends an installation's token. It is never
// shared: two of them on one AppsTransport are a data race.
func (h *Hub) installationTransport(id int64) http.RoundTripper {
	t := ghinstallation.NewFromAppsTransport(h.appTransport(), id)
	// A nil value would be sent as the body "null".
	t.InstallationTokenOptions = &github.InstallationTokenOptions{}
	return t
}

// client returns the installation's client, making it at first use.
func (h *Hub) client(installationID int64) *client {
	h.mu.Lock()
	defer h.mu.Unlock()
	c, ok := h.installations[installationID]
	if !ok {
		c = h.newClient(installationID, func() http.RoundTripper { return h.installationTransport(installationID) })
		h.installations[installationID] = c
	}
	return c
}

// Forget drops what is kept of an installation: its token, its limits and its
// conditional answers. Call it when an installation was removed.
func (h *Hub) Forget(installationID int64) {
	h.mu.Lock()
	delete(h.installations, installationID)
	h.mu.Unlock()
	h.cache.forget(installationID)
}

// Stats tells what was asked of GitHub since the start, by act.
func (h *Hub) Stats() map[string]Count { return h.tally.snapshot() }
