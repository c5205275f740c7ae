package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Brought tells how it is known who brought a head of a pull request.
type Brought struct {
	Told   bool // an event told of the push
	Logged bool // GitHub's log of pushes was read that ends with it
}

// SawBrought enters how it is known who brought a head; what was known stays.
func (x *Index) SawBrought(ctx context.Context, tx *sql.Tx, repoID int64, number int, sha string, b Brought) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO brought AS b (repo_id, number, sha, told, logged) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (repo_id, number, sha) DO UPDATE SET told = max(b.told, excluded.told), logged = max(b.logged, excluded.logged)`,
		repoID, number, text(sha), b.Told, b.Logged)
	if err != nil {
		return fmt.Errorf("enter how a head of #%d of repository %d came: %w", number, repoID, err)
	}
	return nil
}

// Brought returns by head how it is known who brought it.
func (x *Index) Brought(ctx context.Context, tx *sql.Tx, repoID int64, number int) (_ map[string]Brought, err error) {
	rows, err := x.on(tx).QueryContext(ctx, "SELECT sha, told, logged FROM brought WHERE repo_id = $1 AND number = $2", repoID, number)
	if err != nil {
		return nil, fmt.Errorf("list how the heads of #%d of repository %d came: %w", number, repoID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	heads := map[string]Brought{}
	for rows.Next() {
		var sha string
		var b Brought
		if err := rows.Scan(&sha, &b.Told, &b.Logged); err != nil {
			return nil, err
		}
		heads[sha] = b
	}
	return heads, rows.Err()
}
