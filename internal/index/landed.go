package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Ready is a READY evaluation of a pull request, and what it was made from.
type Ready struct {
	Evaluation int64
	Rules      string   // the digest of the policy
	Commits    []string // all of the pull request
}

// SaveReady keeps the latest READY evaluation of a pull request.
func (x *Index) SaveReady(ctx context.Context, tx *sql.Tx, repoID int64, number int, r Ready) error {
	commits, err := json.Marshal(r.Commits)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO ready (repo_id, number, evaluation, rules, commits) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (repo_id, number) DO UPDATE SET evaluation = excluded.evaluation, rules = excluded.rules, commits = excluded.commits`,
			repoID, number, r.Evaluation, text(r.Rules), text(string(commits)))
	}
	if err != nil {
		return fmt.Errorf("keep what made #%d of repository %d ready: %w", number, repoID, err)
	}
	return nil
}

// Ready returns the latest READY evaluation of a pull request, or [ErrUnknown].
func (x *Index) Ready(ctx context.Context, tx *sql.Tx, repoID int64, number int) (Ready, error) {
	var r Ready
	var commits string
	err := x.on(tx).QueryRowContext(ctx, "SELECT evaluation, rules, commits FROM ready WHERE repo_id = $1 AND number = $2", repoID, number).
		Scan(&r.Evaluation, &r.Rules, &commits)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknown
	}
	if err == nil {
		err = json.Unmarshal([]byte(commits), &r.Commits)
	}
	if err != nil {
		return Ready{}, fmt.Errorf("look up what made #%d of repository %d ready: %w", number, repoID, err)
	}
	return r, nil
}

// Landing is a commit that landed through a pull request which was READY when it
// was merged.
type Landing struct {
	SHA      string
	Number   int    // of the pull request
	Tip      bool   // its head, or what it was merged as
	Rules    string // by which it was READY: the digest of the policy
	MergedBy int64  // who merged it; 0: not known
}

// Land enters commits that landed. The first word counts.
func (x *Index) Land(ctx context.Context, tx *sql.Tx, repoID int64, commits []Landing) error {
	for _, c := range commits {
		_, err := tx.ExecContext(ctx, `INSERT INTO landed (repo_id, sha, number, tip, rules, merged_by) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (repo_id, sha, number) DO NOTHING`, repoID, text(c.SHA), c.Number, c.Tip, text(c.Rules), c.MergedBy)
		if err != nil {
			return fmt.Errorf("enter what landed through #%d of repository %d: %w", c.Number, repoID, err)
		}
	}
	return nil
}

// landingsAsked is of how many commits it is asked at once.
const landingsAsked = 200

// Landings lists how each of the commits landed, as far as is known.
func (x *Index) Landings(ctx context.Context, tx *sql.Tx, repoID int64, shas []string) ([]Landing, error) {
	var all []Landing
	for len(shas) > 0 {
		n := min(len(shas), landingsAsked)
		some, err := x.landings(ctx, tx, repoID, shas[:n])
		if err != nil {
			return nil, fmt.Errorf("list what landed in repository %d: %w", repoID, err)
		}
		all, shas = append(all, some...), shas[n:]
	}
	return all, nil
}

func (x *Index) landings(ctx context.Context, tx *sql.Tx, repoID int64, shas []string) (_ []Landing, err error) {
	args, places := []any{repoID}, make([]string, len(shas))
	for i, sha := range shas {
		args, places[i] = append(args, text(sha)), "$"+strconv.Itoa(i+2)
	}
	rows, err := x.on(tx).QueryContext(ctx, "SELECT sha, number, tip, rules, merged_by FROM landed WHERE repo_id = $1 AND sha IN ("+
		strings.Join(places, ", ")+") ORDER BY number, sha", args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Landing
	for rows.Next() {
		var c Landing
		if err := rows.Scan(&c.SHA, &c.Number, &c.Tip, &c.Rules, &c.MergedBy); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}
