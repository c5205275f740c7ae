package app

import (
	"net/http"
	"strings"
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// policy puts the policy on main of the repository.
func (w *world) policy(text string) {
	w.repo.Commit("sam", "main", map[string]string{".github/gonogo.yml": text})
}

// organization puts the organization's policy into its .github repository.
func (w *world) organization(text string) *sandbox.Repo {
	r := w.acme.Repo(".github")
	r.Commit("sam", "main", map[string]string{"gonogo.yml": text})
	return r
}

func TestPolicyOfTheOrganization(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("low")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	org := w.organization("approvals: {low: 2, medium: 2, high: 2}")
	v := w.shows(pr, "WAITING · approvals-missing")
	if !strings.Contains(v.Text, "acme/.github: gonogo.yml` at blob") {
		t.Errorf("the text does not say where the rules are from:\n%s", v.Text)
	}
	w.policy("ask: none")
	w.shows(pr, "READY · low")
	org.Commit("sam", "main", map[string]string{"gonogo.yml": "enforce:\n  approvals: {low: 2, medium: 2, high: 2}"})
	w.shows(pr, "WAITING · approvals-missing")
	w.policy("approvals: {low: 1, medium: 1, high: 1}")
	w.quiet()
	v = w.shows(pr, "WAITING · approvals-missing")
	if !strings.Contains(v.Summary, "`enforced`") || !strings.Contains(v.Text, "enforces `approvals`") {
		t.Errorf("it is not said what is enforced:\n%s\n%s", v.Summary, v.Text)
	}
	pr.Approve("dana")
	w.shows(pr, "READY · low")
}

func TestWhatWasEnforcedAndCannotBeReadBlocks(t *testing.T) {
	w := newWorld(t)
	org := w.organization("enforce: {ask: none}")
	pr := w.opens("low")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	org.Hide()
	pr.Comment("kim", "/recheck")
	v := w.shows(pr, "WAITING · not-visible")
	if !strings.Contains(v.Summary, "what the organization enforces") && !strings.Contains(v.Summary, "What the organization enforces") {
		t.Errorf("it is not said what is missing:\n%s", v.Summary)
	}
	org.Show()
	pr.Comment("kim", "/recheck")
	w.shows(pr, "READY · low")
	org.PushCommits("sam", "main", sandbox.Commit{Delete: []string{"gonogo.yml"}, Files: map[string]string{"README.md": "x"}})
	w.stays(pr, "READY · low")
}

func TestUnreadablePolicyOfTheOrganizationNeverFallsBack(t *testing.T) {
	w := newWorld(t)
	w.organization("ask: none")
	pr := w.opens("low")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.gh.Fail(sandbox.Fault{Route: "/repos/acme/.github/contents/gonogo.yml", Status: http.StatusBadGateway})
	pr.Comment("kim", "/recheck")
	w.shows(pr, "WAITING · github-down")
}

func TestAPushToThePolicyLooksAtEveryPullRequest(t *testing.T) {
	w := newWorld(t)
	var open []*sandbox.PullRequest
	for _, branch := range []string{"one", "two"} {
		pr := w.repo.Open("kim", sandbox.Change{Title: branch, Branch: branch, Body: body("low"), Files: map[string]string{branch + ".go": "package " + branch + "\n"}})
		pr.Check("build", "success")
		pr.Approve("lee")
		w.shows(pr, "READY · low")
		open = append(open, pr)
	}
	w.policy("approvals: {low: 2, medium: 2, high: 2}")
	for _, pr := range open {
		w.shows(pr, "WAITING · approvals-missing")
	}
}

func TestAPullRequestThatChangesThePolicy(t *testing.T) {
	w := newWorld(t)
	w.policy("approvals: {low: 1, medium: 1, high: 1}")
	pr := w.repo.Open("kim", sandbox.Change{Title: "Less", Branch: "less", Body: body("low"), Files: map[string]string{".github/gonogo.yml": "approvals: {low: 0, medium: 0, high: 0}\nfloors: []\n"}})
	pr.Check("build", "success")
	v := w.shows(pr, "NOT READY · risk-floor")
	if !strings.Contains(v.Summary, "`policy-change`") || !strings.Contains(v.Summary, "goes:") {
		t.Errorf("it is not said what changes:\n%s", v.Summary)
	}
	pr.Push("kim", map[string]string{".github/gonogo.yml": "ask: none\napproval: {high: 1}\n"})
	pr.Check("build", "success")
	w.quiet()
	v = w.shows(pr, "NOT READY")
	if !strings.Contains(v.Summary, "`policy-invalid`") || !strings.Contains(v.Summary, "line 2, column 1") {
		t.Errorf("the error of the proposed file is not shown:\n%s", v.Summary)
	}
}

func TestExcludedBranchWhoseRulesRequireTheCheck(t *testing.T) {
	w := newWorld(t)
	w.policy("exclude: [main]")
	pr := w.opens("low")
	v := w.shows(pr, "NOT READY · required-but-out-of-scope")
	if v.Conclusion != "failure" {
		t.Error(v.Conclusion)
	}
}

func TestExcludedBranchIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.policy("exclude: [play]\nbranches: [play]")
	w.repo.Branch("sam", "play", w.repo.Tip("main"))
	w.repo.Commit("sam", "play", map[string]string{".github/gonogo.yml": "exclude: [play]\nbranches: [play]"})
	pr := w.repo.Open("kim", sandbox.Change{Title: "x", Branch: "x", Base: "play", Body: body("low"), Files: map[string]string{"x.go": "package x\n"}})
	w.stays(pr, "")
	if v := pr.Verdict(checkName); v.Title != "" {
		t.Errorf("a check run on an excluded branch: %s", v.Title)
	}
}

func TestABotsDescriptionIsNeverARecord(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("robot[bot]", "write")
	pr := w.repo.Open("robot[bot]", sandbox.Change{Title: "bump", Branch: "bump", Body: body("low"), Files: map[string]string{"cart/total.go": "package cart\n"}})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · bot-record")
	pr.Comment("bob", "/recheck\n\n"+body("low"))
	pr.Comment("sam", "/recheck")
	w.stays(pr, "WAITING · bot-record")
	pr.Comment("dana", "/recheck\n\n"+body("low"))
	w.shows(pr, "READY · low")
}

func TestEvaluatePublishesNothing(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("low")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	w.gh.ForgetRequests()
	cfg := w.cfg
	cfg.DatabaseURL, cfg.Listen = "", ""
	ev, err := Evaluate(w.ctx, cfg, NewLog(cfg, testLog{}), "acme/shop", pr.Number())
	if err != nil {
		t.Fatal(err)
	}
	if ev.Verdict != gate.Waiting || ev.PR.HeadSHA != pr.Head() || len(ev.Blockers()) != 1 {
		t.Errorf("%s: %+v", ev.Verdict, ev.Blockers())
	}
	for _, r := range w.gh.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/access_tokens") {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	for _, wrong := range []string{"acme", "acme/none", "other/shop"} {
		if _, err := Evaluate(w.ctx, cfg, NewLog(cfg, testLog{}), wrong, pr.Number()); err == nil {
			t.Errorf("%s was evaluated", wrong)
		}
	}
	if _, err := Evaluate(w.ctx, cfg, NewLog(cfg, testLog{}), "acme/shop", 999); err == nil || !strings.Contains(err.Error(), "there is no pull request #999") {
		t.Error(err)
	}
}
