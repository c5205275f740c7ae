package queue

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Depth is how much there is to do.
type Depth struct {
	Waiting  int // runs as soon as there is room, or runs now
	Delayed  int // waits for a rate limit's window or after a failure
	Dead     int
	Messages int // in all mailboxes
}

// due is the condition of a waiting subject that nothing holds back at time $1.
const due = "generation > done AND (job_id IS NOT NULL OR coalesce(held_to, 0) <= $1)"

// Depth counts subjects and messages.
func (q *Queue) Depth(ctx context.Context) (Depth, error) {
	var d Depth
	err := q.store.Read().QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM subject WHERE `+due+`),
		(SELECT count(*) FROM subject WHERE generation > done),
		(SELECT count(*) FROM subject WHERE dead_at IS NOT NULL),
		(SELECT count(*) FROM message)`, store.Millis(q.now())).
		Scan(&d.Waiting, &d.Delayed, &d.Dead, &d.Messages)
	if err != nil {
		return Depth{}, fmt.Errorf("count the queue: %w", err)
	}
	d.Delayed -= d.Waiting
	return d, nil
}

// Dead is a subject that failed for the last time.
type Dead struct {
	Subject Subject
	At      time.Time
	Error   string // the start of the last error's text
}

// Dead lists dead subjects, the latest first, at most 1,000.
func (q *Queue) Dead(ctx context.Context) (_ []Dead, err error) {
	rows, err := q.store.Read().QueryContext(ctx, `SELECT name, tenant, dead_at, coalesce(error, '') FROM subject
		WHERE dead_at IS NOT NULL ORDER BY dead_at DESC LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("list dead subjects: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var list []Dead
	for rows.Next() {
		var d Dead
		var name string
		var tenant, at int64
		if err := rows.Scan(&name, &tenant, &at, &d.Error); err != nil {
			return nil, fmt.Errorf("list dead subjects: %w", err)
		}
		if d.Subject, err = ParseSubject(name); err != nil {
			return nil, fmt.Errorf("list dead subjects: %w", err)
		}
		d.Subject.Tenant, d.At = tenant, store.Time(at)
		list = append(list, d)
	}
	return list, rows.Err()
}

// Generation returns the generation of s, 0 when it was never touched. Inside
// a transaction it fences an outside effect: a job whose own generation is
// lower was overtaken by a touch.
func (q *Queue) Generation(ctx context.Context, tx *sql.Tx, s Subject) (int64, error) {
	var g sql.NullInt64
	err := tx.QueryRowContext(ctx, "SELECT max(generation) FROM subject WHERE name = $1", s.String()).Scan(&g)
	if err != nil {
		return 0, fmt.Errorf("read generation of %s: %w", s, err)
	}
	return g.Int64, nil
}

// Idle waits until no subject waits, other than those that a failure or
// [Later] holds back.
func (q *Queue) Idle(ctx context.Context) error {
	for {
		q.mu.Lock()
		finished := q.finished
		q.mu.Unlock()
		d, err := q.Depth(ctx)
		if err != nil || d.Waiting == 0 {
			return err
		}
		select {
		case <-finished:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (q *Queue) signal() {
	q.mu.Lock()
	defer q.mu.Unlock()
	close(q.finished)
	q.finished = make(chan struct{})
}

func (q *Queue) pollLoop(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := q.Poll(ctx); err != nil && ctx.Err() == nil {
				q.log.WithError(err).Warn("waking subjects failed; it is tried again")
			}
		}
	}
}

// Poll touches the subjects whose wake-up time has come, and runs those that
// were held until now. A started queue calls it ten times a second.
func (q *Queue) Poll(ctx context.Context) error {
	for {
		n, err := q.pollOnce(ctx)
		if err != nil {
			return fmt.Errorf("wake subjects: %w", err)
		}
		if n < batch {
			return nil
		}
	}
}

func (q *Queue) pollOnce(ctx context.Context) (int, error) {
	now := store.Millis(q.now())
	var any bool
	if err := q.store.Read().QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM subject WHERE held_to <= $1 AND job_id IS NULL)
		OR EXISTS (SELECT 1 FROM subject WHERE wake_at <= $1)`, now).Scan(&any); err != nil || !any {
		return 0, err
	}
	var n int
	err := q.store.Write(ctx, func(tx *sql.Tx) error {
		held, err := q.unhold(ctx, tx, now)
		if err != nil {
			return err
		}
		woken, err := q.wake(ctx, tx, now)
		n = max(held, woken)
		return err
	})
	return n, err
}

// unhold gives a job to the subjects that were held until now.
func (q *Queue) unhold(ctx context.Context, tx *sql.Tx, now int64) (int, error) {
	list, err := subjects(ctx, tx, `SELECT name, tenant FROM subject WHERE held_to <= $1 AND job_id IS NULL
		ORDER BY held_to LIMIT $2`, now, batch)
	if err != nil {
		return 0, err
	}
	for _, s := range list {
		if _, err := tx.ExecContext(ctx, "UPDATE subject SET held_to = NULL, paused = 0 WHERE name = $1", s.String()); err != nil {
			return 0, err
		}
		if err := q.insert(ctx, tx, s, false); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

func (q *Queue) wake(ctx context.Context, tx *sql.Tx, now int64) (int, error) {
	list, err := subjects(ctx, tx, "SELECT name, tenant FROM subject WHERE wake_at <= $1 ORDER BY wake_at LIMIT $2", now, batch)
	if err != nil {
		return 0, err
	}
	for _, s := range list {
		if _, err := tx.ExecContext(ctx, "UPDATE subject SET wake_at = NULL WHERE name = $1", s.String()); err != nil {
			return 0, err
		}
		if err := q.Touch(ctx, tx, s); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// Waits reports whether s was touched and no run that began after it has ended
// well.
func (q *Queue) Waits(ctx context.Context, tx *sql.Tx, s Subject) (bool, error) {
	var n int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM subject WHERE name = $1 AND generation > done", s.String()).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("read whether %s waits: %w", s, err)
	}
	return n > 0, nil
}
