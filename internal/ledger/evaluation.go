package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Begin takes the number of a new evaluation. It is taken before anything is
// read: of two evaluations the one with the higher number has the fresher
// evidence.
func (l *Ledger) Begin(ctx context.Context, repoID int64, pull int, at time.Time) (int64, error) {
	var number int64
	err := l.db.Write(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `
			INSERT INTO evaluation (repo_id, pull, head_sha, verdict, at, kept, data)
			VALUES ($1, $2, '', '', $3, 0, '') RETURNING number`, repoID, pull, store.Millis(at)).Scan(&number)
	})
	if err != nil {
		return 0, fmt.Errorf("begin evaluation of #%d: %w", pull, err)
	}
	return number, nil
}

// Finish stores an evaluation under the number that Begin took. The pull
// request's body is not kept.
func Finish(ctx context.Context, tx *sql.Tx, ev gate.Evaluation) error {
	ev.PR.Body = ""
	data, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("finish evaluation %d: %w", ev.Number, err)
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE evaluation SET head_sha = $1, verdict = $2, at = $3, data = $4 WHERE number = $5`,
		ev.PR.HeadSHA, string(ev.Verdict), store.Millis(ev.At), data, ev.Number)
	if err != nil {
		return fmt.Errorf("finish evaluation %d: %w", ev.Number, err)
	}
	return nil
}

// Keep marks an evaluation so that it is never pruned: a decision, a merge or
// a release rests on it.
func Keep(ctx context.Context, tx *sql.Tx, number int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE evaluation SET kept = 1 WHERE number = $1`, number)
	return err
}

// Latest returns the newest finished evaluation of a pull request, and false
// when there is none.
func (l *Ledger) Latest(ctx context.Context, repoID int64, pull int) (gate.Evaluation, bool, error) {
	return l.latest(ctx, `repo_id = $1 AND pull = $2`, repoID, pull)
}

// LatestOn returns the newest finished evaluation of a pull request with this
// head, and false when there is none.
func (l *Ledger) LatestOn(ctx context.Context, repoID int64, pull int, sha string) (gate.Evaluation, bool, error) {
	return l.latest(ctx, `repo_id = $1 AND pull = $2 AND head_sha = $3`, repoID, pull, sha)
}

// LatestUpTo returns the newest evaluation of a pull request up to a number, and
// false when there is none.
func (l *Ledger) LatestUpTo(ctx context.Context, repoID int64, pull int, number int64) (gate.Evaluation, bool, error) {
	return l.latest(ctx, `repo_id = $1 AND pull = $2 AND number <= $3`, repoID, pull, number)
}

// LatestAt returns the newest evaluation of a pull request that was begun by a
// moment, and false when there is none.
func (l *Ledger) LatestAt(ctx context.Context, repoID int64, pull int, at time.Time) (gate.Evaluation, bool, error) {
	return l.latest(ctx, `repo_id = $1 AND pull = $2 AND at <= $3`, repoID, pull, store.Millis(at))
}

// latest decodes an evaluation once: what is finished does not change, and a look
// at a pull request asks for the one before it several times. All callers share
// what it points to.
func (l *Ledger) latest(ctx context.Context, where string, args ...any) (gate.Evaluation, bool, error) {
	var number int64
	row := l.db.Read().QueryRowContext(ctx, `
		SELECT number FROM evaluation WHERE `+where+` AND verdict <> '' ORDER BY number DESC LIMIT 1`, args...)
	found, err := none(row.Scan(&number))
	if err != nil || !found {
		return gate.Evaluation{}, false, err
	}
	if ev, ok := l.read.Get(number); ok {
		return ev, true, nil
	}
	var data []byte
	found, err = none(l.db.Read().QueryRowContext(ctx, `SELECT data FROM evaluation WHERE number = $1`, number).Scan(&data))
	switch {
	case err != nil:
		return gate.Evaluation{}, false, err
	case !found:
		return l.latest(ctx, where, args...) // a newer one came, and this one was pruned
	}
	var ev gate.Evaluation
	if err := json.Unmarshal(data, &ev); err != nil {
		return gate.Evaluation{}, false, fmt.Errorf("read evaluation: %w", err)
	}
	l.read.Add(number, ev)
	return ev, true, nil
}

// Prune removes superseded evaluations that are older than before and that
// nothing rests on. The newest of each pull request stays.
func (l *Ledger) Prune(ctx context.Context, before time.Time) (int64, error) {
	var n int64
	err := l.db.Write(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `
			DELETE FROM evaluation WHERE kept = 0 AND at < $1 AND number < (
				SELECT MAX(e.number) FROM evaluation e
				WHERE e.repo_id = evaluation.repo_id AND e.pull = evaluation.pull AND e.verdict <> '')`, store.Millis(before))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// Ask is the comment that asks for a pull request's decision.
type Ask struct {
	CommentID int64
	HeadSHA   string
	Body      string
	LapsedGo  int64 // the decision whose lapse was last told
}

// AskOf returns the asking comment of a pull request, and false when there is
// none.
func (l *Ledger) AskOf(ctx context.Context, repoID int64, pull int) (Ask, bool, error) {
	var a Ask
	row := l.db.Read().QueryRowContext(ctx, `
		SELECT comment_id, head_sha, body, lapsed_go FROM ask WHERE repo_id = $1 AND pull = $2`, repoID, pull)
	found, err := none(row.Scan(&a.CommentID, &a.HeadSHA, &a.Body, &a.LapsedGo))
	return a, found, err
}

// SaveAsk records the asking comment of a pull request.
func SaveAsk(ctx context.Context, tx *sql.Tx, repoID int64, pull int, a Ask) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO ask (repo_id, pull, comment_id, head_sha, body, lapsed_go) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (repo_id, pull) DO UPDATE SET comment_id = excluded.comment_id, head_sha = excluded.head_sha,
			body = excluded.body, lapsed_go = excluded.lapsed_go`,
		repoID, pull, a.CommentID, a.HeadSHA, a.Body, a.LapsedGo)
	return err
}
