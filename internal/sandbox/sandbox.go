// Package sandbox is a simulated GitHub that behaves. It serves GitHub's REST
// API over HTTP on loopback, keeps its state in memory, and sends the signed
// webhooks that GitHub would send. The demo runs the real server against it,
// and tests use it in the place of api.github.com.
//
// # Two sides
//
// People act through Go: a story opens pull requests, pushes, comments,
// reviews and merges ([Repo], [PullRequest], [Issue], [Release]). The App acts
// through HTTP with the JWT and the installation tokens that GitHub would ask
// for. What one side does the other sees at once, and each act is followed by
// its webhooks, delivered in order by one goroutine ([GitHub.Settle] waits for
// it).
//
// A story is a program's own text: acts on things that do not exist (an
// unknown branch, say) panic with what is wrong. What GitHub itself would
// refuse, such as a merge past a required check, is returned as an error.
//
// # What is kept of GitHub's rules
//
// Commits, trees and blobs are real git objects with real SHAs, so that diffs,
// merge bases and merges are computed and not told. A completed check run does
// not go back; a check run is changed by the App that made it only; neutral and
// skipped satisfy a required check; lists stop at 3,000 files, 250 commits and
// 300 files of a comparison; permissions are enforced per route; a request
// answered by 304 costs nothing. GitHub's OpenAPI description holds the package
// to the shapes of requests and answers (see package openapi below this one).
//
// # Faults
//
// [GitHub.Fail] injects failures per route, [GitHub.Limit] closes the rate
// limit's window, [GitHub.LoseWebhooks] loses deliveries, and every request is
// in [GitHub.Requests].
//
// All methods are safe for concurrent use.
package sandbox

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// object is a JSON object.
type object = map[string]any

// Config says what App the simulated GitHub knows, and its clock. Its zero
// value is usable.
type Config struct {
	AppID   int64  // default 4711
	AppSlug string // default "gonogo"
	// Key is the App's private key; by default a new one is made.
	Key *rsa.PrivateKey
	// Permissions are what installations grant; default [DefaultPermissions].
	Permissions map[string]string
	// Now is the clock of what happens; default time.Now.
	Now func() time.Time
	// AuthNow is the clock of JWTs, tokens and the Date header; default time.Now,
	// also beside another Now: clients sign and renew by the real time.
	AuthNow func() time.Time
	// Limit is the primary rate limit per installation and hour; default 5,000.
	Limit int
	// URL is the API's base address, for those who serve the handler themselves.
	// Start sets its own.
	URL string
	// Wrap is put around the handler that Start serves; nil for none.
	Wrap func(http.Handler) http.Handler
	// Carrier brings webhooks to where they go; nil is the network.
	Carrier http.RoundTripper
}

// GitHub is a simulated GitHub. Make one with [New].
type GitHub struct {
	cfg    Config
	key    *rsa.PrivateKey
	routes []route

	mu         sync.Mutex
	changed    chan struct{} // closed at every change of state
	lastID     int64
	app        *App
	apps       map[int64]*App
	users      map[string]*user // by lower-case login
	owners     map[string]*Owner
	repos      []*Repo
	tokens     map[string]*token
	lost       bool
	repointing Repointing
	echoes     string // who comments after us
	echo       func(body string) string
	hook       hook
	traffic    traffic
	watched    []*Repo

	server *http.Server
	ends   context.CancelFunc
	ended  sync.WaitGroup
	url    string
}

// App is a GitHub App: ours, or another one that reports checks.
type App struct {
	ID   int64
	Slug string
	Name string
	bot  *user
}

// The App that runs GitHub Actions.
const (
	ActionsID   = 15368
	ActionsSlug = "github-actions"
)

// New returns a GitHub that knows one App and nobody else. It serves nothing
// before [GitHub.Start]; it is an http.Handler for those who bring their own
// server. Close ends it in both cases.
func New(cfg Config) (*GitHub, error) {
	if cfg.AppID == 0 {
		cfg.AppID = 4711
	}
	if cfg.AppSlug == "" {
		cfg.AppSlug = "gonogo"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.AuthNow == nil {
		cfg.AuthNow = time.Now
	}
	if cfg.Permissions == nil {
		cfg.Permissions = DefaultPermissions()
	}
	if cfg.Limit == 0 {
		cfg.Limit = 5000
	}
	if cfg.Key == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, fmt.Errorf("make the App's key: %w", err)
		}
		cfg.Key = key
	}
	if cfg.Carrier == nil {
		cfg.Carrier = &http.Transport{}
	}
	if cfg.URL == "" {
		cfg.URL = "https://api.github.test"
	}
	g := &GitHub{
		cfg: cfg, key: cfg.Key, lastID: 1_000_000, url: strings.TrimSuffix(cfg.URL, "/"),
		changed: make(chan struct{}), apps: map[int64]*App{}, users: map[string]*user{},
		owners: map[string]*Owner{}, tokens: map[string]*token{},
	}
	g.routes = g.table()
	g.app = g.addApp(cfg.AppID, cfg.AppSlug, cfg.AppSlug)
	g.addApp(ActionsID, ActionsSlug, "GitHub Actions")
	g.startDelivering()
	return g, nil
}

// Start serves the API on a free loopback port until Close.
func (g *GitHub) Start() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the simulated GitHub: %w", err)
	}
	server := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	if g.cfg.Wrap != nil {
		server.Handler = g.cfg.Wrap(g)
	}
	g.mu.Lock()
	g.url = "http://" + listener.Addr().String()
	g.server = server
	g.mu.Unlock()
	g.ended.Go(func() {
		_ = server.Serve(listener) // it returns when Close closes the server
	})
	return nil
}

// Close ends the server and the deliveries and waits for both.
func (g *GitHub) Close() error {
	g.ends()
	g.mu.Lock()
	server := g.server
	g.mu.Unlock()
	var err error
	if server != nil {
		if err = server.Close(); errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
	}
	g.ended.Wait()
	if err != nil {
		return fmt.Errorf("close the simulated GitHub: %w", err)
	}
	return nil
}

// URL returns the API's base URL without a slash at its end.
func (g *GitHub) URL() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.url
}

// AppID returns the id of the App.
func (g *GitHub) AppID() int64 { return g.cfg.AppID }

// BotLogin returns the login under which the App comments.
func (g *GitHub) BotLogin() string { return g.cfg.AppSlug + "[bot]" }

// PrivateKeyPEM returns the App's private key as GitHub lets one download it.
func (g *GitHub) PrivateKeyPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(g.key)})
}

// Await returns when ok reports true, or with ctx's error. It asks at once and
// after every change of state; ok may use everything that is exported here.
func (g *GitHub) Await(ctx context.Context, ok func() bool) error {
	for {
		g.mu.Lock()
		changed := g.changed
		g.mu.Unlock()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// AddApp adds another App, whose check runs a story may report.
func (g *GitHub) AddApp(id int64, slug, name string) *App {
	defer g.act()()
	return g.addApp(id, slug, name)
}

func (g *GitHub) addApp(id int64, slug, name string) *App {
	app := &App{ID: id, Slug: slug, Name: name, bot: g.person(slug + "[bot]")}
	g.apps[id] = app
	return app
}

// act locks g for a change; the function that it returns tells those who wait
// and unlocks.
func (g *GitHub) act() func() {
	g.mu.Lock()
	return func() {
		g.touched()
		g.mu.Unlock()
	}
}

func (g *GitHub) touched() {
	g.follow()
	close(g.changed)
	g.changed = make(chan struct{})
}

// now returns the time with GitHub's precision.
func (g *GitHub) now() time.Time { return g.cfg.Now().UTC().Truncate(time.Second) }

// newID returns ids in rising order, over all kinds of things.
func (g *GitHub) newID() int64 {
	g.lastID++
	return g.lastID
}

func (g *GitHub) api(format string, args ...any) string { return g.url + fmt.Sprintf(format, args...) }

// web returns an address for people. There are no such pages; the addresses
// look like GitHub's.
func web(format string, args ...any) string {
	return "https://github.com/" + fmt.Sprintf(format, args...)
}

func nodeID(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%d", kind, id))
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// digestOf returns 40 hexadecimal digits that depend on the parts.
func digestOf(parts ...string) string {
	sum := sha1.Sum([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}
