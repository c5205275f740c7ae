package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Rollback is a merged pull request that is to be taken back: somebody called
// for it, or a finding inside a monitoring window did.
type Rollback struct {
	RepoID int64
	Pull   int
	Base   string
	Cause  int    // the severe issue for whose sake, 0 for none
	Caller string // login, "" for Gonogo itself
	At     time.Time
	// Content is what the pull request made of its paths: blobs, of which one is
	// "" where it took the path away. Nil until it was read.
	Content  map[string][]string
	Incident int       // the issue of the incident, 0 while there is none of ours
	Done     time.Time // when all that follows was written; zero: not yet
}

// RollbackOnce is the key of the entry that calls for a rollback.
func RollbackOnce(pull int) string { return fmt.Sprintf("rollback/%d", pull) }

// SaveRollback keeps a rollback as it is, or as far as it has come.
func SaveRollback(ctx context.Context, tx *sql.Tx, r Rollback) error {
	var content, done any
	if r.Content != nil {
		text, err := json.Marshal(r.Content)
		if err != nil {
			return err
		}
		content = string(text)
	}
	if !r.Done.IsZero() {
		done = store.Millis(r.Done)
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO rollback (repo_id, pull, base, cause, caller, at, content, incident, done)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (repo_id, pull) DO UPDATE SET content = excluded.content, incident = excluded.incident, done = excluded.done`,
		r.RepoID, r.Pull, r.Base, r.Cause, r.Caller, store.Millis(r.At), content, r.Incident, done)
	if err != nil {
		return fmt.Errorf("save the rollback of #%d: %w", r.Pull, err)
	}
	return nil
}

// Rollbacks lists the rollbacks that were called for in a repository, the oldest
// first.
func (l *Ledger) Rollbacks(ctx context.Context, repoID int64) (_ []Rollback, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT pull, base, cause, caller, at, content, incident, done FROM rollback WHERE repo_id = $1 ORDER BY at, pull`, repoID)
	if err != nil {
		return nil, fmt.Errorf("list rollbacks of repository %d: %w", repoID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []Rollback
	for rows.Next() {
		r := Rollback{RepoID: repoID}
		var at int64
		var content sql.NullString
		var done sql.NullInt64
		if err := rows.Scan(&r.Pull, &r.Base, &r.Cause, &r.Caller, &at, &content, &r.Incident, &done); err != nil {
			return nil, err
		}
		r.At = store.Time(at)
		if done.Valid {
			r.Done = store.Time(done.Int64)
		}
		if content.Valid {
			if err := json.Unmarshal([]byte(content.String), &r.Content); err != nil {
				return nil, fmt.Errorf("rollback of #%d: %w", r.Pull, err)
			}
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// RollbackOf returns the rollback of a pull request, and false when none was
// called for.
func (l *Ledger) RollbackOf(ctx context.Context, repoID int64, pull int) (Rollback, bool, error) {
	all, err := l.Rollbacks(ctx, repoID)
	for _, r := range all {
		if r.Pull == pull {
			return r, true, err
		}
	}
	return Rollback{}, false, err
}
