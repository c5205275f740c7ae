package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/sirupsen/logrus"

	"gonogo/internal/store"
)

// errKills is the failure of a subject whose runs did not end before the
// process did, as often as it may be tried.
var errKills = errors.New("the process ended during every try")

// worker runs one job of River: one run of a subject.
type worker struct {
	river.WorkerDefaults[args]
	q *Queue
}

// Work is called by River.
func (w *worker) Work(ctx context.Context, job *river.Job[args]) error {
	r, err := w.q.begin(ctx, job)
	if err != nil {
		return err
	}
	return r.finish(ctx, r.work(ctx))
}

// run is one run of a subject.
type run struct {
	*Queue
	job     *river.Job[args]
	name    string
	subject Subject

	generation int64
	attempts   int // failed ones before this run
	early      bool
	heldTo     time.Time
	mail       []Message
	lastMail   int64 // id of the last message that is handed out
}

// begin reads what the run is about. Generation and messages come from one
// snapshot: a message that is not in it has raised the generation.
func (q *Queue) begin(ctx context.Context, job *river.Job[args]) (_ *run, err error) {
	r := &run{Queue: q, job: job, name: job.Args.Subject}
	defer func() {
		if err != nil {
			err = fmt.Errorf("begin a run of %s: %w", r.name, err)
		}
	}()
	tx, err := q.store.Read().BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	var tenant int64
	var held sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT tenant, generation, attempts, early, held_to FROM subject WHERE name = $1",
		r.name).Scan(&tenant, &r.generation, &r.attempts, &r.early, &held); err != nil {
		return nil, err
	}
	r.heldTo = store.Time(held.Int64)
	if r.subject, err = ParseSubject(r.name); err != nil {
		return nil, err
	}
	r.subject.Tenant = tenant
	return r, r.readMail(ctx, tx)
}

func (r *run) readMail(ctx context.Context, tx *sql.Tx) (err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, key, body, at FROM message WHERE subject = $1 ORDER BY id LIMIT $2",
		r.name, maxMessages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var m Message
		var at int64
		if err := rows.Scan(&r.lastMail, &m.Key, &m.Body, &at); err != nil {
			return err
		}
		m.At = store.Time(at)
		r.mail = append(r.mail, m)
	}
	return rows.Err()
}

// work calls the handler. A panic is a failed attempt like any other.
func (r *run) work(ctx context.Context) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
			r.entry().WithField("stack", string(debug.Stack())).Error("a run panicked")
		}
	}()
	if r.attempts >= MaxAttempts {
		return errKills
	}
	return r.handler.Work(ctx, Job{
		Subject: r.subject, Generation: r.generation, Attempt: r.attempts + 1, Messages: r.mail,
	})
}

func (r *run) entry() *logrus.Entry { return r.log.WithField("subject", r.name) }

// finish writes the outcome of a run, also when its time is over.
func (r *run) finish(ctx context.Context, outcome error) error {
	defer r.signal()
	if r.stopping.Load() && ctx.Err() != nil && outcome != nil {
		// River hands the job back without counting an attempt.
		return fmt.Errorf("%w by stopping: %w", context.Canceled, outcome)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	var wait later
	switch {
	case outcome == nil:
		return r.succeed(ctx)
	case errors.Is(outcome, ErrUnheard):
		return r.last(func(tx *sql.Tx) error { return r.done(ctx, tx, nil) })
	case errors.As(outcome, &wait):
		return r.postpone(ctx, max(wait.d, 0))
	default:
		return r.fail(ctx, outcome)
	}
}

// last runs the last transaction of a run.
func (r *run) last(f func(tx *sql.Tx) error) error {
	if err := r.commit(f); err != nil {
		return fmt.Errorf("write the outcome of %s: %w", r.name, err)
	}
	return nil
}

// complete completes the run's job. It comes last in a transaction, but for the
// insertion of the next job.
func (r *run) complete(ctx context.Context, tx *sql.Tx) error {
	_, err := river.JobCompleteTx[*riversqlite.Driver](ctx, tx, r.job)
	return err
}

func (r *run) succeed(ctx context.Context) error {
	return r.last(func(tx *sql.Tx) error {
		if r.lastMail != 0 {
			if _, err := tx.ExecContext(ctx, "DELETE FROM message WHERE subject = $1 AND id <= $2", r.name, r.lastMail); err != nil {
				return err
			}
			if err := r.moreMail(ctx, tx); err != nil {
				return err
			}
		}
		return r.done(ctx, tx, nil)
	})
}

// moreMail counts as a touch if the mailbox held more than one run is handed.
func (r *run) moreMail(ctx context.Context, tx *sql.Tx) error {
	if len(r.mail) < maxMessages {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE subject SET generation = generation + 1 WHERE name = $1
		AND EXISTS (SELECT 1 FROM message WHERE subject = $2)`, r.name, r.name)
	return err
}

// done writes that the run's generation is done, and completes the job. If the
// subject was touched meanwhile, it gets another one: River's own way of
// running a job again takes a quarter of a second. death says why the subject
// is dead, nil that it is well.
func (r *run) done(ctx context.Context, tx *sql.Tx, death error) error {
	var again bool
	err := tx.QueryRowContext(ctx, `UPDATE subject SET done = $1, attempts = 0, failed_at = NULL, held_to = NULL,
		paused = 0, early = 0, error = NULL, job_id = NULL WHERE name = $2 RETURNING generation > done`,
		r.generation, r.name).Scan(&again)
	if err != nil {
		return err
	}
	if death != nil && !again {
		if _, err := tx.ExecContext(ctx, "UPDATE subject SET dead_at = $1, error = $2 WHERE name = $3",
			store.Millis(r.now()), brief(death), r.name); err != nil {
			return err
		}
	}
	if err := r.complete(ctx, tx); err != nil || !again {
		return err
	}
	return r.insert(ctx, tx, r.subject, false)
}

// postpone is for [Later]: the subject is held, whoever touches it.
func (r *run) postpone(ctx context.Context, d time.Duration) error {
	return r.last(func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "UPDATE subject SET held_to = $1, paused = 1, early = 0, job_id = NULL WHERE name = $2",
			store.Millis(r.now().Add(d)), r.name); err != nil {
			return err
		}
		return r.complete(ctx, tx)
	})
}

// fail counts a failed attempt and holds the subject. An attempt that a touch
// brought on before its time is not counted, so that a storm of events does not
// use the attempts up.
func (r *run) fail(ctx context.Context, cause error) error {
	attempts, now := r.attempts+1, r.now()
	until := now.Add(r.backoff(attempts))
	if r.early && now.Before(r.heldTo) {
		attempts, until = r.attempts, r.heldTo
	}
	if attempts >= MaxAttempts {
		return r.die(ctx, cause)
	}
	r.entry().WithError(cause).WithFields(logrus.Fields{"attempt": attempts, "again": until.UTC()}).Warn("a run failed")
	return r.last(func(tx *sql.Tx) error {
		var touched bool
		err := tx.QueryRowContext(ctx, `UPDATE subject SET attempts = $1, failed_at = $2, held_to = $3, paused = 0,
			early = 0, job_id = NULL, error = $4 WHERE name = $5 RETURNING generation > $6`,
			attempts, store.Millis(now), store.Millis(until), brief(cause), r.name, r.generation).Scan(&touched)
		if err == nil && touched {
			err = wakeBy(ctx, tx, r.name, now.Add(earliest))
		}
		if err != nil {
			return err
		}
		return r.complete(ctx, tx)
	})
}

// die is the end of a run that failed for the last time. A touch during that
// run revives the subject at once.
func (r *run) die(ctx context.Context, cause error) error {
	r.entry().WithError(cause).Errorf("a subject is dead: it failed %d times", MaxAttempts)
	r.onDead(ctx, r.subject, cause)
	return r.last(func(tx *sql.Tx) error { return r.done(ctx, tx, cause) })
}

// backoff returns how long to wait after the nth failure: 2 s, 8 s, 32 s, 2 min,
// 8 min, 34 min, 1 h, each a fifth more or less.
func backoff(n int) time.Duration {
	const limit = time.Hour
	d := 2 * time.Second
	for ; n > 1 && d < limit; n-- {
		d *= 4
	}
	d = min(d, limit)
	return min(time.Duration(float64(d)*(0.8+0.4*rand.Float64())), limit)
}

// brief returns the start of an error's text as every database can hold it.
func brief(err error) string {
	const limit = 500
	text := err.Error()
	if len(text) > limit {
		text = text[:limit] + "…"
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
