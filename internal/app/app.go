// Package app puts the server together: the only place that names every
// concrete type.
//
//	door ─▶ inbox ─▶ dispatcher ─▶ queue ─▶ worker ─▶ GitHub
//
// New opens the store and checks the configuration, Run serves until its
// context ends, Close releases everything.
package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"gonogo/internal/board"
	"gonogo/internal/dispatch"
	"gonogo/internal/hub"
	"gonogo/internal/inbox"
	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/queue"
	"gonogo/internal/secretscan"
	"gonogo/internal/store"
	"gonogo/internal/tracker"
	"gonogo/internal/webhook"
	"gonogo/internal/worker"
)

// HookPath is where GitHub sends webhooks.
const HookPath = "/api/github/webhooks"

// App is a server.
type App struct {
	cfg        Config
	log        *logrus.Entry
	store      *store.Store
	inbox      *inbox.Inbox
	index      *index.Index
	ledger     *ledger.Ledger
	queue      *queue.Queue
	outbox     *notify.Outbox
	monday     *tracker.Monday // nil without a token
	hub        *hub.Hub
	worker     *worker.Worker
	dispatcher *dispatch.Dispatcher
	door       *webhook.Door
	listener   net.Listener
	server     *http.Server
}

// New opens the database, takes the address, and puts the server together. It
// asks nothing of GitHub. Its errors are sentences for operators.
func New(ctx context.Context, cfg Config, log *logrus.Entry) (*App, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &App{cfg: cfg, log: log}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) build(ctx context.Context) (err error) {
	m := newMetrics(a)
	a.hub, err = hub.New(hub.Config{
		AppID: a.cfg.AppID, PrivateKey: a.cfg.PrivateKey, BaseURL: a.cfg.GitHubURL, Log: a.log, Now: a.cfg.Now,
		UserAgent: "gonogo/" + a.cfg.Version, Observe: m.call, Transport: a.cfg.carrier,
	})
	if err != nil {
		return err
	}
	warnShortSecrets(a.cfg.WebhookSecrets, a.log)
	if a.store, err = store.Open(ctx, a.cfg.DatabaseURL); err != nil {
		return err
	}
	warnVolatile(a.cfg.DatabaseURL, a.log)
	a.inbox, a.index = inbox.New(a.store), index.New(a.store)
	if err := a.openLedger(ctx); err != nil {
		return err
	}
	if a.queue, err = queue.New(queue.Config{Store: a.store, Log: a.log, Now: a.cfg.Now, OnDead: a.dead}); err != nil {
		return err
	}
	scanner, err := secretscan.New()
	if err != nil {
		return err
	}
	if a.monday, err = newMonday(a.cfg); err != nil {
		return err
	}
	if err := a.openOutbox(scanner, m); err != nil {
		return err
	}
	a.worker, err = worker.New(worker.Config{
		AppID: a.cfg.AppID, Hub: a.hub, Store: a.store, Ledger: a.ledger, Index: a.index, Queue: a.queue, Notices: a.outbox, Monday: a.monday,
		Scanner: scanner, Log: a.log, Now: a.cfg.Now, Mode: a.cfg.Mode, Check: a.cfg.Check, WebURL: webURL(a.cfg.GitHubURL), Observe: m.evaluation, Silenced: m.silences.Inc, Around: func(what string) { m.around.WithLabelValues(what).Inc() },
	})
	if err != nil {
		return err
	}
	a.dispatcher, err = dispatch.New(dispatch.Config{
		Store: a.store, Inbox: a.inbox, Index: a.index, Queue: a.queue, Log: a.log,
		AppID: a.cfg.AppID, Owners: a.cfg.AllowedOwners, Now: a.cfg.Now, Count: m.hint,
	})
	if err != nil {
		return err
	}
	a.door, err = webhook.New(webhook.Config{
		Secrets: a.cfg.WebhookSecrets, AppID: a.cfg.AppID, Inbox: a.inbox, Log: a.log, Now: a.cfg.Now,
		Stored: a.dispatcher.Wake, Count: m.delivery,
	})
	if err != nil {
		return err
	}
	return a.listen(m)
}

func (a *App) listen(m *metrics) error {
	pages, err := board.New(board.Config{
		Check: a.store.Check, GitHub: m.github, Gatherer: m.registry, Version: a.cfg.Version, Log: a.log,
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(HookPath, a.door)
	mux.Handle("/", pages)
	a.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTime, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	a.listener, err = net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %q: %w; set GONOGO_LISTEN to a free address", a.cfg.Listen, err)
	}
	return nil
}

// dead passes a subject on that failed for the last time.
func (a *App) dead(ctx context.Context, s queue.Subject, err error) { a.worker.Dead(ctx, s, err) }

// URL is where the server listens.
func (a *App) URL() string {
	host, port, err := net.SplitHostPort(a.listener.Addr().String())
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// readTime is how long a request may take to arrive. The door extends it for the
// bodies that it wants; what it refuses is not waited for.
const readTime = 15 * time.Second

// stopTime is how long a graceful stop may take, and drainTime how much of it
// may go into requests that are still arriving.
const (
	stopTime  = 10 * time.Second
	drainTime = 2 * time.Second
)

// Run serves until ctx ends, then stops in order: no new requests, what was
// received is stored, running jobs are finished or handed back. It returns nil
// after such a stop. Credentials that GitHub refuses end it at once; a GitHub
// that does not answer does not.
func (a *App) Run(ctx context.Context) error {
	if err := a.greet(ctx); err != nil {
		return err
	}
	if err := a.queue.Start(ctx, a.worker); err != nil {
		if ctx.Err() != nil {
			return nil // asked to stop while starting
		}
		return err
	}
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { a.dispatcher.Run(working) })
	wg.Go(func() { a.reconcile(working) })
	wg.Go(func() { a.prune(working) })
	wg.Go(func() { a.outbox.Run(working) })

	notarizing, stopNotarizing := context.WithCancel(context.WithoutCancel(ctx))
	var notary sync.WaitGroup
	notary.Go(func() { a.checkpoint(notarizing) })

	failed := make(chan error, 1)
	wg.Go(func() { failed <- a.server.Serve(a.listener) })
	a.log.WithField("url", a.URL()).WithField("version", a.cfg.Version).Info("serving")

	var err error
	select {
	case <-ctx.Done():
	case <-a.store.Broken():
		err = a.store.Cause()
	case err = <-failed:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err = errors.Join(err, a.closeServer(stopping))
	a.door.Close()
	stopWorking()
	err = errors.Join(err, a.queue.Stop(stopping))
	wg.Wait()
	stopNotarizing() // the last checkpoint has all that the jobs entered
	notary.Wait()
	a.log.Info("stopped")
	return err
}

// closeServer takes no more requests and waits for those that are being
// answered. One that is still arriving was promised nothing and is cut off.
func (a *App) closeServer(ctx context.Context) error {
	draining, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	if err := a.server.Shutdown(draining); errors.Is(err, context.DeadlineExceeded) {
		return a.server.Close()
	} else if err != nil {
		return err
	}
	return nil
}

// Close releases the database and the address.
func (a *App) Close() error {
	var err error
	if a.listener != nil {
		if e := a.listener.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = e
		}
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	return err
}

// greet asks GitHub who we are. A key that does not belong to the App is worth
// stopping for: nothing would work.
func (a *App) greet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	self, err := a.hub.Self(ctx)
	switch kind := hub.KindOf(err); {
	case err == nil:
		a.log.WithField("app", self.Slug).Info("signed in to GitHub")
	case kind == hub.KindUnauthorized || kind == hub.KindMissing:
		return fmt.Errorf("GitHub refuses the key for App %d (%w); check GONOGO_APP_ID, GONOGO_PRIVATE_KEY_FILE and the clock of this machine", a.cfg.AppID, err)
	default:
		a.log.WithError(err).Warn("GitHub does not answer; deliveries are taken all the same")
	}
	return nil
}

// soon is how long after a failed reconcile the next one is tried.
const soon = 30 * time.Second

// reconcile looks at all installations at start and on a timer, so that what
// was missed is made up for.
func (a *App) reconcile(ctx context.Context) {
	for {
		next := a.cfg.ReconcileEvery
		a.nameDead(ctx)
		if err := a.reconcileOnce(ctx); err != nil && ctx.Err() == nil {
			a.log.WithError(err).Warn("could not list the installations; trying again soon")
			next = min(next, soon)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
	}
}

// nameDead says in the log which subjects were given up, until an event or a
// reconcile revives them.
func (a *App) nameDead(ctx context.Context) {
	dead, err := a.queue.Dead(ctx)
	if err != nil {
		return // the next write of the same store will say why
	}
	for _, d := range dead {
		a.log.WithFields(logrus.Fields{"subject": d.Subject.String(), "since": d.At.UTC().Format(time.RFC3339), "error": d.Error}).Warn("given up")
	}
}

func (a *App) reconcileOnce(ctx context.Context) error {
	installations, err := a.hub.Installations(ctx)
	if err != nil {
		return err
	}
	return a.store.Write(ctx, func(tx *sql.Tx) error {
		for _, i := range installations {
			if i.Suspended || !a.serves(i.Account.Login) {
				continue
			}
			if err := a.queue.Touch(ctx, tx, queue.InstallationOf(i.ID).For(i.ID)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *App) serves(owner string) bool {
	if len(a.cfg.AllowedOwners) == 0 {
		return true
	}
	for _, allowed := range a.cfg.AllowedOwners {
		if strings.EqualFold(allowed, owner) {
			return true
		}
	}
	return false
}

// keepNotices is how long the texts of notices are kept.
const keepNotices = 30 * 24 * time.Hour

// prune forgets what need not be kept, once an hour.
func (a *App) prune(ctx context.Context) {
	for {
		now := a.cfg.Now()
		_, err := a.inbox.Prune(ctx, now.Add(-a.cfg.KeepDeliveries))
		_, err2 := a.ledger.Prune(ctx, now.Add(-a.cfg.KeepEvaluations))
		_, err3 := a.outbox.Prune(ctx, now.Add(-keepNotices))
		if err := errors.Join(err, err2, err3); err != nil && ctx.Err() == nil {
			a.log.WithError(err).Warn("could not prune")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}

// webURL is where people find repositories, given the API's root.
func webURL(api string) string {
	u, err := url.Parse(api)
	if err != nil {
		return ""
	}
	if u.Host == "api.github.com" {
		return "https://github.com"
	}
	return u.Scheme + "://" + strings.TrimPrefix(u.Host, "api.")
}

// shortSecret is the length in bytes below which a webhook secret is weak.
const shortSecret = 32

func warnShortSecrets(secrets []string, log *logrus.Entry) {
	for i, s := range secrets {
		if len(s) < shortSecret {
			log.WithField("index", i).Warnf("webhook secret is only %d bytes long; make one with `openssl rand -hex 32`", len(s))
		}
	}
}
