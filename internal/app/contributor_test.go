package app

import (
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// develops makes a branch under the rules of main, from which things are
// promoted.
func (w *world) develops() {
	w.t.Helper()
	w.repo.Branch("sam", "develop", w.repo.Tip("main"))
	w.repo.Require("develop", sandbox.Required{Name: checkName, App: w.gh.AppID()})
}

// brings opens lee's change of two commits to develop, and returns the first of
// them too.
func (w *world) brings() (pr *sandbox.PullRequest, first string) {
	w.t.Helper()
	pr = w.repo.Open("lee", sandbox.Change{
		Title: "Faster totals", Branch: "faster", Base: "develop", Body: body("medium", "- Rollback owner: @kim"),
		Files: map[string]string{"cart/total.go": "package cart\n"},
	})
	first = pr.Head()
	pr.PushCommits("lee", sandbox.Commit{Files: map[string]string{"cart/sum.go": "package cart\n"}, Message: "Sum as well"})
	pr.Check("build", "success")
	return pr, first
}

// decided brings lee's change to READY.
func (w *world) decided() (pr *sandbox.PullRequest, first string) {
	w.t.Helper()
	w.develops()
	pr, first = w.brings()
	pr.Approve("kim")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	return pr, first
}

// lands has sam merge, whatever the rules say.
func (w *world) lands(pr *sandbox.PullRequest, method string) {
	w.t.Helper()
	if err := pr.Bypass("sam", method); err != nil {
		w.t.Fatal(err)
	}
	w.quiet()
}

// promotes opens kim's pull request from develop into main.
func (w *world) promotes() *sandbox.PullRequest {
	w.t.Helper()
	w.quiet()
	pr := w.repo.Open("kim", sandbox.Change{Title: "Release", From: "develop", Base: "main", Body: body("medium", "- Final decision owner: @sam")})
	pr.Check("build", "success")
	w.quiet()
	return pr
}

// Ruling 10: who wrote what landed before, READY, approves its promotion, and who
// pressed the button to merge it decides.
func TestWhatLandedBeforeMakesNobodyAContributor(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before, _ := w.decided()
			w.lands(before, method)
			pr := w.promotes()
			pr.Approve("lee")
			w.shows(pr, "WAITING · go-missing")
			pr.Comment("sam", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
		})
	}
}

func TestWhoMergesIntoAPromotionDoesNotPushToIt(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"merge", "squash", "rebase"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			before, _ := w.decided()
			w.repo.Commit("bob", "develop", map[string]string{"cart/other.go": "package cart\n"})
			pr := w.promotes()
			old := pr.Head()
			w.lands(before, method)
			if pr.Head() == old {
				t.Fatal("the merge has not moved the head of the promotion")
			}
			pr.Check("build", "success")
			pr.Approve("lee")
			w.shows(pr, "WAITING · go-missing")
			pr.Comment("sam", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
		})
	}
}

// Somebody else who takes the branch back to what landed has pushed.
func TestWhoPushesWhatLandedIsNoPresser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, _ := w.decided()
	w.lands(before, "squash")
	pr := w.promotes()
	landed := pr.Head()
	pr.PushCommits("bob", sandbox.Commit{Files: map[string]string{"cart/other.go": "package cart\n"}, Message: "Other"})
	w.quiet()
	pr.Reset("lee", landed)
	pr.Approve("lee")
	w.stays(pr, "WAITING · approvals-missing")
}

// What came in another way makes its people contributors, as ever.
func TestWhatDidNotLandReadyMakesContributors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		land func(*world)
	}{
		{"merged past the rules before anybody had decided", func(w *world) {
			w.develops()
			pr, _ := w.brings()
			w.shows(pr, "WAITING · ")
			w.quiet()
			w.lands(pr, "squash")
		}},
		{"READY once, and vetoed when it was merged", func(w *world) {
			pr, _ := w.decided()
			pr.Comment("sam", "/no-go not yet")
			w.shows(pr, "NOT READY · ")
			w.quiet()
			w.lands(pr, "merge")
		}},
		{"a later head than the one that was READY", func(w *world) {
			pr, _ := w.decided()
			pr.PushCommits("lee", sandbox.Commit{Files: map[string]string{"cart/more.go": "package cart\n"}, Message: "More"})
			w.shows(pr, "WAITING · ")
			w.quiet()
			w.lands(pr, "rebase")
		}},
		{"let pass by an override", func(w *world) {
			w.develops()
			pr, _ := w.brings()
			w.shows(pr, "WAITING · ")
			pr.Comment("sam", "/override the shop is down")
			w.shows(pr, "OVERRIDDEN")
			w.quiet()
			w.lands(pr, "squash")
		}},
		{"pushed to the branch itself", func(w *world) {
			w.develops()
			w.repo.Commit("lee", "develop", map[string]string{"cart/total.go": "package cart\n"})
		}},
		{"pushed on top of what had landed", func(w *world) {
			pr, _ := w.decided()
			w.lands(pr, "merge")
			w.repo.Commit("lee", "develop", map[string]string{"cart/more.go": "package cart\n"})
		}},
		{"the same message and files, committed anew", func(w *world) {
			pr, _ := w.decided()
			w.lands(pr, "squash")
			w.repo.Branch("sam", "other", w.repo.Tip("main"))
			w.repo.PushCommits("lee", "other", sandbox.Commit{
				Message: "Faster totals (#1)", Files: map[string]string{"cart/total.go": "package cart\n", "cart/sum.go": "package cart\n"},
			})
			w.repo.DeleteBranch("sam", "develop")
			w.repo.Branch("sam", "develop", w.repo.Tip("other"))
		}},
		{"by laxer rules of another branch", func(w *world) {
			w.develops()
			w.repo.Commit("sam", "develop", map[string]string{".github/gonogo.yml": "approvals: {low: 0, medium: 0, high: 0}\n"})
			pr, _ := w.brings()
			w.shows(pr, "WAITING · go-missing")
			pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
			w.quiet()
			w.lands(pr, "squash")
			w.repo.PushCommits("sam", "develop", sandbox.Commit{Delete: []string{".github/gonogo.yml"}, Message: "As it was"})
		}},
		{"a part of it", func(w *world) {
			pr, half := w.decided()
			w.lands(pr, "merge")
			w.repo.DeleteBranch("sam", "develop")
			w.repo.Branch("sam", "develop", half)
		}},
		{"as something else than was READY", func(w *world) {
			pr, _ := w.decided()
			w.repo.Commit("bob", "develop", map[string]string{"cart/a.go": "package cart\n"})
			w.repo.Commit("bob", "develop", map[string]string{"cart/b.go": "package cart\n"})
			w.repo.UseWrongMergeBase(true) // stands for whatever may make a squash something else
			w.lands(pr, "squash")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.land(w)
			pr := w.promotes()
			pr.Approve("lee")
			w.stays(pr, "WAITING · approvals-missing")
		})
	}
}

// suggests opens kim's change, on which lee and dana have suggested lines.
func (w *world) suggests(class string) (pr *sandbox.PullRequest, lee, dana *sandbox.Suggestion) {
	w.t.Helper()
	pr = w.repo.Open("kim", sandbox.Change{
		Title: "Faster totals", Branch: "faster", Body: body(class),
		Files: map[string]string{"cart/total.go": "package cart\n\nfunc a() {}\n\nfunc b() {}\n", "cart/sum.go": "package cart\n"},
	})
	lee = pr.Suggest("lee", "cart/total.go", 3, 3, "func first() {}", "func second() {}")
	dana = pr.Suggest("dana", "cart/total.go", 5, 5, "func last() {}")
	return pr, lee, dana
}

// Ruling 10: who suggested lines approves and decides at low and medium.
func TestWhoseSuggestionsWereAcceptedApproves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pr, lee, dana := w.suggests("medium")
	pr.Accept("kim", lee, dana)
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	if n := w.commentsRead(); n == 0 {
		t.Error("the suggestions were not read")
	}
}

// commentsRead is how often the suggestions were asked for.
func (w *world) commentsRead() (n int) {
	for _, r := range w.gh.Requests() {
		if strings.Contains(r.Path, "/pulls/") && strings.HasSuffix(r.Path, "/comments") {
			n++
		}
	}
	return n
}

func TestSuggestionsAreReadOnlyWhereTheyMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pr, lee, _ := w.suggests("medium")
	pr.Accept("kim", lee)
	pr.Check("build", "success")
	pr.Approve("sam")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	if n := w.commentsRead(); n != 0 {
		t.Errorf("the suggestions were read %d times", n)
	}
}

// What only looks like an accepted suggestion leaves a contributor one.
func TestWhatIsNoAcceptedSuggestion(t *testing.T) {
	t.Parallel()
	named := func(w *world, login string) string {
		return "Apply suggestions from code review\n\nCo-authored-by: " + login + " <" + login + "@users.noreply.github.com>"
	}
	const half, other = "package cart\n\nfunc first() {}\nfunc second() {}\n\nfunc b() {}\n", "package cart\n\nfunc third() {}\n\nfunc b() {}\n"
	for _, tt := range []struct {
		name  string
		class string
		make  func(w *world, pr *sandbox.PullRequest, s *sandbox.Suggestion)
	}{
		{"an accepted one, at high", "high", func(_ *world, pr *sandbox.PullRequest, s *sandbox.Suggestion) { pr.Accept("kim", s) }},
		{"pushed with a name, which GitHub has not signed", "medium", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": half}, Committer: "web-flow", Message: named(w, "lee")})
		}},
		{"a name in another edit on the web", "medium", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": other}, Web: true, Message: named(w, "lee")})
		}},
		{"a name in an edit of another file", "medium", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/sum.go": half}, Web: true, Message: named(w, "lee")})
		}},
		{"the lines, and a file besides", "medium", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": half, "cart/more.go": "package cart\n"}, Web: true, Message: named(w, "lee")})
		}},
		{"the lines, and others taken out", "medium", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": "func first() {}\n"}, Web: true, Message: named(w, "lee")})
		}},
		{"a name beside that of somebody who suggested nothing", "medium", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": half}, Web: true, Message: named(w, "lee") + "\nCo-authored-by: Sam <sam@example.com>"})
		}},
		{"suggested after it was committed", "medium", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": other}, Web: true, Message: named(w, "lee")})
			w.clock.advance(time.Minute)
			pr.Suggest("lee", "cart/total.go", 3, 3, "func third() {}")
		}},
		{"edited after it was committed", "medium", func(w *world, pr *sandbox.PullRequest, s *sandbox.Suggestion) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": other}, Web: true, Message: named(w, "lee")})
			w.clock.advance(time.Minute)
			s.Edit("func third() {}")
		}},
		{"accepted, and committed anew by hand", "medium", func(_ *world, pr *sandbox.PullRequest, s *sandbox.Suggestion) {
			before := pr.Head()
			pr.Accept("kim", s)
			pr.Reset("kim", before)
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": half}, Message: named(nil, "lee")})
		}},
		{"accepted by who suggested it", "medium", func(_ *world, pr *sandbox.PullRequest, s *sandbox.Suggestion) { pr.Accept("lee", s) }},
		{"accepted, and something pushed besides", "medium", func(_ *world, pr *sandbox.PullRequest, s *sandbox.Suggestion) {
			pr.Accept("kim", s)
			pr.PushCommits("lee", sandbox.Commit{Files: map[string]string{"cart/more.go": "package cart\n"}, Message: "More"})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			pr, s, _ := w.suggests(tt.class)
			tt.make(w, pr, s)
			pr.Check("build", "success")
			w.quiet()
			if tt.class == "high" { // which asks for another one besides
				pr.Approve("sam")
			}
			pr.Approve("lee")
			w.quiet()
			v := w.stays(pr, "WAITING · approvals-missing")
			if !strings.Contains(v.Summary, "lee") {
				t.Errorf("it does not say whose approval does not count:\n%s", v.Summary)
			}
		})
	}
}

// While it cannot be told, nothing is refused for good.
func TestSuggestionsThatCannotBeReadYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pr, lee, _ := w.suggests("medium")
	pr.Accept("kim", lee)
	pr.Check("build", "success")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/pulls/{number}/comments", Status: 502})
	pr.Approve("lee")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.quiet()
	v := pr.Verdict(checkName)
	if v.Conclusion == "success" || !strings.Contains(v.Summary, "The list of commits could not be read") {
		t.Errorf("%s %s\n%s", v.Conclusion, v.Title, v.Summary)
	}
	w.gh.Mend()
	w.later(time.Minute)
	w.shows(pr, "READY · medium")
}
