package index

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Enforced reports whether the organization of an installation was last seen
// to enforce a part of its policy.
func (x *Index) Enforced(ctx context.Context, tx *sql.Tx, installation int64) (bool, error) {
	var n int
	err := x.on(tx).QueryRowContext(ctx, "SELECT COUNT(*) FROM enforcement WHERE installation_id = $1", installation).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up what installation %d enforces: %w", installation, err)
	}
	return n > 0, nil
}

// SaveEnforced notes whether the organization of an installation enforces a
// part of its policy, as its file was just read to say.
func (x *Index) SaveEnforced(ctx context.Context, tx *sql.Tx, installation int64, enforces bool, at time.Time) error {
	query, args := "DELETE FROM enforcement WHERE installation_id = $1", []any{installation}
	if enforces {
		query = `INSERT INTO enforcement (installation_id, seen_at) VALUES ($1, $2)
			ON CONFLICT (installation_id) DO UPDATE SET seen_at = excluded.seen_at`
		args = append(args, store.Millis(at))
	}
	if _, err := tx.ExecContext(ctx, query, args...); err != nil {
		return fmt.Errorf("save what installation %d enforces: %w", installation, err)
	}
	return nil
}

// Covers reports whether the installation covers the repository, as far as we
// know.
func (x *Index) Covers(ctx context.Context, tx *sql.Tx, installation int64, owner, name string) (bool, error) {
	var n int
	err := x.on(tx).QueryRowContext(ctx, `SELECT COUNT(*) FROM repository
		WHERE installation_id = $1 AND removed_at IS NULL AND LOWER(owner) = LOWER($2) AND LOWER(name) = LOWER($3)`,
		installation, owner, name).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up repository %s/%s: %w", owner, name, err)
	}
	return n > 0, nil
}
