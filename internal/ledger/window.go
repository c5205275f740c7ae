package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Window is a monitoring window as it is kept: open until it is closed, once,
// however late.
type Window struct {
	ID int64
	gate.Monitoring
	// Before are the severe issues that were open already when it was opened:
	// they are no findings.
	Before map[int]bool
}

// The kinds of what happens in a window.
const (
	noteBefore  = "before"
	noteFinding = "finding"
	noteWatched = "watched"
)

// OpenWindow opens the window of a release that went live, with the severe issues
// that are open already. It reports false when that release, on that commit, has
// had one, and then changes nothing.
func OpenWindow(ctx context.Context, tx *sql.Tx, m gate.Monitoring, before []int) (bool, error) {
	m.Findings, m.Watched = nil, nil
	data, err := json.Marshal(m)
	if err != nil {
		return false, fmt.Errorf("open the window of %s: %w", m.Tag, err)
	}
	var id int64
	opened, err := none(tx.QueryRowContext(ctx, `INSERT INTO windows (repo_id, tag, sha, opened_at, ends_at, data) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (repo_id, tag, sha) DO NOTHING RETURNING id`,
		m.RepoID, m.Tag, m.SHA, store.Millis(m.Opened), store.Millis(m.Ends), string(data)).Scan(&id))
	if err != nil || !opened {
		return false, wrap("open the window of "+m.Tag, err)
	}
	for _, issue := range before {
		if _, err := note(ctx, tx, id, noteBefore, strconv.Itoa(issue), m.Opened, gate.WindowFinding{Issue: issue}); err != nil {
			return false, err
		}
	}
	return true, nil
}

func wrap(act string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", act, err)
}

func note(ctx context.Context, tx *sql.Tx, window int64, kind, key string, at time.Time, data any) (bool, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO window_note (of, kind, key, at, data) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (of, kind, key) DO NOTHING`, window, kind, key, store.Millis(at), string(body))
	if err != nil {
		return false, fmt.Errorf("note %s %s of window %d: %w", kind, key, window, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// FoundIn records a severe issue in a window that is open. It reports false when
// it was found before, or the window is closed.
func FoundIn(ctx context.Context, tx *sql.Tx, window int64, f gate.WindowFinding) (bool, error) {
	return noteOpen(ctx, tx, window, noteFinding, strconv.Itoa(f.Issue), f.At, f)
}

// WatchedIn records that somebody watched, under the key of the text that says
// so. It reports false when that was recorded before, or the window is closed.
func WatchedIn(ctx context.Context, tx *sql.Tx, window int64, key string, v gate.WindowWatch) (bool, error) {
	return noteOpen(ctx, tx, window, noteWatched, key, v.At, v)
}

func noteOpen(ctx context.Context, tx *sql.Tx, window int64, kind, key string, at time.Time, data any) (bool, error) {
	var open int
	found, err := none(tx.QueryRowContext(ctx, `SELECT 1 FROM windows WHERE id = $1 AND closed_at IS NULL`, window).Scan(&open))
	if err != nil || !found {
		return false, wrap(fmt.Sprintf("look up window %d", window), err)
	}
	return note(ctx, tx, window, kind, key, at, data)
}

// CloseWindow closes a window. It reports false when it is closed already.
func CloseWindow(ctx context.Context, tx *sql.Tx, window int64, at time.Time) (bool, error) {
	res, err := tx.ExecContext(ctx, `UPDATE windows SET closed_at = $1 WHERE id = $2 AND closed_at IS NULL`, store.Millis(at), window)
	if err != nil {
		return false, fmt.Errorf("close window %d: %w", window, err)
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// WindowsOf returns the windows of a release, those of commits to which its tag
// led before among them, the newest last.
func (l *Ledger) WindowsOf(ctx context.Context, repoID int64, tag string) ([]Window, error) {
	return windows(ctx, l.db.Read(), `repo_id = $1 AND tag = $2`, repoID, tag)
}

// OpenWindows returns the windows of a repository that are open.
func (l *Ledger) OpenWindows(ctx context.Context, repoID int64) ([]Window, error) {
	return windows(ctx, l.db.Read(), `repo_id = $1 AND closed_at IS NULL`, repoID)
}

// WatchedTags returns the tags of a repository's releases whose window is open.
func WatchedTags(ctx context.Context, tx *sql.Tx, repoID int64) ([]string, error) {
	return tagsWhere(ctx, tx, `SELECT DISTINCT tag FROM windows WHERE repo_id = $1 AND closed_at IS NULL ORDER BY tag`, repoID)
}

// TagsNotLive returns the tags that lead to a commit and whose releases have not
// gone live on it.
func TagsNotLive(ctx context.Context, tx *sql.Tx, repoID int64, sha string) ([]string, error) {
	return tagsWhere(ctx, tx, `SELECT name FROM tag WHERE repo_id = $1 AND sha = $2 AND NOT EXISTS
		(SELECT 1 FROM windows w WHERE w.repo_id = tag.repo_id AND w.tag = tag.name AND w.sha = tag.sha) ORDER BY name`, repoID, sha)
}

func tagsWhere(ctx context.Context, tx *sql.Tx, query string, args ...any) (_ []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var tags []string
	for rows.Next() {
		var tag string
		if err := rows.Scan(&tag); err != nil {
			return nil, fmt.Errorf("list tags: %w", err)
		}
		tags = append(tags, tag)
	}
	return tags, rows.Err()
}

type asked interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

func windows(ctx context.Context, db asked, where string, args ...any) (_ []Window, err error) {
	rows, err := db.QueryContext(ctx, `SELECT id, repo_id, tag, sha, opened_at, ends_at, closed_at, data FROM windows WHERE `+where+` ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("list windows: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Window
	for rows.Next() {
		w, err := scanWindow(rows)
		if err != nil {
			return nil, fmt.Errorf("list windows: %w", err)
		}
		list = append(list, w)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list windows: %w", err)
	}
	for i := range list {
		if err := list[i].readNotes(ctx, db); err != nil {
			return nil, fmt.Errorf("read window %d: %w", list[i].ID, err)
		}
	}
	return list, nil
}

func scanWindow(rows *sql.Rows) (Window, error) {
	var w Window
	var id, repo, opened, ends int64
	var tag, sha, data string
	var closed sql.NullInt64
	if err := rows.Scan(&id, &repo, &tag, &sha, &opened, &ends, &closed, &data); err != nil {
		return Window{}, err
	}
	if err := json.Unmarshal([]byte(data), &w.Monitoring); err != nil {
		return Window{}, err
	}
	w.ID, w.RepoID, w.Tag, w.SHA = id, repo, tag, sha
	w.Opened, w.Ends = store.Time(opened), store.Time(ends)
	if closed.Valid {
		w.Closed = store.Time(closed.Int64)
	}
	return w, nil
}

func (w *Window) readNotes(ctx context.Context, db asked) (err error) {
	rows, err := db.QueryContext(ctx, `SELECT kind, data FROM window_note WHERE of = $1 ORDER BY id`, w.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	w.Before = map[int]bool{}
	for rows.Next() {
		var kind, data string
		if err := rows.Scan(&kind, &data); err != nil {
			return err
		}
		if err := w.readNote(kind, []byte(data)); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (w *Window) readNote(kind string, data []byte) error {
	if kind == noteWatched {
		var v gate.WindowWatch
		err := json.Unmarshal(data, &v)
		w.Watched = append(w.Watched, v)
		return err
	}
	var f gate.WindowFinding
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if kind == noteBefore {
		w.Before[f.Issue] = true
	} else {
		w.Findings = append(w.Findings, f)
	}
	return nil
}
