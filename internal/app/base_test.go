package app

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
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
		if strings.Contains(r.Path, "/compare/") && strings.Contains(r.Path, pr.Head()) {
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

// What is no ordinary file makes a change high, and the finding says what it is.
func TestLinksSubmodulesAndPointersAreHigh(t *testing.T) {
	const sha = "0123456789abcdef0123456789abcdef01234567"
	for name, tt := range map[string]struct {
		text, mode, want string
	}{
		"a link":             {"../../etc/secrets", "120000", "risk-floor · declared medium, but cart/lib, a symbolic link, makes it high"},
		"a submodule":        {"Subproject commit " + sha + "\n", "160000", "risk-floor · declared medium, but cart/lib, a submodule, makes it high"},
		"a pointer":          {"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", "100644", "risk-floor · declared medium, but cart/lib, a pointer to content in Git LFS"},
		"a file":             {"../../etc/secrets", "100644", ""},
		"a binary file":      {"a\x00b", "100644", ""},
		"a link in binary":   {"a\x00b", "120000", "risk-floor · declared medium, but cart/lib, a symbolic link, makes it high"},
		"a mode that is set": {"#!/bin/sh\n", "100755", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/lib": tt.text}, Modes: map[string]string{"cart/lib": tt.mode}, Message: "Lib"})
			pr.Check("build", "success")
			pr.Approve("lee")
			pr.Comment("dana", "/go "+pr.Head())
			if tt.want == "" {
				w.shows(pr, "READY · medium")
				return
			}
			w.shows(pr, "NOT READY · "+tt.want[:40])
			if v := w.stays(pr, "NOT READY · risk-floor"); !strings.Contains(strings.ReplaceAll(v.Title+v.Summary, "`", ""), strings.TrimPrefix(tt.want, "risk-floor · ")) {
				t.Errorf("%q is not said:\n%s\n%s", tt.want, v.Title, v.Summary)
			}
		})
	}
}

// A file that becomes a link may keep its text and so have no patch. A link that
// was there before is none of the pull request's.
func TestAFileBecomesALink(t *testing.T) {
	w := newWorld(t)
	w.repo.PushCommits("sam", "main", sandbox.Commit{Files: map[string]string{"cart/old": "x", "cart/lib": "../../etc/secrets"}, Modes: map[string]string{"cart/old": "120000"}, Message: "Before"})
	pr := w.ready()
	w.quiet()
	pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/lib": "../../etc/secrets"}, Modes: map[string]string{"cart/lib": "120000"}, Message: "The same text, another mode"})
	pr.Check("build", "success")
	w.shows(pr, "NOT READY · risk-floor")
}

// While the tree cannot be read nothing passes, and afterwards it does.
func TestTreeThatCannotBeReadYet(t *testing.T) {
	w := newWorld(t)
	w.repo.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/git/trees/{tree_sha}", Status: 502})
	pr := w.opens("medium")
	pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"VERSION": "1.2"}, Message: "Version"})
	pr.Check("build", "success")
	pr.Approve("lee")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "WAITING · github-down")
	w.repo.Mend()
	pr.Comment("dana", "/recheck")
	w.shows(pr, "READY · medium")
}

// A push that leaves all files and the base as they were keeps approvals and /go
// where the policy says so, and nothing else does.
func TestSameTreeKeepsApprovalsAndGo(t *testing.T) {
	const on = "carry_same_tree: true\n"
	files := map[string]string{"cart/total.go": "package cart\n"}
	others := map[string]string{"cart/total.go": "package cart // else\n"}
	for name, tt := range map[string]struct {
		policy string
		push   func(*world, *sandbox.PullRequest)
		want   string
	}{
		"an amended message": {on, func(_ *world, pr *sandbox.PullRequest) { pr.ForcePush("kim", files) }, "READY · medium"},
		"away and back": {on, func(w *world, pr *sandbox.PullRequest) {
			pr.ForcePush("kim", others)
			w.shows(pr, "WAITING")
			pr.ForcePush("kim", files)
		}, "READY · medium"},
		"the policy does not say so": {"ask: none\n", func(_ *world, pr *sandbox.PullRequest) { pr.ForcePush("kim", files) }, "WAITING · review-not-on-head"},
		"another line":               {on, func(_ *world, pr *sandbox.PullRequest) { pr.ForcePush("kim", others) }, "WAITING · review-not-on-head"},
		"another mode": {on, func(_ *world, pr *sandbox.PullRequest) {
			pr.PushCommits("kim", sandbox.Commit{Files: files, Modes: map[string]string{"cart/total.go": "100755"}, Message: "Run it"})
		}, "WAITING · review-not-on-head"},
		"upon a later base, whose change it takes back": {on, func(w *world, pr *sandbox.PullRequest) {
			w.repo.Branch("kim", "back", w.repo.Commit("sam", "main", map[string]string{"other.txt": "x"}))
			pr.Reset("kim", w.repo.PushCommits("kim", "back", sandbox.Commit{Files: files, Delete: []string{"other.txt"}, Message: "Faster totals"}))
		}, "WAITING · review-not-on-head"},
		"pushed by who decided":  {on, func(_ *world, pr *sandbox.PullRequest) { pr.ForcePush("dana", files) }, "WAITING · self-go"},
		"pushed by who approved": {on, func(_ *world, pr *sandbox.PullRequest) { pr.ForcePush("lee", files) }, "WAITING · approvals-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.Commit("sam", "main", map[string]string{policy.Path: tt.policy})
			pr := w.ready()
			w.quiet()
			was := pr.Head()
			w.clock.advance(2 * time.Second)
			tt.push(w, pr)
			w.quiet()
			pr.Check("build", "success")
			v := w.stays(pr, tt.want)
			said := strings.ReplaceAll(v.Summary+v.Text, "`", "")
			for _, line := range []string{"@lee approved, carried over from " + was[:7] + ": same tree", "@dana said /go, carried over from " + was[:7] + ": same tree"} {
				if tt.want == "READY · medium" && !strings.Contains(said, line) {
					t.Errorf("%q is not said:\n%s\n%s", line, v.Summary, v.Text)
				}
			}
		})
	}
}

// Whose name is pushed out of the commits still wrote them.
func TestSameTreeLeavesNobodyOut(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{policy.Path: "carry_same_tree: true\n"})
	pr := w.opens("low")
	pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // lee\n"}, Author: "lee", Message: "By lee"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart // lee\n"})
	w.quiet()
	pr.Check("build", "success")
	w.stays(pr, "WAITING · review-not-on-head")
}

// What cannot be read for a while ends in no lasting refusal.
func TestSameTreeThatCannotBeComparedYet(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{policy.Path: "carry_same_tree: true\n"})
	pr := w.ready()
	w.quiet()
	w.repo.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/compare/{basehead}", Status: 502})
	w.clock.advance(2 * time.Second)
	pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart\n"})
	w.quiet()
	pr.Check("build", "success")
	if v := w.stays(pr, "WAITING"); !strings.Contains(v.Summary, "carries over could not be read") {
		t.Errorf("summary:\n%s", v.Summary)
	}
	w.repo.Mend()
	pr.Comment("dana", "/recheck")
	w.shows(pr, "READY · medium")
}

// verdictsOn lists of which heads the ledger has verdicts, in order, each head
// once for as long as it stayed.
func (w *world) verdictsOn(pr *sandbox.PullRequest) (heads []string) {
	w.t.Helper()
	entries, err := w.app.ledger.Entries(w.ctx, w.repo.ID(), pr.Number())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		if e.Kind == ledger.KindVerdict && (len(heads) == 0 || heads[len(heads)-1] != e.SHA) {
			heads = append(heads, e.SHA)
		}
	}
	return heads
}

// A way from one head to another and back restores a GO only where everything
// else is as it was, and the ledger shows the way.
func TestAwayAndBack(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(*world, *sandbox.PullRequest)
		want      string
	}{
		"nothing else changed":   {func(*world, *sandbox.PullRequest) {}, "READY · medium"},
		"the record was changed": {func(_ *world, pr *sandbox.PullRequest) { pr.Edit("kim", body("medium", "- Rollback owner: @sam")) }, "WAITING · record-changed"},
		"the rules were changed": {func(w *world, _ *sandbox.PullRequest) {
			w.repo.Commit("sam", "main", map[string]string{policy.Path: "rehearsal: {max_age_days: 7}\n"})
		}, "WAITING · policy-changed"},
		"the base was changed": {func(w *world, pr *sandbox.PullRequest) {
			w.repo.Branch("sam", "release/1", w.repo.Tip("main"))
			w.repo.Require("release/1", sandbox.Required{Name: checkName, App: w.gh.AppID()})
			pr.Retarget("kim", "release/1")
		}, "WAITING · base-changed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.quiet()
			first := pr.Head()
			second := pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart // else\n"})
			w.shows(pr, "WAITING")
			w.quiet()
			tt.meanwhile(w, pr)
			w.quiet()
			pr.Reset("kim", first)
			w.quiet()
			w.stays(pr, tt.want)
			if got, want := w.verdictsOn(pr), []string{first, second, first}; !slices.Equal(got, want) {
				t.Errorf("the ledger has %q, want %q", got, want)
			}
		})
	}
}

// Who lowers the class after the panel met needs the panel's word anew, and the
// ledger keeps both.
func TestClassLoweredAfterThePanel(t *testing.T) {
	w := newWorld(t)
	pr := w.readyHigh()
	w.quiet()
	pr.Edit("kim", body("medium"))
	w.quiet()
	if v := w.stays(pr, "WAITING · record-changed"); !strings.Contains(v.Title+v.Summary, "Risk class") {
		t.Errorf("it is not said what changed:\n%s\n%s", v.Title, v.Summary)
	}
	w.clock.advance(2 * time.Second)
	pr.Comment("dana", "/go "+gate.Short(pr.Head()))
	w.shows(pr, "READY · medium")
	entries, err := w.app.ledger.Entries(w.ctx, w.repo.ID(), pr.Number())
	if err != nil {
		t.Fatal(err)
	}
	given := 0
	for _, e := range entries {
		if e.Kind == ledger.KindGo {
			given++
		}
	}
	if given != 3 {
		t.Errorf("the ledger has %d /go, want two of the panel and one for the lower class", given)
	}
}
