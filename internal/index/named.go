package index

import (
	"context"
	"database/sql"
)

// Named lists the repositories that have or had this name, those that were
// removed among them.
func (x *Index) Named(ctx context.Context, tx *sql.Tx, owner, name string) ([]Repository, error) {
	return x.repositories(ctx, tx, "LOWER(owner) = LOWER($1) AND LOWER(name) = LOWER($2)", owner, name)
}
