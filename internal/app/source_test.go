package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/sandbox"
)

const dependabot = "dependabot[bot]"

// bumps opens an update of dependencies by a bot, with a green build.
func (w *world) bumps(bot string, files ...string) *sandbox.PullRequest {
	w.t.Helper()
	changed := map[string]string{}
	for _, f := range files {
		changed[f] = "x\n"
	}
	pr := w.repo.Open(bot, sandbox.Change{Title: "Bump x", Branch: "bump/x", Body: "Changelog:\n\n" + body("low"), Files: changed})
	pr.Check("build", "success")
	return pr
}

func TestUpdateOfDependenciesIsReadyByOneApproval(t *testing.T) {
	w := newWorld(t)
	pr := w.bumps(dependabot, "services/auth/go.mod", "services/auth/go.sum")
	w.shows(pr, "WAITING · approvals-missing")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	pr.Push("kim", map[string]string{"services/auth/go.sum": "y\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	v := w.shows(pr, "WAITING · bot-record")
	says(t, v.Title, "@dependabot[bot] opened")
}

func TestUnsignedUpdateSaysWhatItWantsFor(t *testing.T) {
	w := newWorld(t)
	pr := w.bumps(dependabot, "go.mod", "go.sum")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	pr.PushCommits(dependabot, sandbox.Commit{Files: map[string]string{"go.sum": "y\n"}, Message: "y", Unsigned: true})
	pr.Check("build", "success")
	pr.Approve("lee")
	v := w.shows(pr, "WAITING · bot-record")
	says(t, v.Summary, "the signature of its commit", "could not be verified", "`@dependabot recreate`")
}

func TestUpdateWithSourceNeedsAWritersRecord(t *testing.T) {
	w := newWorld(t)
	pr := w.bumps("renovate[bot]", "go.mod", "cart/total.go")
	w.shows(pr, "WAITING · bot-record")
	pr.Comment("bob", "/recheck\n\n"+body("medium"))
	w.stays(pr, "WAITING · bot-record")
	pr.Comment("kim", "/recheck\n\n"+body("medium"))
	w.shows(pr, "WAITING · approvals-missing")
	pr.Approve("kim") // who wrote the record counts as an author
	w.stays(pr, "WAITING · approvals-missing")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

func TestExemptionIsEntered(t *testing.T) {
	w := newWorld(t)
	w.rules("exempt: [{name: nightly build, authors: [\"robot[bot]\"], paths: [\"dist/**\"], up_to: low}]\n")
	pr := w.bumps("robot[bot]", "dist/a.js")
	w.shows(pr, "EXEMPT · 'nightly build'")
	w.quiet()
	entries, err := w.app.ledger.Entries(w.ctx, w.repo.ID(), pr.Number())
	if err != nil {
		t.Fatal(err)
	}
	exempt := ""
	for _, e := range entries {
		var data struct{ Exempt string }
		if raw, ok := e.Data.(json.RawMessage); ok && e.Kind == ledger.KindVerdict && json.Unmarshal(raw, &data) == nil {
			exempt = data.Exempt
		}
	}
	if exempt != "nightly build" {
		t.Errorf("the ledger says %q", exempt)
	}
	pr.Push("kim", map[string]string{"dist/b.js": "y\n"})
	pr.Check("build", "success")
	w.shows(pr, "WAITING · bot-record")
}

// What cannot be read of a bot's pull request is a fault that heals, and not
// that nobody wrote a record.
func TestUnreadCommentsHideNoRecord(t *testing.T) {
	w := newWorld(t)
	pr := w.bumps("renovate[bot]", "cart/total.go")
	pr.Comment("kim", "/recheck\n\n"+body("low"))
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/issues/{issue_number}/comments", Status: http.StatusBadGateway})
	pr.Label("kim", "x")
	v := w.shows(pr, "WAITING · github-down")
	if strings.Contains(v.Summary+v.Text, "bot-record") {
		t.Errorf("it asks for a record:\n%s", v.Summary)
	}
	w.gh.Mend()
	w.later(time.Minute)
	w.stays(pr, "READY · low")
}

func TestNewestRecordOfAnUnreadWriterIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	pr := w.bumps("renovate[bot]", "cart/total.go")
	pr.Comment("kim", "/recheck\n\n"+body("low"))
	pr.Approve("dana")
	w.shows(pr, "READY · low")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Route: "/repos/acme/shop/collaborators/lee/permission", Status: http.StatusBadGateway})
	pr.Comment("lee", "/recheck\n\n"+body("high"))
	v := w.shows(pr, "WAITING · github-down")
	says(t, v.Summary, "`@lee`")
	w.never(pr)
	w.gh.Mend()
	w.later(time.Minute)
	w.stays(pr, "WAITING · approvals-missing")
}

// release commits a policy by which release/1 is judged, to it and to main, and
// opens a pull request into it that is READY.
func (w *world) released() *sandbox.PullRequest {
	w.t.Helper()
	w.repo.Branch("sam", "release/1", w.repo.Tip("main"))
	w.repo.Commit("sam", "release/1", map[string]string{policy.Path: "branches: [\"release/*\"]\n"})
	pr := w.repo.Open("kim", sandbox.Change{Title: "x", Branch: "x", Base: "release/1", Body: body("low"), Files: map[string]string{"cart/x.go": "package cart\n"}})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.quiet()
	return pr
}

func TestInvalidPolicyLeavesNoOldPassBehind(t *testing.T) {
	w := newWorld(t)
	pr := w.released()
	w.down()
	w.up() // nothing is known but what is on the disk
	w.repo.Commit("sam", "release/1", map[string]string{policy.Path: "branches: [\"release/*\"\n"})
	v := w.shows(pr, "NOT READY · policy-invalid")
	if v.Conclusion != "failure" {
		t.Error(v.Conclusion)
	}
	another := w.repo.Open("lee", sandbox.Change{Title: "y", Branch: "y", Base: "release/1", Body: body("low"), Files: map[string]string{"cart/y.go": "package cart\n"}})
	w.shows(another, "NOT READY · policy-invalid")
	w.repo.Commit("sam", "release/1", map[string]string{policy.Path: "branches: [\"release/*\"]\n"})
	w.shows(pr, "READY · low")
}

func TestUnreadPolicyIsNotOutOfScope(t *testing.T) {
	w := newWorld(t)
	w.repo.Branch("sam", "release/1", w.repo.Tip("main"))
	w.repo.Commit("sam", "release/1", map[string]string{policy.Path: "branches: [\"release/*\"]\n"})
	w.quiet()
	w.gh.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/contents/{path...}", Status: http.StatusBadGateway})
	pr := w.repo.Open("kim", sandbox.Change{Title: "x", Branch: "x", Base: "release/1", Body: body("low"), Files: map[string]string{"cart/x.go": "package cart\n"}})
	w.quiet()
	w.gh.Mend()
	w.later(time.Minute)
	w.shows(pr, "WAITING")
}

func TestProposedPolicyThatIsMissingAsksSomebody(t *testing.T) {
	w := newWorld(t)
	w.gh.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/git/blobs/{file_sha}", Status: http.StatusNotFound})
	pr := w.repo.Open("kim", sandbox.Change{Title: "rules", Branch: "rules", Body: body("high"), Files: map[string]string{policy.Path: "ask: none\n", "cart/x.go": "package cart\n"}})
	pr.Check("build", "success")
	w.quiet()
	w.later(2 * time.Minute)
	w.later(time.Minute)
	v := w.stays(pr, "WAITING")
	says(t, v.Summary, "not-visible", "proposed policy")
	if strings.Contains(v.Summary, "github-down") {
		t.Errorf("a lasting 404 is still called a fault:\n%s", v.Summary)
	}
}

func TestOrganizationsRepositoryHoldsTwoPolicies(t *testing.T) {
	for _, path := range []string{policy.Path, policy.OrganizationPath} {
		t.Run(path, func(t *testing.T) {
			w := newWorld(t)
			org := w.organization("ask: none\n")
			org.Grant("kim", "write")
			w.quiet()
			pr := org.Open("kim", sandbox.Change{Title: "rules", Branch: "rules", Body: body("high"), Files: map[string]string{
				policy.Path: "ask: none\n", policy.OrganizationPath: "ask: none\n# more\n", path: "ask: sometimes\n",
			}})
			v := w.shows(pr, "NOT READY · policy-invalid")
			says(t, v.Summary, path)
		})
	}
}

// The push was not told of; CI on its commit was.
func TestCheckOnTheCommitOfALostPush(t *testing.T) {
	acts := map[string]func(*sandbox.PullRequest){
		"a check run":     func(pr *sandbox.PullRequest) { pr.Check("build", "success") },
		"a commit status": func(pr *sandbox.PullRequest) { pr.Status("lee", "deploy", "failure") },
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			w.quiet()
			w.gh.LoseWebhooks(true)
			pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
			w.gh.LoseWebhooks(false)
			act(pr)
			w.quiet()
			if v := pr.Verdict(checkName); v.Title == "" || v.Conclusion == "success" {
				t.Errorf("%q on the head of a push that was lost", v.Title)
			}
		})
	}
}

// A button is for the commit that the run names of itself.
func TestButtonOfAnotherCommitDecidesNothing(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("medium")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	old := pr.Head()
	run := w.repo.Run(old, checkName)
	pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	w.gh.HoldWebhooks()
	if err := run.Press("dana", "go"); err != nil {
		t.Fatal(err)
	}
	head := pr.Head()
	w.gh.ReleaseWebhooks(func(list []sandbox.Delivery) []sandbox.Delivery {
		for i := range list {
			list[i].Payload = bytes.ReplaceAll(list[i].Payload, []byte(`"head_sha":"`+old), []byte(`"head_sha":"`+head))
		}
		return list
	})
	v := w.stays(pr, "WAITING · go-missing")
	says(t, v.Summary, "not one that the gate posted for this commit")
	if err := w.repo.Run(pr.Head(), checkName).Press("dana", "go"); err != nil {
		t.Fatal(err)
	}
	w.shows(pr, "READY · medium")
}

// A refusal is one round of reading: who else may approve is asked beside all
// else, and not after it.
func TestWhoElseMayApproveIsAskedAtOnce(t *testing.T) {
	w := newWorld(t)
	pr := w.opens("low")
	w.shows(pr, "WAITING · approvals-missing")
	w.quiet()
	asked, late := make(chan struct{}), make(chan bool, 1)
	w.gh.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/collaborators", Times: 1, Before: func(*http.Request) { close(asked) }})
	w.gh.Fail(sandbox.Fault{Route: "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", Times: 1, Before: func(r *http.Request) {
		select {
		case <-asked:
			late <- false
		case <-r.Context().Done():
			late <- true
		}
	}})
	pr.Status("lee", "deploy", "failure")
	w.shows(pr, "NOT READY · ci-failed")
	if <-late {
		t.Error("the people with write access were listed only after the reviews")
	}
}
