package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// lacks asserts that a text holds none of the words.
func lacks(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(text, word) {
			t.Errorf("%q is said:\n%s", word, text)
		}
	}
}

// Case 46: who changes CI does not prove anything by it.
func TestAChangeOfCINeedsWhoAnswersForIt(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster CI", Branch: "faster", Body: body("medium"), Files: map[string]string{".github/workflows/ci.yml": "on: push\n"},
	})
	pr.Check("build", "success")
	pr.Approve("lee")
	v := w.shows(pr, "WAITING · ci-changed")
	says(t, v.Summary, "changes what CI does", "nobody with maintain access")
	pr.Approve("dana")
	w.shows(pr, "WAITING · go-missing")

	w.repo.Commit("sam", "main", map[string]string{".github/CODEOWNERS": "/.github/ @sam\n"})
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	says(t, w.shows(pr, "WAITING · ci-changed").Summary, "`@sam`")
	pr.Approve("sam")
	w.shows(pr, "READY · medium")
}

func TestChangeOfCIByWhoWorksAlone(t *testing.T) {
	w := newWorld(t)
	for _, login := range []string{"lee", "dana", "sam"} {
		w.repo.Grant(login, "read")
	}
	w.repo.Grant("kim", "admin")
	w.repo.Commit("kim", "main", map[string]string{".github/gonogo.yml": "solo: true\napprovals: {low: 0, medium: 0, high: 0}\ngo: {low: 0, medium: 0, high: 1}\nask: none\n"})
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster CI", Branch: "faster", Body: body("medium", "- Rollback owner: @kim", "- Final decision owner: @kim"),
		Files: map[string]string{".github/workflows/ci.yml": "on: push\n"},
	})
	pr.Check("build", "success")
	v := w.shows(pr, "READY · medium")
	says(t, v.Summary, "nobody else is there to look at it")
}

// Case 46: a no-op of the right name, and a run for another event.
func TestCheckOfAnotherWorkflow(t *testing.T) {
	w := newWorld(t)
	w.policy("checks: {runs: {build: {workflow: .github/workflows/ci.yml, event: pull_request}}}\n")
	pr := w.repo.Open("kim", sandbox.Change{Title: "Totals", Branch: "faster", Body: body("low"), Files: map[string]string{"cart/a.go": "package cart\n"}})
	pr.Approve("lee")
	run := func(path, event, conclusion string) {
		w.repo.Check(pr.Head(), sandbox.Check{Name: "build", Conclusion: conclusion, Of: sandbox.Workflow{Path: path, Event: event}})
	}
	run(".github/workflows/noop.yml", "pull_request", "success")
	run(".github/workflows/ci.yml", "push", "success")
	w.shows(pr, "WAITING · ci-awaited")
	w.later(3 * time.Minute)
	says(t, w.shows(pr, "WAITING · ci-elsewhere").Summary, "`.github/workflows/noop.yml`", "`push`")

	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/actions/runs", Status: 502})
	run(".github/workflows/ci.yml", "pull_request", "success")
	w.quiet()
	if v := pr.Verdict(checkName); v.Conclusion == "success" {
		t.Errorf("%s while the runs cannot be read", v.Title)
	}
	w.gh.Mend()
	w.later(time.Minute)
	w.shows(pr, "READY · low")
}

// Ruling 4: an issue form labels in the name of whoever fills it in.
func TestSevereLabelOfAnOutsider(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("tess", "triage")
	pr := w.ready()
	issue := w.repo.OpenIssue("bob", "Mine is slow", "", "SEV1")
	v := w.stays(pr, "READY · medium")
	says(t, v.Summary, "severe-unconfirmed", "@bob")
	issue.Unlabel("tess", "SEV1")
	issue.Label("tess", "SEV1")
	w.shows(pr, "NOT READY · severe-issue")
	w.repo.Grant("tess", "read")
	w.quiet()
	pr.Label("kim", "x")
	w.stays(pr, "NOT READY · severe-issue") // nobody else could have labelled it
	issue.Unlabel("dana", "SEV1")
	w.shows(pr, "READY · medium")
}

// What cannot be told blocks, and heals.
func TestWhoLabelledASevereIssueCannotBeRead(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/issues/{issue_number}/events", Status: 502})
	w.repo.OpenIssue("bob", "Mine is slow", "", "SEV1")
	w.shows(pr, "NOT READY · severe-issue")
	w.quiet()
	w.gh.Mend()
	w.later(time.Minute)
	w.shows(pr, "READY · medium")
}

func TestSevereIssueOfAnotherComponent(t *testing.T) {
	w := newWorld(t)
	w.policy("components:\n  cart: [\"cart/**\"]\n  billing: [\"pay/**\"]\n")
	pr := w.ready()
	issue := w.repo.OpenIssue("lee", "Invoices are late", "### Component\n\nbilling\n", "SEV1")
	says(t, w.stays(pr, "READY · medium").Summary, "severe-elsewhere", "`billing`")
	issue.Label("lee", "component: cart")
	w.shows(pr, "NOT READY · severe-issue")
}

// Ruling 14: nobody opens the lane of hotfixes for themselves.
func TestHotfixLabelledByItsAuthor(t *testing.T) {
	w := newWorld(t)
	pr := w.hotfixes("kim")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.quiet()
	v := pr.Verdict(checkName)
	if v.Conclusion == "success" {
		t.Error(v.Title)
	}
	says(t, v.Summary, "hotfix-no-lane", "panel-short", "wrote some of it")
}

// Ruling 6: old alerts of other commits are said.
func TestWhichAlertsBlock(t *testing.T) {
	w := newWorld(t)
	w.repo.Commit("sam", "main", map[string]string{"old.go": "package old\n"})
	old := w.repo.Tip("main")
	w.repo.Alert(sandbox.Secret{Type: "pat", Path: "old.go", Line: 1, Commit: old})
	w.clock.advance(time.Hour)
	w.repo.Release("sam", sandbox.ReleaseSpec{Tag: "v1.0.0"})
	w.quiet()
	w.clock.advance(time.Minute)
	pr := w.ready()
	says(t, pr.Verdict(checkName).Summary, "secret-scanning alert 1", "older than this change")

	fresh := w.repo.Alert(sandbox.Secret{Type: "pat", Path: "old.go", Line: 1, Commit: old})
	says(t, w.shows(pr, "NOT READY · secret-alert").Summary, "raised since the last release")
	w.repo.ResolveAlert("sam", fresh, "revoked")
	w.shows(pr, "READY · medium")
	inside := w.repo.Alert(sandbox.Secret{Type: "pat", Path: "cart/total.go", Line: 1, Commit: pr.Head()})
	says(t, w.shows(pr, "NOT READY · secret-alert").Summary, "lies in a commit of this pull request")
	w.repo.ResolveAlert("sam", inside, "revoked")
	w.shows(pr, "READY · medium")
	w.quiet()

	for _, status := range []int{http.StatusBadGateway, http.StatusNotFound} {
		w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/secret-scanning/alerts/{alert_number}/locations", Status: status})
		pr.Label("kim", fmt.Sprintf("l%d", status))
		w.quiet()
		w.later(20 * time.Minute)
		if v := pr.Verdict(checkName); v.Conclusion == "success" || v.Status != "completed" {
			t.Errorf("%d: %s while it is not known where an alert lies", status, v.Title)
		}
		w.gh.Mend()
		pr.Label("kim", fmt.Sprintf("m%d", status))
		w.later(time.Minute)
		w.shows(pr, "READY · medium")
	}
}

// Case 51: what was done with another head, or elsewhere.
func TestRehearsalOfAnotherHead(t *testing.T) {
	w := newWorld(t)
	w.policy("requirements: {operational/rehearsal: {blocks: low}}\n")
	pr := w.opens("low")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	web := strings.TrimSuffix(pr.URL(), fmt.Sprintf("/pull/%d", pr.Number()))
	with := func(link string) {
		pr.Edit("kim", body("low", "- Rollback rehearsal: staging, recovered in 6 min, see "+link))
	}
	before := pr.Head()
	with(web + "/commit/" + before)
	w.stays(pr, "READY · low")
	with(strings.Replace(web, "/shop", "/other", 1) + "/actions/runs/7")
	says(t, w.shows(pr, "WAITING · evidence-elsewhere").Summary, "acme/other", "link what was done with this head")
	with(web + "/commit/" + before)
	w.shows(pr, "READY · low")
	pr.Push("kim", map[string]string{"cart/more.go": "package cart\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · evidence-elsewhere")
}

// Case 47: whatever GitHub's lists leave out is found or blocks.
func TestSecretsThatListsLeaveOut(t *testing.T) {
	secret := "package cart\n\nconst k = \"" + token + "\"\n"
	lines := strings.Repeat("x\n", 20_001)
	for _, tt := range []struct {
		name   string
		change func() []sandbox.Commit
		says   []string // one of these
	}{
		{"in file 3,001", func() []sandbox.Commit {
			files := map[string]string{"zz/last.go": secret}
			for i := range 3000 {
				files[fmt.Sprintf("a/%d.go", i)] = "package a\n"
			}
			return []sandbox.Commit{{Files: files, Message: "Many"}}
		}, []string{"The diff could not be read: The list of changed files cannot be read whole: GitHub counts 3002 files and lists 3000 of them"}},
		{"in a binary", func() []sandbox.Commit {
			return []sandbox.Commit{{Files: map[string]string{"cart/blob.bin": "\x00\x01\x02" + secret}, Message: "Blob"}}
		}, []string{"secret-found", "not-scanned"}},
		{"past line 20,000 of a file", func() []sandbox.Commit {
			return []sandbox.Commit{{Files: map[string]string{"cart/long.go": lines + secret}, Message: "Long"}}
		}, []string{"secret-found", "not-scanned"}},
		{"behind 20,000 lines of other files", func() []sandbox.Commit {
			return []sandbox.Commit{{Files: map[string]string{"a/long.txt": lines, "zz/last.go": secret}, Message: "Long"}}
		}, []string{"secret-found", "not-scanned"}},
		{"in commit 251", func() []sandbox.Commit {
			var commits []sandbox.Commit
			for i := range 250 {
				commits = append(commits, sandbox.Commit{Files: map[string]string{"cart/a.go": fmt.Sprintf("package cart // %d\n", i)}, Message: "Step"})
			}
			return append(commits, sandbox.Commit{Files: map[string]string{"cart/b.go": secret}, Message: "Last"})
		}, []string{"secret-found"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("high")
			w.quiet()
			pr.PushCommits("kim", tt.change()...)
			pr.Check("build", "success")
			pr.Approve("lee")
			pr.Approve("sam")
			w.quiet()
			v := pr.Verdict(checkName)
			if v.Conclusion != "failure" {
				t.Errorf("%s %s", v.Conclusion, v.Title)
			}
			found := false
			for _, word := range tt.says {
				found = found || strings.Contains(v.Summary, word)
			}
			if !found {
				t.Errorf("none of %q is said:\n%s", tt.says, v.Summary)
			}
			lacks(t, v.Summary+v.Text, token[:12])
		})
	}
}
