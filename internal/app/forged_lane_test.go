package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// A pure revert was READY without anybody's approval: its landing frees nobody
// of having written it.
func TestRevertInTheLaneFreesNobody(t *testing.T) {
	w := newWorld(t)
	w.develops()
	w.repo.Commit("sam", "develop", map[string]string{"cart/total.go": "package cart\n", "cart/other.go": "package cart\n"})
	pr := w.repo.Open("sam", sandbox.Change{Title: "Faster", Branch: "faster", Base: "develop", Files: map[string]string{"cart/total.go": "package cart // fast\n"}})
	w.lands(pr, "squash")
	back := pr.Revert("lee")
	w.shows(back, "READY · revert of #")
	w.quiet()
	if err := back.Merge("lee", "merge"); err != nil {
		t.Fatal(err)
	}
	up := w.promotes()
	up.Approve("lee")
	v := w.stays(up, "WAITING · ")
	if !strings.Contains(v.Summary, "@lee") || strings.Contains(v.Summary, "landed before, READY") {
		t.Errorf("%s", v.Summary)
	}
}

// What a merge queue joins before a pure revert may be a later change on its
// paths: what was READY for the tip is not for the group.
func TestPureRevertBehindAChangeOfItsPathsInTheQueue(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	later := w.repo.Open("kim", sandbox.Change{
		Title: "Totals as they were", Branch: "later", Body: body("medium"), Files: map[string]string{"cart/total.go": asBefore().Files["cart/total.go"]},
	})
	later.Check("build", "success")
	later.Approve("lee")
	w.shows(later, "WAITING · go-missing")
	later.Comment("dana", "/go "+later.Head())
	w.shows(later, "READY · medium")
	back := pr.Revert("lee")
	w.shows(back, "READY · revert of #")
	w.quiet()
	first, second := w.enqueues(later, "squash"), w.enqueues(back, "squash")
	w.onGroup(first, "READY · queue")
	if v := w.onGroup(second, "NOT READY · queue"); v.Conclusion != "failure" || !strings.Contains(v.Summary, "changed") {
		t.Errorf("%s %s\n%s", v.Title, v.Conclusion, v.Summary)
	}
}

// A pure revert in the queue behind what touches none of its paths goes on.
func TestPureRevertBehindAnotherChangeInTheQueue(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	other := w.another("side")
	back := pr.Revert("lee")
	w.shows(back, "READY · revert of #")
	w.quiet()
	w.enqueues(other, "squash")
	w.onGroup(w.enqueues(back, "squash"), "READY · queue")
}

// Whoever renames a revert that was merged does not make it a change to take
// back: the commit that landed tells still.
func TestRenamedRevertIsStillOne(t *testing.T) {
	for _, method := range []string{"squash", "merge"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			w.landed("squash")
			c := asBefore()
			by := w.repo.Open("lee", sandbox.Change{Title: "Revert the totals", Branch: "x", Files: c.Files, Delete: c.Delete})
			w.lands(by, method)
			by.Retitle("lee", "Tidy")
			w.quiet()
			again := by.Revert("kim")
			again.Edit("kim", fmt.Sprintf("Reverts #%d", by.Number()))
			v := w.stays(again, "WAITING · ")
			if !strings.Contains(v.Summary, "took something back itself") {
				t.Errorf("%s", v.Summary)
			}
			w.never(again)
		})
	}
}

// A /no-go of which no event told is found in the list of what was said; while
// that cannot be read, a pure revert does not pass.
func TestPureRevertWaitsForWhatWasSaid(t *testing.T) {
	for _, route := range []string{"/repos/{owner}/{repo}/issues/{number}/comments", "/repos/{owner}/{repo}/pulls/{number}/reviews"} {
		t.Run(route, func(t *testing.T) {
			w := newWorld(t)
			pr := w.landed("squash")
			w.gh.LoseWebhooks(true)
			back := pr.Revert("lee")
			if strings.HasSuffix(route, "/reviews") {
				back.Review("dana", gate.Commented, "/no-go the data is migrated already")
			} else {
				back.Comment("dana", "/no-go the data is migrated already")
			}
			w.gh.LoseWebhooks(false)
			w.gh.Fail(sandbox.Fault{Method: "GET", Route: route, Status: 502})
			back.Label("lee", "urgent")
			w.stays(back, "WAITING · github-down · cannot verify")
			w.gh.Mend()
			w.later(time.Minute)
			w.stays(back, "NOT READY · nogo-stands")
			w.never(back)
		})
	}
}
