package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Joined returns since when the installation covers the repository, and false
// when that is not known.
func (x *Index) Joined(ctx context.Context, tx *sql.Tx, repoID, installation int64) (time.Time, bool, error) {
	var at int64
	err := x.on(tx).QueryRowContext(ctx, "SELECT at FROM joined WHERE repo_id = $1 AND installation_id = $2", repoID, installation).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("look up since when repository %d is covered: %w", repoID, err)
	}
	return store.Time(at), true, nil
}

// SaveJoined notes since when an installation covers a repository. The first
// word about an installation counts.
func (x *Index) SaveJoined(ctx context.Context, tx *sql.Tx, repoID, installation int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO joined (repo_id, installation_id, at) VALUES ($1, $2, $3)
		ON CONFLICT (repo_id) DO UPDATE SET installation_id = excluded.installation_id, at = excluded.at
		WHERE joined.installation_id <> excluded.installation_id`, repoID, installation, store.Millis(at))
	if err != nil {
		return fmt.Errorf("save since when repository %d is covered: %w", repoID, err)
	}
	return nil
}

// Dormant reports whether a pull request waits for an event of its own.
func (x *Index) Dormant(ctx context.Context, tx *sql.Tx, repoID int64, number int) (bool, error) {
	var n int
	err := x.on(tx).QueryRowContext(ctx, "SELECT COUNT(*) FROM dormant WHERE repo_id = $1 AND number = $2", repoID, number).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("look up whether #%d of repository %d is dormant: %w", number, repoID, err)
	}
	return n > 0, nil
}

// SetDormant notes that a pull request waits for an event of its own, or no more.
func (x *Index) SetDormant(ctx context.Context, tx *sql.Tx, repoID int64, number int, dormant bool) error {
	query := "DELETE FROM dormant WHERE repo_id = $1 AND number = $2"
	if dormant {
		query = "INSERT INTO dormant (repo_id, number) VALUES ($1, $2) ON CONFLICT (repo_id, number) DO NOTHING"
	}
	if _, err := tx.ExecContext(ctx, query, repoID, number); err != nil {
		return fmt.Errorf("save whether #%d of repository %d is dormant: %w", number, repoID, err)
	}
	return nil
}
