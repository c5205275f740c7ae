package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Landing is the data of a landed entry: how what a merge brought to a branch
// stands to what was judged.
type Landing struct {
	State  gate.Landing
	Base   string
	Before string   // the branch before it
	After  string   // and with it
	Head   string   // of the pull request
	Files  int      `json:",omitempty"` // how many differ
	Paths  []string `json:",omitempty"` // the first of them
	Why    string   `json:",omitempty"` // it cannot be told
}

// LandedOnce is the key of a pull request's landed entry.
func LandedOnce(number int) string { return fmt.Sprintf("landed/%d", number) }

// LandingOf returns how what a pull request brought stands to what was judged,
// and false when that was not looked at yet.
func (l *Ledger) LandingOf(ctx context.Context, repoID int64, number int) (Landing, bool, error) {
	var data []byte
	row := l.db.Read().QueryRowContext(ctx, `SELECT data FROM entry WHERE repo_id = $1 AND once = $2`, repoID, LandedOnce(number))
	found, err := none(row.Scan(&data))
	if err != nil || !found {
		return Landing{}, false, err
	}
	var d Landing
	return d, true, json.Unmarshal(data, &d)
}

// Round is the data of a bypass, ungated or before-gate entry: what went round
// the gate.
type Round struct {
	Base    string
	Before  string       `json:",omitempty"`
	After   string       `json:",omitempty"`
	Move    string       `json:",omitempty"` // GitHub's word for how it got there: "push", "force_push", "pr_merge"
	At      time.Time    // by GitHub's clock, to the second
	Verdict gate.Verdict `json:",omitempty"` // of the pull request when it was merged; "" for none
	// Commits are the first that came with no pull request, of Count.
	Commits []string `json:",omitempty"`
	Count   int      `json:",omitempty"`
	Reason  string   `json:",omitempty"` // RoundRace, RoundRewritten or RoundUnread
	// Turned is when the verdict ceased to be READY, for RoundRace.
	Turned time.Time `json:",omitzero"`
}

// The reasons why something went round the gate, where there is a special one.
const (
	RoundRace      = "race"      // GitHub merged before it showed that the verdict had turned
	RoundRewritten = "rewritten" // the branch was moved to a commit that does not follow from the one before
	RoundUnread    = "unread"    // what came cannot be told
)

// OfKind lists a repository's entries of some kinds, the oldest first; Data holds
// the raw JSON.
func (l *Ledger) OfKind(ctx context.Context, repoID int64, kinds ...Kind) (_ []Entry, err error) {
	args := []any{repoID}
	marks := make([]string, 0, len(kinds))
	for _, k := range kinds {
		args = append(args, string(k))
		marks = append(marks, fmt.Sprintf("$%d", len(args)))
	}
	rows, err := l.db.Read().QueryContext(ctx, `SELECT `+rowColumns+` FROM entry WHERE repo_id = $1 AND kind IN (`+strings.Join(marks, ", ")+`) ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read entries by kind: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []Entry
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.at, &r.kind, &r.repoID, &r.number, &r.sha, &r.actorID, &r.actor, &r.once, &r.data, &r.texts, &r.hash); err != nil {
			return nil, err
		}
		all = append(all, r.entry())
	}
	return all, rows.Err()
}

// RequirementAt returns what was known at a moment of what a branch's rules said
// of the check, "" when nothing was, and whether they were ever seen to require it
// by then.
func (l *Ledger) RequirementAt(ctx context.Context, repoID int64, base string, at time.Time) (now Requirement, ever bool, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT data FROM entry WHERE repo_id = $1 AND kind = $2 AND at <= $3 ORDER BY id`,
		repoID, string(KindRequired), store.Millis(at))
	if err != nil {
		return "", false, fmt.Errorf("read what %s required: %w", base, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var data []byte
		var seen requirement
		if err := rows.Scan(&data); err != nil {
			return "", false, err
		}
		if err := json.Unmarshal(data, &seen); err != nil {
			return "", false, err
		}
		if seen.Base == base {
			now = seen.State
			ever = ever || now == Required
		}
	}
	return now, ever, rows.Err()
}

// Shown is a check run as it was written on a commit.
type Shown struct {
	At         time.Time
	Conclusion string
}

// ShownOn returns what was written on a commit, the oldest first.
func (l *Ledger) ShownOn(ctx context.Context, repoID int64, sha string) (_ []Shown, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT at, data FROM entry WHERE repo_id = $1 AND sha = $2 AND kind = $3 ORDER BY id`,
		repoID, sha, string(KindPublished))
	if err != nil {
		return nil, fmt.Errorf("read what was shown on %s: %w", gate.Short(sha), err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []Shown
	for rows.Next() {
		var at int64
		var data []byte
		if err := rows.Scan(&at, &data); err != nil {
			return nil, err
		}
		s := Shown{At: store.Time(at)}
		var what struct{ Conclusion string }
		if err := json.Unmarshal(data, &what); err != nil {
			return nil, err
		}
		s.Conclusion = what.Conclusion
		all = append(all, s)
	}
	return all, rows.Err()
}

// TipOf returns up to which commit it is known how what is on a branch got there,
// and false when nothing is.
func (l *Ledger) TipOf(ctx context.Context, repoID int64, branch string) (sha string, found bool, err error) {
	row := l.db.Read().QueryRowContext(ctx, `SELECT sha FROM branch_tip WHERE repo_id = $1 AND branch = $2`, repoID, branch)
	found, err = none(row.Scan(&sha))
	return sha, found, err
}

// SaveTip keeps up to which commit it is known how what is on a branch got there.
func SaveTip(ctx context.Context, tx *sql.Tx, repoID int64, branch, sha string) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO branch_tip (repo_id, branch, sha) VALUES ($1, $2, $3)
		ON CONFLICT (repo_id, branch) DO UPDATE SET sha = excluded.sha`, repoID, branch, sha)
	if err != nil {
		return fmt.Errorf("save the tip of %s: %w", branch, err)
	}
	return nil
}

// Tips lists the branches of a repository of which that is known.
func (l *Ledger) Tips(ctx context.Context, repoID int64) (_ []string, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT branch FROM branch_tip WHERE repo_id = $1 ORDER BY branch`, repoID)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var all []string
	for rows.Next() {
		var branch string
		if err := rows.Scan(&branch); err != nil {
			return nil, err
		}
		all = append(all, branch)
	}
	return all, rows.Err()
}
