package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// Unenforced returns the newest evaluation of every pull request that was made
// in a shadow or a trial at or after since. Of superseded evaluations only those
// that were not pruned are there.
func (l *Ledger) Unenforced(ctx context.Context, since time.Time) (_ []gate.Evaluation, err error) {
	rows, err := l.db.Read().QueryContext(ctx, `
		SELECT repo_id, pull, data FROM evaluation WHERE at >= $1 AND verdict <> '' ORDER BY number DESC`, store.Millis(since))
	if err != nil {
		return nil, fmt.Errorf("list evaluations: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	type subject struct{ repo, pull int64 }
	seen := map[subject]bool{}
	var newest []gate.Evaluation
	for rows.Next() {
		var of subject
		var data []byte
		if err := rows.Scan(&of.repo, &of.pull, &data); err != nil {
			return nil, fmt.Errorf("list evaluations: %w", err)
		}
		if seen[of] {
			continue
		}
		var ev gate.Evaluation
		if err := json.Unmarshal(data, &ev); err != nil {
			return nil, fmt.Errorf("read evaluation: %w", err)
		}
		if !ev.Mode.Enforces() {
			seen[of] = true
			newest = append(newest, ev)
		}
	}
	return newest, rows.Err()
}
