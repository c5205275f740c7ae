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

// Group is a merge queue's group that waits for an answer or may still land.
type Group struct {
	RepoID  int64
	HeadSHA string
	HeadRef string // without refs/heads/
	BaseRef string
	AskedAt time.Time
	Verdict gate.Verdict // that was entered last; "" for none
}

// SaveGroup keeps a group for which checks were asked. One that is known stays as
// it is.
func SaveGroup(ctx context.Context, tx *sql.Tx, g Group) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO merge_group (repo_id, head_sha, head_ref, base_ref, asked_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (repo_id, head_sha) DO NOTHING`, g.RepoID, g.HeadSHA, valid(g.HeadRef), valid(g.BaseRef), store.Millis(g.AskedAt))
	if err != nil {
		return fmt.Errorf("save merge group %s: %w", gate.Short(g.HeadSHA), err)
	}
	return nil
}

// EndGroup forgets a group that is gone.
func EndGroup(ctx context.Context, tx *sql.Tx, repoID int64, sha string) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM merge_group WHERE repo_id = $1 AND head_sha = $2`, repoID, sha)
	if err != nil {
		return fmt.Errorf("end merge group %s: %w", gate.Short(sha), err)
	}
	return nil
}

// EnterGroup enters what was said of a group, when it is something else than
// before. It reports false when the group has ended meanwhile.
func EnterGroup(ctx context.Context, tx *sql.Tx, g Group, e Entry, verdict gate.Verdict) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE merge_group SET verdict = $1 WHERE repo_id = $2 AND head_sha = $3`, string(verdict), g.RepoID, g.HeadSHA)
	if err != nil {
		return false, fmt.Errorf("enter merge group %s: %w", gate.Short(g.HeadSHA), err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	if verdict == g.Verdict {
		return true, nil
	}
	_, err = Append(ctx, tx, e)
	return true, err
}

// GroupOf returns a group by its head, and false when it is not known or gone.
func (l *Ledger) GroupOf(ctx context.Context, repoID int64, sha string) (Group, bool, error) {
	found, err := groups(ctx, l.db.Read(), `repo_id = $1 AND head_sha = $2`, repoID, sha)
	if err != nil || len(found) == 0 {
		return Group{}, false, err
	}
	return found[0], true, nil
}

// IsGroup reports whether a commit is the head of a group that is not gone.
func IsGroup(ctx context.Context, tx *sql.Tx, repoID int64, sha string) (bool, error) {
	found, err := groups(ctx, tx, `repo_id = $1 AND head_sha = $2`, repoID, sha)
	return len(found) > 0, err
}

// Groups lists the groups of a repository, the oldest first.
func Groups(ctx context.Context, tx *sql.Tx, repoID int64) ([]Group, error) {
	return groups(ctx, tx, `repo_id = $1`, repoID)
}

func groups(ctx context.Context, q querier, where string, args ...any) (_ []Group, err error) {
	rows, err := q.QueryContext(ctx, `SELECT repo_id, head_sha, head_ref, base_ref, asked_at, verdict FROM merge_group
		WHERE `+where+` ORDER BY asked_at, head_sha`, args...)
	if err != nil {
		return nil, fmt.Errorf("list merge groups: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []Group
	for rows.Next() {
		var g Group
		var at int64
		if err := rows.Scan(&g.RepoID, &g.HeadSHA, &g.HeadRef, &g.BaseRef, &at, &g.Verdict); err != nil {
			return nil, err
		}
		g.AskedAt = store.Time(at)
		all = append(all, g)
	}
	return all, rows.Err()
}
