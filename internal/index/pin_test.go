package index_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/index"
)

// The first account that a login was seen to mean is kept, in the repository
// itself before others of its installation, and never across installations.
func TestPins(t *testing.T) {
	x := newFixture(t)
	then := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	x.write(func(ctx context.Context, tx *sql.Tx) error {
		for id, installation := range map[int64]int64{1: 10, 2: 10, 3: 30} {
			r := index.Repository{Repository: gate.Repository{ID: id, Owner: "acme", Name: "r"}, InstallationID: installation, VerifiedAt: then}
			if err := x.SaveRepository(ctx, tx, r); err != nil {
				return err
			}
		}
		for _, p := range []struct {
			repo  int64
			login string
			id    int64
			after time.Duration
		}{{1, "Alice", 42, 0}, {1, "alice", 999, time.Hour}, {2, "bob", 7, 2 * time.Hour}, {1, "bob", 8, time.Hour}, {3, "carl", 5, 0}, {2, "nobody", 0, 0}} {
			if err := x.Pin(ctx, tx, p.repo, p.login, p.id, then.Add(p.after)); err != nil {
				return err
			}
		}
		return nil
	})
	for repo, want := range map[int64]map[string]int64{
		1: {"alice": 42, "bob": 8, "nobody": 0}, 2: {"alice": 42, "bob": 7, "nobody": 0}, 3: {"carl": 5},
	} {
		got, err := x.Pins(t.Context(), nil, repo)
		if err != nil || len(got) != len(want) {
			t.Errorf("repository %d: %v, %v", repo, got, err)
		}
		for login, id := range want {
			if have, ok := got[login]; !ok || have != id {
				t.Errorf("repository %d: %s means %d (%t), want %d", repo, login, have, ok, id)
			}
		}
	}
}
