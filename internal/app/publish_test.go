package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
	"gonogo/internal/report"
	"gonogo/internal/sandbox"
	"gonogo/internal/worker"
)

const (
	runsRoute  = "/repos/{owner}/{repo}/commits/{ref...}/check-runs"
	patchRoute = "/repos/{owner}/{repo}/check-runs/{id}"
)

// hold holds the next write of a check run until release is called, before it
// has any effect. held waits until it has come.
func (w *world) hold() (held, release func()) {
	w.t.Helper()
	came, goOn := make(chan struct{}), make(chan struct{})
	w.gh.Fail(sandbox.Fault{Method: http.MethodPatch, Route: patchRoute, Times: 1, Before: func(*http.Request) {
		close(came)
		<-goOn
	}})
	release = sync.OnceFunc(func() { close(goOn) })
	w.t.Cleanup(release)
	return func() {
		select {
		case <-came:
		case <-w.ctx.Done():
			w.t.Fatal("nothing was written")
		}
	}, release
}

// elsewhere evaluates and publishes as another process on the same store does.
func (w *world) elsewhere(pr *sandbox.PullRequest) {
	w.t.Helper()
	other, err := worker.New(w.app.worker.Config)
	if err != nil {
		w.t.Fatal(err)
	}
	job := queue.Job{Subject: queue.PR(w.repo.ID(), pr.Number()).For(w.acme.InstallationID()), Generation: 1 << 40, Attempt: 1}
	if err := other.Work(w.ctx, job); err != nil {
		w.t.Fatal(err)
	}
}

// asUs gives access to the repository as our App has it.
func (w *world) asUs() *hub.Repo {
	return w.app.hub.Repo(w.acme.InstallationID(), gate.Repository{ID: w.repo.ID(), Owner: "acme", Name: "shop"})
}

func (w *world) entries(pr *sandbox.PullRequest, kind ledger.Kind) int {
	w.t.Helper()
	list, err := w.app.ledger.Entries(w.ctx, w.repo.ID(), pr.Number())
	if err != nil {
		w.t.Fatal(err)
	}
	return len(slices.DeleteFunc(list, func(e ledger.Entry) bool { return e.Kind != kind }))
}

// ours lists our runs on the head, the oldest first.
func (w *world) ours(pr *sandbox.PullRequest) []sandbox.CheckView {
	return slices.DeleteFunc(w.repo.Runs(pr.Head()), func(c sandbox.CheckView) bool { return c.App != w.gh.AppID() })
}

// approvable opens a low pull request that lacks nothing but an approval.
func (w *world) approvable() *sandbox.PullRequest {
	w.t.Helper()
	pr := w.opens("low")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	return pr
}

// Case 74: a process is stopped with a READY in its hand, another one publishes
// that the build is red, and the first goes on. No event comes.
func TestStaleWriter(t *testing.T) {
	w := newWorld(t)
	pr := w.approvable()
	held, release := w.hold()
	pr.Approve("lee")
	held()
	w.gh.LoseWebhooks(true)
	pr.Check("build", "failure")
	w.elsewhere(pr)
	w.shows(pr, "NOT READY · ci-failed")
	release()
	v := w.stays(pr, "NOT READY · ci-failed")
	if v.Conclusion != "failure" || w.successes() != 1 {
		t.Errorf("%s after %d passes", v.Conclusion, w.successes())
	}
	if n := w.entries(pr, ledger.KindSuperseded); n != 1 {
		t.Errorf("%d entries say that a verdict was superseded", n)
	}
}

// Case 74: the process is stopped before its last look, and has entered nothing
// yet: its pass is entered behind the refusal, and not published.
func TestLateVerdictIsDropped(t *testing.T) {
	w := newWorld(t)
	pr := w.approvable()
	came, goOn := make(chan struct{}), make(chan struct{})
	var reads atomic.Int64
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}", Before: func(*http.Request) {
		if reads.Add(1) == 2 {
			close(came)
			<-goOn
		}
	}})
	pr.Approve("lee")
	<-came
	w.gh.LoseWebhooks(true)
	pr.Check("build", "failure")
	w.elsewhere(pr)
	w.shows(pr, "NOT READY · ci-failed")
	close(goOn)
	w.stays(pr, "NOT READY · ci-failed")
	if n := w.successes(); n != 0 {
		t.Errorf("%d passes were written", n)
	}
	if n := w.entries(pr, ledger.KindSuperseded); n != 1 {
		t.Errorf("%d entries say that a verdict was superseded", n)
	}
}

// Case 74: the stopped process died, so that it noted nothing; somebody wrote in
// our name. The next reading of the head finds it, whatever it is made for.
func TestAnotherRunOfOursStandsOnTop(t *testing.T) {
	forge := func(pr *sandbox.PullRequest) report.CheckRun {
		return report.CheckRun{Name: checkName, HeadSHA: pr.Head(), Conclusion: report.Success, Title: "READY · low", Summary: "it is"}
	}
	for _, tt := range []struct {
		name string
		do   func(*world, *sandbox.PullRequest) error
	}{
		{"our run was changed", func(w *world, pr *sandbox.PullRequest) error {
			_, err := w.asUs().UpdateCheckRun(w.ctx, pr.Verdict(checkName).ID, forge(pr))
			return err
		}},
		{"a newer run stands", func(w *world, pr *sandbox.PullRequest) error {
			_, err := w.asUs().CreateCheckRun(w.ctx, forge(pr))
			return err
		}},
	} {
		for how, look := range map[string]func(*world, *sandbox.PullRequest){
			"an event": func(_ *world, pr *sandbox.PullRequest) { pr.Label("kim", "x") },
			"a sweep": func(w *world, _ *sandbox.PullRequest) {
				w.down()
				w.up()
			},
		} {
			t.Run(tt.name+", found by "+how, func(t *testing.T) {
				w := newWorld(t)
				pr := w.broken()
				if err := tt.do(w, pr); err != nil {
					t.Fatal(err)
				}
				w.stays(pr, "READY · low")
				w.clock.advance(time.Second)
				look(w, pr)
				if v := w.shows(pr, "NOT READY · ci-failed"); v.Conclusion != "failure" {
					t.Errorf("%s", v.Conclusion)
				}
				w.quiet()
			})
		}
	}
}

// A pass is read back: should another run of ours stand in its place, it is
// written again; and somebody who always writes after us is not raced.
func TestPassIsReadBack(t *testing.T) {
	for _, tt := range []struct {
		name   string
		times  int64
		writes int
	}{
		{"somebody writes once", 1, 2},
		{"somebody always writes", 1 << 40, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.approvable()
			var mine, theirs atomic.Int64
			var us *hub.Repo = w.asUs()
			w.gh.Fail(sandbox.Fault{Method: http.MethodPatch, Route: patchRoute, Before: func(r *http.Request) { mine.Add(1) }})
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: runsRoute, Before: func(r *http.Request) {
				if r.URL.Query().Get("check_name") == "" || mine.Load() == 0 || theirs.Add(1) > tt.times {
					return
				}
				_, err := us.CreateCheckRun(w.ctx, report.CheckRun{Name: checkName, HeadSHA: pr.Head(), Conclusion: report.Failure, Title: "somebody else", Summary: "x"})
				if err != nil {
					t.Error(err)
				}
			}})
			pr.Approve("lee")
			w.quiet()
			if n := mine.Load(); n < 1 || n > 4 {
				t.Errorf("%d writes", n)
			}
			if tt.times == 1 {
				w.stays(pr, "READY · low")
			}
			w.gh.Mend()
			w.later(2 * time.Minute)
			w.stays(pr, "READY · low")
		})
	}
}

// A process ends between the ledger's commit and the write, and between the write
// and its answer; the next one finds what stands. Nothing is lost, nothing is
// written twice.
func TestProcessEndsWhilePublishing(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"before the write":  {Method: http.MethodPatch, Route: patchRoute, Reset: true},
		"before the answer": {Method: http.MethodPatch, Route: patchRoute, Cut: true},
	} {
		for _, tt := range []struct {
			name string
			do   func(*world, *sandbox.PullRequest)
			want string
		}{
			{"a pass", func(_ *world, pr *sandbox.PullRequest) { pr.Approve("lee") }, "READY · low"},
			{"a refusal", func(_ *world, pr *sandbox.PullRequest) { pr.Check("build", "failure") }, "NOT READY · ci-failed"},
			{"a pass that is one no more", func(w *world, pr *sandbox.PullRequest) {
				pr.Approve("lee")
				w.quiet()
				w.gh.LoseWebhooks(true)
				pr.Check("build", "failure")
			}, "NOT READY · ci-failed"},
		} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				w := newWorld(t)
				pr := w.approvable()
				w.gh.Fail(fault)
				tt.do(w, pr)
				w.down()
				w.gh.Mend()
				w.up()
				w.heal()
				w.shows(pr, tt.want)
				w.quiet()
				if n := len(w.ours(pr)); n != 1 {
					t.Errorf("%d runs", n)
				}
			})
		}
	}
}

// An override whose publication fails is published when GitHub takes it.
func TestOverrideThatCannotBePublishedYet(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"refused":         {Status: 502},
		"no answer":       {Cut: true},
		"the line breaks": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.broken()
			fault.Method, fault.Route, fault.Times = http.MethodPatch, patchRoute, 2
			w.gh.Fail(fault)
			pr.Comment("sam", "/override payments are down")
			w.quiet()
			w.heal()
			w.quiet()
			w.heal()
			w.shows(pr, "OVERRIDDEN by @sam until ")
			w.quiet()
			if n := w.entries(pr, ledger.KindOverride); n != 1 {
				t.Errorf("%d overrides", n)
			}
			if n := len(w.ours(pr)); n != 1 {
				t.Errorf("%d runs", n)
			}
			w.later(61 * time.Minute)
			w.stays(pr, "NOT READY · ci-failed")
		})
	}
}

// evaluations counts all that were begun.
func (w *world) evaluations() (n int) {
	w.t.Helper()
	if err := w.app.store.Read().QueryRowContext(w.ctx, "SELECT COUNT(*) FROM evaluation").Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Case 41: pressing again is a fresh look, one in 30 seconds at most, and never a
// pass by itself. The last press is not lost.
func TestPressedAThousandTimes(t *testing.T) {
	for name, press := range map[string]func(*world, *sandbox.PullRequest){
		"Re-run":            func(w *world, pr *sandbox.PullRequest) { w.repo.Run(pr.Head(), checkName).Rerequest("kim") },
		"Re-run all checks": func(w *world, pr *sandbox.PullRequest) { w.repo.RerequestSuite("kim", pr.Head()) },
		"Re-check": func(w *world, pr *sandbox.PullRequest) {
			if err := w.repo.Run(pr.Head(), checkName).Press("kim", "recheck"); err != nil {
				w.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.approvable()
			before, began := w.evaluations(), w.clock.now()
			for range 1000 {
				press(w, pr)
			}
			w.quiet()
			most := 1 + int(w.clock.now().Sub(began)/ledger.PressEvery)
			if n := w.evaluations() - before; n < 1 || n > most {
				t.Errorf("%d evaluations, want 1 to %d", n, most)
			}
			if v := w.stays(pr, "WAITING · approvals-missing"); v.Conclusion != "action_required" {
				t.Errorf("%s", v.Conclusion)
			}
			w.gh.LoseWebhooks(true)
			pr.Approve("lee")
			w.quiet()
			w.gh.LoseWebhooks(false)
			press(w, pr)
			w.later(31 * time.Second)
			w.stays(pr, "READY · low")
			before = w.evaluations()
			w.later(time.Hour)
			if n := w.evaluations() - before; n != 0 {
				t.Errorf("%d more evaluations that nobody asked for", n)
			}
		})
	}
}

// Case 41: a press while the pull request is being looked at is not forgotten
// when that look ends.
func TestPressedWhileItIsLookedAt(t *testing.T) {
	w := newWorld(t)
	pr := w.approvable()
	press := func() { w.repo.Run(pr.Head(), checkName).Rerequest("kim") }
	came, goOn := make(chan struct{}), make(chan struct{})
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}/reviews", Times: 1, Before: func(*http.Request) {
		close(came)
		<-goOn
	}})
	press()
	<-came
	w.gh.LoseWebhooks(true)
	pr.Check("build", "failure") // after the checks were read, perhaps
	w.gh.LoseWebhooks(false)
	press()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := w.gh.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	w.dispatched()
	close(goOn)
	w.quiet()
	before := w.evaluations()
	w.later(31 * time.Second)
	if n := w.evaluations() - before; n != 1 {
		t.Errorf("%d evaluations after the press, want 1", n)
	}
	w.stays(pr, "NOT READY · ci-failed")
}

// dispatched waits until no hint waits.
func (w *world) dispatched() {
	w.t.Helper()
	for {
		d, err := w.app.inbox.Depth(w.ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		if d.Waiting == 0 {
			return
		}
	}
}

// A re-run is answered by a write, although it says nothing new: GitHub has set
// the suite back.
func TestRerunIsAnswered(t *testing.T) {
	w := newWorld(t)
	pr := w.approvable()
	writes := func() int {
		return w.gh.Count(func(r sandbox.Request) bool { return r.Route == patchRoute && r.Method == http.MethodPatch })
	}
	before := writes()
	w.repo.Run(pr.Head(), checkName).Rerequest("kim")
	w.stays(pr, "WAITING · approvals-missing")
	if n := writes() - before; n != 1 {
		t.Errorf("%d writes", n)
	}
	pr.Label("kim", "x")
	w.quiet()
	if n := writes() - before; n != 1 {
		t.Errorf("%d writes after an event that brings nothing new", n)
	}
}

// Case 42: what reports our check on the test merge commit is named, and we never
// do.
func TestCheckOnTheTestMerge(t *testing.T) {
	for name, forge := range map[string]func(*world, string){
		"a status":    func(w *world, sha string) { w.repo.Status("lee", sha, checkName, "success") },
		"a check run": func(w *world, sha string) { w.repo.Check(sha, sandbox.Check{Name: checkName, Conclusion: "success"}) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.Unprotect("main")
			w.repo.Require("main", sandbox.Required{Name: checkName}) // from anybody
			pr := w.approvable()
			sha := pr.TestMerge()
			forge(w, sha)
			if v := w.stays(pr, "WAITING · approvals-missing"); strings.Contains(v.Summary, "check-on-test-merge") {
				t.Error("a refusal took the time to look there")
			}
			pr.Approve("lee")
			v := w.shows(pr, "READY · low")
			says(t, v.Summary, "`check-on-test-merge`", gate.Short(sha))
			w.quiet()
			for _, r := range w.gh.Requests() {
				if r.Method != http.MethodGet && (strings.Contains(r.Path, sha) || strings.Contains(r.Body, sha)) {
					t.Errorf("%s %s writes there", r.Method, r.Path)
				}
			}
		})
	}
	w := newWorld(t)
	w.repo.Unprotect("main")
	pr := w.approvable()
	pr.Approve("lee")
	if v := w.shows(pr, "READY · low"); strings.Contains(v.Summary, "test-merge") {
		t.Errorf("nothing reports it:\n%s", v.Summary)
	}
}

// Case 45: rules that anybody can satisfy, or that ask for nothing, are said; a
// pull request is not held up for them.
func TestRulesThatHoldNothingBack(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules []sandbox.Required
		says  []string
	}{
		{"from anybody", []sandbox.Required{{Name: checkName}}, []string{"`not-pinned`", "nyone with write access can forge this check", "Settings → Rules → Rulesets"}},
		{"from another App", []sandbox.Required{{Name: checkName, App: sandbox.ActionsID}}, []string{"`not-pinned`", "from another App"}},
		{"not required", nil, []string{"`not-required`", "GitHub merges without it", "Require status checks to pass"}},
		{"pinned", []sandbox.Required{{Name: checkName, App: -1}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.Unprotect("main")
			for _, r := range tt.rules {
				if r.App < 0 {
					r.App = w.gh.AppID()
				}
				w.repo.Require("main", r)
			}
			pr := w.approvable()
			pr.Approve("lee")
			v := w.shows(pr, "READY · low")
			says(t, v.Summary, tt.says...)
			if tt.says == nil && (strings.Contains(v.Summary, "not-pinned") || strings.Contains(v.Summary, "not-required")) {
				t.Errorf("said without reason:\n%s", v.Summary)
			}
			w.quiet()
		})
	}
	t.Run("in a trial", func(t *testing.T) {
		w := newWorld(t)
		w.repo.Unprotect("main")
		w.organization("mode: trial")
		w.quiet()
		pr := w.opens("low")
		v := w.await(func() sandbox.CheckView { return pr.Verdict(trialName) }, "TRIAL · ")
		if strings.Contains(v.Summary, "not-required") {
			t.Errorf("a trial is not required:\n%s", v.Summary)
		}
	})
	t.Run("the rules cannot be read", func(t *testing.T) {
		w := newWorld(t)
		w.repo.Unprotect("main")
		w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/rules/branches/{branch...}", Status: 403, Body: `{"message":"Resource not accessible by integration"}`})
		pr := w.opens("low")
		v := w.shows(pr, "WAITING · ")
		w.quiet()
		if strings.Contains(v.Summary, "not-required") || strings.Contains(v.Summary, "not-pinned") {
			t.Errorf("what could not be read is said:\n%s", v.Summary)
		}
	})
}

// The name that the organization gave the check outlives a restart with a policy
// that is not valid any more, whichever file that is.
func TestNameOutlivesABrokenPolicy(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"the organization's": func(w *world) { w.organization("check: ship-it\naproovals: {low: 1}\n") },
		"the repository's": func(w *world) {
			w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": "checks:\n  requird: [build]\n"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.organization("check: ship-it")
			w.quiet()
			pr := w.opens("low")
			ship := func() sandbox.CheckView { return pr.Verdict("ship-it") }
			w.await(ship, "WAITING · approvals-missing")
			w.down()
			spoil(w)
			w.up()
			v := w.await(ship, "NOT READY · policy-invalid")
			if v.Conclusion != "failure" {
				t.Errorf("%s", v.Conclusion)
			}
			other := w.repo.Open("lee", sandbox.Change{Title: "Another", Branch: "another", Body: body("low"), Files: map[string]string{"a.go": "package a\n"}})
			w.await(func() sandbox.CheckView { return other.Verdict("ship-it") }, "NOT READY · policy-invalid")
			w.quiet()
			for _, p := range []*sandbox.PullRequest{pr, other} {
				if names := fmt.Sprint(w.names(p)); names != "[ship-it]" {
					t.Errorf("#%d has the checks %s", p.Number(), names)
				}
			}
		})
	}
}

// names lists the names of our runs on the head.
func (w *world) names(pr *sandbox.PullRequest) (names []string) {
	for _, v := range w.ours(pr) {
		if !slices.Contains(names, v.Name) {
			names = append(names, v.Name)
		}
	}
	return names
}
