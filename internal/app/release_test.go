package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// releases publishes a release and waits for the check run on its commit.
func (w *world) releases(tag, title string) sandbox.CheckView {
	w.t.Helper()
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: tag})
	return w.onMain(title)
}

func (w *world) onMain(title string) sandbox.CheckView {
	w.t.Helper()
	return w.await(func() sandbox.CheckView {
		if run := w.repo.Run(w.repo.Tip("main"), checkName); run != nil {
			return run.View()
		}
		return sandbox.CheckView{}
	}, title)
}

// merges merges by kim and waits until that is known.
func (w *world) merges(pr *sandbox.PullRequest, method string) {
	w.t.Helper()
	w.quiet()
	if err := pr.Merge("kim", method); err != nil {
		w.t.Fatal(err)
	}
	w.quiet()
}

func TestReleaseOfReadyPullRequests(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			w.repo.DeleteHeadOnMerge(true)
			w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
			w.quiet()
			w.clock.advance(time.Minute)
			pr := w.ready()
			pr.Push("kim", map[string]string{"cart/more.go": "package cart\n"})
			pr.Check("build", "success")
			pr.Approve("lee")
			pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
			w.merges(pr, method)
			v := w.releases("v1.1.0", "READY · release v1.1.0")
			if v.Conclusion != "success" || !strings.Contains(v.Text, "| #1 | `Faster totals` | READY |") {
				t.Errorf("%s\n%s", v.Conclusion, v.Text)
			}
		})
	}
}

func TestReleaseNamesWhatWentRoundTheGate(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	w.quiet()
	w.clock.advance(time.Minute)
	pr := w.opens("medium")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	if err := pr.Bypass("sam", "squash"); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	stray := w.repo.Commit("sam", "main", map[string]string{"hot.go": "package hot\n"})
	w.quiet()
	v := w.releases("v1.1.0", "NOT READY · bypass")
	if v.Conclusion != "failure" {
		t.Errorf("conclusion %q", v.Conclusion)
	}
	for _, part := range []string{"#1 was merged without READY (WAITING)", "1 commit came with no pull request: `" + stray[:7] + "`"} {
		if !strings.Contains(v.Summary, part) {
			t.Errorf("the summary does not say %q:\n%s", part, v.Summary)
		}
	}
}

func TestReleaseWithLooseEnds(t *testing.T) {
	tests := []struct {
		name  string
		leave func(*world)
		title string
		mend  func(*world)
	}{
		{"a branch was not deleted", func(w *world) { w.clock.advance(20 * time.Minute) }, "WAITING · branch-dangling",
			func(w *world) { w.repo.DeleteBranch("kim", "faster") }},
		{"a SEV2 is open", func(w *world) { w.repo.DeleteBranch("kim", "faster"); w.repo.OpenIssue("lee", "slow", "", "SEV2") }, "NOT READY · severe-issue",
			func(w *world) { w.repo.Issue(2).Close("lee") }},
		{"a secret alert is open", func(w *world) {
			w.repo.DeleteBranch("kim", "faster")
			w.repo.Alert(sandbox.Secret{Type: "aws_access_key_id", Path: "a.go", Line: 1, Commit: w.repo.Tip("main")})
		}, "NOT READY · secret-alert", func(w *world) { w.repo.ResolveAlert("sam", 2, "revoked") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
			w.quiet()
			w.clock.advance(time.Minute)
			pr := w.ready()
			w.merges(pr, "squash")
			tt.leave(w)
			w.releases("v1.1.0", tt.title)
		})
	}
}

func TestFirstReleaseAndDraft(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	pr := w.ready()
	w.merges(pr, "squash")
	// GitHub shows drafts to those who may push only, which the App may not.
	draft := w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0", Draft: true})
	w.quiet()
	draft.Publish("sam")
	if v := w.onMain("READY · release v1.0.0"); !strings.Contains(v.Summary, "no earlier release") {
		t.Errorf("summary:\n%s", v.Summary)
	}
}

func TestReleaseWhoseEvidenceFails(t *testing.T) {
	w := newWorld(t)
	w.repo.DeleteHeadOnMerge(true)
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	w.quiet()
	w.clock.advance(time.Minute)
	pr := w.ready()
	w.merges(pr, "squash")
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/secret-scanning/alerts", Status: 502})
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.1.0"})
	w.quiet()
	if v := w.repo.Run(w.repo.Tip("main"), checkName).View(); v.Conclusion == "success" {
		t.Fatalf("a release was READY although the alerts were not read: %s", v.Title)
	}
	w.gh.Mend()
	w.heal()
	w.onMain("READY · release v1.1.0")
}
