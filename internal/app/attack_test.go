package app

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// never asserts that everything has settled without a pass.
func (w *world) never(pr *sandbox.PullRequest) {
	w.t.Helper()
	w.quiet()
	if v := pr.Verdict(checkName); v.Conclusion == "success" {
		w.t.Errorf("a pass stands: %s\n%s", v.Title, v.Summary)
	}
}

// Case 73: a pass whose answer was lost does not outlive its reason, although the
// verdict that follows is the one that stood before.
func TestLostAnswerToAPass(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("low")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Method: http.MethodPatch, Cut: true, Times: 1})
	review := pr.Approve("lee")
	w.quiet()
	review.Dismiss("sam", "no")
	w.later(time.Minute)
	w.never(pr)
}

func TestLostAnswerToAPassThenCIRunsAgain(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "x", Branch: "faster", Body: body("low"), Files: map[string]string{"cart/total.go": "package cart\n"}})
	pr.Approve("lee")
	run := pr.Check("build", "")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Method: http.MethodPatch, Cut: true, Times: 1})
	run.Complete("success")
	w.quiet()
	pr.Check("build", "")
	w.later(time.Minute)
	w.never(pr)
}

// Case 25: what counts is when something was said, not when it reached us.
func TestAGoSaidBeforeANoGoLiftsNothing(t *testing.T) {
	t.Run("the events come in the wrong order", func(t *testing.T) {
		w := newWorld(t)
		pr := w.opens("medium")
		pr.Approve("lee")
		w.shows(pr, "WAITING · go-missing")
		w.quiet()
		w.gh.HoldWebhooks()
		pr.Comment("dana", "/go "+pr.Head())
		pr.Comment("sam", "/no-go the migration locks the table")
		w.gh.ReleaseWebhooks(func(d []sandbox.Delivery) []sandbox.Delivery { slices.Reverse(d); return d })
		w.never(pr)
	})
	t.Run("the go's event was lost", func(t *testing.T) {
		w := newWorld(t)
		pr := w.opens("medium")
		pr.Approve("lee")
		w.shows(pr, "WAITING · go-missing")
		w.quiet()
		w.gh.LoseWebhooks(true)
		pr.Comment("dana", "/go "+pr.Head())
		w.gh.LoseWebhooks(false)
		w.clock.advance(5 * time.Second)
		pr.Comment("sam", "/no-go the migration locks the table")
		w.shows(pr, "NOT READY · nogo-stands")
		w.later(2 * time.Minute)
		pr.Label("kim", "x")
		w.never(pr)
	})
}

// A commit has one check: a release on it must not hide a pull request.
func TestReleaseOnTheHeadOfAPullRequest(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	w.shows(pr, "WAITING")
	w.quiet()
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v0.1.0", Target: pr.Head()})
	w.never(pr)
}

// Invariant I7: a NO-GO that reached us is never lost.
func TestNoGoThatCannotBeHeardYet(t *testing.T) {
	tests := []struct {
		name string
		say  func(*world, *sandbox.PullRequest)
	}{
		{"on a closed pull request, deleted before it is reopened", func(w *world, pr *sandbox.PullRequest) {
			pr.Close("kim")
			w.quiet()
			c := pr.Comment("sam", "/no-go leaks money")
			w.quiet()
			c.Delete("kim")
			w.quiet()
			pr.Reopen("kim")
		}},
		{"by the button of a closed pull request", func(w *world, pr *sandbox.PullRequest) {
			pr.Close("kim")
			w.quiet()
			if err := w.repo.Run(pr.Head(), checkName).Press("sam", "no-go"); err != nil {
				w.t.Fatal(err)
			}
			w.quiet()
			pr.Reopen("kim")
		}},
		{"while the installation is suspended", func(w *world, pr *sandbox.PullRequest) {
			w.gh.HoldWebhooks()
			c := pr.Comment("sam", "/no-go leaks money")
			w.acme.Suspend()
			w.gh.ReleaseWebhooks(nil)
			w.quiet()
			w.acme.Unsuspend()
			c.Delete("kim")
		}},
		{"right after the App was installed again", func(w *world, pr *sandbox.PullRequest) {
			w.acme.Uninstall()
			w.quiet()
			w.acme.Install()
			pr.Comment("sam", "/no-go leaks money").Delete("kim")
			w.later(2 * time.Hour)
		}},
		{"in a review, while the server was down", func(w *world, pr *sandbox.PullRequest) {
			w.down()
			pr.Review("sam", gate.Commented, "/no-go leaks money")
			w.clock.advance(5 * time.Minute)
			w.up()
			w.shows(pr, "NOT READY")
		}},
		{"while the role of its author cannot be read", func(w *world, pr *sandbox.PullRequest) {
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/collaborators/sam/permission", Status: 500})
			pr.Comment("sam", "/no-go leaks money")
			w.shows(pr, "WAITING · github-down · cannot verify, retrying: /no-go of @sam waits")
			w.later(20 * time.Minute)
			w.shows(pr, "NOT VERIFIED · github-down")
			w.gh.Mend()
			w.later(time.Minute)
		}},
		{"behind a stranger whose role cannot be read", func(w *world, pr *sandbox.PullRequest) {
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/collaborators/bob/permission", Status: 500})
			pr.Comment("bob", "/go")
			w.quiet()
			pr.Comment("sam", "/no-go leaks money")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.quiet()
			tt.say(w, pr)
			w.shows(pr, "NOT READY · nogo-stands")
			w.never(pr)
		})
	}
}

// While the policy cannot be read, whose word counts is not known: commands wait.
func TestCommandsWaitForThePolicy(t *testing.T) {
	start := func(t *testing.T) (*world, *sandbox.PullRequest) {
		w := newWorld(t)
		w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": "roles:\n  release manager:\n    users: [lee]\n"})
		w.quiet()
		pr := w.opens("low", "- Final decision owner: @lee")
		pr.Approve("dana")
		w.shows(pr, "READY")
		w.quiet()
		return w, pr
	}
	policyFails := sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/contents/{path...}", Status: 500}
	t.Run("a no-go of the policy's release manager", func(t *testing.T) {
		w, pr := start(t)
		w.gh.Fail(policyFails)
		pr.Comment("lee", "/no-go leaks money")
		w.quiet()
		w.gh.Mend()
		w.later(time.Minute)
		w.shows(pr, "NOT READY · nogo-stands")
	})
	t.Run("a go of somebody whom only the built-in policy knows", func(t *testing.T) {
		w, pr := start(t)
		pr.Comment("lee", "/no-go leaks money")
		w.shows(pr, "NOT READY · nogo-stands")
		w.quiet()
		w.gh.Fail(policyFails)
		pr.Comment("sam", "/go "+pr.Head())
		w.quiet()
		w.gh.Mend()
		w.later(time.Minute)
		w.never(pr)
	})
}

// Case 30: an approval counts for the commit that its event named, whatever the
// API says of it later.
func TestRepointedApproval(t *testing.T) {
	for name, how := range map[string]sandbox.Repointing{"frozen": sandbox.Frozen, "if identical": sandbox.RepointIfIdentical, "always": sandbox.RepointAlways} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.gh.RepointReviews(how)
			pr := w.opens("low")
			pr.Approve("lee")
			w.shows(pr, "READY · low")
			w.quiet()
			pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart\n\n// never reviewed\n"})
			pr.Check("build", "success")
			w.shows(pr, "WAITING · review-not-on-head")
			w.never(pr)
		})
	}
}

// Case 44: the API still shows the record from before an edit.
func TestRecordEditThatTheAPIShowsLate(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.clock.advance(3 * time.Second)
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}", Stale: true})
	pr.Edit("kim", body("medium", "- Rollback trigger: checkout error rate > 90 % for 5 h"))
	w.quiet()
	w.gh.Mend()
	w.later(10 * time.Second)
	w.shows(pr, "WAITING · record-changed")
}

// Case 44: a /go for a record that the API does not show yet waits for it.
func TestGoOnARecordThatTheAPIShowsLate(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	w.clock.advance(3 * time.Second)
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}", Stale: true})
	pr.Edit("kim", body("medium", "- Rollback trigger: checkout error rate > 3 % for 5 min"))
	pr.Comment("dana", "/go "+pr.Head())
	w.quiet()
	w.gh.Mend()
	w.later(10 * time.Second)
	w.shows(pr, "READY · medium")
}

// Case 32: a pull request on the same commit that was never judged is not ready,
// and one that left the commit leaves its check.
func TestTwinsComeAndGo(t *testing.T) {
	t.Run("not judged yet", func(t *testing.T) {
		w := newWorld(t)
		w.repo.Branch("sam", "dev", w.repo.Tip("main"))
		w.repo.Require("dev", sandbox.Required{Name: checkName, App: w.gh.AppID()})
		a := w.repo.Open("kim", sandbox.Change{Title: "to dev", Branch: "faster", Base: "dev", Body: body("low"), Files: map[string]string{"cart/total.go": "package cart\n"}})
		a.Check("build", "success")
		a.Approve("lee")
		w.shows(a, "READY · low")
		w.quiet()
		w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/pulls/2", Status: 500})
		b := w.repo.Open("kim", sandbox.Change{Title: "to main", From: "faster", Body: "no record at all"})
		w.quiet()
		a.Label("kim", "x")
		w.never(b)
	})
	t.Run("left", func(t *testing.T) {
		w := newWorld(t)
		pr := w.ready()
		w.quiet()
		b := w.repo.Open("kim", sandbox.Change{Title: "twin", Branch: "twin", Body: "none", Files: map[string]string{"z": "z"}})
		b.Reset("kim", pr.Head())
		w.shows(pr, "WAITING · #2 → main: no-block")
		w.quiet()
		b.Push("kim", map[string]string{"a.txt": "a"})
		w.shows(pr, "READY · medium")
	})
}

// A push between the readings of one evaluation: the files of one head are never
// judged under another.
func TestFilesOfAnotherHead(t *testing.T) {
	for _, list := range []string{"files", "commits"} {
		t.Run(list, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("low")
			pr.Approve("lee")
			w.shows(pr, "READY · low")
			w.quiet()
			w.gh.LoseWebhooks(true)
			pr.ForcePush("kim", map[string]string{"cart/total.go": "const k = \"ghp_" + "R7xq2mV9tLk4Zp8sWn3Yc6Hd1Jf5Gb0aTeUo\"\n"})
			pr.Check("build", "success")
			pr.Approve("lee")
			w.gh.LoseWebhooks(false)
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}/" + list, Stale: true, Times: 1})
			pr.Label("kim", "x")
			w.shows(pr, "NOT READY · secret-found")
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}/" + list, Stale: true})
			pr.Push("kim", map[string]string{"cart/total.go": "package cart\n"})
			pr.Check("build", "success")
			w.never(pr)
		})
	}
}

// Case 12: a panic while evidence is read ends one reading, not the process.
func TestPanicWhileReading(t *testing.T) {
	w := newWorld(t)
	w.app.worker.Scanner = panicking{}
	pr := w.opens("low")
	pr.Approve("lee")
	v := w.shows(pr, "WAITING · github-down")
	if !strings.Contains(v.Summary, "the diff could not be read") {
		t.Errorf("summary:\n%s", v.Summary)
	}
}

// panicking is a scanner with a fault of its own.
type panicking struct{}

func (panicking) Redact(_ context.Context, text string) string { return text }

func (panicking) Scan(context.Context, []gate.File, func(context.Context, gate.File) ([]byte, error)) gate.LeakScan {
	panic("out of cheese")
}
