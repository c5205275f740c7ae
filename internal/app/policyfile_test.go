package app

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/policy"
	"gonogo/internal/sandbox"
)

// GitHub reads a link as the file to which it leads, so that whoever changes
// that file would change the policy without touching it.
func TestAProposedPolicyIsAFileAndNoLink(t *testing.T) {
	link := sandbox.Commit{Files: map[string]string{policy.Path: "{}"}, Modes: map[string]string{policy.Path: "120000"}, Message: "The policy"}
	for _, tt := range []struct {
		name   string
		target map[string]string
	}{
		{"to a file that holds another policy", map[string]string{".github/{}": "approvals: {low: 0, medium: 0, high: 0}\ngo: {low: 0, medium: 0, high: 0}\n"}},
		{"to nothing", map[string]string{"README.md": "Shop\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.Commit("sam", "main", tt.target)
			pr := w.repo.Open("kim", sandbox.Change{Title: "Our policy", Branch: "policy", Body: "Our policy.", Files: map[string]string{policy.Path: "ask: none\n"}})
			pr.PushCommits("kim", link)
			pr.Check("build", "success")
			v := w.shows(pr, "NOT READY · policy-invalid")
			says(t, v.Summary, "is a link to another file")
			pr.Comment("sam", "/go "+pr.Head())
			w.stays(pr, "NOT READY · policy-invalid")
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{policy.Path: "ask: none\n"}, Modes: map[string]string{policy.Path: "100644"}, Message: "A file"})
			pr.Check("build", "success")
			pr.Comment("sam", "/go "+pr.Head())
			w.shows(pr, "READY · high")
		})
	}
}

func TestWhetherAProposedPolicyIsALinkIsReadAgain(t *testing.T) {
	w := newWorld(t)
	w.policy("ask: none\n")
	pr := w.reviewedWith(map[string]string{policy.Path: "ask: comment\n"}, body("high"))
	w.quiet()
	w.gh.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/contents/{path...}", Status: http.StatusBadGateway})
	pr.Comment("kim", "/recheck")
	w.quiet()
	says(t, w.shows(pr, "WAITING").Summary, "The proposed policy .github/gonogo.yml could not be read")
	w.gh.Mend()
	w.later(time.Minute)
	w.quiet()
	if v := w.shows(pr, "WAITING · approvals-missing"); strings.Contains(v.Summary, "github-down") || !strings.Contains(v.Summary, "`policy-change`") {
		t.Error(v.Summary)
	}
}

// GitHub's names ignore case, so that acme/.GitHub is where acme/.github is read.
func TestTheOrganizationsRepositoryInAnyCase(t *testing.T) {
	w := newWorld(t)
	bystander := w.opens("low")
	bystander.Approve("lee")
	w.shows(bystander, "READY · low")
	org := w.acme.Repo(".GitHub")
	org.Grant("sam", "admin")
	org.Grant("kim", "write")
	org.Grant("lee", "write")
	org.Require("main", sandbox.Required{Name: checkName, App: w.gh.AppID()})
	org.Commit("sam", "main", map[string]string{policy.OrganizationPath: "enforce: {approvals: {low: 2, medium: 2, high: 2}}\n"})
	w.shows(bystander, "WAITING · approvals-missing")
	pr := org.Open("kim", sandbox.Change{Title: "Rules", Branch: "rules", Body: body("low"), Files: map[string]string{policy.OrganizationPath: "ask: sometimes\n"}})
	pr.Check("build", "success")
	pr.Approve("lee")
	v := w.shows(pr, "NOT READY")
	says(t, v.Summary, "`policy-invalid`", "`risk-floor`")
}

// A policy that excludes the branch on which it is would lock everybody out, those
// included who come to mend it.
func TestAProposedPolicyDoesNotLockItsOwnBranch(t *testing.T) {
	w := newWorld(t)
	pr := w.proposes("kim", "exclude: [main]\n")
	pr.Check("build", "success")
	v := w.shows(pr, "NOT READY · required-but-out-of-scope")
	says(t, v.Summary, "nothing could ever merge")
	pr.Comment("sam", "/go "+pr.Head())
	w.stays(pr, "NOT READY · required-but-out-of-scope")
	pr.Push("kim", map[string]string{policy.Path: "exclude: [\"docs/*\"]\n"})
	pr.Check("build", "success")
	w.shows(pr, "WAITING")
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · high")
}
