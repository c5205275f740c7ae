package app

import (
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// merged is main's tip after a READY pull request was squashed into it.
func (w *world) merged() string {
	w.t.Helper()
	pr := w.ready()
	w.merges(pr, "squash")
	return w.repo.Tip("main")
}

func (w *world) checkOn(sha, title string) sandbox.CheckView {
	w.t.Helper()
	return w.await(func() sandbox.CheckView {
		if run := w.repo.Run(sha, checkName); run != nil {
			return run.View()
		}
		return sandbox.CheckView{}
	}, title)
}

// Case 95: whatever a tag leads to is named.
func TestTagsOfAllKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		do    func(w *world, ready string) (sha string)
		title string
		says  string
	}{
		"a tag that is pushed": {func(w *world, ready string) string {
			w.repo.Tag("kim", "v1.1.0", ready)
			return ready
		}, "READY · release v1.1.0", "release `v1.0.0`, 1 pull request"},
		"an annotated tag": {func(w *world, ready string) string {
			w.repo.AnnotatedTag("kim", "v1.1.0", ready, "the release")
			return ready
		}, "READY · release v1.1.0", ""},
		"a tag on a commit that never was a pull request": {func(w *world, _ string) string {
			sha := w.repo.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
			w.repo.Tag("kim", "v1.1.0", sha)
			return sha
		}, "NOT READY", "RELEASE WITHOUT READINESS"},
		"a tag on a branch that is not judged": {func(w *world, _ string) string {
			sha := w.repo.Commit("kim", "side", map[string]string{"side.go": "package side\n"})
			w.repo.Tag("kim", "v1.1.0", sha)
			return sha
		}, "NOT READY", "`not-reachable`"},
		"a tag that is moved": {func(w *world, ready string) string {
			w.repo.Tag("kim", "v1.1.0", ready)
			w.checkOn(ready, "READY · release v1.1.0")
			w.quiet()
			sha := w.repo.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
			w.repo.Tag("kim", "v1.1.0", sha)
			return sha
		}, "NOT READY", "`tag-moved`"},
		"a tag that is deleted": {func(w *world, ready string) string {
			w.repo.Tag("kim", "v1.1.0", ready)
			w.checkOn(ready, "READY · release v1.1.0")
			w.quiet()
			w.repo.DeleteTag("kim", "v1.1.0")
			return ready
		}, "NOT READY · tag-deleted", "was deleted since"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.DeleteHeadOnMerge(true)
			w.repo.Tag("sam", "v1.0.0", w.repo.Tip("main"))
			w.quiet()
			sha := tt.do(w, w.merged())
			if v := w.checkOn(sha, tt.title); !strings.Contains(v.Summary, tt.says) {
				t.Errorf("the summary does not say %q:\n%s", tt.says, v.Summary)
			}
		})
	}
}

// gonogo report --repo --tag, beside the running server.
func TestReadinessReportOfARelease(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	w.repo.Tag("sam", "v1.0.0", w.repo.Tip("main"))
	w.quiet()
	w.repo.Tag("kim", "v1.1.0", w.merged())
	w.quiet()
	text, err := ReportRelease(w.ctx, w.cfg.DatabaseURL, "acme/shop", "v1.1.0")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"# Release readiness: `v1.1.0`", "- Verdict: **READY**", "- Since: release `v1.0.0`", "| #1 | `Faster totals` | `kim` | medium | READY | nothing |"} {
		if !strings.Contains(text, part) {
			t.Errorf("the report does not say %q:\n%s", part, text)
		}
	}
	for _, asked := range [][2]string{{"acme/shop", "v9.9.9"}, {"acme/none", "v1.1.0"}} {
		if _, err := ReportRelease(w.ctx, w.cfg.DatabaseURL, asked[0], asked[1]); err == nil {
			t.Errorf("%v: there is a report", asked)
		}
	}
}

// Ruling 19: the release before is the nearest tag with the same prefix in the
// history, whatever was published last.
func TestThePreviousReleaseIsTheNearestInTheHistory(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	start := w.repo.Tip("main")
	w.repo.Tag("sam", "v1.0.0", start)
	side := w.repo.Commit("sam", "release-0", map[string]string{"old.go": "package old\n"})
	ready := w.merged()
	w.clock.advance(time.Hour)
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v0.9.9", Target: side}) // published last, on no history of main's
	w.repo.Tag("sam", "cart/v1.0.9", ready)                                 // another component's
	w.quiet()
	w.repo.Tag("sam", "v1.1.0", ready)
	w.quiet()
	text, err := ReportRelease(w.ctx, w.cfg.DatabaseURL, "acme/shop", "v1.1.0")
	if err != nil || !strings.Contains(text, "- Since: release `v1.0.0`") || !strings.Contains(text, "| #1 |") {
		t.Errorf("%v\n%s", err, text)
	}
}

// Case 95: of more than three tags in one push GitHub sends no event; what was
// there before is not judged.
func TestTagsOfWhichNoEventComesAreSwept(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	old := w.repo.Tip("main")
	w.repo.PushTags("sam", map[string]string{"v0.1.0": old, "v0.2.0": old, "v0.3.0": old, "v1.0.0": old})
	w.reconciles()
	if run := w.repo.Run(old, checkName); run != nil {
		t.Errorf("a release from before was judged: %s", run.View().Title)
	}
	ready := w.merged()
	w.repo.PushTags("sam", map[string]string{"v1.1.0": ready, "a/v1.0.0": ready, "b/v1.0.0": ready, "c/v1.0.0": ready})
	w.quiet()
	if run := w.repo.Run(ready, checkName); run != nil {
		t.Fatalf("an event came: %s", run.View().Title)
	}
	w.reconciles()
	w.checkOn(ready, "READY · release")
}

// reconciles looks at everything again, as the timer does.
func (w *world) reconciles() {
	w.t.Helper()
	w.quiet()
	if err := w.app.reconcileOnce(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	w.quiet()
}

// Ruling 11: one commit carries the worst of what hangs on it, each named. A bare
// tag cannot hold a pull request back, since anyone who pushes makes one.
func TestOneCommitCarriesTheWorstOfPullRequestsAndReleases(t *testing.T) {
	w := newWorld(t)
	w.repo.Tag("sam", "v1.0.0", w.repo.Tip("main"))
	w.quiet()
	pr := w.ready()
	w.quiet()
	w.repo.Tag("kim", "v1.1.0", pr.Head())
	w.quiet()
	w.stays(pr, "READY · medium")
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.2.0", Target: pr.Head()})
	v := w.shows(pr, "NOT READY")
	for _, part := range []string{"`not-reachable`", "### Also on this commit", "the open pull request: `READY"} {
		if !strings.Contains(v.Summary, part) {
			t.Errorf("the summary does not say %q:\n%s", part, v.Summary)
		}
	}
	if v.Conclusion != "failure" {
		t.Errorf("conclusion %q", v.Conclusion)
	}
}

// A draft is not shown to the App; its event tells what its tag will be made from.
func TestDraftWithoutATag(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	w.repo.Tag("sam", "v1.0.0", w.repo.Tip("main"))
	w.quiet()
	ready := w.merged()
	draft := w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.1.0", Draft: true})
	if v := w.checkOn(ready, "READY · release v1.1.0"); !strings.Contains(v.Summary, "`tag-missing`") {
		t.Errorf("summary:\n%s", v.Summary)
	}
	w.quiet()
	draft.Publish("sam")
	w.quiet()
	if v := w.checkOn(ready, "READY · release v1.1.0"); strings.Contains(v.Summary, "`tag-m") {
		t.Errorf("summary:\n%s", v.Summary)
	}
}
