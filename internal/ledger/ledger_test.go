package ledger

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/gate"
	"gonogo/internal/store"
)

var (
	at   = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	dana = gate.User{ID: 3, Login: "dana"}
	sam  = gate.User{ID: 4, Login: "sam"}
	pr   = gate.PullRequest{Repo: gate.Repository{ID: 7}, Number: 12, HeadSHA: "9f8e7d6", BaseRef: "main", Body: "long"}
)

type fixture struct {
	t *testing.T
	*Ledger
}

func open(t *testing.T) fixture {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "l.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return fixture{t, New(db)}
}

func (f fixture) write(do func(context.Context, *sql.Tx) error) {
	f.t.Helper()
	if err := f.db.Write(f.t.Context(), func(tx *sql.Tx) error { return do(f.t.Context(), tx) }); err != nil {
		f.t.Fatal(err)
	}
}

func (f fixture) says(c gate.Choice, u gate.User, once string) (added bool) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *sql.Tx) (err error) {
		added, err = AppendDecision(ctx, tx, pr, gate.PersonDecision{
			Choice: c, User: u, At: at, Channel: "comment", CommentID: 9, Reason: "because",
			For: gate.Binding{HeadSHA: "9f8e7d6", BaseRef: "main", Policy: "p", Terms: gate.Terms{gate.FieldScope: "d"}},
		}, once)
		return err
	})
	return added
}

func (f fixture) decisions() []gate.PersonDecision {
	f.t.Helper()
	said, err := f.History(f.t.Context(), 7, 12)
	if err != nil {
		f.t.Fatal(err)
	}
	return said.Decisions
}

func TestDecisionsAreKeptAsTheyWereGiven(t *testing.T) {
	f := open(t)
	if !f.says(gate.ChoiceGo, dana, "comment/1") || !f.says(gate.ChoiceNoGo, sam, "comment/2") {
		t.Fatal("not added")
	}
	if f.says(gate.ChoiceGo, dana, "comment/1") {
		t.Error("the same command was entered twice")
	}
	want := []gate.PersonDecision{
		{ID: 1, Choice: gate.ChoiceGo, User: dana, At: at, Channel: "comment", CommentID: 9, Reason: "because",
			For: gate.Binding{HeadSHA: "9f8e7d6", BaseRef: "main", Policy: "p", Terms: gate.Terms{gate.FieldScope: "d"}}},
		{ID: 2, Choice: gate.ChoiceNoGo, User: sam, At: at, Channel: "comment", CommentID: 9, Reason: "because",
			For: gate.Binding{HeadSHA: "9f8e7d6", BaseRef: "main", Policy: "p", Terms: gate.Terms{gate.FieldScope: "d"}}},
	}
	if d := cmp.Diff(want, f.decisions()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestAVoidNamesTheFirstCause(t *testing.T) {
	f := open(t)
	f.says(gate.ChoiceGo, dana, "comment/1")
	for _, how := range []string{"edited by 'eve'", "deleted"} {
		f.write(func(ctx context.Context, tx *sql.Tx) error { return AppendVoid(ctx, tx, pr, f.decisions()[0], how, at) })
	}
	if d := f.decisions(); len(d) != 1 || d[0].Voided != "edited by 'eve'" {
		t.Errorf("%+v", d)
	}
}

func TestWhatFailsIsNotEntered(t *testing.T) {
	f := open(t)
	err := f.db.Write(t.Context(), func(tx *sql.Tx) error {
		if _, err := AppendDecision(t.Context(), tx, pr, gate.PersonDecision{Choice: gate.ChoiceGo, User: dana}, "comment/1"); err != nil {
			return err
		}
		return context.Canceled
	})
	if err == nil || len(f.decisions()) != 0 {
		t.Errorf("%v, %d decisions", err, len(f.decisions()))
	}
}

func (f fixture) evaluates(number int, sha string, v gate.Verdict) int64 {
	f.t.Helper()
	n, err := f.Begin(f.t.Context(), 7, number, at)
	if err != nil {
		f.t.Fatal(err)
	}
	p := pr
	p.Number, p.HeadSHA = number, sha
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		return Finish(ctx, tx, gate.Evaluation{Number: n, At: at, PR: p, Verdict: v})
	})
	return n
}

func TestEvaluations(t *testing.T) {
	f := open(t)
	first := f.evaluates(12, "a", gate.Ready)
	second := f.evaluates(12, "b", gate.Waiting)
	f.evaluates(13, "a", gate.NotReady)
	if _, err := f.Begin(t.Context(), 7, 12, at); err != nil { // begun, never finished
		t.Fatal(err)
	}
	latest, found, err := f.Latest(t.Context(), 7, 12)
	if err != nil || !found || latest.Number != second || latest.PR.Body != "" {
		t.Errorf("latest %+v %v %v", latest, found, err)
	}
	on, found, err := f.LatestOn(t.Context(), 7, 12, "a")
	if err != nil || !found || on.Number != first || on.Verdict != gate.Ready {
		t.Errorf("on a: %+v %v %v", on, found, err)
	}
	if _, found, err := f.LatestOn(t.Context(), 7, 12, "c"); found || err != nil {
		t.Errorf("on c: %v %v", found, err)
	}
}

func TestPruneKeepsWhatMatters(t *testing.T) {
	f := open(t)
	kept := f.evaluates(12, "a", gate.Ready)
	f.write(func(ctx context.Context, tx *sql.Tx) error { return Keep(ctx, tx, kept) })
	f.evaluates(12, "b", gate.Waiting)
	last := f.evaluates(12, "c", gate.Waiting)
	n, err := f.Prune(t.Context(), at.Add(time.Hour))
	if err != nil || n != 1 {
		t.Errorf("pruned %d, %v", n, err)
	}
	for sha, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if _, found, err := f.LatestOn(t.Context(), 7, 12, sha); found != want || err != nil {
			t.Errorf("%s: %v %v", sha, found, err)
		}
	}
	if l, _, _ := f.Latest(t.Context(), 7, 12); l.Number != last {
		t.Errorf("latest %d", l.Number)
	}
}

func TestPublishedNeverGoesBack(t *testing.T) {
	f := open(t)
	save := func(p Published, last bool) {
		t.Helper()
		f.write(func(ctx context.Context, tx *sql.Tx) error {
			got, err := SavePublished(ctx, tx, 7, "a", "n", p)
			if got != last {
				t.Errorf("turn %d: last %v", p.Turn, got)
			}
			return err
		})
	}
	f.claims(3, false, true)
	p, found, err := f.PublishedOn(t.Context(), 7, "a", "n")
	if err != nil || !found || !p.Pending || p.RunID != 0 {
		t.Fatalf("%+v %v %v", p, found, err)
	}
	save(Published{RunID: 5, Conclusion: "failure", Evaluation: 9, At: at, Turn: 3}, true)
	save(Published{RunID: 4, Conclusion: "success", Evaluation: 8, At: at, Turn: 2}, false)
	p, _, err = f.PublishedOn(t.Context(), 7, "a", "n")
	if err != nil || p.RunID != 5 || p.Conclusion != "failure" || p.Pending {
		t.Errorf("%+v %v", p, err)
	}
}

func TestMerge(t *testing.T) {
	f := open(t)
	if _, found, err := f.MergeOf(t.Context(), 7, 12); found || err != nil {
		t.Fatalf("%v %v", found, err)
	}
	want := Merge{Verdict: gate.Ready, Evaluation: 3, MergeSHA: "m", Base: "main", At: at}
	for range 2 {
		f.write(func(ctx context.Context, tx *sql.Tx) error {
			_, err := Append(ctx, tx, Entry{At: at, Kind: KindMerged, RepoID: 7, Number: 12, Once: MergedOnce(12), Data: want})
			return err
		})
	}
	got, found, err := f.MergeOf(t.Context(), 7, 12)
	if err != nil || !found || got != want {
		t.Errorf("%+v %v %v", got, found, err)
	}
}

func TestAsk(t *testing.T) {
	f := open(t)
	want := Ask{CommentID: 4, HeadSHA: "a", Body: "b", LapsedGo: 2}
	f.write(func(ctx context.Context, tx *sql.Tx) error { return SaveAsk(ctx, tx, 7, 12, Ask{CommentID: 1}) })
	f.write(func(ctx context.Context, tx *sql.Tx) error { return SaveAsk(ctx, tx, 7, 12, want) })
	if got, found, err := f.AskOf(t.Context(), 7, 12); got != want || !found || err != nil {
		t.Errorf("%+v %v %v", got, found, err)
	}
}
