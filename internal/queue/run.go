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
	retryAt    time.Time
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
	var retry sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT tenant, generation, attempts, early, retry_at FROM subject WHERE name = $1",
		r.name).Scan(&tenant, &r.generation, &r.attempts, &r.early, &retry); err != nil {
		return nil, err
	}
	r.retryAt = store.Time(retry.Int64)
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var wait later
	switch {
	case outcome == nil:
		return r.succeed(ctx)
	case errors.As(outcome, &wait):
		return r.postpone(ctx, max(wait.d, 0))
	default:
		return r.fail(ctx, outcome)
	}
}

// succeed is the last transaction of a run that did what it should.
func (r *run) succeed(ctx context.Context) error {
	again := false
	err := r.store.Write(ctx, func(tx *sql.Tx) error {
		if r.lastMail != 0 {
			if _, err := tx.ExecContext(ctx, "DELETE FROM message WHERE subject = $1 AND id <= $2", r.name, r.lastMail); err != nil {
				return err
			}
		}
		var err error
		again, err = r.close(ctx, tx, nil)
		return err
	})
	return r.answer(err, again)
}

// close writes that the run's generation is done, and completes its job if the
// subject was not touched meanwhile and no message is left. death says why the
// subject is dead, nil that it is well.
func (r *run) close(ctx context.Context, tx *sql.Tx, death error) (again bool, err error) {
	err = tx.QueryRowContext(ctx, `UPDATE subject SET done = $1, attempts = 0, failed_at = NULL, retry_at = NULL,
		early = 0, paused_to = NULL WHERE name = $2
		RETURNING generation > done`, r.generation, r.name).Scan(&again)
	if err != nil {
		return false, err
	}
	if !again && death == nil && len(r.mail) == maxMessages {
		if err := tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM message WHERE subject = $1", r.name).Scan(&again); err != nil {
			return false, err
		}
		if again {
			_, err := tx.ExecContext(ctx, "UPDATE subject SET generation = generation + 1 WHERE name = $1", r.name)
			return true, err
		}
	}
	if again {
		return true, nil
	}
	var at sql.NullInt64
	var text sql.NullString
	if death != nil {
		at, text = store.Nullable(r.now()), sql.NullString{String: brief(death), Valid: true}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE subject SET job_id = NULL, dead_at = $1, error = $2 WHERE name = $3",
		at, text, r.name); err != nil {
		return false, err
	}
	_, err = river.JobCompleteTx[*riversqlite.Driver](ctx, tx, r.job)
	return false, err
}

// postpone is for [Later]: the job sleeps, whoever touches the subject.
func (r *run) postpone(ctx context.Context, d time.Duration) error {
	err := r.store.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE subject SET paused_to = $1, early = 0 WHERE name = $2",
			store.Millis(r.now().Add(d)), r.name)
		return err
	})
	if err != nil {
		r.entry().WithError(err).Warn("a pause could not be written down")
	}
	return river.JobSnooze(d)
}

// fail counts a failed attempt. One that a touch brought on before its time is
// not counted, so that a storm of events does not use the attempts up.
func (r *run) fail(ctx context.Context, cause error) error {
	attempts, now := r.attempts+1, r.now()
	wait := r.backoff(attempts)
	if r.early && now.Before(r.retryAt) {
		attempts, wait = r.attempts, r.retryAt.Sub(now)
	}
	if attempts >= MaxAttempts {
		return r.die(ctx, cause)
	}
	r.entry().WithError(cause).WithFields(logrus.Fields{"attempt": attempts, "again_in": wait.String()}).Warn("a run failed")
	err := r.store.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE subject SET attempts = $1, failed_at = $2, retry_at = $3, early = 0,
			paused_to = NULL, error = $4 WHERE name = $5`,
			attempts, store.Millis(now), store.Millis(now.Add(wait)), brief(cause), r.name)
		return err
	})
	if err != nil {
		return fmt.Errorf("write the failure of %s: %w", r.name, err)
	}
	return river.JobSnooze(wait)
}

// die is the last transaction of a run that failed for the last time. A touch
// during that run revives the subject at once.
func (r *run) die(ctx context.Context, cause error) error {
	r.entry().WithError(cause).Errorf("a subject is dead: it failed %d times", MaxAttempts)
	r.onDead(ctx, r.subject, cause)
	again := false
	err := r.store.Write(ctx, func(tx *sql.Tx) error {
		var err error
		again, err = r.close(ctx, tx, cause)
		return err
	})
	if err == nil && again {
		return river.JobSnooze(r.backoff(1))
	}
	return r.answer(err, again)
}

// answer tells River how the last transaction went.
func (r *run) answer(err error, again bool) error {
	switch {
	case err != nil:
		return fmt.Errorf("write the outcome of %s: %w", r.name, err)
	case again:
		return river.JobSnooze(0)
	default:
		return nil
	}
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
