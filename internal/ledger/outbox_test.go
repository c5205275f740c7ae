package ledger

import (
	"context"
	"database/sql"
	"testing"
	"time"
)

// claims claims commit a of repository 7 for a turn.
func (f fixture) claims(turn int64, pass, want bool) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		got, err := Claim(ctx, tx, 7, "a", "n", turn, pass)
		if got != want {
			f.t.Errorf("turn %d (pass %v) is claimed: %v", turn, pass, got)
		}
		return err
	})
}

func (f fixture) intends(sha string) (turn int64) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *sql.Tx) (err error) {
		turn, err = Intend(ctx, tx, 7, sha)
		return err
	})
	return turn
}

func TestTurns(t *testing.T) {
	f := open(t)
	first, second := f.intends("a"), f.intends("a")
	if other := f.intends("b"); first != 1 || second != 2 || other != 1 {
		t.Fatalf("turns %d, %d, and %d of another head", first, second, other)
	}
	f.claims(first, true, false) // a pass gives way to what only has its turn
	f.claims(first, false, true) // a refusal does not wait for it
	f.claims(second, true, true)
	f.claims(second, true, true)  // once more
	f.claims(first, false, false) // not behind what began to be written
	p, _, err := f.PublishedOn(t.Context(), 7, "a", "n")
	if err != nil || p.Turn != second || !p.Pending {
		t.Errorf("%+v %v", p, err)
	}
}

func TestDoubt(t *testing.T) {
	f := open(t)
	doubts := func(now time.Time) (before time.Time) {
		t.Helper()
		f.write(func(ctx context.Context, tx *sql.Tx) (err error) {
			before, err = Doubt(ctx, tx, 7, "a", "n", now)
			return err
		})
		return before
	}
	if before := doubts(at); !before.IsZero() {
		t.Errorf("a run that is not there was doubted at %s", before)
	}
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		_, err := SavePublished(ctx, tx, 7, "a", "n", Published{RunID: 5, Conclusion: "success", Digest: "d", At: at, Turn: 1})
		return err
	})
	if before := doubts(at); !before.IsZero() {
		t.Errorf("first doubted at %s", before)
	}
	p, _, err := f.PublishedOn(t.Context(), 7, "a", "n")
	if err != nil || !p.Pending || p.Digest != "" || p.RunID != 5 {
		t.Errorf("%+v %v", p, err)
	}
	if before := doubts(at.Add(time.Minute)); !before.Equal(at) {
		t.Errorf("doubted before at %s", before)
	}
}

func TestPresses(t *testing.T) {
	f := open(t)
	for _, tt := range []struct {
		pressed, looked time.Duration
		recorded        bool
	}{
		{0, 0, true},
		{time.Second, 30 * time.Second, true},
		{2 * time.Second, 30 * time.Second, false},
		{29 * time.Second, 30 * time.Second, false},
		{30 * time.Second, 60 * time.Second, true},
		{59 * time.Second, 60 * time.Second, false},
		{90 * time.Second, 90 * time.Second, true},
		{time.Hour, time.Hour, true},
	} {
		f.write(func(ctx context.Context, tx *sql.Tx) error {
			when, recorded, err := Press(ctx, tx, 7, 12, at.Add(tt.pressed))
			if !when.Equal(at.Add(tt.looked)) || recorded != tt.recorded {
				t.Errorf("pressed after %s: a look after %s (recorded %v)", tt.pressed, when.Sub(at), recorded)
			}
			return err
		})
	}
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		when, err := PressedFor(ctx, tx, 7, 12)
		if never, err2 := PressedFor(ctx, tx, 7, 13); err2 != nil || !never.IsZero() || !when.Equal(at.Add(time.Hour)) {
			t.Errorf("%s, %s, %v", when, never, err2)
		}
		return err
	})
}
