package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/report"
	"gonogo/internal/store"
)

// shadows makes a database with evaluations in it and leaves it open, as a
// running server does.
func shadows(t *testing.T) string {
	t.Helper()
	url := "sqlite:" + filepath.Join(t.TempDir(), "gonogo.db")
	db, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	add := func(repo int64, name string, number int, mode gate.Mode, ago time.Duration, codes ...string) {
		at := time.Now().Add(-ago)
		ev := gate.Evaluation{At: at, Mode: mode, Verdict: gate.Ready, PR: gate.PullRequest{
			Repo: gate.Repository{ID: repo, Owner: "acme", Name: name}, Number: number, HeadSHA: "abc", Draft: number == 99}}
		for _, code := range codes {
			ev.Verdict = gate.Waiting
			ev.Findings = append(ev.Findings, gate.Finding{Status: gate.Action, Code: code})
		}
		if ev.Number, err = ledger.New(db).Begin(t.Context(), repo, number, at); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(tx *sql.Tx) error { return ledger.Finish(context.Background(), tx, ev) }); err != nil {
			t.Fatal(err)
		}
	}
	const day = 24 * time.Hour
	add(1, "shop", 1, gate.Shadow, 40*day, "ci-failed")
	add(1, "shop", 2, gate.Shadow, 3*day, "ci-failed", "no-block")
	add(1, "shop", 2, gate.Shadow, 2*day, "go-missing", "go-missing", "ci-failed")
	add(1, "shop", 3, gate.Trial, 2*day, "go-missing")
	add(1, "shop", 4, gate.Trial, 2*day)
	add(1, "shop", 5, gate.Enforce, 2*day, "freeze")
	add(1, "shop", 6, "", 2*day, "freeze")
	add(1, "shop", 7, gate.Trial, 2*day, "go-missing")
	add(1, "shop", 7, gate.Enforce, day, "freeze")
	add(1, "shop", 99, gate.Trial, 2*day, "freeze")
	add(2, "cart", 1, gate.Shadow, 2*day)
	return url
}

func reported(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(append([]string{"report"}, args...))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestReportShadow(t *testing.T) {
	url := shadows(t)
	got, err := reported(t, "--shadow", "--database-url", url)
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ = strings.Cut(got, "\n")
	const want = `
5 pull requests judged, 3 would have been blocked: go-missing 3, ci-failed 1

acme/cart: 1 pull request judged, 0 would have been blocked

acme/shop: 4 pull requests judged, 3 would have been blocked: go-missing 3, ci-failed 1

A pull request counts once for each reason that stood in its way.
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	text, err := reported(t, "--shadow", "--format", "json", "--since", "60d", "--database-url", url)
	if err != nil {
		t.Fatal(err)
	}
	var s report.Shadows
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if s.Judged != 6 || s.Blocked != 4 || len(s.Repositories) != 2 || s.Repositories[1].Name != "acme/shop" || s.Reasons[1] != (report.ReasonCount{Code: "ci-failed", Pulls: 2}) {
		t.Errorf("%+v", s)
	}
	if got, err := reported(t, "--shadow", "--since", "1h", "--database-url", url); err != nil || !strings.HasPrefix(got, "No pull request was judged") {
		t.Errorf("%q, %v", got, err)
	}
}

func TestReportSaysWhatIsWrong(t *testing.T) {
	for want, args := range map[string][]string{
		"gonogo report --shadow":   {},
		"write days such as 30d":   {"--shadow", "--since", "soon"},
		"--format text or":         {"--shadow", "--format", "xml"},
		"no such file":             {"--shadow", "--database-url", "sqlite:/nowhere/gonogo.db"},
		"write sqlite:/path/to":    {"--shadow", "--database-url", "mysql:x"},
		"name an existing file":    {"--shadow", "--config", "/nowhere.yml"},
		"such as 30d, or a durati": {"--shadow", "--since", "-3h"},
	} {
		if _, err := reported(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
