package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/gate"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func (f fixture) enters(e Entry) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *sql.Tx) error { _, err := Append(ctx, tx, e); return err })
}

func (f fixture) requires(base string, r Requirement, at time.Time) {
	f.t.Helper()
	f.write(func(ctx context.Context, tx *sql.Tx) error { return SaveRequirement(ctx, tx, 7, base, r, at) })
}

func (f fixture) merged(number int, m Merge) {
	f.t.Helper()
	m.MergeSHA = fmt.Sprintf("%040d", number)
	f.enters(Entry{At: m.At, Kind: KindMerged, RepoID: 7, Number: number, SHA: "9f8e7d6", Once: MergedOnce(number), Data: m})
}

// story is a small ledger in which every kind of merge occurs.
func story(t *testing.T) fixture {
	f := open(t)
	day := func(n int) time.Time { return at.AddDate(0, 0, n) }
	f.merged(1, Merge{Base: "main", At: day(-9)})
	f.requires("main", NotRequired, day(-8))
	f.merged(2, Merge{Base: "main", At: day(-7), Verdict: gate.NotReady})
	f.requires("main", Required, day(-6))
	f.requires("main", Required, day(-5))
	f.merged(3, Merge{Base: "main", At: day(-4), Verdict: gate.Waiting})
	n := must(f.Begin(t.Context(), 7, 12, at))
	f.write(func(ctx context.Context, tx *sql.Tx) error {
		p := pr
		p.Number, p.Repo.Owner, p.Repo.Name = 12, "acme", "shop"
		d := gate.PersonDecision{Choice: gate.ChoiceGo, User: dana, At: at, Channel: "comment", CommentID: 9,
			Reason: "=HYPERLINK(\"http://evil.example\")\x1b[31m", For: gate.Binding{HeadSHA: "9f8e7d6", BaseRef: "main", Policy: "p"}}
		if _, err := AppendDecision(ctx, tx, p, d, "comment/1"); err != nil {
			return err
		}
		d.ID = 6
		ev := gate.Evaluation{
			Number: n, At: at, PR: p, Verdict: gate.Ready, Class: gate.Medium, PolicySource: ".github/gonogo.yml", PolicySHA: "0123456789ab",
			Findings: []gate.Finding{
				{Requirement: "code/checks", Status: gate.Pass, Fact: "3 of 3 are green"},
				{Requirement: "communication/docs", Status: gate.Advisory, Code: "communication-missing", Fact: gate.Quote("@sam|*x*") + " may write one"},
			},
			Decisions: []gate.Standing{{PersonDecision: d, Counts: true}, {PersonDecision: gate.PersonDecision{Choice: gate.ChoiceGo, User: sam, At: at}, Lapsed: "the head moved"}},
			Readings:  map[string]time.Time{"reviews": at},
		}
		if err := Finish(ctx, tx, ev); err != nil {
			return err
		}
		_, err := Append(ctx, tx, Entry{At: at, Kind: KindVerdict, RepoID: 7, Number: 12, SHA: "9f8e7d6", Once: "verdict/1",
			Data: map[string]any{"verdict": gate.Ready, "evaluation": n}})
		return err
	})
	f.merged(12, Merge{Base: "main", At: day(1), Verdict: gate.Ready, Evaluation: n})
	f.merged(13, Merge{Base: "main", At: day(2), Verdict: gate.Ready, Exempt: "bots", Evaluation: 999})
	f.merged(14, Merge{Base: "main", At: day(2), Verdict: gate.Waiting, Override: "sam"})
	f.requires("main", Unpinned, day(3))
	f.merged(15, Merge{Base: "main", At: day(4), Verdict: gate.NotReady})
	f.enters(Entry{At: day(5), Kind: KindRelease, RepoID: 7, SHA: "aaa", Once: "release/1",
		Data: map[string]any{"tag": "v1.0.0", "verdict": gate.Ready, "pulls": []gate.ReleasedPull{{Number: 12}}}})
	f.enters(Entry{At: day(6), Kind: KindRefused, RepoID: 8, Number: 3, Once: "heard/comment/7", Actor: gate.User{ID: 66, Login: "-stranger"},
		Data: map[string]any{"Code": "not-authorized"}, Texts: map[string]string{"sentence": "@SUM(1+1) is no release manager"}})
	return f
}

func (f fixture) exports(s Selection, to func(io.Writer) Exporter) string {
	f.t.Helper()
	s.Name = func(id int64) string { return map[int64]string{7: "acme/shop", 8: "acme/-tools"}[id] }
	var b bytes.Buffer
	if err := Export(f.t.Context(), f.db, s, to(&b)); err != nil {
		f.t.Fatal(err)
	}
	return b.String()
}

func TestExport(t *testing.T) {
	f := story(t)
	for _, tt := range []struct {
		file string
		s    Selection
		to   func(io.Writer) Exporter
	}{
		{"all.csv", Selection{}, NewCSV},
		{"all.json", Selection{}, NewJSON},
		{"pull.json", Selection{Repos: []int64{7}, Number: 12}, NewJSON},
		{"release.csv", Selection{Repos: []int64{7}, Release: "v1.0.0"}, NewCSV},
	} {
		got := unsalted(f.exports(tt.s, tt.to))
		path := filepath.Join("testdata", "export", tt.file)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s is not what is exported; run: make golden\n%s", path, diff)
		}
	}
	if err := Export(t.Context(), f.db, Selection{Release: "v9"}, NewCSV(io.Discard)); err == nil || !strings.Contains(err.Error(), `no release "v9"`) {
		t.Errorf("%v", err)
	}
}

// unsalted takes out the hashes, which the salts make new every time.
func unsalted(s string) string {
	words := strings.FieldsFunc(s, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) })
	for _, w := range words {
		if len(w) == 64 {
			s = strings.ReplaceAll(s, w, "…")
		}
	}
	return s
}

// Ruling 25: every merge is in exactly one of the counts, and what is not known
// is said as such.
func TestCoverageAddsUp(t *testing.T) {
	f := story(t)
	var got struct{ Coverage Coverage }
	if err := json.Unmarshal([]byte(f.exports(Selection{}, NewJSON)), &got); err != nil {
		t.Fatal(err)
	}
	c := got.Coverage
	if sum := c.Ready + c.Overridden + c.Exempt + c.Bypassed + c.BeforeGate + c.Ungated + c.NotKnown; sum != c.Merges || c.Merges != 7 {
		t.Errorf("%d of %d merges", sum, c.Merges)
	}
	for name, n := range map[string]int{"READY": c.Ready, "override": c.Overridden, "exempt": c.Exempt, "bypass": c.Bypassed,
		"before-gate": c.BeforeGate, "ungated": c.Ungated, "not known": c.NotKnown} {
		if n != 1 {
			t.Errorf("%s: %d, want 1", name, n)
		}
	}
	if text := open(t).exports(Selection{}, NewCSV); !strings.Contains(text, "check required: not known") {
		t.Errorf("an empty ledger:\n%s", text)
	}
}

// Case 93.
func TestNoCellBecomesAFormula(t *testing.T) {
	for cell, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "＝1": "'＝1",
		"a=1": "a=1", "": "", "12": "12", "a\x1b[31mb\x00": "a\uFFFD[31mb\uFFFD",
	} {
		if got := harmless(cell); got != want {
			t.Errorf("%q became %q, want %q", cell, got, want)
		}
	}
	rows, err := csv.NewReader(strings.NewReader(story(t).exports(Selection{}, NewCSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, cells := range rows {
		for _, cell := range cells {
			if strings.IndexAny(cell, "=+-@\t\r") == 0 || strings.Contains(cell, "\x1b") {
				t.Errorf("row %d: %q", i, cell)
			}
		}
	}
}

// Ruling 25: what a decision, a verdict that let something pass, a merge or a
// release rests on is never pruned; the same evaluations without it are.
func TestPruneKeepsAllThatIsRestedOn(t *testing.T) {
	f := open(t)
	kept := map[string]int64{}
	for _, what := range []string{"nothing", "a GO", "nothing either", "READY", "an exemption", "a merge", "a release"} {
		n := f.evaluates(12, what, gate.Waiting)
		if !strings.HasPrefix(what, "nothing") {
			f.write(func(ctx context.Context, tx *sql.Tx) error { return Keep(ctx, tx, n) })
			kept[what] = n
		}
	}
	f.evaluates(12, "the newest", gate.Waiting)
	pruned, err := f.Prune(t.Context(), at.Add(time.Hour))
	if err != nil || pruned != 2 {
		t.Errorf("%d pruned, %v", pruned, err)
	}
	for what := range kept {
		if _, found, err := f.LatestOn(t.Context(), 7, 12, what); err != nil || !found {
			t.Errorf("%s: %v %v", what, found, err)
		}
	}
}
