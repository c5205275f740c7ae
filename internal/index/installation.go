package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Installation is an installation of our App.
type Installation struct {
	ID            int64
	AccountID     int64
	AccountLogin  string
	AccountIsUser bool
	SuspendedAt   time.Time // zero: it is not suspended
	RemovedAt     time.Time // zero: it is there
}

// Active reports whether the installation can be worked for.
func (i Installation) Active() bool { return i.SuspendedAt.IsZero() && i.RemovedAt.IsZero() }

// Installation returns an installation by its id, or [ErrUnknown].
func (x *Index) Installation(ctx context.Context, tx *sql.Tx, id int64) (Installation, error) {
	var i Installation
	var suspended, removed sql.NullInt64
	err := x.on(tx).QueryRowContext(ctx, `SELECT id, account_id, account_login, account_is_user, suspended_at, removed_at
		FROM installation WHERE id = $1`, id).Scan(&i.ID, &i.AccountID, &i.AccountLogin, &i.AccountIsUser, &suspended, &removed)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknown
	}
	if err != nil {
		return Installation{}, fmt.Errorf("look up installation %d: %w", id, err)
	}
	i.SuspendedAt, i.RemovedAt = store.Time(suspended.Int64), store.Time(removed.Int64)
	return i, nil
}

// SaveInstallation writes an installation as it is now.
func (x *Index) SaveInstallation(ctx context.Context, tx *sql.Tx, i Installation) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO installation (id, account_id, account_login, account_is_user, suspended_at, removed_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, account_login = excluded.account_login,
			account_is_user = excluded.account_is_user, suspended_at = excluded.suspended_at, removed_at = excluded.removed_at`,
		i.ID, i.AccountID, text(i.AccountLogin), i.AccountIsUser, store.Nullable(i.SuspendedAt), store.Nullable(i.RemovedAt))
	if err != nil {
		return fmt.Errorf("save installation %d: %w", i.ID, err)
	}
	return nil
}

// RemoveRepositories notes that all repositories of an installation are gone
// for us.
func (x *Index) RemoveRepositories(ctx context.Context, tx *sql.Tx, installation int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE repository SET removed_at = $1 WHERE installation_id = $2 AND removed_at IS NULL",
		store.Millis(at), installation)
	if err != nil {
		return fmt.Errorf("remove repositories of installation %d: %w", installation, err)
	}
	return nil
}
