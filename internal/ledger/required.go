package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Requirement is what the rules of a branch say of our check.
type Requirement string

// The requirements. Only a check that is required from this App can be
// bypassed: any other may be passed in our name.
const (
	Required    Requirement = "required"
	Unpinned    Requirement = "required from any app"
	NotRequired Requirement = "not required"
)

// requirement is the data of a required entry.
type requirement struct {
	Base  string      `json:"base"`
	State Requirement `json:"state"`
}

// SaveRequirement enters what a branch's rules say, when it is the first time
// or differs from what they said before. What could not be read is not for it.
func SaveRequirement(ctx context.Context, tx *sql.Tx, repoID int64, base string, now Requirement, at time.Time) error {
	var before Requirement
	_, err := none(tx.QueryRowContext(ctx, `SELECT state FROM requirement WHERE repo_id = $1 AND base = $2`, repoID, base).Scan(&before))
	if err != nil || before == now {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO requirement (repo_id, base, state) VALUES ($1, $2, $3)
		ON CONFLICT (repo_id, base) DO UPDATE SET state = excluded.state`, repoID, base, string(now))
	if err != nil {
		return fmt.Errorf("save what %s requires: %w", base, err)
	}
	_, err = Append(ctx, tx, Entry{
		At: at, Kind: KindRequired, RepoID: repoID, Once: fmt.Sprintf("required/%s/%d/%s", base, store.Millis(at), now),
		Data: requirement{Base: base, State: now},
	})
	return err
}
