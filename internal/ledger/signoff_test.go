package ledger

import (
	"context"
	"database/sql"
	"testing"

	"gonogo/internal/gate"
)

func TestSignoffsStandBesideDecisions(t *testing.T) {
	f := open(t)
	signs := func(once string) (added bool) {
		f.write(func(ctx context.Context, tx *sql.Tx) (err error) {
			added, err = AppendSignoff(ctx, tx, pr, gate.Signoff{Name: "qa", PersonDecision: gate.PersonDecision{
				User: sam, At: at, Channel: "comment", CommentID: 9, For: gate.Binding{HeadSHA: "9f8e7d6"},
			}}, once)
			return err
		})
		return added
	}
	f.says(gate.ChoiceGo, dana, "comment/1")
	if !signs("comment/2/signoff/qa") || signs("comment/2/signoff/qa") {
		t.Error("a sign-off is entered once")
	}
	read := func() []gate.Signoff {
		s, err := f.History(t.Context(), 7, 12)
		if err != nil {
			t.Fatal(err)
		}
		return s.Signoffs
	}
	given := read()
	if len(given) != 1 || given[0].Name != "qa" || !given[0].User.Is(sam) || given[0].Choice != "" || given[0].For.HeadSHA != "9f8e7d6" {
		t.Fatalf("%+v", given)
	}
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		return AppendVoid(ctx, tx, pr, given[0].PersonDecision, "deleted", at)
	})
	if s := read(); s[0].Voided != "deleted" {
		t.Errorf("%+v", s)
	}
	if d := f.decisions(); len(d) != 1 || d[0].Voided != "" {
		t.Errorf("%+v", d)
	}
}
