package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Tag is a tag as it was seen, with the readiness of its release.
type Tag struct {
	Name string
	SHA  string // the commit to which it led when it was seen last; "" once it is gone
	// First is the commit to which it led when its release was first judged; ""
	// before that.
	First  string
	Target string // of a draft: the branch or commit from which the tag will be made
	// Judged is the newest judgement of the release; its number is 0 while there
	// is none.
	Judged gate.ReleaseEvaluation
}

const tagColumns = `name, sha, first, target, judged`

func scanTag(row interface{ Scan(...any) error }) (Tag, error) {
	var t Tag
	var judged string
	if err := row.Scan(&t.Name, &t.SHA, &t.First, &t.Target, &judged); err != nil || judged == "" {
		return t, err
	}
	if err := json.Unmarshal([]byte(judged), &t.Judged); err != nil {
		return t, fmt.Errorf("read the readiness of release %q: %w", t.Name, err)
	}
	return t, nil
}

// Tag returns what is known of a tag, and false when it was never seen.
func (l *Ledger) Tag(ctx context.Context, repoID int64, name string) (Tag, bool, error) {
	t, err := scanTag(l.db.Read().QueryRowContext(ctx, `SELECT `+tagColumns+` FROM tag WHERE repo_id = $1 AND name = $2`, repoID, name))
	found, err := none(err)
	if err != nil {
		return Tag{}, false, fmt.Errorf("look up tag %q: %w", name, err)
	}
	return t, found, nil
}

// Tags lists the tags of a repository that were seen, those that are gone too.
func (l *Ledger) Tags(ctx context.Context, repoID int64) ([]Tag, error) {
	return l.tags(ctx, `repo_id = $1`, repoID)
}

// ReleasesOn lists the judged releases whose tag leads to a commit, or will.
func (l *Ledger) ReleasesOn(ctx context.Context, repoID int64, sha string) ([]gate.ReleaseEvaluation, error) {
	tags, err := l.tags(ctx, `repo_id = $1 AND sha = $2 AND number > 0`, repoID, sha)
	if err != nil {
		return nil, err
	}
	var judged []gate.ReleaseEvaluation
	for _, t := range tags {
		judged = append(judged, t.Judged)
	}
	return judged, nil
}

func (l *Ledger) tags(ctx context.Context, where string, args ...any) (_ []Tag, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT `+tagColumns+` FROM tag WHERE `+where+` ORDER BY name`, args...)
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Tag
	for rows.Next() {
		t, err := scanTag(rows)
		if err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// SawTag records the commit to which a tag leads now, "" for a tag that is gone.
// That it led elsewhere before is entered.
func SawTag(ctx context.Context, tx *sql.Tx, repoID int64, name, sha string, at time.Time) error {
	var before, draft string
	found, err := none(tx.QueryRowContext(ctx, `SELECT sha, target FROM tag WHERE repo_id = $1 AND name = $2`, repoID, name).Scan(&before, &draft))
	if err != nil {
		return fmt.Errorf("look up tag %q: %w", name, err)
	}
	if !found && sha == "" || found && before == sha {
		return nil
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO tag (repo_id, name, sha) VALUES ($1, $2, $3)
		ON CONFLICT (repo_id, name) DO UPDATE SET sha = excluded.sha`, repoID, name, sha)
	if err != nil {
		return fmt.Errorf("save tag %q: %w", name, err)
	}
	if before == "" || draft != "" { // a draft's tag led nowhere
		return nil
	}
	_, err = Append(ctx, tx, Entry{
		At: at, Kind: KindTag, RepoID: repoID, SHA: before, Once: fmt.Sprintf("tag/%s/%s/%s/%d", name, before, sha, store.Millis(at)),
		Data: map[string]any{"tag": name, "from": before, "to": sha},
	})
	return err
}

// SawDraft records what the tag of a draft release will be made from; "" once the
// release is a draft no more.
func SawDraft(ctx context.Context, tx *sql.Tx, repoID int64, name, target string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO tag (repo_id, name, sha, target) VALUES ($1, $2, '', $3)
		ON CONFLICT (repo_id, name) DO UPDATE SET target = excluded.target`, repoID, name, target)
	if err != nil {
		return fmt.Errorf("save draft %q: %w", name, err)
	}
	return nil
}

// SaveRelease records the readiness of a release on the commit to which its tag
// leads, unless a newer one stands.
func SaveRelease(ctx context.Context, tx *sql.Tx, ev gate.ReleaseEvaluation) error {
	data, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("save release %q: %w", ev.Release.Tag, err)
	}
	first := ev.Commit
	if ev.Release.Draft { // nothing stands yet that could be moved
		first = ""
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO tag (repo_id, name, sha, first, number, judged) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (repo_id, name) DO UPDATE SET sha = excluded.sha, number = excluded.number, judged = excluded.judged,
			first = CASE WHEN tag.first = '' OR excluded.first = '' THEN excluded.first ELSE tag.first END
		WHERE tag.number < excluded.number`,
		ev.Repo.ID, ev.Release.Tag, ev.Commit, first, ev.Number, string(data))
	if err != nil {
		return fmt.Errorf("save release %q: %w", ev.Release.Tag, err)
	}
	return nil
}

// Swept returns when the tags of a repository were first listed, and false when
// they never were.
func (l *Ledger) Swept(ctx context.Context, repoID int64) (bool, error) {
	var at int64
	return none(l.db.Read().QueryRowContext(ctx, `SELECT at FROM swept WHERE repo_id = $1`, repoID).Scan(&at))
}

// SaveSwept records that the tags of a repository were listed.
func SaveSwept(ctx context.Context, tx *sql.Tx, repoID int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO swept (repo_id, at) VALUES ($1, $2) ON CONFLICT (repo_id) DO NOTHING`, repoID, store.Millis(at))
	return err
}
