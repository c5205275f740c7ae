package app

import (
	"testing"

	"gonogo/internal/sandbox"
)

// Anyone can write a name into a commit. Whom a commit only names is not thereby
// taken out of those who answer for CI.
func TestNamesInCommitsDoNotReplaceWhoAnswersForCI(t *testing.T) {
	by := func(who, text string) sandbox.Commit {
		return sandbox.Commit{Author: who, Committer: who, Files: map[string]string{".github/workflows/ci.yml": text}, Message: "CI for " + who}
	}
	opened := func(w *world) *sandbox.PullRequest {
		return w.repo.Open("kim", sandbox.Change{Title: "Faster CI", Branch: "faster", Body: body("medium"), Files: map[string]string{"cart/total.go": "package cart\n"}})
	}
	green := func(pr *sandbox.PullRequest, approvers ...string) {
		pr.Check("build", "success")
		for _, login := range approvers {
			pr.Approve(login)
		}
	}
	t.Run("the only owner is named", func(t *testing.T) {
		w := newWorld(t)
		w.repo.Commit("sam", "main", map[string]string{".github/CODEOWNERS": "/.github/ @sam\n"})
		pr := opened(w)
		pr.PushCommits("kim", by("sam", "on: push\n"))
		green(pr, "lee", "dana")
		w.quiet()
		pr.Comment("dana", "/go "+pr.Head())
		w.stays(pr, "WAITING · ci-changed")
		pr.Approve("sam") // it is the owner's own word
		w.shows(pr, "READY · medium")
	})
	t.Run("the only owner is named in a trailer", func(t *testing.T) {
		w := newWorld(t)
		w.repo.Commit("sam", "main", map[string]string{".github/CODEOWNERS": "/.github/ @sam\n"})
		pr := opened(w)
		pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{".github/workflows/ci.yml": "on: push\n"}, Message: "CI\n\nCo-authored-by: Sam <sam@users.noreply.github.com>"})
		green(pr, "lee", "dana")
		w.quiet()
		pr.Comment("dana", "/go "+pr.Head())
		w.stays(pr, "WAITING · ci-changed")
		pr.Approve("sam")
		w.shows(pr, "READY · medium")
	})
	t.Run("all maintainers are named", func(t *testing.T) {
		w := newWorld(t)
		w.policy("go: {medium: 0}\n")
		pr := opened(w)
		pr.PushCommits("kim", by("dana", "on: push\n"), by("sam", "on: pull_request\n"))
		green(pr, "lee")
		says(t, w.stays(pr, "WAITING · ci-changed").Summary, "name everybody with maintain access")
		pr.Approve("dana")
		w.shows(pr, "READY · medium")
	})
	t.Run("all maintainers brought some of it: another writer looks at it", func(t *testing.T) {
		w := newWorld(t)
		w.policy("go: {medium: 0}\n")
		pr := opened(w)
		w.quiet()
		pr.PushCommits("dana", by("dana", "on: push\n"))
		w.quiet()
		pr.PushCommits("sam", by("sam", "on: pull_request\n"))
		green(pr)
		w.quiet()
		pr.Approve("lee")
		w.shows(pr, "READY · medium")
	})
}
