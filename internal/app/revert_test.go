package app

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// landed opens a pull request of two commits that changes, adds and removes
// files, and merges it past the rules.
func (w *world) landed(method string) *sandbox.PullRequest {
	w.t.Helper()
	w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart\n", "cart/old.go": "package cart // old\n", "README.md": "shop\n"})
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster totals", Branch: "faster", Body: body("medium"),
		Files: map[string]string{"cart/total.go": "package cart // fast\n", "cart/new.go": "package cart // new\n"}, Delete: []string{"cart/old.go"},
	})
	pr.Push("kim", map[string]string{"cart/total.go": "package cart // faster\n", "cart/newer.go": "package cart // newer\n"})
	w.lands(pr, method)
	return pr
}

// reverts opens a pull request by hand that claims to take another one back.
func (w *world) reverts(pr *sandbox.PullRequest, c ...sandbox.Commit) *sandbox.PullRequest {
	w.t.Helper()
	w.repo.Branch("lee", "back", w.repo.Tip("main"))
	for i := range c {
		c[i].Message = "take it back"
	}
	w.repo.PushCommits("lee", "back", c...)
	return w.repo.Open("lee", sandbox.Change{Title: "Back", From: "back", Body: fmt.Sprintf("Reverts #%d", pr.Number())})
}

// asBefore is what landed changed, as it was.
func asBefore() sandbox.Commit {
	return sandbox.Commit{
		Files:  map[string]string{"cart/total.go": "package cart\n", "cart/old.go": "package cart // old\n"},
		Delete: []string{"cart/new.go", "cart/newer.go"},
	}
}

// Ruling 15, case 97: a verified pure revert needs no record, approval, /go,
// checks, window or freeze, whatever way the change was merged.
func TestPureRevertIsReadyAtOnce(t *testing.T) {
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			w.rules("freezes: [{name: year's end, from: 2020-01-01, to: 2090-01-01}]\n")
			pr := w.landed(method)
			back := pr.Revert("lee")
			back.Check("build", "failure")
			v := w.shows(back, fmt.Sprintf("READY · revert of #%d", pr.Number()))
			if v.Conclusion != "success" || !strings.Contains(v.Summary, "`pure-revert`") {
				t.Errorf("%s\n%s", v.Conclusion, v.Summary)
			}
			w.stays(back, fmt.Sprintf("READY · revert of #%d", pr.Number()))
			entries, err := w.app.ledger.Entries(w.ctx, w.repo.ID(), back.Number())
			if err != nil {
				t.Fatal(err)
			}
			entered := 0
			for _, e := range entries {
				if e.Kind == "revert" && strings.Contains(fmt.Sprintf("%s", e.Data), fmt.Sprintf(`"reverts":%d`, pr.Number())) {
					entered++
				}
			}
			if entered != 1 {
				t.Errorf("%d entries of the revert in the ledger", entered)
			}
			if err := back.Merge("lee", "merge"); err != nil {
				t.Error(err)
			}
			w.quiet()
			m, found, err := w.app.ledger.MergeOf(w.ctx, w.repo.ID(), back.Number())
			if err != nil || !found || m.Verdict != "READY" || m.Reverts != pr.Number() {
				t.Errorf("the merge was entered as %+v, %v", m, err)
			}
		})
	}
}

// Only /no-go stops it, and it goes on once that is lifted.
func TestNoGoStopsAPureRevert(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	back := pr.Revert("lee")
	w.shows(back, "READY · revert of #")
	w.quiet()
	back.Comment("dana", "/no-go the data is migrated already")
	v := w.shows(back, "NOT READY · nogo-stands")
	if strings.Contains(v.Summary, "approvals-missing") {
		t.Errorf("more is asked than the /no-go:\n%s", v.Summary)
	}
	w.quiet()
	w.clock.advance(2 * time.Second)
	back.Comment("dana", "/go "+back.Head())
	w.shows(back, "READY · revert of #")
}

// Case 97: whatever is not exactly that goes through the normal gate.
func TestWhatIsNoPureRevert(t *testing.T) {
	more := func(c sandbox.Commit, files map[string]string) sandbox.Commit {
		for path, text := range files {
			c.Files[path] = text
		}
		return c
	}
	for _, tt := range []struct {
		name, method string
		make         func(*world, *sandbox.PullRequest) *sandbox.PullRequest
		says         string
	}{
		{"one line more", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			return w.reverts(pr, more(asBefore(), map[string]string{"cart/total.go": "package cart\n// and this\n"}))
		}, "is not what stood before"},
		{"one file more", "merge", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			return w.reverts(pr, more(asBefore(), map[string]string{"auth/door.go": "package auth\n"}))
		}, "`auth/door.go`, which #"},
		{"one file less", "merge", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			c := asBefore()
			c.Delete = c.Delete[:1]
			return w.reverts(pr, c)
		}, "is still as #"},
		{"the last of two rebased commits only", "rebase", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			return w.reverts(pr, sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // fast\n"}, Delete: []string{"cart/newer.go"}})
		}, "is still as #"},
		{"a file made executable", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			c := asBefore()
			c.Modes = map[string]string{"cart/total.go": "100755"}
			return w.reverts(pr, c)
		}, "is not what stood before"},
		{"a file that it moves", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			c := more(asBefore(), map[string]string{"cart/older.go": "package cart // old\n"})
			delete(c.Files, "cart/old.go")
			return w.reverts(pr, c)
		}, "is still as #"},
		{"a later change of the same file", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // fastest\n"})
			return w.reverts(pr, asBefore())
		}, "has changed since #"},
		{"a title only", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			return w.repo.Open("lee", sandbox.Change{Title: `Revert "Faster totals"`, Branch: "x", Files: map[string]string{"evil.txt": "x"}})
		}, "it names no merged pull request"},
		{"another repository's pull request", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			return w.repo.Open("lee", sandbox.Change{
				Title: "Revert it", Branch: "x", Files: asBefore().Files, Delete: asBefore().Delete, Body: fmt.Sprintf("Reverts acme/other#%d", pr.Number()),
			})
		}, "it names no merged pull request"},
		{"one that was never merged", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			open := w.repo.Open("kim", sandbox.Change{Title: "Open", Branch: "o", Files: map[string]string{"o.txt": "o"}})
			return w.repo.Open("lee", sandbox.Change{
				Title: "Back", Branch: "x", Files: map[string]string{"p.txt": "p"}, Body: fmt.Sprintf("Reverts acme/shop#%d", open.Number()),
			})
		}, "was not merged into"},
		{"behind a base in which files were moved", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			back := w.reverts(pr, asBefore())
			w.repo.PushCommits("sam", "main", sandbox.Commit{Files: map[string]string{"HELLO.md": "shop\n"}, Delete: []string{"README.md"}, Message: "move"})
			back.Check("build", "success")
			return back
		}, "files were moved or removed since"},
		{"behind the base, with a merge that drops what the base has", "squash", func(w *world, pr *sandbox.PullRequest) *sandbox.PullRequest {
			back := w.reverts(pr, asBefore())
			w.repo.Commit("sam", "main", map[string]string{"fix.txt": "a fix"})
			back.UpdateBranch("lee")
			back.PushCommits("lee", sandbox.Commit{Delete: []string{"fix.txt"}, Message: "drop"})
			w.repo.Commit("sam", "main", map[string]string{"later.txt": "later"})
			return back
		}, "holds merges"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.landed(tt.method)
			back := tt.make(w, pr)
			w.quiet()
			v := back.Verdict(checkName)
			if v.Conclusion == "success" || strings.HasPrefix(v.Title, "READY") {
				t.Fatalf("it passes: %s\n%s", v.Title, v.Summary)
			}
			if !strings.Contains(v.Summary, tt.says) {
				t.Errorf("%s\n%s\nit does not say %q", v.Title, v.Summary, tt.says)
			}
			w.never(back)
		})
	}
}

// To take a revert back lands again what was taken back: never in the lane,
// whether the revert was made with GitHub's button or by hand.
func TestRevertOfARevertIsALanding(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	back := pr.Revert("lee")
	w.shows(back, "READY · revert of #")
	if err := back.Merge("lee", "squash"); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	again := back.Revert("kim")
	w.quiet()
	v := w.stays(again, "WAITING · ")
	if !strings.Contains(v.Summary, "took something back itself") {
		t.Errorf("%s", v.Summary)
	}
	w.never(again)
}

// Head behind the base: what the base changed elsewhere meanwhile stays, so that
// the revert is still pure; what it changed on the very paths is not.
func TestPureRevertBehindItsBase(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("merge")
	back := pr.Revert("lee")
	w.shows(back, "READY · revert of #")
	w.repo.Commit("sam", "main", map[string]string{"other.txt": "other"})
	w.stays(back, "READY · revert of #")
	w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // fastest\n"})
	v := w.stays(back, "WAITING · ")
	if !strings.Contains(v.Summary, "has changed since #") {
		t.Errorf("%s", v.Summary)
	}
}

// What cannot be read is no clean revert, and heals.
func TestRevertThatCannotBeCompared(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	w.gh.Fail(sandbox.Fault{Method: "GET", Route: treeRoute, Status: 502})
	back := pr.Revert("lee")
	w.quiet()
	v := w.stays(back, "WAITING · ")
	if !strings.Contains(v.Summary, "`cannot-tell`") {
		t.Errorf("%s", v.Summary)
	}
	w.gh.Mend()
	w.later(time.Minute)
	w.stays(back, "READY · revert of #")
}

// What others decided on is not taken back without a decision: the policy.
func TestRevertOfThePolicyIsNoEmergency(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "Stricter", Branch: "rules", Files: map[string]string{".github/gonogo.yml": "approvals: {low: 3, medium: 3, high: 3}\n"}})
	w.lands(pr, "squash")
	back := pr.Revert("lee")
	v := w.stays(back, "WAITING · ")
	if !strings.Contains(v.Summary, "it changes the policy") {
		t.Errorf("%s", v.Summary)
	}
	w.never(back)
}

// The base moves between the look at the trees and the verdict, and no event
// tells: a pass looks once more before it is published.
func TestBaseThatMovesUnderAPureRevert(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	w.gh.LoseWebhooks(true)
	back := pr.Revert("lee")
	w.gh.LoseWebhooks(false)
	var looks atomic.Int32
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: fmt.Sprintf("/repos/acme/shop/pulls/%d", back.Number()), Before: func(*http.Request) {
		if looks.Add(1) == 2 {
			w.gh.LoseWebhooks(true)
			w.repo.Commit("sam", "main", map[string]string{"cart/new.go": "package cart // newest\n"})
			w.gh.LoseWebhooks(false)
		}
	}})
	back.Label("lee", "urgent")
	v := w.stays(back, "WAITING · ")
	if looks.Load() < 2 || !strings.Contains(v.Summary, "has changed since #") {
		t.Errorf("after %d looks: %s", looks.Load(), v.Summary)
	}
	w.never(back)
}
