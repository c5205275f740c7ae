package app

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// readyHigh opens a pull request of class high and brings it to READY.
func (w *world) readyHigh() *sandbox.PullRequest {
	w.t.Helper()
	pr := w.opens("high")
	pr.Approve("lee")
	pr.Approve("sam")
	w.shows(pr, "WAITING · panel-short")
	pr.Comment("dana", "/go "+gate.Short(pr.Head()))
	pr.Comment("sam", "/go "+gate.Short(pr.Head()))
	w.shows(pr, "READY · high")
	return pr
}

// At high a base that moves on after the decision takes the READY back when it
// changes what the pull request changes.
func TestHighStandsOnTheBaseAsItIs(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // before\n"})
	pr := w.readyHigh()
	w.quiet()
	w.repo.Commit("sam", "main", map[string]string{"other.txt": "x"})
	w.repo.Commit("sam", "main", map[string]string{"other.txt": "y"})
	w.stays(pr, "READY · high")
	w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // main\n"})
	v := w.shows(pr, "WAITING · behind-base · 3 commits behind main; main changed cart/total.go")
	if !strings.Contains(v.Summary, "which this pull request changes too") {
		t.Errorf("summary:\n%s", v.Summary)
	}
	pr.ResolveBranch("kim", map[string]string{"cart/total.go": "package cart // both\n"})
	pr.Check("build", "success")
	if v := w.stays(pr, "WAITING"); strings.Contains(v.Title+v.Summary, "behind-base") {
		t.Errorf("it is still behind:\n%s\n%s", v.Title, v.Summary)
	}
}

// Below high nobody asks how far a head is behind.
func TestBelowHighTheBaseMayMoveOn(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // before\n"})
	pr := w.ready()
	w.quiet()
	w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // main\n"})
	w.stays(pr, "READY · medium")
	for _, r := range w.gh.Requests() {
		if strings.Contains(r.Path, "/compare/") {
			t.Errorf("it was asked for: %s", r.Path)
		}
	}
}

// Where it cannot be read how far the head is behind, that is no pass, and heals.
func TestBehindCannotBeRead(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("high")
	w.quiet()
	w.repo.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/compare/{basehead}", Status: 502})
	pr.Approve("lee")
	pr.Approve("sam")
	pr.Comment("dana", "/go "+gate.Short(pr.Head()))
	pr.Comment("sam", "/go "+gate.Short(pr.Head()))
	w.stays(pr, "WAITING · github-down")
	w.repo.Mend()
	pr.Comment("dana", "/recheck")
	w.shows(pr, "READY · high")
}
