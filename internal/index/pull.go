package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Pull is a pull request as it was at AsOf.
type Pull struct {
	RepoID     int64
	Number     int
	HeadSHA    string
	HeadRef    string
	HeadRepoID int64 // 0 when the head repository is gone
	BaseRef    string
	AuthorID   int64
	Open       bool
	Draft      bool
	// Class is what the pull request was judged by last; undeclared: never
	// judged. SavePull keeps the known one when it is undeclared.
	Class gate.Class
	AsOf  time.Time // GitHub's updated_at
}

// Head is a head commit of a pull request, and when we saw it first in that
// place.
type Head struct {
	SHA  string
	Seen time.Time
}

const pullColumns = `p.repo_id, p.number, p.head_sha, p.head_ref, p.head_repo_id, p.base_ref, p.author_id, p.open, p.draft, p.class, p.as_of`

// Pull returns a pull request, or [ErrUnknown].
func (x *Index) Pull(ctx context.Context, tx *sql.Tx, repoID int64, number int) (Pull, error) {
	list, err := x.pulls(ctx, tx, "FROM pull p WHERE p.repo_id = $1 AND p.number = $2", repoID, number)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("look up #%d of repository %d: %w", number, repoID, ErrUnknown)
	}
	if err != nil {
		return Pull{}, err
	}
	return list[0], nil
}

// awake leaves out pull requests that wait for an event of their own.
const awake = " AND NOT EXISTS (SELECT 1 FROM dormant d WHERE d.repo_id = p.repo_id AND d.number = p.number)"

// OpenPulls lists the open pull requests of a repository, without dormant ones.
func (x *Index) OpenPulls(ctx context.Context, tx *sql.Tx, repoID int64) ([]Pull, error) {
	return x.pulls(ctx, tx, "FROM pull p WHERE p.repo_id = $1 AND p.open = 1"+awake+" ORDER BY p.number", repoID)
}

// ByHead lists every pull request that ever had the commit as its head, closed
// ones too.
func (x *Index) ByHead(ctx context.Context, tx *sql.Tx, repoID int64, sha string) ([]Pull, error) {
	return x.pulls(ctx, tx, `FROM pull p WHERE p.repo_id = $1 AND p.number IN
		(SELECT h.number FROM head h WHERE h.repo_id = $2 AND h.sha = $3) ORDER BY p.number`, repoID, repoID, sha)
}

// ByBranch lists the open pull requests into a branch of the repository, and
// those from a branch of that name, without dormant ones.
func (x *Index) ByBranch(ctx context.Context, tx *sql.Tx, repoID int64, ref string) ([]Pull, error) {
	return x.pulls(ctx, tx, `FROM pull p WHERE p.repo_id = $1 AND p.open = 1 AND (p.base_ref = $2 OR p.head_ref = $3)`+awake+`
		ORDER BY p.number`, repoID, text(ref), text(ref))
}

func (x *Index) pulls(ctx context.Context, tx *sql.Tx, from string, args ...any) (_ []Pull, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("list pull requests: %w", err)
		}
	}()
	rows, err := x.on(tx).QueryContext(ctx, "SELECT "+pullColumns+" "+from, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Pull
	for rows.Next() {
		var p Pull
		var asOf int64
		if err := rows.Scan(&p.RepoID, &p.Number, &p.HeadSHA, &p.HeadRef, &p.HeadRepoID, &p.BaseRef, &p.AuthorID,
			&p.Open, &p.Draft, &p.Class, &asOf); err != nil {
			return nil, err
		}
		p.AsOf = store.Time(asOf)
		list = append(list, p)
	}
	return list, rows.Err()
}

// SavePull writes a pull request unless a later state of it is known, and
// reports whether it did. Its head is entered among the heads seen.
func (x *Index) SavePull(ctx context.Context, tx *sql.Tx, p Pull, seen time.Time) (current bool, err error) {
	res, err := tx.ExecContext(ctx, `INSERT INTO pull AS p (repo_id, number, head_sha, head_ref, head_repo_id, base_ref,
			author_id, open, draft, class, as_of)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (repo_id, number) DO UPDATE SET head_sha = excluded.head_sha, head_ref = excluded.head_ref,
			head_repo_id = excluded.head_repo_id, base_ref = excluded.base_ref, author_id = excluded.author_id,
			open = excluded.open, draft = excluded.draft, as_of = excluded.as_of,
			class = CASE WHEN excluded.class = 0 THEN p.class ELSE excluded.class END
		WHERE excluded.as_of >= p.as_of`,
		p.RepoID, p.Number, text(p.HeadSHA), text(p.HeadRef), p.HeadRepoID, text(p.BaseRef), p.AuthorID,
		p.Open, p.Draft, int(p.Class), store.Millis(p.AsOf))
	if err != nil {
		return false, fmt.Errorf("save #%d of repository %d: %w", p.Number, p.RepoID, err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, err
	}
	return n > 0, x.sawHead(ctx, tx, p.RepoID, p.Number, p.HeadSHA, seen, n > 0)
}

// SawHead enters a commit that is the head now. Nothing is entered when it is
// the last one entered.
func (x *Index) SawHead(ctx context.Context, tx *sql.Tx, repoID int64, number int, sha string, at time.Time) error {
	return x.sawHead(ctx, tx, repoID, number, sha, at, true)
}

// sawHead enters a commit: one that is the head now unless it is the last one
// entered, one that was the head some time ago unless it was ever entered.
func (x *Index) sawHead(ctx context.Context, tx *sql.Tx, repoID int64, number int, sha string, at time.Time, now bool) error {
	if sha == "" {
		return nil
	}
	known := "SELECT 1 FROM head h WHERE h.repo_id = $5 AND h.number = $6 AND h.sha = $7"
	if now {
		known = `SELECT 1 FROM (SELECT h.sha FROM head h WHERE h.repo_id = $5 AND h.number = $6 ORDER BY h.id DESC LIMIT 1) AS last
			WHERE last.sha = $7`
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO head (repo_id, number, sha, seen_at)
		SELECT $1, $2, $3, $4 WHERE NOT EXISTS (`+known+`)`,
		repoID, number, text(sha), store.Millis(at), repoID, number, text(sha))
	if err != nil {
		return fmt.Errorf("enter head of #%d of repository %d: %w", number, repoID, err)
	}
	return nil
}

// Heads lists the head commits of a pull request in the order in which we saw
// them. A commit that came back is listed again.
func (x *Index) Heads(ctx context.Context, tx *sql.Tx, repoID int64, number int) (_ []Head, err error) {
	rows, err := x.on(tx).QueryContext(ctx, "SELECT sha, seen_at FROM head WHERE repo_id = $1 AND number = $2 ORDER BY id", repoID, number)
	if err != nil {
		return nil, fmt.Errorf("list heads of #%d of repository %d: %w", number, repoID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Head
	for rows.Next() {
		var h Head
		var at int64
		if err := rows.Scan(&h.SHA, &at); err != nil {
			return nil, fmt.Errorf("list heads of #%d of repository %d: %w", number, repoID, err)
		}
		h.Seen = store.Time(at)
		list = append(list, h)
	}
	return list, rows.Err()
}

// SawReview enters for which commit a review was given. The first word counts.
func (x *Index) SawReview(ctx context.Context, tx *sql.Tx, repoID int64, number int, reviewID int64, sha string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO review (repo_id, review_id, number, sha) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repo_id, review_id) DO NOTHING`, repoID, reviewID, number, text(sha))
	if err != nil {
		return fmt.Errorf("enter review %d of #%d: %w", reviewID, number, err)
	}
	return nil
}

// Reviews returns for which commit each review of a pull request was given, by
// its id, as far as events told.
func (x *Index) Reviews(ctx context.Context, tx *sql.Tx, repoID int64, number int) (_ map[int64]string, err error) {
	rows, err := x.on(tx).QueryContext(ctx, "SELECT review_id, sha FROM review WHERE repo_id = $1 AND number = $2", repoID, number)
	if err != nil {
		return nil, fmt.Errorf("list the reviews of #%d: %w", number, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	seen := map[int64]string{}
	for rows.Next() {
		var id int64
		var sha string
		if err := rows.Scan(&id, &sha); err != nil {
			return nil, err
		}
		seen[id] = sha
	}
	return seen, rows.Err()
}

// Push is a push to the head of a pull request, as an event told of it.
type Push struct {
	SHA string
	By  gate.User
	// Merge means that the commit is a merge that GitHub made itself, of which
	// nobody wrote anything.
	Merge bool
}

// SawPush enters who pushed a head of a pull request.
func (x *Index) SawPush(ctx context.Context, tx *sql.Tx, repoID int64, number int, p Push) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO push (repo_id, number, sha, user_id, login) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (repo_id, number, sha, user_id) DO NOTHING`, repoID, number, text(p.SHA), p.By.ID, text(p.By.Login))
	if err != nil {
		return fmt.Errorf("enter who pushed to #%d of repository %d: %w", number, repoID, err)
	}
	return nil
}

// PushWasMerge notes that a head of a pull request is a merge that GitHub made.
func (x *Index) PushWasMerge(ctx context.Context, tx *sql.Tx, repoID int64, number int, sha string) error {
	_, err := tx.ExecContext(ctx, "UPDATE push SET merge = 1 WHERE repo_id = $1 AND number = $2 AND sha = $3", repoID, number, text(sha))
	if err != nil {
		return fmt.Errorf("enter a merge into #%d of repository %d: %w", number, repoID, err)
	}
	return nil
}

// Pushes lists who pushed which head of a pull request, as far as events told.
func (x *Index) Pushes(ctx context.Context, tx *sql.Tx, repoID int64, number int) (_ []Push, err error) {
	rows, err := x.on(tx).QueryContext(ctx, `SELECT sha, user_id, login, merge FROM push WHERE repo_id = $1 AND number = $2
		ORDER BY sha, user_id`, repoID, number)
	if err != nil {
		return nil, fmt.Errorf("list who pushed to #%d of repository %d: %w", number, repoID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Push
	for rows.Next() {
		var p Push
		if err := rows.Scan(&p.SHA, &p.By.ID, &p.By.Login, &p.Merge); err != nil {
			return nil, fmt.Errorf("list who pushed to #%d of repository %d: %w", number, repoID, err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}
