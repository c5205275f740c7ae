package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/sandbox"
)

const trialName = checkName + policy.TrialSuffix

// wrote lists what the server wrote to GitHub in the repository.
func (w *world) wrote() []string {
	var written []string
	for _, r := range w.gh.Requests() {
		if r.Method != http.MethodGet && strings.HasPrefix(r.Path, "/repos/acme/") {
			written = append(written, r.Method+" "+r.Path)
		}
	}
	return written
}

// judged returns the newest evaluation of the pull request.
func (w *world) judged(pr *sandbox.PullRequest) gate.Evaluation {
	w.t.Helper()
	w.quiet()
	ev, found, err := w.app.ledger.Latest(w.ctx, w.repo.ID(), pr.Number())
	if err != nil || !found {
		w.t.Fatal("no evaluation: ", err)
	}
	return ev
}

// restart starts the server anew with other settings.
func (w *world) restart(change func(*Config)) {
	w.t.Helper()
	w.down()
	change(&w.cfg)
	w.up()
	w.quiet()
}

func TestShadowWritesNothingToGitHub(t *testing.T) {
	for name, set := range map[string]func(*world){
		"the server is a shadow":       func(w *world) { w.restart(func(c *Config) { c.Mode = gate.Shadow }) },
		"the organization is a shadow": func(w *world) { w.organization("mode: shadow") },
		"the repository is listed":     func(w *world) { w.organization("modes: {shadow: ['sh*']}") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			set(w)
			w.quiet()
			pr := w.opens("medium")
			pr.Approve("lee")
			w.quiet()
			pr.Comment("bob", "/go "+pr.Head())
			pr.Comment("kim", "/goo")
			if ev := w.judged(pr); ev.Verdict != gate.Waiting || ev.Mode != gate.Shadow {
				t.Errorf("%s in mode %q", ev.Verdict, ev.Mode)
			}
			pr.Comment("dana", "/go "+pr.Head())
			if ev := w.judged(pr); ev.Verdict != gate.Ready {
				t.Errorf("a command was not heard: %s %+v", ev.Verdict, ev.Blockers())
			}
			if written := w.wrote(); len(written) > 0 {
				t.Errorf("a shadow wrote %v", written)
			}
		})
	}
}

// What takes longer than two seconds, what dies and what cannot be read is not
// said either.
func TestShadowIsSilentInTrouble(t *testing.T) {
	w := newWorld(t)
	w.organization("mode: shadow")
	w.quiet()
	w.app.worker.Slow = time.Nanosecond
	pr := w.opens("medium")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Route: "/repos/acme/.github/contents/gonogo.yml", Status: http.StatusBadGateway})
	pr.Comment("kim", "/recheck")
	if ev := w.judged(pr); ev.Mode != gate.Shadow || !slices.ContainsFunc(ev.Findings, func(f gate.Finding) bool { return f.Code == "github-down" }) {
		t.Errorf("%q: %+v", ev.Mode, ev.Blockers())
	}
	w.gh.Mend()
	w.organization("mode: shaddow")
	pr.Comment("kim", "/recheck")
	if ev := w.judged(pr); ev.Mode != gate.Shadow || ev.Blockers()[0].Code != "policy-invalid" {
		t.Errorf("%q: %+v", ev.Mode, ev.Blockers())
	}
	w.app.worker.Dead(w.ctx, queue.PR(w.repo.ID(), pr.Number()), http.ErrAbortHandler)
	if ev := w.judged(pr); !ev.GaveUp {
		t.Error("that the evaluation failed was not entered")
	}
	if written := w.wrote(); len(written) > 0 {
		t.Errorf("a shadow wrote %v", written)
	}
}

func TestTrialAlwaysSucceeds(t *testing.T) {
	w := newWorld(t)
	w.organization("mode: trial")
	w.quiet()
	pr := w.opens("medium")
	shows := func(title string) sandbox.CheckView {
		t.Helper()
		v := w.await(func() sandbox.CheckView { return pr.Verdict(trialName) }, title)
		if v.Conclusion != "success" {
			t.Errorf("%s is concluded as %q", v.Title, v.Conclusion)
		}
		return v
	}
	v := shows("TRIAL · would be WAITING · approvals-missing")
	says(t, v.Summary, "always succeeds and holds nothing back", "`action_required`")
	pr.Approve("lee")
	shows("TRIAL · would be WAITING · go-missing")
	w.quiet()
	if len(pr.Comments()) > 0 {
		t.Errorf("somebody was asked in a trial: %v", pr.Comments()[0].Body)
	}
	pr.Comment("bob", "/go "+pr.Head())
	pr.Comment("dana", "/no-go the numbers are off")
	shows("TRIAL · would be NOT READY · nogo-stands")
	w.quiet()
	if len(w.replies(pr)) != 1 {
		t.Errorf("bob was not answered: %v", w.replies(pr))
	}
	w.clock.advance(2 * time.Second)
	pr.Comment("dana", "/go "+pr.Head())
	shows("TRIAL · READY · medium")
	pr.Draft("kim")
	shows("TRIAL · DRAFT · ")
	if pr.Verdict(checkName).Title != "" {
		t.Errorf("a trial published the check itself: %+v", pr.Verdict(checkName))
	}
}

func TestARequiredTrialIsShoutedAbout(t *testing.T) {
	w := newWorld(t)
	w.organization("mode: trial")
	w.quiet()
	pr := w.opens("medium")
	v := w.await(func() sandbox.CheckView { return pr.Verdict(trialName) }, "TRIAL · would be WAITING")
	says(t, v.Summary, "> **the branch's rules require `"+checkName+"`, which mode trial does not publish")
	w.repo.Require("main", sandbox.Required{Name: trialName, App: w.gh.AppID()})
	pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
	pr.Check("build", "success")
	w.quiet()
	v = pr.Verdict(trialName)
	says(t, v.Summary, "> **the branch's rules require `"+trialName+"`, which always succeeds: it protects nothing")
	if strings.Contains(v.Summary, "ci-") {
		t.Errorf("the trial waits for itself:\n%s", v.Summary)
	}
}

// Whoever leaves a trial or a shadow gets the real check at the next event or
// reconcile, and a GO that was given stays one.
func TestFromTrialAndShadowToEnforce(t *testing.T) {
	for _, mode := range []string{"trial", "shadow"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			w.organization("mode: " + mode)
			w.quiet()
			pr := w.opens("medium")
			pr.Approve("lee")
			w.quiet()
			pr.Comment("dana", "/go "+pr.Head())
			w.stays(pr, "")
			if v := pr.Verdict(checkName); v.Title != "" {
				t.Fatalf("published in mode %s: %s", mode, v.Title)
			}
			w.organization("modes: {enforce: [shop]}\nmode: " + mode)
			w.shows(pr, "READY · medium")
		})
	}
	t.Run("by the server's setting", func(t *testing.T) {
		w := newWorld(t)
		w.restart(func(c *Config) { c.Mode = gate.Shadow })
		pr := w.opens("medium")
		w.quiet()
		w.restart(func(c *Config) { c.Mode = gate.Enforce })
		w.shows(pr, "WAITING · approvals-missing")
	})
}

func TestTheOrganizationGoesBeforeTheServer(t *testing.T) {
	w := newWorld(t)
	w.restart(func(c *Config) { c.Mode = gate.Shadow })
	w.organization("mode: enforce")
	w.quiet()
	pr := w.opens("medium")
	w.shows(pr, "WAITING · approvals-missing")
}

func TestARepositoryCannotChooseItsMode(t *testing.T) {
	w := newWorld(t)
	w.policy("ask: none\nmode: shadow\n")
	w.quiet()
	pr := w.opens("medium")
	v := w.shows(pr, "NOT READY · policy-invalid")
	says(t, v.Summary, "line 2", "GONOGO_MODE")
	w.policy("check: mine\n")
	w.quiet()
	v = w.stays(pr, "NOT READY · policy-invalid")
	says(t, v.Summary, "line 1", "GONOGO_CHECK")
}

func TestARenamedCheckIsPublishedUnderBothNamesForAWeek(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.organization("check: ship-it")
	both := func(title string) {
		t.Helper()
		w.quiet()
		for _, name := range []string{"ship-it", checkName} {
			if v := pr.Verdict(name); !strings.HasPrefix(v.Title, title) {
				t.Errorf("%s: %q, want %q…", name, v.Title, title)
			}
		}
	}
	both("READY · medium")
	pr.Comment("dana", "/no-go the numbers are off")
	both("NOT READY · nogo-stands")
	w.restart(func(*Config) {})
	w.clock.advance(6 * 24 * time.Hour)
	pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
	pr.Check("build", "success")
	both("NOT READY · nogo-stands")
	w.clock.advance(24*time.Hour + time.Minute)
	kept := pr.Head()
	pr.Comment("kim", "/recheck")
	pr.Comment("dana", "/go "+pr.Head())
	both("WAITING · ") // a name that stands on a head is kept true there
	pr.Push("kim", map[string]string{"cart/c.go": "package cart\n"})
	pr.Check("build", "success")
	w.quiet()
	if v := pr.Verdict("ship-it"); !strings.HasPrefix(v.Title, "WAITING · ") {
		t.Errorf("the new name: %q", v.Title)
	}
	if v := pr.Verdict(checkName); v.Title != "" || kept == pr.Head() {
		t.Errorf("after a week the old name is published on a new head: %q", v.Title)
	}
}

// While both names are ours, rules that still require the old one do not make
// the verdict wait for itself.
func TestRulesMayRequireTheOldNameMeanwhile(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("low")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.restart(func(c *Config) { c.Check = "ship-it" })
	pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	if v := pr.Verdict("ship-it"); !strings.HasPrefix(v.Title, "READY · low") {
		t.Errorf("the new name: %q", v.Title)
	}
	if err := pr.Merge("kim", "merge"); err != nil {
		t.Errorf("GitHub refuses the merge: %v", err)
	}
	w.quiet()
	m, found, err := w.app.ledger.MergeOf(w.ctx, w.repo.ID(), pr.Number())
	if err != nil || !found || m.Verdict != gate.Ready {
		t.Errorf("merged as %+v, %v", m, err)
	}
}

func TestANameThatWasNeverPublishedIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.organization("mode: shadow\ncheck: one")
	w.quiet()
	pr := w.opens("medium")
	w.quiet()
	w.organization("check: two")
	v := w.await(func() sandbox.CheckView { return pr.Verdict("two") }, "WAITING · ")
	if pr.Verdict("one").Title != "" || v.Title == "" {
		t.Error("a name that nobody ever saw is published")
	}
	is, found, err := w.app.ledger.PublishingOf(w.ctx, w.repo.ID(), w.clock.now())
	if err != nil || !found || len(is.Former) > 0 || is.Check != "two" || is.Mode != gate.Enforce {
		t.Errorf("%+v, %v", is, err)
	}
	if ledger.RenameOverlap != 7*24*time.Hour {
		t.Error("the law says seven days")
	}
}

func TestReleaseInEveryMode(t *testing.T) {
	for mode, name := range map[string]string{"shadow": "", "trial": trialName, "enforce": checkName} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t)
			w.organization("mode: " + mode)
			w.quiet()
			w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
			w.quiet()
			for _, candidate := range []string{checkName, trialName} {
				run := w.repo.Run(w.repo.Tip("main"), candidate)
				if (run != nil) != (candidate == name) {
					t.Errorf("%s: %v", candidate, run != nil)
				}
			}
		})
	}
}

// A new installation does not judge years of pull requests in a mass: each is
// judged at its next event.
func TestOldPullRequestsAreJudgedAtTheirNextEvent(t *testing.T) {
	w := newWorld(t)
	w.quiet()
	w.acme.Uninstall()
	w.quiet()
	change := func(branch string) sandbox.Change {
		return sandbox.Change{Title: branch, Branch: branch, Body: body("low"), Files: map[string]string{"cart/" + branch + ".go": "package cart\n"}}
	}
	old, other := w.repo.Open("kim", change("old")), w.repo.Open("kim", change("other"))
	w.clock.advance(time.Hour)
	w.acme.Install()
	w.quiet()
	silent := func(why string, prs ...*sandbox.PullRequest) {
		t.Helper()
		w.quiet()
		for _, pr := range prs {
			if v := pr.Verdict(checkName); v.Title != "" {
				t.Errorf("%s: judged as %q", why, v.Title)
			}
		}
	}
	silent("at the installation", old, other)
	w.repo.OpenIssue("sam", "Something", "")
	w.repo.Commit("sam", "main", map[string]string{"README.md": "x"})
	silent("at events of the repository", old, other)
	w.restart(func(*Config) {})
	silent("at a start", old, other)
	old.Check("build", "success")
	w.shows(old, "WAITING · approvals-missing")
	silent("at another's event", other)
	w.restart(func(*Config) {})
	w.repo.Commit("sam", "main", map[string]string{"README.md": "y"})
	old.Approve("lee")
	w.shows(old, "READY · low")
	other.Comment("kim", "/recheck")
	w.shows(other, "WAITING · ")
	w.down()
	missed := w.repo.Open("kim", change("missed"))
	w.up()
	w.shows(missed, "WAITING · ")
}

// One check stands for both: a dormant pull request with the same head is judged
// with the other.
func TestADormantTwinIsJudged(t *testing.T) {
	w := newWorld(t)
	w.policy("checks: {none: true}") // CI would be an event of both
	w.quiet()
	w.acme.Uninstall()
	w.quiet()
	old := w.repo.Open("kim", sandbox.Change{Title: "old", Branch: "old", Body: "no record", Files: map[string]string{"cart/a.go": "package cart\n"}})
	w.clock.advance(time.Hour)
	w.acme.Install()
	w.quiet()
	w.repo.Branch("sam", "stable", w.repo.Tip("main"))
	w.repo.Require("stable", sandbox.Required{Name: checkName, App: w.gh.AppID()})
	young := w.repo.Open("kim", sandbox.Change{Title: "young", From: "old", Base: "stable", Body: body("low")})
	if young.Head() != old.Head() {
		t.Fatal("they are no twins")
	}
	young.Approve("lee")
	v := w.shows(young, "WAITING · #1 → main: no-block")
	says(t, v.Title, "#2 → stable: ready")
}
