package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gonogo/internal/store"
)

// Place is where a policy file is in force.
type Place string

// PlaceOf is the policy of a repository for pull requests into a branch.
func PlaceOf(repoID int64, base string) Place {
	return Place(fmt.Sprintf("repository/%d/%s", repoID, base))
}

// PlaceOfOrganization is the policy of the organization of an installation.
func PlaceOfOrganization(installation int64) Place {
	return Place(fmt.Sprintf("organization/%d", installation))
}

// ValidPolicy is a policy file that was in force and valid. SHA is "" when there
// was no file.
type ValidPolicy struct {
	SHA     string
	Content []byte
}

// LastValid returns the policy that was last seen to be valid at a place, and
// false when none ever was.
func (x *Index) LastValid(ctx context.Context, tx *sql.Tx, at Place) (ValidPolicy, bool, error) {
	var p ValidPolicy
	err := x.on(tx).QueryRowContext(ctx, "SELECT sha, content FROM valid_policy WHERE place = $1", string(at)).Scan(&p.SHA, &p.Content)
	if errors.Is(err, sql.ErrNoRows) {
		return ValidPolicy{}, false, nil
	}
	if err != nil {
		return ValidPolicy{}, false, fmt.Errorf("look up the last valid policy of %s: %w", at, err)
	}
	return p, true, nil
}

// SaveValid notes the policy that is in force and valid at a place.
func (x *Index) SaveValid(ctx context.Context, tx *sql.Tx, at Place, p ValidPolicy, seen time.Time) error {
	content := p.Content
	if content == nil {
		content = []byte{}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO valid_policy (place, sha, content, seen_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (place) DO UPDATE SET sha = excluded.sha, content = excluded.content, seen_at = excluded.seen_at`,
		string(at), p.SHA, content, store.Millis(seen))
	if err != nil {
		return fmt.Errorf("save the valid policy of %s: %w", at, err)
	}
	return nil
}
