package index_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/index"
	"gonogo/internal/store"
)

type fixture struct {
	*index.Index
	t     *testing.T
	store *store.Store
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "i.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &fixture{Index: index.New(s), t: t, store: s}
}

func (f *fixture) write(do func(ctx context.Context, tx *sql.Tx) error) {
	f.t.Helper()
	if err := f.store.Write(f.t.Context(), func(tx *sql.Tx) error { return do(f.t.Context(), tx) }); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) save(p index.Pull, seen int64) (current bool) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *sql.Tx) (err error) {
		current, err = f.SavePull(ctx, tx, p, time.UnixMilli(seen))
		return err
	})
	return current
}

func at(n int64) time.Time { return time.UnixMilli(n) }

func TestALaterStateIsNotOverwritten(t *testing.T) {
	f := newFixture(t)
	p := index.Pull{RepoID: 1, Number: 7, HeadSHA: "b", HeadRef: "x", BaseRef: "main", Open: true, Class: gate.High, AsOf: at(20)}
	if !f.save(p, 1) {
		t.Fatal("the first state was not written")
	}
	old := p
	old.HeadSHA, old.Open, old.AsOf = "a", false, at(10)
	if f.save(old, 2) {
		t.Fatal("an earlier state was written")
	}
	p.Class, p.AsOf = gate.Undeclared, at(30)
	f.save(p, 3)
	got, err := f.Pull(t.Context(), nil, 1, 7)
	if err != nil || got.HeadSHA != "b" || !got.Open || got.Class != gate.High || !got.AsOf.Equal(at(30)) {
		t.Fatalf("%+v, %v", got, err)
	}
	if late, err := f.ByHead(t.Context(), nil, 1, "a"); err != nil || len(late) != 1 {
		t.Fatalf("the earlier head is not in the index: %v, %v", late, err)
	}
}

func TestHeadsAreOurOwnRecord(t *testing.T) {
	f := newFixture(t)
	for n, sha := range []string{"a", "a", "b", "b", "a"} { // forced back in the end
		f.write(func(ctx context.Context, tx *sql.Tx) error {
			return f.SawHead(ctx, tx, 1, 7, sha, at(int64(n+1)))
		})
	}
	heads, err := f.Heads(t.Context(), nil, 1, 7)
	want := []index.Head{{SHA: "a", Seen: at(1).UTC()}, {SHA: "b", Seen: at(3).UTC()}, {SHA: "a", Seen: at(5).UTC()}}
	if err != nil || len(heads) != len(want) {
		t.Fatalf("%v, %v", heads, err)
	}
	for n := range want {
		if heads[n] != want[n] {
			t.Errorf("head %d: %v, want %v", n, heads[n], want[n])
		}
	}
}

func TestTheAPIsWordReplacesAPayloads(t *testing.T) {
	f := newFixture(t)
	hint := index.Repository{Repository: gate.Repository{ID: 1, Owner: "acme", Name: "shop\x00\xff"}, InstallationID: 3}
	learn := func(r index.Repository, want bool) {
		t.Helper()
		f.write(func(ctx context.Context, tx *sql.Tx) error {
			if foreign, err := f.Learn(ctx, tx, r); err != nil || foreign != want {
				t.Errorf("foreign %t, %v", foreign, err)
			}
			return nil
		})
	}
	learn(hint, false)
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		if err := f.SaveRepository(ctx, tx, hint); err == nil {
			t.Error("what was not read from the API was saved as if it were")
		}
		r := hint
		r.InstallationID, r.Owner, r.Name, r.DefaultBranch, r.VerifiedAt = 4, "other", "shop", "trunk", at(9)
		return f.SaveRepository(ctx, tx, r)
	})
	learn(hint, true) // it was transferred: the old installation's word is foreign now
	renamed := index.Repository{Repository: gate.Repository{ID: 1, Owner: "other", Name: "store"}, InstallationID: 4}
	learn(renamed, false)
	r, err := f.Repository(t.Context(), nil, 1)
	if err != nil || r.InstallationID != 4 || r.FullName() != "other/store" || r.DefaultBranch != "trunk" || r.VerifiedAt.IsZero() {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := f.Repository(t.Context(), nil, 2); !errors.Is(err, index.ErrUnknown) {
		t.Fatalf("an unknown one: %v", err)
	}
}
