package ledger

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"gonogo/internal/store"
)

// BenchmarkAdopt measures taking over a database from before the chain, which is
// done once, before anything else: 100,000 entries.
func BenchmarkAdopt(b *testing.B) {
	const entries = 100_000
	for b.Loop() {
		b.StopTimer()
		db, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "l.db"))
		if err != nil {
			b.Fatal(err)
		}
		err = db.Write(b.Context(), func(tx *sql.Tx) error { return unchained(b.Context(), tx, entries) })
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := New(db).Adopt(b.Context(), at); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// unchained enters what an earlier version left: entries without hashes.
func unchained(ctx context.Context, tx *sql.Tx, n int) error {
	if _, err := tx.ExecContext(ctx, `DROP TRIGGER entry_follows`); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < $1)
		INSERT INTO entry (id, at, kind, repo_id, number, sha, actor_id, actor, once, data, texts, hash)
		SELECT n, 1767323045000 + n, 'verdict', 7, n % 5000, '9f8e7d6', 0, '', 'verdict/' || n, CAST('{"class":"medium","evaluation":' || n || ',"verdict":"READY"}' AS BLOB), '{}', x'' FROM i`, n)
	return err
}
