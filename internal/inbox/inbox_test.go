package inbox_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"gonogo/internal/inbox"
	"gonogo/internal/store"
)

func newInbox(t *testing.T) (*inbox.Inbox, *store.Store) {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "i.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return inbox.New(s), s
}

func hint(body byte, at int64) inbox.Hint {
	return inbox.Hint{GUID: uuid.NewString(), Event: "push", ReceivedAt: time.UnixMilli(at), BodyDigest: inbox.Digest{body}}
}

func TestAppend(t *testing.T) {
	box, _ := newInbox(t)
	a, b, c := hint(1, 1), hint(2, 1), hint(1, 1) // c is a's body again
	for _, step := range []struct {
		hints []inbox.Hint
		want  []inbox.Outcome
	}{
		{[]inbox.Hint{a, b, a, c}, []inbox.Outcome{inbox.Stored, inbox.Stored, inbox.Duplicate, inbox.Replay}},
		{[]inbox.Hint{c, b, a}, []inbox.Outcome{inbox.Duplicate, inbox.Duplicate, inbox.Duplicate}},
	} {
		got, err := box.Append(t.Context(), step.hints)
		if err != nil || len(got) != len(step.want) {
			t.Fatal(got, err)
		}
		for n := range got {
			if got[n] != step.want[n] {
				t.Errorf("hint %d: got %v, want %v", n, got[n], step.want[n])
			}
		}
	}
	entries, err := box.Next(t.Context(), 10)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d stored, %v", len(entries), err)
	}
	for n, want := range []inbox.Hint{a, b, c} {
		if got := entries[n].Hint; got.GUID != want.GUID || got.Replayed != (n == 2) || !got.ReceivedAt.Equal(want.ReceivedAt) {
			t.Errorf("entry %d: %+v", n, got)
		}
	}
}

func TestPruneForgetsTheOldOnly(t *testing.T) {
	box, s := newInbox(t)
	old, young := make([]inbox.Hint, 2500), hint(9, 2000)
	for n := range old {
		old[n] = hint(1, 1000)
	}
	for n := 0; n < len(old); n += 100 {
		if _, err := box.Append(t.Context(), old[n:n+100]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := box.Append(t.Context(), []inbox.Hint{young}); err != nil {
		t.Fatal(err)
	}
	if n, err := box.Prune(t.Context(), time.UnixMilli(1500)); err != nil || n != len(old) {
		t.Fatalf("%d pruned, %v", n, err)
	}
	if got, err := box.Append(t.Context(), []inbox.Hint{young}); err != nil || got[0] != inbox.Duplicate {
		t.Fatalf("the young one was forgotten: %v, %v", got, err)
	}
	if n, err := box.Prune(t.Context(), time.UnixMilli(3000)); err != nil || n != 1 {
		t.Fatalf("%d pruned, %v", n, err)
	}
	var left int
	if err := s.Read().QueryRow("SELECT count(*) FROM delivery").Scan(&left); err != nil || left != 0 {
		t.Fatalf("%d left, %v", left, err)
	}
}

func TestDeleteAndBury(t *testing.T) {
	box, s := newInbox(t)
	if _, err := box.Append(t.Context(), []inbox.Hint{hint(1, 1), hint(2, 1), hint(3, 1)}); err != nil {
		t.Fatal(err)
	}
	entries, _ := box.Next(t.Context(), 10)
	err := s.Write(t.Context(), func(tx *sql.Tx) error {
		if err := box.Delete(t.Context(), tx, []int64{entries[0].ID}); err != nil {
			return err
		}
		return box.Bury(t.Context(), tx, entries[1].ID, time.UnixMilli(5), sql.ErrNoRows)
	})
	if err != nil {
		t.Fatal(err)
	}
	left, err := box.Next(t.Context(), 10)
	if err != nil || len(left) != 1 || left[0].ID != entries[2].ID {
		t.Fatalf("%+v, %v", left, err)
	}
	if d, err := box.Depth(t.Context()); err != nil || d != (inbox.Depth{Waiting: 1, Dead: 1}) {
		t.Fatalf("%+v, %v", d, err)
	}
}

func TestMayCommand(t *testing.T) {
	for body, want := range map[string]bool{
		"/go": true, "thanks\n/go 123": true, "  /go": true, "\u00a0/go": true, "a\r\n/no-go": true,
		"": false, "looks /good": false, "> /go": false, "and/or": false,
	} {
		if got := inbox.MayCommand(body); got != want {
			t.Errorf("%q: %t", body, got)
		}
	}
}

func TestCommandsSurviveTheMailbox(t *testing.T) {
	c := inbox.Command{Source: inbox.FromReview, Action: "submitted", ReviewID: 4, Body: "/go", ReceivedAt: time.UnixMilli(7).UTC()}
	back, err := inbox.ParseCommand(c.Encode())
	if err != nil || back != c || c.Key() != "review/4" {
		t.Fatalf("%+v, %v, %s", back, err, c.Key())
	}
	for _, body := range []string{"", "{}", `{"source":"telepathy"}`} {
		if _, err := inbox.ParseCommand([]byte(body)); err == nil {
			t.Errorf("%q was taken", body)
		}
	}
}
