package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gonogo/config"
	"gonogo/internal/policy"
	"gonogo/internal/sandbox"
)

// alone makes a repository in which nobody but sam can write.
func (w *world) alone() {
	for _, login := range []string{"kim", "lee", "dana"} {
		w.repo.Grant(login, "read")
	}
}

func shippedExample(t testing.TB, name string) string {
	t.Helper()
	text, err := config.Examples.ReadFile("examples/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// proposes opens a pull request by somebody that holds nothing but a policy.
func (w *world) proposes(who, yaml string) *sandbox.PullRequest {
	return w.repo.Open(who, sandbox.Change{Title: "Our policy", Branch: "policy", Body: "Our policy.", Files: map[string]string{policy.Path: yaml}})
}

func TestOnePersonAloneLandsTheFirstPolicy(t *testing.T) {
	w := newWorld(t)
	w.alone()
	stuck := w.repo.Open("sam", sandbox.Change{Title: "Faster totals", Branch: "faster", Body: body("medium", "- Final decision owner: @sam"), Files: map[string]string{"cart/total.go": "package cart\n"}})
	stuck.Check("build", "success")
	v := w.shows(stuck, "WAITING · nobody-can-approve")
	says(t, v.Summary, "commits this policy instead, as .github/gonogo.yml, alone in a pull request", "\n  ```\n  solo: true\n  approvals: {low: 0, medium: 0, high: 0}\n")

	pr := w.proposes("sam", shippedExample(t, "solo.yml"))
	pr.Check("build", "success")
	v = w.shows(pr, "WAITING · go-missing · no administrator has said /go")
	says(t, v.Summary, "the first policy file needs one administrator's /go and no record", "/go "+pr.Head()[:7], "`policy-change`")
	for _, code := range []string{"no-block", "approvals-missing", "nobody-can-approve", "panel-short", "rehearsal-missing"} {
		if strings.Contains(v.Summary, code) {
			t.Errorf("the first policy file is asked for %s:\n%s", code, v.Summary)
		}
	}
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · high · self-decided")
	if err := pr.Merge("sam", "squash"); err != nil {
		t.Fatal(err)
	}
	v = w.shows(stuck, "WAITING · go-missing")
	stuck.Comment("sam", "/go "+stuck.Head())
	w.shows(stuck, "READY · medium · self-decided")
}

func TestFirstPolicyWithoutAnyCI(t *testing.T) {
	w := newWorld(t)
	w.alone()
	pr := w.proposes("sam", shippedExample(t, "solo.yml")+"checks: {none: true}\n")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "WAITING · ci-awaited")
	w.later(3 * 60 * 1e9)
	v := w.stays(pr, "READY · high · self-decided")
	says(t, v.Summary, "`ci-missing`")
}

func TestWhatAFirstPolicyStillNeeds(t *testing.T) {
	w := newWorld(t)
	pr := w.proposes("kim", "approvals: {high: 1}\n")
	pr.Check("build", "failure")
	w.shows(pr, "NOT READY · ci-failed")
	pr.Check("build", "success")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	pr.Comment("bob", "/go "+pr.Head())
	w.stays(pr, "WAITING · go-missing")
	says(t, strings.Join(w.replies(pr), "\n"), "only an administrator decides here")
	pr.Comment("kim", "/go "+pr.Head())
	w.stays(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	v := w.stays(pr, "WAITING · authority-lost")
	says(t, v.Summary, "does not administer this repository")
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · high")
	w.clock.advance(2e9)
	pr.Comment("dana", "/no-go wait for the board")
	w.shows(pr, "NOT READY · nogo-stands")
	w.clock.advance(2e9)
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · high")
	pr.Push("kim", map[string]string{policy.Path: "approvals: {high: lots}\naks: none\n"})
	pr.Check("build", "success")
	w.quiet()
	v = w.shows(pr, "NOT READY")
	says(t, v.Summary, "`policy-invalid`", "line 1, column 19", "line 2, column 1")
	pr.Push("kim", map[string]string{policy.Path: "approvals: {high: 1}\n", "cart/total.go": "package cart\n"})
	pr.Check("build", "success")
	v = w.shows(pr, "WAITING · no-block")
	says(t, v.Summary, "`approvals-missing`")
}

func TestFirstPolicyUnderAnOrganizationThatEnforcesApprovals(t *testing.T) {
	w := newWorld(t)
	w.organization("enforce:\n  approvals: {low: 2, medium: 2, high: 2}")
	pr := w.proposes("sam", shippedExample(t, "solo.yml"))
	pr.Check("build", "success")
	v := w.shows(pr, "WAITING · no-block")
	says(t, v.Summary, "`approvals-missing`", "the organization enforces `approvals`")
	pr.Comment("sam", "/go "+pr.Head())
	w.stays(pr, "WAITING · no-block")
}

func TestFirstPolicyOfTheOrganization(t *testing.T) {
	w := newWorld(t)
	w.repo = w.acme.Repo(".github")
	w.repo.Grant("sam", "admin")
	w.repo.Grant("kim", "write")
	w.repo.SecretScanning(true)
	w.repo.Require("main", sandbox.Required{Name: checkName, App: w.gh.AppID()})
	pr := w.repo.Open("kim", sandbox.Change{Title: "Policy", Branch: "policy", Body: "x", Files: map[string]string{"gonogo.yml": "enforce: {approvals: {high: 3}}\n"}})
	pr.Check("build", "success")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · high")
}

func TestPolicyAloneNeedsNoRehearsal(t *testing.T) {
	w := newWorld(t)
	w.policy("requirements: {operational/drill: {blocks: low}, communication/release-note: {blocks: low}, operational/rehearsal: {blocks: low}}\ngo: {high: 1}\napprovals: {high: 1}\n")
	record := body("high", "- Rollback rehearsal: none")
	pr := w.reviewedWith(map[string]string{policy.Path: "ask: none\n"}, record)
	v := w.shows(pr, "WAITING · go-missing")
	says(t, v.Summary, "Nothing but the policy changes; not required: ", "operational/rehearsal", "operational/drill", "communication/release-note",
		"| communication | pass | — | not required: nothing but the policy changes |")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · high")
	pr.Push("kim", map[string]string{"cart/total.go": "package cart\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	pr.Comment("dana", "/go "+pr.Head())
	v = w.shows(pr, "WAITING")
	says(t, v.Summary, "`drill-missing`", "`communication-missing`")
}

func TestWhomAProposedPolicyNames(t *testing.T) {
	w := newWorld(t)
	w.policy("ask: comment\n")
	w.repo.Grant("robot[bot]", "write")
	w.acme.Team("cdo", "cleo")
	w.acme.Team("hidden", "cleo").Hide()
	file := "roles:\n  CDO:\n    users: [cleo, nobody-of-this-name]\n    teams: [acme/cdo, acme/cod, other/cdo]\nchecks:\n  required: [build, biuld]\nexempt: [{name: bots, authors: [\"robot[bot]\"], up_to: low}]\n"
	w.gh.ForgetRequests()
	pr := w.reviewedWith(map[string]string{policy.Path: file}, body("high"))
	w.quiet()
	v := w.shows(pr, "NOT READY")
	says(t, v.Summary, "Line 3 of `.github/gonogo.yml` (`roles.CDO.users[1]`): the account `@nobody-of-this-name` does not exist",
		"Line 4 of `.github/gonogo.yml` (`roles.CDO.teams[1]`): the team `@acme/cod` does not exist",
		"(`roles.CDO.teams[2]`): the team `@other/cdo` cannot be read: it belongs to another account",
		"Line 6 of `.github/gonogo.yml` (`checks.required[1]`): no check named `biuld` has reported", "`policy-unseen-check`")
	for _, fine := range []string{"@cleo", "@acme/cdo`", "named `build`", "robot"} {
		if strings.Contains(v.Summary, fine) {
			t.Errorf("%s is there, and complained about:\n%s", fine, v.Summary)
		}
	}
	w.acme.Permit("members", "")
	pr.Comment("kim", "/recheck")
	w.quiet()
	v = w.shows(pr, "NOT READY")
	says(t, v.Summary, "the team `@acme/cod` cannot be read: this App may not see", "`cannot-read-team`")
	w.acme.Permit("members", "read")
	pr.Push("kim", map[string]string{policy.Path: "roles: {CDO: {users: [cleo], teams: [acme/cdo]}}\nchecks: {required: [biuld]}\n"})
	pr.Check("build", "success")
	w.quiet()
	v = w.shows(pr, "WAITING")
	if strings.Contains(v.Summary, "policy-unknown-name") || !strings.Contains(v.Summary, "`policy-unseen-check`") {
		t.Error(v.Summary)
	}
	other := w.repo.Open("kim", sandbox.Change{Title: "Other", Branch: "other", Body: body("low"), Files: map[string]string{"search/a.go": "package search\n"}})
	w.quiet()
	w.gh.ForgetRequests()
	other.Comment("kim", "/recheck")
	w.quiet()
	for _, r := range w.gh.Requests() {
		if strings.Contains(r.Path, "/users/cleo") {
			t.Errorf("a pull request that proposes no policy looked up %s", r.Path)
		}
	}
}

func TestAHostilePolicyIsNotLookedUpWhole(t *testing.T) {
	w := newWorld(t)
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("nobody-%d", i))
	}
	w.gh.ForgetRequests()
	pr := w.proposes("kim", "roles: {CDO: {users: ["+strings.Join(names, ", ")+"]}}\n")
	w.quiet()
	v := w.shows(pr, "NOT READY · policy-unknown-name")
	says(t, v.Summary, "250 more people and teams")
	reads := 0
	for _, r := range w.gh.Requests() {
		if r.Method == http.MethodGet && strings.Contains(r.Path, "/users/nobody-") {
			reads++
		}
	}
	if reads > 200 { // a few evaluations of 50 each
		t.Errorf("%d accounts were looked up", reads)
	}
}

func TestAnInvalidPolicyIsPutBack(t *testing.T) {
	w := newWorld(t)
	valid := "approvals: {low: 1, medium: 1, high: 2}\n"
	w.policy(valid)
	bystander := w.opens("low")
	bystander.Approve("lee")
	w.shows(bystander, "READY · low")
	w.policy("approvals: {low: lots}\n")
	w.shows(bystander, "NOT READY · policy-invalid")
	pr := w.proposes("kim", valid)
	pr.Check("build", "success")
	v := w.shows(pr, "WAITING · go-missing")
	says(t, v.Summary, "putting back the policy that was valid last needs one administrator's /go", "`policy-mending`", "is judged by the last valid one")
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · high")
	bystander.Comment("kim", "/recheck")
	w.stays(bystander, "NOT READY · policy-invalid")
	if err := pr.Merge("sam", "squash"); err != nil {
		t.Fatal(err)
	}
	w.shows(bystander, "READY · low")
}

func TestAnInvalidPolicyIsMended(t *testing.T) {
	w := newWorld(t)
	w.policy("approvals: {low: 1, medium: 1, high: 3}\ngo: {high: 1}\n")
	bystander := w.opens("low")
	bystander.Approve("lee")
	w.shows(bystander, "READY · low")
	w.policy("approvals: {low: lots}\n")
	w.shows(bystander, "NOT READY · policy-invalid")
	pr := w.repo.Open("kim", sandbox.Change{Title: "Mend", Branch: "mend", Body: body("high"), Files: map[string]string{policy.Path: "approvals: {low: 0, medium: 0, high: 0}\n"}})
	pr.Check("build", "success")
	v := w.shows(pr, "WAITING · approvals-missing · 0 of 3")
	says(t, v.Summary, "`policy-mending`")
	for _, who := range []string{"lee", "dana", "sam"} {
		pr.Approve(who)
	}
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · high")
	pr.Push("kim", map[string]string{policy.Path: "approvals: {low: 0, medium: 0, high: -1}\n"})
	pr.Check("build", "success")
	w.shows(pr, "NOT READY · policy-invalid")
}

func TestAnInvalidPolicyThatWasNeverValidIsMendedByTheBuiltInRules(t *testing.T) {
	w := newWorld(t)
	w.policy("approvals: {low: lots}\n")
	pr := w.repo.Open("kim", sandbox.Change{Title: "Mend", Branch: "mend", Body: body("high"), Files: map[string]string{policy.Path: "ask: none\n"}})
	pr.Check("build", "success")
	v := w.shows(pr, "WAITING · approvals-missing · 0 of 2")
	says(t, v.Summary, "since no valid one was ever seen here")
	pr.Approve("lee")
	pr.Approve("dana")
	w.shows(pr, "WAITING · panel-short")
	pr.Comment("dana", "/go "+pr.Head())
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · high")
}

func TestAnInvalidPolicyOfTheOrganizationIsMended(t *testing.T) {
	w := newWorld(t)
	org := w.organization("enforce: {approvals: {low: 2, medium: 2, high: 2}}")
	shop := w.opens("low")
	shop.Approve("lee")
	w.shows(shop, "WAITING · approvals-missing")
	org.Commit("sam", "main", map[string]string{"gonogo.yml": "enforce: {approvals: lots}"})
	w.shows(shop, "NOT READY · policy-invalid")
	for login, role := range map[string]string{"kim": "write", "lee": "write", "dana": "maintain", "sam": "admin"} {
		org.Grant(login, role)
	}
	org.SecretScanning(true)
	w.policy("ask: none")
	pr := org.Open("kim", sandbox.Change{Title: "Mend", Branch: "mend", Body: body("high"), Files: map[string]string{"gonogo.yml": "ask: none\n"}})
	pr.Check("build", "success")
	v := w.shows(pr, "WAITING · approvals-missing · 0 of 2")
	says(t, v.Summary, "`policy-mending`", "last valid one")
	own := w.proposes("kim", "approvals: {low: 0, medium: 0, high: 0}\n")
	own.Check("build", "success")
	w.shows(own, "NOT READY · policy-invalid")
}
