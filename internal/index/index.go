// Package index remembers which repositories, pull requests and head commits
// exist, so that an event can be led to the pull requests that it concerns.
//
// The arrays in GitHub's check events are empty for forks; this index is not.
// It answers "where must we look?", never "what is so?": evidence is read from
// the API. It is fed from both sides: by hints, whose word is taken only where
// nothing better is known, and by what the worker read.
//
// Everything is keyed by numeric ids: a renamed or transferred repository stays
// the same, a re-created one of the same name does not. Head commits are only
// ever added: they are our own record of which commit was the head when, and
// commit dates are not asked.
package index

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

// ErrUnknown is returned for what was never seen.
var ErrUnknown = errors.New("not in the index")

// Index is safe for concurrent use. Methods that write need a transaction of
// the store; readers take one, or nil to read what is committed.
type Index struct{ store *store.Store }

// New returns the index of a store.
func New(s *store.Store) *Index { return &Index{store: s} }

// querier is a transaction or the reading pool.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (x *Index) on(tx *sql.Tx) querier {
	if tx == nil {
		return x.store.Read()
	}
	return tx
}

// Repository is a repository and the installation that it belongs to.
type Repository struct {
	gate.Repository
	InstallationID int64
	// VerifiedAt is when GitHub's API confirmed the installation; zero: never.
	VerifiedAt time.Time
	// RemovedAt is when the repository or its installation went; zero: it did
	// not.
	RemovedAt time.Time
}

const repositoryColumns = "id, installation_id, owner, name, owner_is_user, default_branch, private, verified_at, removed_at"

func scanRepository(row interface{ Scan(...any) error }) (Repository, error) {
	var r Repository
	var verified, removed sql.NullInt64
	err := row.Scan(&r.ID, &r.InstallationID, &r.Owner, &r.Name, &r.OwnerIsUser, &r.DefaultBranch, &r.Private, &verified, &removed)
	r.VerifiedAt, r.RemovedAt = store.Time(verified.Int64), store.Time(removed.Int64)
	return r, err
}

// Repository returns a repository by its id, or [ErrUnknown].
func (x *Index) Repository(ctx context.Context, tx *sql.Tx, id int64) (Repository, error) {
	r, err := scanRepository(x.on(tx).QueryRowContext(ctx, "SELECT "+repositoryColumns+" FROM repository WHERE id = $1", id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrUnknown
	}
	if err != nil {
		return Repository{}, fmt.Errorf("look up repository %d: %w", id, err)
	}
	return r, nil
}

// Repositories lists what is there, without what was removed.
func (x *Index) Repositories(ctx context.Context, tx *sql.Tx) ([]Repository, error) {
	return x.repositories(ctx, tx, "removed_at IS NULL")
}

// ByInstallation lists the repositories of an installation, without what was
// removed.
func (x *Index) ByInstallation(ctx context.Context, tx *sql.Tx, installation int64) ([]Repository, error) {
	return x.repositories(ctx, tx, "installation_id = $1 AND removed_at IS NULL", installation)
}

func (x *Index) repositories(ctx context.Context, tx *sql.Tx, where string, args ...any) (_ []Repository, err error) {
	rows, err := x.on(tx).QueryContext(ctx, "SELECT "+repositoryColumns+" FROM repository WHERE "+where+" ORDER BY id", args...)
	if err != nil {
		return nil, fmt.Errorf("list repositories: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var list []Repository
	for rows.Next() {
		r, err := scanRepository(rows)
		if err != nil {
			return nil, fmt.Errorf("list repositories: %w", err)
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// SaveRepository writes what was read from GitHub's API: its word replaces
// everything, the installation too. VerifiedAt must be set.
func (x *Index) SaveRepository(ctx context.Context, tx *sql.Tx, r Repository) error {
	if r.VerifiedAt.IsZero() {
		return fmt.Errorf("save repository %d: it must have been read from the API", r.ID)
	}
	return x.save(ctx, tx, r, "installation_id = excluded.installation_id, verified_at = excluded.verified_at, removed_at = excluded.removed_at, ")
}

// Learn takes a payload's word for a repository: an unknown one is added, a
// known one of the same installation gets its new name. A known one of another
// installation is left as it is and reported as foreign: only the API can tell
// whether it was transferred or the payload lies.
func (x *Index) Learn(ctx context.Context, tx *sql.Tx, r Repository) (foreign bool, err error) {
	known, err := x.Repository(ctx, tx, r.ID)
	switch {
	case errors.Is(err, ErrUnknown):
	case err != nil:
		return false, err
	case known.InstallationID != r.InstallationID:
		return true, nil
	case r.DefaultBranch == "":
		r.DefaultBranch = known.DefaultBranch
	}
	r.VerifiedAt, r.RemovedAt = time.Time{}, time.Time{}
	return false, x.save(ctx, tx, r, "")
}

func (x *Index) save(ctx context.Context, tx *sql.Tx, r Repository, more string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO repository (`+repositoryColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET `+more+`owner = excluded.owner, name = excluded.name,
			owner_is_user = excluded.owner_is_user, default_branch = excluded.default_branch, private = excluded.private`,
		r.ID, r.InstallationID, text(r.Owner), text(r.Name), r.OwnerIsUser, text(r.DefaultBranch), r.Private,
		store.Nullable(r.VerifiedAt), store.Nullable(r.RemovedAt))
	if err != nil {
		return fmt.Errorf("save repository %d: %w", r.ID, err)
	}
	return nil
}

// RemoveRepository notes that a repository is gone for us. Only the API brings
// it back: see SaveRepository.
func (x *Index) RemoveRepository(ctx context.Context, tx *sql.Tx, id int64, at time.Time) error {
	_, err := tx.ExecContext(ctx, "UPDATE repository SET removed_at = $1 WHERE id = $2 AND removed_at IS NULL", store.Millis(at), id)
	if err != nil {
		return fmt.Errorf("remove repository %d: %w", id, err)
	}
	return nil
}

// text returns s as every database can hold it.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
