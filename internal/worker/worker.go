// Package worker does one job from start to end: it looks at a pull request, a
// release, a repository or an installation, as it is now.
//
// For a pull request that is
//
//	gather ─▶ read commands ─▶ policy.Evaluate ─▶ ledger ─▶ publish ─▶ answer, ask
//
// An event only says that something may have changed; every fact is read from
// GitHub's API. How much of the verdict GitHub then shows is the mode's matter:
// publishing is done by a voice, of which there is one for each mode.
//
// All evidence is read in one parallel round together with the
// pull request itself, by what we believe its head and base to be; what turns
// out otherwise is read again. Before a READY is published, head, base and
// record are read once more.
//
// # Who may overwrite what
//
// Evaluations are numbered when they begin. A check run is written only by an
// evaluation that is newer than the one it shows, and a READY only by a job that
// no event has overtaken. All pull requests that share a head commit share its
// check run, which shows the worst of their verdicts.
//
// # Failing
//
// A reading that fails makes its requirement unknown, never passed. A limit of
// GitHub puts the whole job off until it ends. Everything else that fails is
// returned to the queue, which tries again.
package worker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/sirupsen/logrus"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/store"
	"gonogo/internal/tracker"
)

// Scanner searches changed files for credentials. blob reads the content of a
// file whose patch GitHub left out. Redact takes credentials out of a text that
// is to be kept.
type Scanner interface {
	Redact(ctx context.Context, text string) string
	Scan(ctx context.Context, files []gate.File, blob func(context.Context, gate.File) ([]byte, error)) gate.LeakScan
}

// Config is what a worker depends on. All fields but Monday, Mode, Check, Slow, Observe,
// Around and Silenced are required.
type Config struct {
	AppID   int64
	Hub     *hub.Hub
	Store   *store.Store
	Ledger  *ledger.Ledger
	Index   *index.Index
	Queue   *queue.Queue
	Notices *notify.Outbox
	Scanner Scanner
	Log     *logrus.Entry
	Now     func() time.Time
	// Monday reads items of Monday.com; nil: policies that name some are told so.
	Monday *tracker.Monday
	// WebURL is where people find repositories, such as "https://github.com".
	WebURL string
	// Mode is how verdicts are published where an organization says nothing, and
	// Check the check's name there; empty: enforce, and the built-in policy's.
	Mode  gate.Mode
	Check string
	// Slow is how long an evaluation may take before its check run says that it
	// is under way; 0 is two seconds (spec section 5).
	Slow time.Duration
	// Observe hears of every finished evaluation and how long it took.
	Observe func(gate.Verdict, time.Duration)
	// Around hears of what went round the gate, and of how what was merged landed:
	// one of few words.
	Around func(string)
	// Silenced hears that we wrote too much into one conversation.
	Silenced func()
}

// Worker is safe for concurrent use.
type Worker struct {
	Config
	heads    striped  // one publisher at a time for each head commit
	policies sync.Map // repository id → *policy.Policy last in force, as a guess
	missing  sync.Map // installation id → when its organization was seen to have no policy
	scans    *lru.Cache[[sha256.Size]byte, gate.LeakScan]
	merges   *lru.Cache[string, bool]                     // merge commit → whether it is mechanical
	kinds    *lru.Cache[string, map[string]gate.FileKind] // commit → paths that are no ordinary files
	headless *lru.Cache[commit, time.Time]                // when GitHub last said that they head nothing
	landings *lru.Cache[string, landing]                  // before, after and head → how they stand to each other
	unlogged *lru.Cache[commit, time.Time]                // tips that GitHub's log of pushes lacked → when that was first seen
}

// scansKept is for how many diffs the outcome of the search for credentials is
// kept: searching is the one thing that costs more than a round trip.
const scansKept = 2048

// mondayTime is how long reading items of Monday.com may take: they hold a verdict
// up, and are unknown after that.
const mondayTime = 5 * time.Second

// New returns a worker.
func New(c Config) (*Worker, error) {
	switch {
	case c.AppID == 0, c.Hub == nil, c.Store == nil, c.Ledger == nil, c.Index == nil, c.Queue == nil, c.Notices == nil:
		return nil, errors.New("worker: App id, hub, store, ledger, index, queue and notices are required")
	case c.Scanner == nil, c.Log == nil, c.Now == nil:
		return nil, errors.New("worker: scanner, log and clock are required")
	}
	if c.Slow == 0 {
		c.Slow = 2 * time.Second
	}
	if c.Mode == "" {
		c.Mode = gate.Enforce
	}
	if c.Check == "" {
		c.Check = policy.BuiltIn().Check
	}
	if c.Observe == nil {
		c.Observe = func(gate.Verdict, time.Duration) {}
	}
	if c.Around == nil {
		c.Around = func(string) {}
	}
	if c.Silenced == nil {
		c.Silenced = func() {}
	}
	scans, err := lru.New[[sha256.Size]byte, gate.LeakScan](scansKept)
	if err != nil {
		return nil, err
	}
	merges, err := lru.New[string, bool](mergesKept)
	if err != nil {
		return nil, err
	}
	headless, err := lru.New[commit, time.Time](headlessKept)
	if err != nil {
		return nil, err
	}
	kinds, err := lru.New[string, map[string]gate.FileKind](kindsKept)
	if err != nil {
		return nil, err
	}
	landings, err := lru.New[string, landing](mergesKept)
	if err != nil {
		return nil, err
	}
	unlogged, err := lru.New[commit, time.Time](headlessKept)
	if err != nil {
		return nil, err
	}
	return &Worker{Config: c, scans: scans, merges: merges, kinds: kinds, headless: headless, landings: landings, unlogged: unlogged}, nil
}

// Work looks at the subject of a job.
func (w *Worker) Work(ctx context.Context, job queue.Job) error {
	ctx = withLog(ctx, w.Log.WithFields(logrus.Fields{
		"subject": job.Subject.String(), "repository": job.Subject.ID, "pr": job.Subject.Number, "generation": job.Generation,
	}))
	err := w.work(ctx, job)
	if wait, limited := hub.RetryAfter(err); limited {
		w.log(ctx).WithError(err).WithField("wait", wait.String()).Warn("GitHub's limit: put off")
		return queue.Later(wait)
	}
	if hub.KindOf(err) == hub.KindSuspended {
		w.log(ctx).WithError(err).Warn("the installation is suspended: nothing is done until it returns")
		return queue.ErrUnheard
	}
	return err
}

func (w *Worker) work(ctx context.Context, job queue.Job) error {
	switch job.Subject.Kind {
	case queue.PullRequest:
		return w.pull(ctx, job)
	case queue.Release:
		return errors.Join(w.keepWindows(ctx, job), w.release(ctx, job))
	case queue.Repository:
		return w.reconcileRepository(ctx, job.Subject.ID)
	case queue.Commits:
		return w.headedBy(ctx, job)
	case queue.Deployment:
		return w.deployment(ctx, job)
	case queue.Installation:
		return w.reconcileInstallation(ctx, job.Subject.ID)
	case queue.Group:
		return w.group(ctx, job)
	case queue.Branch:
		return w.branch(ctx, job)
	default:
		return fmt.Errorf("work on %s: unknown kind of subject", job.Subject)
	}
}

// politeness is how soon an answer or a question that could not be written is
// tried again.
const politeness = time.Minute

// courtesy decides what becomes of a job whose verdict is published, but which
// could not write its answers or its question: that is tried again later without
// counting as a failure, since a conversation must never turn a verdict into
// NOT VERIFIED; where the App may not write at all, it stays silent.
func (w *Worker) courtesy(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, limited := hub.RetryAfter(err); limited {
		return err
	}
	log := w.log(ctx).WithError(err)
	switch hub.KindOf(err) {
	case hub.KindPermission, hub.KindMissing, hub.KindInvalid, hub.KindDisabled, hub.KindConflict:
		log.Warn("an answer or a question cannot be written here")
		return nil
	default:
		log.Warn("an answer or a question could not be written: trying again soon")
		return queue.Later(politeness)
	}
}

func (w *Worker) now() time.Time { return w.Now().UTC() }

type logKey struct{}

func withLog(ctx context.Context, e *logrus.Entry) context.Context {
	return context.WithValue(ctx, logKey{}, e)
}

// log returns the entry that carries the job's fields.
func (w *Worker) log(ctx context.Context) *logrus.Entry {
	if e, ok := ctx.Value(logKey{}).(*logrus.Entry); ok {
		return e
	}
	return w.Log
}

// striped is a set of locks by key.
type striped struct{ locks [64]sync.Mutex }

func (s *striped) lock(repoID int64, sha string) (unlock func()) {
	n := uint64(repoID)
	if v, err := strconv.ParseUint(sha[:min(len(sha), 8)], 16, 64); err == nil {
		n += v
	}
	m := &s.locks[n%uint64(len(s.locks))]
	m.Lock()
	return m.Unlock
}

// policyGuess is the policy that was last in force in a repository.
func (w *Worker) policyGuess(repoID int64) *policy.Policy {
	if p, ok := w.policies.Load(repoID); ok {
		return p.(*policy.Policy)
	}
	p := policy.BuiltIn()
	p.Check = w.Check
	return p
}
