package app

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gonogo/internal/ledger"
	"gonogo/internal/sandbox"
	"gonogo/internal/store"
)

// notarized gives the server a key and a file for its checkpoints, and starts
// it anew.
func (w *world) notarized() {
	w.t.Helper()
	dir := w.t.TempDir()
	key, err := ledger.NewKey(filepath.Join(dir, "key.pem"))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.cfg.CheckpointTo, err = ledger.ParsePlace(filepath.Join(dir, "checkpoints.jsonl")); err != nil {
		w.t.Fatal(err)
	}
	w.cfg.CheckpointKey, w.cfg.CheckpointEvery = key, time.Hour
	w.down()
	w.up()
}

func (w *world) kinds(pr *sandbox.PullRequest) string {
	w.t.Helper()
	rows, err := w.app.store.Read().Query("SELECT kind FROM entry WHERE repo_id = $1 AND (number = $2 OR sha = $3) ORDER BY id", w.repo.ID(), pr.Number(), pr.Head())
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var kinds []string
	for rows.Next() {
		var k string
		if err := rows.Scan(&k); err != nil {
			w.t.Fatal(err)
		}
		kinds = append(kinds, k)
	}
	return strings.Join(kinds, " ")
}

func (w *world) proven() ledger.Proof {
	w.t.Helper()
	p, err := ledger.Verify(w.ctx, w.app.store, ledger.Against{})
	if err != nil || p.Fault != nil {
		w.t.Fatalf("%+v %v", p.Fault, err)
	}
	return p
}

// Every command, verdict and effect of a pull request's life is in the ledger,
// each effect before and after.
func TestTheLedgerTellsTheWholeStory(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	pr.Comment("bob", "/go")
	w.stays(pr, "READY · medium")
	pr.Comment("sam", "/no-go wait")
	w.shows(pr, "NOT READY · nogo-stands")
	w.clock.advance(2 * time.Second)
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	w.merges(pr, "merge")
	story := w.kinds(pr)
	for _, kind := range []string{"verdict", "publish", "published", "comment", "commented", "go", "told", "refused", "no-go", "merged"} {
		if !strings.Contains(" "+story+" ", " "+kind+" ") {
			t.Errorf("no %s in: %s", kind, story)
		}
	}
	if before, after := strings.Count(story, "publish "), strings.Count(story, "published"); before != after || before == 0 {
		t.Errorf("%d check runs announced, %d written: %s", before, after, story)
	}
	var out strings.Builder
	if err := ExportLedger(w.ctx, w.app.store, Asked{Repository: "acme/shop", Number: pr.Number()}, ledger.NewJSON(&out)); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Coverage ledger.Coverage
		Entries  []ledger.Line
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	c := got.Coverage
	if c.Merges != 1 || c.Ready != 1 || len(c.Periods) != 1 || c.Periods[0].State != ledger.Required {
		t.Errorf("%+v", c)
	}
	for _, l := range got.Entries {
		if l.Kind == ledger.KindMerged && (l.Verdict != "READY" || l.Evaluation == nil || !l.Evaluation.Kept || len(l.Evaluation.Findings) == 0) {
			t.Errorf("the merge's evidence: %+v", l)
		}
	}
	w.proven()
}

// Invariant I6: when GitHub hears of a success, its verdict and the intent to
// publish it are committed.
func TestASuccessIsEnteredBeforeItIsPublished(t *testing.T) {
	w := newWorld(t)
	heard := 0
	look := func(*http.Request) {
		var outstanding int
		err := w.app.store.Read().QueryRow(`SELECT (SELECT COUNT(*) FROM entry WHERE kind = 'publish') - (SELECT COUNT(*) FROM entry WHERE kind = 'published')`).Scan(&outstanding)
		if heard++; err != nil || outstanding != 1 {
			t.Errorf("GitHub heard of a check run with %d announced, %v", outstanding, err)
		}
	}
	w.gh.Fail(sandbox.Fault{Method: http.MethodPost, Route: "/repos/{owner}/{repo}/check-runs", Before: look})
	w.gh.Fail(sandbox.Fault{Method: http.MethodPatch, Route: "/repos/{owner}/{repo}/check-runs/{check_run_id}", Before: look})
	pr := w.ready()
	w.stays(pr, "READY · medium")
	w.quiet()
	if heard == 0 {
		t.Error("no check run was looked at")
	}
	w.gh.Mend()
	// The ledger takes no more announcements of a success: none is published.
	if _, err := w.app.store.Writer().Exec(`CREATE TRIGGER stuck BEFORE INSERT ON entry
		WHEN NEW.kind = 'publish' AND instr(CAST(NEW.data AS TEXT), '"conclusion":"success"') > 0
		BEGIN SELECT RAISE(ABORT, 'stuck'); END`); err != nil {
		t.Fatal(err)
	}
	before := w.successes()
	pr.Comment("sam", "/no-go wait")
	w.shows(pr, "NOT READY · nogo-stands")
	w.clock.advance(2 * time.Second)
	pr.Comment("sam", "/go "+pr.Head())
	w.quiet()
	if v := pr.Verdict(checkName); v.Conclusion == "success" || w.successes() != before {
		t.Errorf("a success was published that is in no ledger: %s", v.Title)
	}
	if _, err := w.app.store.Writer().Exec("DROP TRIGGER stuck"); err != nil {
		t.Fatal(err)
	}
	w.later(time.Hour)
	w.shows(pr, "READY · medium")
}

// Case 81: yesterday's file is put back.
func TestARolledBackLedgerStopsTheStart(t *testing.T) {
	w := newWorld(t)
	w.notarized()
	pr := w.ready()
	w.down()
	path, err := store.Path(w.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	yesterday, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.up()
	pr.Comment("sam", "/no-go wait")
	w.shows(pr, "NOT READY · nogo-stands")
	w.down()
	if err := os.WriteFile(path, yesterday, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(w.ctx, w.cfg, NewLog(w.cfg, &testLog{}))
	if err == nil {
		_ = a.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "LEDGER ROLLED BACK · checkpoint size ") || !strings.Contains(err.Error(), "gonogo ledger restore") {
		t.Fatalf("started with: %v", err)
	}
	db, err := store.Open(w.ctx, w.cfg.DatabaseURL)
	if err != nil {
		t.Fatal(err)
	}
	done, err := RestoreLedger(w.ctx, ledger.New(db), w.cfg.CheckpointTo, w.cfg.CheckpointKey, "ops", "the disk was lost")
	if err != nil || !done {
		t.Fatal(done, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	w.up()
	w.shows(pr, "NOT READY · nogo-stands") // a veto is found again; nothing passes for want of it
	w.proven()
}

// A checkpoint is made when the server stops, and covers all that was entered.
func TestStoppingSignsTheLedger(t *testing.T) {
	w := newWorld(t)
	w.notarized()
	w.ready()
	size := w.proven().Size
	w.down()
	all, err := w.cfg.CheckpointTo.Read()
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	if last := all[len(all)-1]; last.Size < size {
		t.Errorf("the last checkpoint has %d of %d entries", last.Size, size)
	}
}

// Ruling 25: a reason is searched for credentials before it is kept.
func TestACredentialInAReasonIsNotKept(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	token := "ghp_" + strings.Repeat("aB3dE5gH7jK9", 3)
	pr.Comment("sam", "/no-go the build prints "+token)
	w.shows(pr, "NOT READY · nogo-stands")
	w.quiet()
	var n int
	if err := w.app.store.Read().QueryRow(`SELECT (SELECT COUNT(*) FROM words WHERE instr(text, $1) > 0)
		+ (SELECT COUNT(*) FROM entry WHERE instr(CAST(data AS TEXT), $1) > 0)
		+ (SELECT COUNT(*) FROM evaluation WHERE instr(CAST(data AS TEXT), $1) > 0)`, token).Scan(&n); err != nil || n > 0 {
		t.Errorf("%d places hold it, %v", n, err)
	}
	said, err := w.app.ledger.History(context.Background(), w.repo.ID(), pr.Number())
	if err != nil || !strings.Contains(said.Decisions[len(said.Decisions)-1].Reason, "the build prints [github-pat]") {
		t.Errorf("%+v %v", said.Decisions, err)
	}
}

func TestCheckpointSettings(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key.pem")
	if _, err := ledger.NewKey(key); err != nil {
		t.Fatal(err)
	}
	base := map[string]string{"GONOGO_APP_ID": "1", "GONOGO_PRIVATE_KEY": "k", "GONOGO_WEBHOOK_SECRET": "s"}
	for _, tt := range []struct{ to, key, every, want string }{
		{"", "", "", ""},
		{"/mnt/c.jsonl", key, "1m", ""},
		{"https://audit.example/in", key, "", ""},
		{"/mnt/c.jsonl", "", "", "set GONOGO_CHECKPOINT_KEY_FILE"},
		{"/mnt/c.jsonl", key + "x", "", "GONOGO_CHECKPOINT_KEY_FILE: open"},
		{"http://audit.example/in", key, "", "GONOGO_CHECKPOINT_TO: checkpoints cannot go to http://audit.example"},
		{"/mnt/c.jsonl", key, "1ms", "GONOGO_CHECKPOINT_EVERY"},
	} {
		env := map[string]string{"GONOGO_CHECKPOINT_TO": tt.to, "GONOGO_CHECKPOINT_KEY_FILE": tt.key, "GONOGO_CHECKPOINT_EVERY": tt.every}
		c, err := Load(func(Setting) string { return "" }, func(name string) string { return base[name] + env[name] }, nil)
		if tt.want == "" && (err != nil || (c.CheckpointTo != nil) != (tt.to != "") || c.CheckpointEvery == 0) {
			t.Errorf("%+v: %v", tt, err)
		}
		if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
