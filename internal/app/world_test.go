package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/sandbox"
	"gonogo/internal/sandbox/openapi"
)

const (
	checkName = "release-readiness"
	secret    = "0123456789abcdef0123456789abcdef"
	patience  = 2 * time.Minute // a busy machine is slow; a wrong state is wrong for ever
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// clock is a clock that tests move forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(by time.Duration) { c.ahead.Add(int64(by)) }

// world is the real server against the simulated GitHub. All traffic between
// them is held against GitHub's OpenAPI description. In acme/shop kim and lee
// can write, dana maintains, sam administers, and bob only reads.
type world struct {
	t     testing.TB
	ctx   context.Context
	gh    *sandbox.GitHub
	clock *clock
	cfg   Config
	acme  *sandbox.Owner
	repo  *sandbox.Repo

	app       *App
	stop      func()
	goComment *sandbox.Comment // dana's, of ready
}

func newWorld(t *testing.T) *world {
	t.Helper()
	api := openapi.Must(t)
	return makeWorld(t, api.Handler)
}

// benchWorld is a world whose traffic is not checked, which costs more than the
// work itself.
func benchWorld(b *testing.B) *world {
	b.Helper()
	return makeWorld(b, nil)
}

func makeWorld(t testing.TB, wrap func(http.Handler) http.Handler) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	w.ctx = ctx
	gh, err := sandbox.New(sandbox.Config{Key: testKey(), Now: w.clock.now, Wrap: wrap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.conclusions()
		if err := gh.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := gh.Start(); err != nil {
		t.Fatal(err)
	}
	w.gh = gh
	w.cfg = Config{
		AppID: gh.AppID(), PrivateKey: gh.PrivateKeyPEM(), WebhookSecrets: []string{secret}, GitHubURL: gh.URL() + "/",
		Listen: "127.0.0.1:0", DatabaseURL: "sqlite:" + filepath.Join(t.TempDir(), "gonogo.db"), LogLevel: logrus.DebugLevel,
		LogFormat: "text", ReconcileEvery: time.Hour, KeepDeliveries: time.Hour, KeepEvaluations: time.Hour, Version: "test", Now: w.clock.now,
	}
	w.acme = gh.Org("acme")
	w.repo = w.acme.Repo("shop")
	for login, role := range map[string]string{"kim": "write", "lee": "write", "dana": "maintain", "sam": "admin", "bob": "read"} {
		w.repo.Grant(login, role)
	}
	w.repo.SecretScanning(true)
	w.repo.Require("main", sandbox.Required{Name: checkName, App: gh.AppID()})
	w.start()
	return w
}

// start starts the server; it is stopped at the test's end or by down.
func (w *world) start() {
	w.t.Helper()
	log := NewLog(w.cfg, &testLog{})
	a, err := New(w.ctx, w.cfg, log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.app = a
	w.gh.SendWebhooks(a.URL()+HookPath, secret)
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("the server ended with: %v", err)
		}
		if err := a.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(w.stop)
}

// down stops the server; webhooks sent meanwhile are lost.
func (w *world) down() {
	w.t.Helper()
	w.quiet()
	w.stop()
	w.gh.LoseWebhooks(true)
}

// up starts the server on the same database.
func (w *world) up() {
	w.t.Helper()
	w.gh.LoseWebhooks(false)
	w.start()
}

// testLog drops the server's log, or shows it when GONOGO_TEST_LOG is set.
type testLog struct{}

func (testLog) Write(p []byte) (int, error) {
	if os.Getenv("GONOGO_TEST_LOG") != "" {
		return os.Stderr.Write(p)
	}
	return len(p), nil
}

// conclusions holds every check run of ours that was ever there against the
// law: GitHub lets neutral and skipped through, so that they are never used.
func (w *world) conclusions() {
	for _, r := range w.gh.Requests() {
		if !strings.Contains(r.Path, "/check-runs") || r.Method == http.MethodGet {
			continue
		}
		for _, word := range []string{"neutral", "skipped", "cancelled", "stale", "timed_out"} {
			if strings.Contains(r.Body, `"conclusion":"`+word+`"`) {
				w.t.Errorf("a check run was concluded as %s", word)
			}
		}
	}
}

// quiet waits until nothing is under way: all webhooks are delivered, all hints
// dispatched, all jobs done.
func (w *world) quiet() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := w.settles(ctx); err != nil {
		w.t.Fatal(err)
	}
}

// settles is quiet with another patience.
func (w *world) settles(ctx context.Context) error {
	for range 2 { // publishing sends webhooks of its own
		if err := w.gh.Settle(ctx); err != nil {
			return err
		}
		for {
			d, err := w.app.inbox.Depth(ctx)
			if err != nil {
				return err
			}
			if d.Waiting == 0 {
				break
			}
		}
		if err := w.app.queue.Idle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// later moves the clock and wakes what is due.
func (w *world) later(by time.Duration) {
	w.t.Helper()
	w.quiet()
	w.clock.advance(by)
	if err := w.app.queue.Poll(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	w.quiet()
}

// shows waits until the pull request's check run has a title that begins as
// given, and returns it.
func (w *world) shows(pr *sandbox.PullRequest, title string) sandbox.CheckView {
	w.t.Helper()
	return w.await(func() sandbox.CheckView { return pr.Verdict(checkName) }, title)
}

func (w *world) await(view func() sandbox.CheckView, title string) sandbox.CheckView {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	err := w.gh.Await(ctx, func() bool { return strings.HasPrefix(view().Title, title) })
	v := view()
	if err != nil {
		w.t.Fatalf("title %q, want %q…\n%s\n%s", v.Title, title, v.Conclusion, v.Summary)
	}
	return v
}

// stays asserts that after everything has settled the title still begins as
// given.
func (w *world) stays(pr *sandbox.PullRequest, title string) sandbox.CheckView {
	w.t.Helper()
	w.quiet()
	v := pr.Verdict(checkName)
	if !strings.HasPrefix(v.Title, title) {
		w.t.Fatalf("title %q, want %q…\n%s", v.Title, title, v.Summary)
	}
	return v
}

// body is a complete record; more replaces lines by their beginning.
func body(class string, more ...string) string {
	lines := []string{
		"### Release Decision",
		"- Release scope: cart",
		"- Risk class: " + class,
		"- Gate results:",
		"  - code gates: pass",
		"  - review gates: pass",
		"  - operational gates: pass",
		"  - communication gates: pass",
		"  - decision gate: pass",
		"- Residual risks: none",
		"- Rollback trigger: checkout error rate > 2 % for 5 min",
		"- Rollback owner: @lee",
		"- Rollback rehearsal: staging, recovered in 6 min, no friction",
		"- Final decision owner: @dana",
		"- Decision: GO",
		"- Decision timestamp: 2026-01-02T03:04:05Z",
	}
	for _, m := range more {
		label, _, _ := strings.Cut(strings.TrimSpace(m), ":")
		for i, l := range lines {
			if strings.HasPrefix(strings.TrimSpace(l), label+":") {
				lines[i] = m
			}
		}
	}
	return "Faster totals.\n\n" + strings.Join(lines, "\n") + "\n"
}

// opens opens a pull request by kim with a green build.
func (w *world) opens(class string, more ...string) *sandbox.PullRequest {
	w.t.Helper()
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster totals", Branch: "faster", Body: body(class, more...), Files: map[string]string{"cart/total.go": "package cart\n"},
	})
	pr.Check("build", "success")
	return pr
}

// ready opens a medium pull request and brings it to READY.
func (w *world) ready() *sandbox.PullRequest {
	w.t.Helper()
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.goComment = pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	return pr
}

// replies are the texts that the App wrote into the conversation, the asking
// comment left out.
func (w *world) replies(pr *sandbox.PullRequest) []string {
	var texts []string
	for _, c := range pr.Comments() {
		if c.Author == w.gh.BotLogin() && !strings.Contains(c.Body, "waits for your decision") {
			texts = append(texts, c.Body)
		}
	}
	return texts
}
