package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

func TestFromHopelessToMerged(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "Faster totals", Branch: "faster", Body: "please merge", Files: map[string]string{"a.go": "package a\n"}})
	w.shows(pr, "WAITING · no-block")
	if err := pr.Merge("kim", "merge"); err == nil {
		t.Fatal("GitHub merged a pull request without a record")
	}
	pr.Check("build", "success")
	pr.Edit("kim", body("low"))
	w.shows(pr, "WAITING · approvals-missing")
	pr.Approve("lee")
	v := w.shows(pr, "READY · low · "+gate.Short(pr.Head()))
	if v.Conclusion != "success" || len(v.Actions) != 3 {
		t.Errorf("conclusion %q, %d buttons", v.Conclusion, len(v.Actions))
	}
	w.quiet()
	ours := 0
	for _, r := range w.repo.Runs(pr.Head()) {
		if r.Name == checkName {
			ours++
		}
	}
	if ours != 1 {
		t.Errorf("%d runs of ours on one head, want 1: an undecided run is updated in place", ours)
	}
	if err := pr.Merge("kim", "merge"); err != nil {
		t.Fatal(err)
	}
}

func TestGoIsForWhatWasSeen(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world, *sandbox.PullRequest)
		title  string
		says   string
	}{
		{"a push", func(_ *world, pr *sandbox.PullRequest) {
			pr.Push("kim", map[string]string{"b.go": "package b\n"})
			pr.Check("build", "success")
			pr.Approve("lee")
		}, "WAITING · stale-go", "was for"},
		{"an edited trigger", func(_ *world, pr *sandbox.PullRequest) {
			pr.Edit("kim", body("medium", "- Rollback trigger: any failed login"))
		}, "WAITING · record-changed", "'Rollback trigger' changed after /go"},
		{"a lowered class", func(_ *world, pr *sandbox.PullRequest) {
			pr.Edit("kim", body("medium", "- Residual risks: it may be slow"))
		}, "WAITING · record-changed", "'Residual risks' changed"},
		{"another base", func(w *world, pr *sandbox.PullRequest) {
			w.repo.Require("stable", sandbox.Required{Name: checkName, App: w.gh.AppID()})
			w.repo.Branch("sam", "stable", w.repo.Tip("main"))
			pr.Retarget("kim", "stable")
		}, "WAITING · base-changed", "now targets"},
		{"the decider lost the role", func(w *world, pr *sandbox.PullRequest) {
			w.repo.Grant("dana", "write")
			pr.Comment("sam", "/recheck")
		}, "WAITING · authority-lost", "no longer a release manager"},
		{"the comment was edited", func(w *world, _ *sandbox.PullRequest) {
			w.goComment.Edit("lee", "/go, but later")
		}, "WAITING · edited-command", "edited by"},
		{"the comment was deleted", func(w *world, _ *sandbox.PullRequest) {
			w.goComment.Delete("lee")
		}, "WAITING · edited-command", "deleted by"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			tt.change(w, pr)
			v := w.shows(pr, tt.title)
			if !strings.Contains(v.Summary, tt.says) {
				t.Errorf("the summary does not say %q:\n%s", tt.says, v.Summary)
			}
			if v.Conclusion != "action_required" {
				t.Errorf("conclusion %q", v.Conclusion)
			}
		})
	}
}

func TestWhatVoidsNothing(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	pr.Edit("kim", "A better introduction.\n\n"+body("medium", "- Decision timestamp: 2026-01-02T04:00:00Z"))
	w.stays(pr, "READY · medium")
	pr.Label("kim", "cart")
	pr.Comment("bob", "nice")
	w.stays(pr, "READY · medium")
}

func TestNoGoOutlivesItsComment(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	veto := pr.Comment("sam", "/no-go the load test is red")
	v := w.shows(pr, "NOT READY · nogo-stands")
	if v.Conclusion != "failure" {
		t.Errorf("conclusion %q", v.Conclusion)
	}
	veto.Delete("kim")
	v = w.stays(pr, "NOT READY · nogo-stands")
	if !strings.Contains(v.Summary, "deleted by `@kim`") {
		t.Errorf("the summary does not say who deleted it:\n%s", v.Summary)
	}
	pr.Push("kim", map[string]string{"b.go": "package b\n"})
	w.shows(pr, "NOT READY · nogo-stands")
	pr.Check("build", "success")
	pr.Approve("lee")
	w.clock.advance(2 * time.Second) // within one second NO-GO wins
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

func TestCommands(t *testing.T) {
	tests := []struct {
		name, who, text string
		title           string
		reply           string // part of the only reply, "" for none
	}{
		{"a release manager says go", "dana", "/go", "READY · medium", ""},
		{"in capitals, with a reason", "dana", "/GO load test is green", "READY · medium", ""},
		{"the author says go", "kim", "/go", "WAITING · go-missing", "only a release manager"},
		{"a reviewer says go", "lee", "/go", "WAITING · go-missing", "only a release manager"},
		{"a stranger says go", "bob", "/go", "WAITING · go-missing", "only a release manager"},
		{"a stranger says no-go", "bob", "/no-go", "WAITING · go-missing", "only a release manager"},
		{"in a quotation", "dana", "> /go", "WAITING · go-missing", ""},
		{"in a code fence", "dana", "```\n/go\n```", "WAITING · go-missing", ""},
		{"in a sentence", "dana", "I would say /go if I could", "WAITING · go-missing", ""},
		{"in an HTML comment", "dana", "<!--\n/go\n-->", "WAITING · go-missing", ""},
		{"no-go wins over go", "dana", "/go\n/no-go wait", "NOT READY · nogo-stands", ""},
		{"for a commit that nobody knows: a reason", "dana", "/go deadbeef99", "READY · medium", ""},
		{"a slip of the finger", "dana", "/goo", "WAITING · go-missing", "`/go`"},
		{"another tool's command", "dana", "/lgtm", "WAITING · go-missing", ""},
		{"help", "bob", "/gonogo help", "WAITING · go-missing", "| `/no-go [reason]` |"},
		{"a rollback of what is not merged", "sam", "/rollback now", "WAITING · go-missing", "nothing to roll back"},
		{"no-go without a reason", "sam", "/nogo", "NOT READY · nogo-stands", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			pr.Approve("lee")
			w.shows(pr, "WAITING · go-missing")
			w.quiet()
			pr.Comment(tt.who, tt.text)
			w.stays(pr, tt.title)
			replies := w.replies(pr)
			switch {
			case tt.reply == "" && len(replies) > 0:
				t.Errorf("unexpected reply: %s", replies)
			case tt.reply != "" && (len(replies) != 1 || !strings.Contains(replies[0], tt.reply)):
				t.Errorf("replies %q, want one with %q", replies, tt.reply)
			}
		})
	}
}

func TestAuthorWhoIsReleaseManagerDoesNotDecideAlone(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("kim", "admin")
	pr := w.opens("medium", "- Final decision owner: @kim")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("kim", "/go "+pr.Head())
	w.stays(pr, "WAITING · go-missing")
	if r := w.replies(pr); len(r) != 1 || !strings.Contains(r[0], "nobody decides on their own") {
		t.Errorf("replies %q", r)
	}
	pr.Comment("kim", "/no-go I found a bug")
	w.shows(pr, "NOT READY · nogo-stands")
	pr.Comment("kim", "/go "+pr.Head())
	w.shows(pr, "WAITING · go-missing")
}

func TestStrangersGetOneReply(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	for range 5 {
		pr.Comment("bob", "/go")
		w.quiet()
	}
	if r := w.replies(pr); len(r) != 1 {
		t.Errorf("%d replies, want 1: %q", len(r), r)
	}
}

func TestHighWantsTheCommitAndTwoPeople(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("high")
	pr.Approve("lee")
	pr.Approve("sam")
	w.shows(pr, "WAITING · panel-short")
	pr.Comment("dana", "/go")
	w.stays(pr, "WAITING · panel-short")
	if r := w.replies(pr); len(r) != 1 || !strings.Contains(r[0], "names its commit") {
		t.Errorf("replies %q", r)
	}
	pr.Comment("dana", "/go "+gate.Short(pr.Head()))
	w.shows(pr, "WAITING · panel-short · 1 of 2")
	pr.Comment("sam", "/go "+gate.Short(pr.Head()))
	w.shows(pr, "READY · high")
}

func TestButtons(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	press := func(who, id string) {
		t.Helper()
		if err := w.repo.Run(pr.Head(), checkName).Press(who, id); err != nil {
			t.Fatal(err)
		}
		w.quiet()
	}
	press("lee", "go")
	if v := w.stays(pr, "WAITING · go-missing"); !strings.Contains(v.Summary, "`@lee` pressed GO: only a release manager decides here") {
		t.Errorf("the answer is not in the summary:\n%s", v.Summary)
	}
	press("dana", "go")
	if v := w.stays(pr, "READY · medium"); !strings.Contains(v.Summary, "`@dana` pressed GO: accepted") {
		t.Errorf("the answer is not in the summary:\n%s", v.Summary)
	}
	press("sam", "no-go")
	w.stays(pr, "NOT READY · nogo-stands")
	if n := len(w.replies(pr)); n != 0 {
		t.Errorf("%d replies to buttons", n)
	}
}

func TestReviewLineIsACommand(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	pr.Review("dana", gate.Commented, "Looks fine.\n\n/go")
	w.shows(pr, "READY · medium")
}

func TestTheAskingComment(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	if n := len(pr.Comments()); n != 0 {
		t.Fatalf("%d comments before only a decision is missing", n)
	}
	asks := func() (texts []string) {
		for _, c := range pr.Comments() {
			if strings.Contains(c.Body, "waits for your decision") {
				texts = append(texts, c.Body)
			}
		}
		return texts
	}
	pr.Approve("lee")
	w.stays(pr, "WAITING · go-missing")
	if a := asks(); len(a) != 1 || !strings.HasPrefix(a[0], "@dana, @sam: ") {
		t.Fatalf("asks %q", a)
	}
	pr.Push("kim", map[string]string{"b.go": "package b\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.stays(pr, "WAITING · go-missing")
	if a := asks(); len(a) != 1 || !strings.Contains(a[0], gate.Short(pr.Head())) {
		t.Fatalf("the comment was not edited in place: %q", a)
	}
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY")
	pr.Push("kim", map[string]string{"c.go": "package c\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · stale-go")
	w.quiet()
	if a := asks(); len(a) != 2 {
		t.Fatalf("%d asks after a GO lapsed, want a new one", len(a))
	}
}

func TestDraft(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "Idea", Branch: "idea", Draft: true, Body: "none", Files: map[string]string{"a.go": "package a\n"}})
	v := w.shows(pr, "DRAFT · ")
	if v.Status != "in_progress" {
		t.Errorf("status %q", v.Status)
	}
	pr.Ready("kim")
	w.shows(pr, "WAITING · no-block")
}

func TestOutOfScope(t *testing.T) {
	w := newWorld(t)
	w.repo.Branch("sam", "experiment", w.repo.Tip("main"))
	pr := w.repo.Open("kim", sandbox.Change{Title: "Try", Branch: "try", Base: "experiment", Body: "none", Files: map[string]string{"a.go": "package a\n"}})
	w.quiet()
	if v := pr.Verdict(checkName); v.ID != 0 {
		t.Errorf("a check run on a base out of scope: %+v", v)
	}
	pr.Retarget("kim", "main")
	w.shows(pr, "WAITING · no-block")
}

func TestTwinsShowTheWorstVerdict(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.repo.Require("stable", sandbox.Required{Name: checkName, App: w.gh.AppID()})
	w.repo.Branch("sam", "stable", w.repo.Tip("main"))
	twin := w.repo.Open("lee", sandbox.Change{Title: "Same", From: "faster", Base: "stable", Body: "no record"})
	v := w.shows(pr, "WAITING · #")
	for _, part := range []string{"#1 → main: ready", "#2 → stable: no-block"} {
		if !strings.Contains(v.Title, part) {
			t.Errorf("title %q lacks %q", v.Title, part)
		}
	}
	w.quiet()
	twin.Close("lee")
	w.shows(pr, "READY · medium")
}

func TestSevereIssueAndCISetReadyBack(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	issue := w.repo.OpenIssue("lee", "Checkout is <b>down</b> @everyone", "", "SEV1")
	v := w.shows(pr, "NOT READY · severe-issue")
	if strings.Contains(v.Summary, "<b>") && !strings.Contains(v.Summary, "`Checkout is <b>down</b> @everyone`") {
		t.Errorf("user text outside a code span:\n%s", v.Summary)
	}
	issue.Close("lee")
	w.shows(pr, "READY · medium")
	pr.Status("lee", "deploy/preview", "failure")
	w.shows(pr, "NOT READY · ci-failed")
	pr.Status("lee", "deploy/preview", "success")
	w.shows(pr, "READY · medium")
	pr.Review("sam", gate.ChangesRequested, "no")
	w.shows(pr, "NOT READY · changes-requested")
}

func TestCIMissing(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "No CI", Branch: "x", Body: body("low"), Files: map[string]string{"a.go": "package a\n"}})
	pr.Approve("lee")
	v := w.shows(pr, "WAITING · ci-awaited")
	if v.Status != "in_progress" {
		t.Errorf("status %q", v.Status)
	}
	w.later(3 * time.Minute)
	if v := w.stays(pr, "WAITING · ci-missing"); v.Conclusion != "action_required" {
		t.Errorf("conclusion %q", v.Conclusion)
	}
}

func TestServerWasDown(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	other := w.repo.Open("kim", sandbox.Change{Title: "Other", Branch: "other", Body: body("medium"), Files: map[string]string{"o.go": "package o\n"}})
	other.Check("build", "success")
	other.Approve("lee")
	w.shows(other, "WAITING · go-missing")
	w.down()
	pr.Comment("sam", "/no-go while you were down")
	other.Comment("dana", "/go "+other.Head())
	fresh := w.repo.Open("kim", sandbox.Change{Title: "Fresh", Branch: "fresh", Body: "no record", Files: map[string]string{"f.go": "package f\n"}})
	w.clock.advance(5 * time.Minute)
	w.up()
	w.shows(pr, "NOT READY · nogo-stands")
	w.shows(other, "READY · medium")
	w.shows(fresh, "WAITING · no-block")
}

// What else a reconcile looks for does not hold up the pull requests.
func TestSweepsThatFailHoldNothingUp(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusNotImplemented, http.StatusBadGateway} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.down()
			pr.Comment("sam", "/no-go while you were down")
			w.clock.advance(5 * time.Minute)
			for _, route := range []string{"/repos/{owner}/{repo}/git/matching-refs/{ref...}", "/repos/{owner}/{repo}/tags", "/repos/{owner}/{repo}/activity"} {
				w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: route, Status: status, Body: `{"message":"Not here"}`})
			}
			w.up()
			w.shows(pr, "NOT READY · nogo-stands")
		})
	}
}

func TestOldGoIsNotTakenOnAnEmptyLedger(t *testing.T) {
	w := newWorld(t)
	w.down()
	pr := w.opens("medium")
	w.clock.advance(time.Minute)
	pr.Approve("lee")
	pr.Comment("dana", "/go "+pr.Head())
	w.clock.advance(5 * time.Minute)
	w.up()
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

func TestRecordEditedBetweenReadAndPublish(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	// The second reading of the pull request in the evaluation that would be
	// READY comes after the edit; the edit's own webhook is lost.
	reads := 0
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}", Before: func(*http.Request) {
		if reads++; reads == 2 {
			w.gh.LoseWebhooks(true)
			pr.Edit("eve", body("medium", "- Rollback trigger: any failed login"))
		}
	}})
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "WAITING · record-changed")
	w.quiet()
	for _, r := range w.gh.Requests() {
		if strings.Contains(r.Path, "/check-runs") && strings.Contains(r.Body, `"conclusion":"success"`) {
			t.Errorf("a READY was published although the record had moved")
		}
	}
}

func TestAskSpeaksToTheMaintainersOfOutsiders(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("eve", sandbox.Change{Title: "From afar", Fork: true, Body: body("medium"), Files: map[string]string{"a.go": "package a\n"}})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	if c := pr.Comments(); len(c) != 1 || !strings.Contains(c[0].Body, "what is still to do is the maintainers'") {
		t.Errorf("comments %+v", c)
	}
}
