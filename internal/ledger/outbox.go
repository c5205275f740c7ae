package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// The outbox puts what is shown on a head commit in order, also between
// processes that share a store.
//
//	                       Intend                  Claim                   SavePublished
//	(a verdict is entered) ──────▶ has its turn ─────────▶ being written ────────────────▶ shown
//	                                  │                       │                              │
//	                                  │ a later turn          │ a later turn was claimed     │ another run of ours
//	                                  ▼ was claimed           ▼ before the answer came       ▼ is seen on top
//	                              superseded               in doubt ◀────────────────────────┘
//	                                                          │
//	                                                          └─▶ looked up on GitHub, and written again by the next turn
//
// A verdict takes its turn in the transaction that enters it, and is rendered
// after that, from all that is entered: a later turn therefore shows all that an
// earlier one would have. A turn claims the head's check run before it is
// written, under the row's lock, and cannot do so once a later one has. So the
// last that begins to write is the newest; a write that was held up and landed
// behind it is found by its own writer, when it notes the answer, or by the next
// reading of the head, should that writer have died.
//
// A row that is in doubt, or whose answer was lost, is pending: what stands on
// GitHub is looked up before anything is written.

// Intend gives what is to be shown on a head commit its turn. It belongs in the
// transaction that enters what is to be shown.
func Intend(ctx context.Context, tx *sql.Tx, repoID int64, sha string) (turn int64, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO outbox (repo_id, sha, turn) VALUES ($1, $2, 1)
		ON CONFLICT (repo_id, sha) DO UPDATE SET turn = outbox.turn + 1 RETURNING turn`, repoID, sha).Scan(&turn)
	if err != nil {
		return 0, fmt.Errorf("take a turn on %s: %w", gate.Short(sha), err)
	}
	return turn, nil
}

// Claim records that a turn is about to write the check run with this name. It
// reports false, and records nothing, when a later turn has claimed it, and for
// a pass already when a later turn is only taken: a refusal may be shown a moment
// too long, a pass may not.
func Claim(ctx context.Context, tx *sql.Tx, repoID int64, sha, name string, turn int64, pass bool) (bool, error) {
	var newest int64
	if _, err := none(tx.QueryRowContext(ctx, `SELECT turn FROM outbox WHERE repo_id = $1 AND sha = $2`, repoID, sha).Scan(&newest)); err != nil {
		return false, fmt.Errorf("claim %s: %w", gate.Short(sha), err)
	}
	if pass && newest > turn {
		return false, nil
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO published (repo_id, sha, name, run_id, pending, conclusion, digest, evaluation, at, claimed)
		VALUES ($1, $2, $3, 0, 1, '', '', 0, 0, $4)
		ON CONFLICT (repo_id, sha, name) DO UPDATE SET pending = 1, digest = '', claimed = excluded.claimed
		WHERE published.claimed <= excluded.claimed`, repoID, sha, name, turn)
	if err != nil {
		return false, fmt.Errorf("claim %s: %w", gate.Short(sha), err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Published is the check run that stands on a head commit.
type Published struct {
	RunID      int64  // 0: none is known yet
	Pending    bool   // a run was written, and the answer not seen
	Conclusion string // "" while in progress
	Digest     string // of all that was written
	Evaluation int64  // the newest that it shows
	At         time.Time
	Turn       int64 // the newest that claimed it
}

// PublishedOn returns the check run with this name on a head commit, and false
// when none was published.
func (l *Ledger) PublishedOn(ctx context.Context, repoID int64, sha, name string) (Published, bool, error) {
	var p Published
	var at int64
	row := l.db.Read().QueryRowContext(ctx, `
		SELECT run_id, pending, conclusion, digest, evaluation, at, claimed FROM published WHERE repo_id = $1 AND sha = $2 AND name = $3`,
		repoID, sha, name)
	found, err := none(row.Scan(&p.RunID, &p.Pending, &p.Conclusion, &p.Digest, &p.Evaluation, &at, &p.Turn))
	p.At = store.Time(at)
	return p, found, err
}

// SavePublished records the check run that now stands on a head commit, as the
// turn p.Turn wrote or found it. It reports false, and records nothing, when a
// later turn has claimed it meanwhile.
func SavePublished(ctx context.Context, tx *sql.Tx, repoID int64, sha, name string, p Published) (bool, error) {
	res, err := tx.ExecContext(ctx, `
		INSERT INTO published (repo_id, sha, name, run_id, pending, conclusion, digest, evaluation, at, claimed)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9)
		ON CONFLICT (repo_id, sha, name) DO UPDATE SET run_id = excluded.run_id, pending = 0, conclusion = excluded.conclusion,
			digest = excluded.digest, evaluation = excluded.evaluation, at = excluded.at, claimed = excluded.claimed
		WHERE published.claimed <= excluded.claimed`,
		repoID, sha, name, p.RunID, p.Conclusion, p.Digest, p.Evaluation, store.Millis(p.At), p.Turn)
	if err != nil {
		return false, fmt.Errorf("save the check run on %s: %w", gate.Short(sha), err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Doubt records that another run of ours may stand on a head commit than the one
// that is recorded. It returns when that was last doubted before, the zero time
// for never.
func Doubt(ctx context.Context, tx *sql.Tx, repoID int64, sha, name string, at time.Time) (before time.Time, err error) {
	var last sql.NullInt64
	_, err = none(tx.QueryRowContext(ctx, `SELECT doubted_at FROM published WHERE repo_id = $1 AND sha = $2 AND name = $3`, repoID, sha, name).Scan(&last))
	if err == nil {
		_, err = tx.ExecContext(ctx, `
			UPDATE published SET pending = 1, digest = '', doubted_at = $1 WHERE repo_id = $2 AND sha = $3 AND name = $4`,
			store.Millis(at), repoID, sha, name)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("doubt the check run on %s: %w", gate.Short(sha), err)
	}
	return store.Time(last.Int64), nil
}

// PressEvery is how often a pull request is looked at because somebody presses a
// button: a fresh look costs dozens of requests, and a finger nothing.
const PressEvery = 30 * time.Second

// Press records that a pull request is to be looked at because somebody pressed
// a button, and returns when: now, or at the next moment that is free. It reports
// false when a look after this moment was recorded already.
func Press(ctx context.Context, tx *sql.Tx, repoID int64, number int, now time.Time) (at time.Time, recorded bool, err error) {
	var last int64
	_, err = none(tx.QueryRowContext(ctx, `SELECT at FROM press WHERE repo_id = $1 AND number = $2`, repoID, number).Scan(&last))
	if err != nil {
		return time.Time{}, false, fmt.Errorf("look up presses on #%d: %w", number, err)
	}
	if at = store.Time(last); at.After(now) {
		return at, false, nil
	}
	if at = at.Add(PressEvery); at.Before(now) {
		at = now
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO press (repo_id, number, at) VALUES ($1, $2, $3)
		ON CONFLICT (repo_id, number) DO UPDATE SET at = excluded.at`, repoID, number, store.Millis(at))
	if err != nil {
		return time.Time{}, false, fmt.Errorf("save a press on #%d: %w", number, err)
	}
	return at, true, nil
}

// PressedFor returns when a pull request is to be looked at because somebody
// pressed a button, or was last; the zero time for never.
func PressedFor(ctx context.Context, tx *sql.Tx, repoID int64, number int) (time.Time, error) {
	var at int64
	_, err := none(tx.QueryRowContext(ctx, `SELECT at FROM press WHERE repo_id = $1 AND number = $2`, repoID, number).Scan(&at))
	return store.Time(at), err
}
