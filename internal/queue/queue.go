// Package queue is the durable list of what to look at again.
//
// # Subjects, generations, mailboxes
//
// A [Subject] is looked at, never an event. [Queue.Touch] says that something
// about it may have changed, in the transaction of the caller; [Queue.Post]
// also leaves a message in its mailbox. However many touches come, at most one
// job of a subject exists, and at most one runs.
//
// Each touch raises the subject's generation. A job reads the generation
// before it works and compares it in its last transaction, which completes the
// job; if the generation has moved, the same transaction inserts the next job.
// So every touch is followed by a run that began after it, although River drops
// the insertion of a job whose twin is running. Messages that were handed to a run are deleted
// in the same last transaction: handed out at least once, never after a run
// that had them has succeeded.
//
//	         touch                 run begins            succeeded, same generation
//	idle ────────────▶ waiting ────────────────▶ running ─────────────────────────▶ idle
//	                     ▲  ▲                     │ │ │
//	                     │  └── touched meanwhile ┘ │ └─ failed 8 times ──▶ dead
//	                     └─ held ◀─ Later, failed ──┘                        │ touch
//	                     ▲───────────────────────────────────────────────────┘
//
// # Who does what
//
// The row of a subject is the truth: generation > done means that it waits. It
// counts the attempts, and holds a subject back after a failure or at the
// handler's wish; a held subject has no job, and a poller gives it one when its
// time has come. River is the engine: it runs one job per subject that may run,
// in parallel, with a time limit. To River every job ends well, whatever the
// handler said; its own retries are left for the case that the last transaction
// itself fails. There is therefore one owner of each retry.
//
// The lock order is: the subject's row, then the job. Completing the job comes
// last in a transaction, followed at most by the insertion of the next.
//
// # Turns
//
// A tenant with few waiting subjects goes before one with many: the priority of
// a job sinks with the number of subjects of its tenant that wait already.
//
// # Stopping
//
// [Queue.Stop] lets running jobs finish for eight seconds, then cancels them
// and hands them back without counting an attempt. When the process is killed,
// the next [Queue.Start] releases its jobs at once; being one process per
// database (see package store) makes that safe. Those jobs count one attempt,
// so that one that kills the process does not do so for ever.
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
	"github.com/sirupsen/logrus"
	logrusslog "github.com/sirupsen/logrus/hooks/slog"

	"gonogo/internal/store"
)

// The figures of the queue.
const (
	// MaxAttempts is how often a subject is tried before it is dead.
	MaxAttempts = 8
	// Timeout is how long one run may take.
	Timeout = time.Minute

	defaultConcurrency = 16
	// fetchEvery is how often SQLite is asked for jobs; River's notifications
	// on it are polled every 50 ms, so asking directly is quicker.
	fetchEvery    = 15 * time.Millisecond
	fetchCooldown = 5 * time.Millisecond
	softStop      = 8 * time.Second
	pollEvery     = 100 * time.Millisecond
	// batch bounds what one transaction of the poller touches.
	batch = 200
	// maxMessages bounds what is handed to one run; the rest comes with the next.
	maxMessages = 200
	// earliest is how soon after a failure a touch may bring on the next try.
	earliest = 5 * time.Second
)

// Message is an entry of a subject's mailbox.
type Message struct {
	Key  string // unique in its mailbox: posting it again adds nothing
	Body []byte
	At   time.Time
}

// Job is one run of a subject.
type Job struct {
	Subject    Subject
	Generation int64     // rises with every touch
	Attempt    int       // from 1
	Messages   []Message // in the order in which they were posted
}

// Handler works on a subject. Returning nil means that all that is known up to
// the job's generation was taken into account and that its messages may be
// forgotten; [Later] asks for another run; any other error is a failed attempt.
// The context ends after [Timeout]. Work is called for several subjects at
// once, never twice at once for one (unless a run ignores its context for
// minutes).
type Handler interface {
	Work(ctx context.Context, job Job) error
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(ctx context.Context, job Job) error

// Work calls f.
func (f HandlerFunc) Work(ctx context.Context, job Job) error { return f(ctx, job) }

type later struct{ d time.Duration }

func (l later) Error() string { return fmt.Sprintf("later, in %s", l.d) }

// Later returns the error with which a handler asks to be run again after d,
// with the same messages. It is not a failed attempt. Touches do not bring the
// run forward: it is meant for closed windows of rate limits.
func Later(d time.Duration) error { return later{d} }

// ErrUnheard is what a handler returns that looked at the subject but could not
// hear its messages: the run is done, and they lie in the mailbox for the next.
var ErrUnheard = errors.New("the messages were not heard")

// Config is what a queue depends on. Store and Log are required.
type Config struct {
	Store *store.Store
	Log   *logrus.Entry
	// Now is the clock for wake-up times and back-off; nil is time.Now.
	Now func() time.Time
	// Concurrency is how many subjects are worked at once; 0 is 16.
	Concurrency int
	// OnDead is told when a subject has failed for the last time, before it is
	// marked as dead. After a crash it may be told again. It may be nil.
	OnDead func(ctx context.Context, s Subject, err error)
}

// Queue is safe for concurrent use.
type Queue struct {
	store  *store.Store
	log    *logrus.Entry
	now    func() time.Time
	onDead func(ctx context.Context, s Subject, err error)
	client *river.Client[*sql.Tx]

	backoff func(failures int) time.Duration

	handler  Handler // set by Start before anything runs
	stopping atomic.Bool
	stopPoll context.CancelFunc
	polls    sync.WaitGroup

	mu       sync.Mutex
	finished chan struct{} // closed and replaced whenever a run ends
	outcomes []*outcome    // of runs that ended and are not written yet
	writing  bool          // a goroutine writes outcomes
}

// New returns a queue that takes touches. Nothing runs before [Queue.Start].
func New(c Config) (*Queue, error) {
	if c.Store == nil || c.Log == nil {
		return nil, errors.New("queue: Store and Log are required")
	}
	q := &Queue{store: c.Store, log: c.Log, now: c.Now, onDead: c.OnDead, backoff: backoff, finished: make(chan struct{})}
	if q.now == nil {
		q.now = time.Now
	}
	if q.onDead == nil {
		q.onDead = func(context.Context, Subject, error) {}
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{q: q})
	client, err := river.NewClient(riversqlite.New(c.Store.Writer()), &river.Config{
		ID:                          "gonogo",
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.Concurrency}},
		Workers:                     workers,
		PollOnly:                    true,
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           fetchEvery,
		JobTimeout:                  Timeout,
		JobStuckHandler:             q.stuck,
		RescueStuckJobsAfter:        10 * time.Minute,
		CompletedJobRetentionPeriod: 10 * time.Minute,
		SoftStopTimeout:             softStop,
		RetryPolicy:                 storeRetry{},
		Logger:                      riverLogger(c.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	q.client = client
	return q, nil
}

// riverLogger sends River's warnings and errors to the log and its other talk
// to debug.
func riverLogger(log *logrus.Entry) *slog.Logger {
	return slog.New(logrusslog.NewHandler(log.Logger, &logrusslog.HandlerOptions{
		LevelMapper: func(l slog.Level) logrus.Level {
			switch {
			case l >= slog.LevelError:
				return logrus.ErrorLevel
			case l >= slog.LevelWarn:
				return logrus.WarnLevel
			case l >= slog.LevelInfo:
				return logrus.DebugLevel
			default:
				return logrus.TraceLevel
			}
		},
	}))
}

// stuck opens another slot when a run ignores the end of its context, so that
// hung runs cannot stop the queue.
func (q *Queue) stuck(_ context.Context, p river.JobStuckHandlerParams) river.JobStuckHandlerResult {
	q.log.WithField("job", p.ID).Error("a run does not return although its time is over")
	return river.JobStuckHandlerResult{AddWorkerSlot: true}
}

// Start releases what a killed process left running and begins to work. The
// context is for starting only; [Queue.Stop] ends the work.
func (q *Queue) Start(ctx context.Context, h Handler) error {
	if h == nil {
		return errors.New("queue: a handler is required")
	}
	q.handler = h
	if err := q.store.Write(ctx, func(tx *sql.Tx) error { return q.release(ctx, tx) }); err != nil {
		return fmt.Errorf("release jobs of the last process: %w", err)
	}
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start queue: %w", err)
	}
	poll, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q.stopPoll = cancel
	q.polls.Go(func() { q.pollLoop(poll) })
	return nil
}

// Stop ends the work: see the package comment. It returns an error when runs
// were still going on at the end of ctx.
func (q *Queue) Stop(ctx context.Context) error {
	if q.stopPoll == nil {
		return nil
	}
	q.stopping.Store(true)
	q.stopPoll()
	q.polls.Wait()
	if err := q.client.Stop(ctx); err != nil {
		return fmt.Errorf("stop queue: %w", err)
	}
	return nil
}

// release makes jobs that were running when the process died available again,
// and makes sure that every waiting subject has a job.
func (q *Queue) release(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range []string{
		"UPDATE subject SET attempts = attempts + 1 WHERE job_id IN (SELECT id FROM river_job WHERE state = 'running')",
		"UPDATE river_job SET state = 'available' WHERE state = 'running'",
		// We are the only process: the last one's leadership need not run out.
		"DELETE FROM river_leader",
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	orphans, err := subjects(ctx, tx, `SELECT s.name, s.tenant FROM subject s
		LEFT JOIN river_job j ON j.id = s.job_id AND j.state NOT IN ('completed', 'discarded', 'cancelled')
		WHERE s.generation > s.done AND s.held_to IS NULL AND j.id IS NULL`)
	if err != nil {
		return err
	}
	for _, s := range orphans {
		if err := q.insert(ctx, tx, s, false); err != nil {
			return err
		}
	}
	return nil
}

func subjects(ctx context.Context, tx *sql.Tx, query string, args ...any) (_ []Subject, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Subject
	for rows.Next() {
		var name string
		var tenant int64
		if err := rows.Scan(&name, &tenant); err != nil {
			return nil, err
		}
		s, err := ParseSubject(name)
		if err != nil {
			return nil, err
		}
		list = append(list, s.For(tenant))
	}
	return list, rows.Err()
}

// storeRetry is River's own retry policy. It is asked only when a run could
// not write its outcome, so it waits for the store, not for the handler.
type storeRetry struct{}

func (storeRetry) NextRetry(job *rivertype.JobRow) time.Time {
	wait := time.Second << min(len(job.Errors), 6)
	return time.Now().Add(min(wait, time.Minute))
}
