package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

const (
	treeRoute    = "/repos/{owner}/{repo}/git/trees/{tree_sha}"
	compareRoute = "/repos/{owner}/{repo}/compare/{basehead}"
)

// Case 35: GitHub signs a merge of the base also when somebody settled its
// conflicts in the web editor, or wrote besides what no conflict asked for.
func TestWhoWroteIntoAMergeOfTheBaseDoesNotDecide(t *testing.T) {
	for name, m := range map[string]struct{ main, merge map[string]string }{
		"conflict settled in the web editor": {
			map[string]string{"cart/total.go": "package cart // main\n"}, map[string]string{"cart/total.go": "package cart // both\n"},
		},
		"conflict settled by keeping our side": {map[string]string{"cart/total.go": "package cart // main\n"}, nil},
		"a line smuggled into another file": {
			map[string]string{"other.txt": "x"}, map[string]string{"other.txt": "x and more"},
		},
		"a file smuggled in": {map[string]string{"other.txt": "x"}, map[string]string{"evil.txt": "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			w.repo.Commit("sam", "main", m.main)
			pr.ResolveBranch("dana", m.merge)
			pr.Check("build", "success")
			pr.Approve("lee")
			w.danaWroteSome(pr)
		})
	}
}

// A merge that could not be compared is a fault, which heals.
func TestMergeThatCannotBeComparedYet(t *testing.T) {
	for _, route := range []string{treeRoute, compareRoute} {
		t.Run(route, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			w.shows(pr, "WAITING · approvals-missing")
			w.quiet()
			w.repo.Commit("sam", "main", map[string]string{"other.txt": "x"})
			w.gh.Fail(sandbox.Fault{Method: "GET", Route: route, Status: http.StatusBadGateway})
			pr.UpdateBranch("dana")
			pr.Check("build", "success")
			pr.Approve("lee")
			w.quiet()
			if v := w.stays(pr, "WAITING · go-missing"); !strings.Contains(v.Summary, "The list of commits could not be read") {
				t.Errorf("the fault is not told:\n%s", v.Summary)
			}
			w.gh.Mend()
			w.later(time.Minute)
			if v := w.stays(pr, "WAITING · go-missing"); strings.Contains(v.Summary, "could not be read") {
				t.Errorf("the fault lasts:\n%s", v.Summary)
			}
			w.quiet()
			w.clock.advance(2 * time.Second)
			pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
		})
	}
}

// Ruling 10: merges of the base in which nobody wrote a line void neither
// approvals nor the GO, and the check says from which head they are.
func TestCleanMergesOfTheBaseVoidNothing(t *testing.T) {
	for name, merges := range map[string]int{"one": 1, "a chain": 3} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.quiet()
			was := pr.Head()
			for i := range merges {
				w.repo.Commit("sam", "main", map[string]string{"other.txt": strings.Repeat("x", i+1)})
				pr.UpdateBranch("dana")
				w.quiet()
			}
			pr.Check("build", "success")
			v := w.shows(pr, "READY · medium")
			for _, line := range []string{"@lee` approved, carried over from `" + was[:7], "@dana` said /go, carried over from `" + was[:7], "only `main` was merged in"} {
				if !strings.Contains(strings.ReplaceAll(v.Summary+v.Text, was[:7], "`"+was[:7]), line) {
					t.Errorf("%q is not said:\n%s\n%s", line, v.Summary, v.Text)
				}
			}
		})
	}
}

// All else voids them.
func TestOtherMergesVoidApprovalsAndGo(t *testing.T) {
	for name, merge := range map[string]func(*world, *sandbox.PullRequest){
		"a conflict settled in the web editor": func(w *world, pr *sandbox.PullRequest) {
			w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // main\n"})
			pr.ResolveBranch("lee", map[string]string{"cart/total.go": "package cart // both\n"})
		},
		"a smuggled line": func(w *world, pr *sandbox.PullRequest) {
			w.repo.Commit("sam", "main", map[string]string{"other.txt": "x"})
			pr.ResolveBranch("lee", map[string]string{"other.txt": "x and more"})
		},
		"the base's change left out": func(w *world, pr *sandbox.PullRequest) {
			w.repo.Commit("sam", "main", map[string]string{"cart/total.go": "package cart // main\n"})
			pr.ResolveBranch("lee", nil)
		},
		"a clean merge upon an evil one": func(w *world, pr *sandbox.PullRequest) {
			w.repo.Commit("sam", "main", map[string]string{"other.txt": "x"})
			pr.ResolveBranch("lee", map[string]string{"other.txt": "x and more"})
			w.repo.Commit("sam", "main", map[string]string{"third.txt": "x"})
			pr.UpdateBranch("lee")
		},
		"a clean merge upon a push": func(w *world, pr *sandbox.PullRequest) {
			pr.Push("kim", map[string]string{"cart/total.go": "package cart // more\n"})
			w.repo.Commit("sam", "main", map[string]string{"third.txt": "x"})
			pr.UpdateBranch("lee")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.quiet()
			merge(w, pr)
			pr.Check("build", "success")
			v := w.stays(pr, "WAITING")
			if strings.Contains(v.Summary+v.Text, "carried over") {
				t.Errorf("something was carried over:\n%s", v.Summary)
			}
		})
	}
}

// What else a GO is bound to voids it on a carried head too.
func TestRecordChangedAfterACleanMerge(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.repo.Commit("sam", "main", map[string]string{"other.txt": "x"})
	pr.UpdateBranch("dana")
	pr.Check("build", "success")
	w.shows(pr, "READY · medium")
	w.quiet()
	pr.Edit("kim", body("medium", "- Rollback trigger: error rate above 7% for 5 minutes"))
	w.shows(pr, "WAITING · record-changed")
}
