package queue

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"gonogo/internal/store"
)

// args names the subject to River. It is stored; a field that is added must
// have a useful zero value.
type args struct {
	Subject string `json:"subject" river:"unique"`
}

// Kind is River's name for our jobs.
func (args) Kind() string { return "look" }

// unfinished are the states in which a job will still run: at most one job of
// a subject is in them.
var unfinished = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
	rivertype.JobStateRunning, rivertype.JobStateScheduled,
}

// Touch says that something about s may have changed: a run that begins after
// tx is committed will look. A dead subject is revived with fresh attempts. A
// subject that is held after a failure is tried again, but not within five
// seconds of that failure; one that [Later] holds stays held.
func (q *Queue) Touch(ctx context.Context, tx *sql.Tx, s Subject) error {
	name := s.String()
	var job, failed, held sql.NullInt64
	var paused bool
	err := tx.QueryRowContext(ctx, `INSERT INTO subject (name, tenant, generation) VALUES ($1, $2, 1)
		ON CONFLICT (name) DO UPDATE SET generation = subject.generation + 1,
			tenant = CASE WHEN excluded.tenant = 0 THEN subject.tenant ELSE excluded.tenant END
		RETURNING tenant, job_id, failed_at, held_to, paused`,
		name, s.Tenant).Scan(&s.Tenant, &job, &failed, &held, &paused)
	switch {
	case err != nil || job.Valid || paused:
	case !held.Valid:
		err = q.insert(ctx, tx, s, false)
	default:
		err = q.hasten(ctx, tx, s, store.Time(failed.Int64))
	}
	if err != nil {
		return fmt.Errorf("touch %s: %w", name, err)
	}
	return nil
}

// Revive touches s if it is dead, and reports whether it was.
func (q *Queue) Revive(ctx context.Context, tx *sql.Tx, s Subject) (bool, error) {
	var dead bool
	err := tx.QueryRowContext(ctx, "SELECT count(*) > 0 FROM subject WHERE name = $1 AND dead_at IS NOT NULL",
		s.String()).Scan(&dead)
	if err != nil {
		return false, fmt.Errorf("revive %s: %w", s, err)
	}
	if !dead {
		return false, nil
	}
	return true, q.Touch(ctx, tx, s)
}

// Post adds m to the mailbox of s and touches s. A message whose key lies in
// the mailbox already is not added again.
func (q *Queue) Post(ctx context.Context, tx *sql.Tx, s Subject, m Message) error {
	if err := q.Leave(ctx, tx, s, m); err != nil {
		return err
	}
	return q.Touch(ctx, tx, s)
}

// Wake has s touched at the given time, which replaces the time set before; the
// zero time means never. It survives restarts and is accurate to about a
// second.
func (q *Queue) Wake(ctx context.Context, tx *sql.Tx, s Subject, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO subject (name, tenant, wake_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET wake_at = excluded.wake_at`, s.String(), s.Tenant, store.Nullable(at))
	if err != nil {
		return fmt.Errorf("set wake-up of %s: %w", s, err)
	}
	return nil
}

// Leave adds m to the mailbox of s without touching s: the next run has it.
func (q *Queue) Leave(ctx context.Context, tx *sql.Tx, s Subject, m Message) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO message (subject, key, body, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (subject, key) DO NOTHING`, s.String(), m.Key, append([]byte{}, m.Body...), store.Millis(m.At))
	if err != nil {
		return fmt.Errorf("post %s to %s: %w", m.Key, s, err)
	}
	return nil
}

// WakeBy has s touched at the given time, unless it is touched before.
func (q *Queue) WakeBy(ctx context.Context, tx *sql.Tx, s Subject, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO subject (name, tenant, wake_at) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET wake_at = excluded.wake_at
		WHERE subject.wake_at IS NULL OR subject.wake_at > excluded.wake_at`,
		s.String(), s.Tenant, store.Millis(at))
	if err != nil {
		return fmt.Errorf("set wake-up of %s: %w", s, err)
	}
	return nil
}

// insert gives s a job. early says that a touch brought it on while a failure
// holds the subject.
func (q *Queue) insert(ctx context.Context, tx *sql.Tx, s Subject, early bool) error {
	priority, err := turn(ctx, tx, s.Tenant)
	if err != nil {
		return err
	}
	res, err := q.client.InsertTx(ctx, tx, args{Subject: s.String()}, &river.InsertOpts{
		// Attempts are counted in the subject's row: River must never give up.
		MaxAttempts: math.MaxInt16,
		Priority:    priority,
		UniqueOpts:  river.UniqueOpts{ByArgs: true, ByState: unfinished},
	})
	if err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	_, err = tx.ExecContext(ctx, "UPDATE subject SET job_id = $1, early = $2, dead_at = NULL WHERE name = $3",
		res.Job.ID, early, s.String())
	return err
}

// turn returns the priority of a new job: 1, the first, for a tenant of whom
// few subjects wait.
func turn(ctx context.Context, tx *sql.Tx, tenant int64) (int, error) {
	var waiting int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM
		(SELECT 1 FROM subject WHERE generation > done AND tenant = $1 LIMIT 257) AS few`, tenant).Scan(&waiting)
	if err != nil {
		return 0, err
	}
	switch {
	case waiting <= 8:
		return 1, nil
	case waiting <= 32:
		return 2, nil
	case waiting <= 256:
		return 3, nil
	default:
		return 4, nil
	}
}

// hasten brings on the next try of a subject that a failure holds, at the
// earliest five seconds after that failure.
func (q *Queue) hasten(ctx context.Context, tx *sql.Tx, s Subject, failed time.Time) error {
	soonest := failed.Add(earliest)
	if !q.now().Before(soonest) {
		return q.insert(ctx, tx, s, true)
	}
	return wakeBy(ctx, tx, s.String(), soonest)
}

// wakeBy has a subject touched at the given time or before.
func wakeBy(ctx context.Context, tx *sql.Tx, name string, at time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE subject SET wake_at = $1 WHERE name = $2 AND (wake_at IS NULL OR wake_at > $3)",
		store.Millis(at), name, store.Millis(at))
	return err
}
