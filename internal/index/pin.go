package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/store"
)

// Pins returns which account each login of a policy means, by the login in small
// letters: the one that had it when it was first resolved for the repository, or
// before that for another one of the same installation. 0 means that nobody had
// it. Logins that were never resolved are left out.
func (x *Index) Pins(ctx context.Context, tx *sql.Tx, repoID int64) (_ map[string]int64, err error) {
	rows, err := x.on(tx).QueryContext(ctx, `SELECT p.login, p.user_id FROM pin p WHERE p.repo_id = $1 OR p.repo_id IN
			(SELECT s.id FROM repository s WHERE s.installation_id = (SELECT r.installation_id FROM repository r WHERE r.id = $2))
		ORDER BY CASE WHEN p.repo_id = $3 THEN 0 ELSE 1 END, p.pinned_at, p.repo_id`, repoID, repoID, repoID)
	if err != nil {
		return nil, fmt.Errorf("list whom logins mean in repository %d: %w", repoID, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	pins := map[string]int64{}
	for rows.Next() {
		var login string
		var id int64
		if err := rows.Scan(&login, &id); err != nil {
			return nil, fmt.Errorf("list whom logins mean in repository %d: %w", repoID, err)
		}
		if _, earlier := pins[login]; !earlier {
			pins[login] = id
		}
	}
	return pins, rows.Err()
}

// Pin notes which account a login of a policy means from now on; 0: nobody. The
// first word counts.
func (x *Index) Pin(ctx context.Context, tx *sql.Tx, repoID int64, login string, userID int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO pin (repo_id, login, user_id, pinned_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (repo_id, login) DO NOTHING`, repoID, text(strings.ToLower(login)), userID, store.Millis(at))
	if err != nil {
		return fmt.Errorf("note whom %q means in repository %d: %w", login, repoID, err)
	}
	return nil
}
