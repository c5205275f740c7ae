package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// RenameOverlap is for how long a check that got another name is published under
// the earlier one too (spec section 12, ruling 16).
const RenameOverlap = 7 * 24 * time.Hour

// Publishing is how a repository's verdicts are published.
type Publishing struct {
	Mode   gate.Mode
	Check  string   // its name, without what a trial adds
	Former []string // names that it had less than RenameOverlap ago
}

// PublishingOf returns how a repository's verdicts were published last, as of
// now, and false when none was.
func (l *Ledger) PublishingOf(ctx context.Context, repoID int64, now time.Time) (_ Publishing, found bool, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT name, mode, left_at FROM check_name WHERE repo_id = $1 ORDER BY left_at, name`, repoID)
	if err != nil {
		return Publishing{}, false, fmt.Errorf("look up how repository %d is published: %w", repoID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var p Publishing
	for rows.Next() {
		var name string
		var mode gate.Mode
		var left sql.NullInt64
		if err := rows.Scan(&name, &mode, &left); err != nil {
			return Publishing{}, false, err
		}
		switch {
		case !left.Valid:
			p.Check, p.Mode, found = name, mode, true
		case now.Sub(store.Time(left.Int64)) < RenameOverlap:
			p.Former = append(p.Former, name)
		}
	}
	return p, found, rows.Err()
}

// SavePublishing records how a repository's verdicts are published from now on.
// A name that the check has no more is kept if it was ever published.
func SavePublishing(ctx context.Context, tx *sql.Tx, repoID int64, mode gate.Mode, name string, now time.Time) error {
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM check_name WHERE repo_id = $1 AND name <> $2 AND left_at IS NULL AND NOT EXISTS
			(SELECT 1 FROM published p WHERE p.repo_id = check_name.repo_id AND p.name = check_name.name)`, []any{repoID, name}},
		{`UPDATE check_name SET left_at = $1 WHERE repo_id = $2 AND name <> $3 AND left_at IS NULL`, []any{store.Millis(now), repoID, name}},
		{`INSERT INTO check_name (repo_id, name, mode, left_at) VALUES ($1, $2, $3, NULL)
			ON CONFLICT (repo_id, name) DO UPDATE SET mode = excluded.mode, left_at = NULL`, []any{repoID, name, string(mode)}},
	} {
		if _, err := tx.ExecContext(ctx, step.query, step.args...); err != nil {
			return fmt.Errorf("save how repository %d is published: %w", repoID, err)
		}
	}
	return nil
}

// NamesOn lists the names of the check runs that were published on a commit.
func (l *Ledger) NamesOn(ctx context.Context, repoID int64, sha string) (_ []string, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT name FROM published WHERE repo_id = $1 AND sha = $2 ORDER BY name`, repoID, sha)
	if err != nil {
		return nil, fmt.Errorf("list the check runs on %s: %w", gate.Short(sha), err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Judged reports whether a pull request was ever evaluated to the end.
func (l *Ledger) Judged(ctx context.Context, repoID int64, pull int) (bool, error) {
	var n int
	row := l.db.Read().QueryRowContext(ctx, `SELECT 1 FROM evaluation WHERE repo_id = $1 AND pull = $2 AND verdict <> '' LIMIT 1`, repoID, pull)
	return none(row.Scan(&n))
}
