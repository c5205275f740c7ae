package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// broken opens a medium pull request whose build is red.
func (w *world) broken() *sandbox.PullRequest {
	w.t.Helper()
	pr := w.opens("medium")
	pr.Check("build", "failure")
	w.shows(pr, "NOT READY · ci-failed")
	w.quiet()
	return pr
}

// Case 99: expiry, wrong person, new push.
func TestOverride(t *testing.T) {
	w := newWorld(t)
	pr := w.broken()
	pr.Comment("dana", "/override payments are down")
	w.quiet()
	if r := w.replies(pr); len(r) != 1 || !strings.Contains(r[0], "administrators of this repository") || !strings.Contains(r[0], "/override reason") {
		t.Errorf("the wrong person is told %q", r)
	}
	pr.Comment("sam", "/override")
	w.quiet()
	if r := w.replies(pr); len(r) != 2 || !strings.Contains(r[1], "an override needs a reason") {
		t.Errorf("without a reason: %q", r)
	}
	w.stays(pr, "NOT READY · ci-failed")
	pr.Comment("sam", "/override payments are down")
	v := w.shows(pr, "OVERRIDDEN by @sam until ")
	if v.Conclusion != "success" || !strings.Contains(v.Summary, "`payments are down`") || !strings.Contains(v.Summary, "`ci-failed`") || !strings.Contains(v.Summary, "**NOT READY**") {
		t.Errorf("%s\n%s", v.Conclusion, v.Summary)
	}
	w.later(30 * time.Minute)
	w.stays(pr, "OVERRIDDEN by @sam until ")
	w.later(31 * time.Minute) // no event comes: it ends by itself
	if v := w.stays(pr, "NOT READY · ci-failed"); v.Conclusion != "failure" {
		t.Errorf("%s", v.Conclusion)
	}
	pr.Comment("sam", "/override still down")
	w.shows(pr, "OVERRIDDEN by @sam until ")
	w.quiet()
	first := pr.Head()
	pr.Push("kim", map[string]string{"cart/total.go": "package cart // 2\n"})
	pr.Check("build", "failure")
	w.shows(pr, "NOT READY · ci-failed")
	w.quiet()
	entries, err := w.app.ledger.Entries(w.ctx, w.repo.ID(), pr.Number())
	if err != nil {
		t.Fatal(err)
	}
	var overrides, told int
	for _, e := range entries {
		switch {
		case e.Kind == "override" && e.Actor.Login == "sam" && e.SHA == first:
			overrides++
		case e.Kind == "verdict" && strings.Contains(fmt.Sprintf("%s", e.Data), `"override":"@sam"`):
			told++
		}
	}
	if overrides != 2 || told != 2 {
		t.Errorf("%d overrides and %d verdicts in the ledger", overrides, told)
	}
}

// An override ends as a GO does, and is stopped by a /no-go.
func TestWhatEndsAnOverride(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    func(*world, *sandbox.PullRequest, *sandbox.Comment)
		title string
	}{
		{"its comment is edited", func(_ *world, _ *sandbox.PullRequest, c *sandbox.Comment) {
			c.Edit("sam", "/override payments are down, really")
		}, "NOT READY · ci-failed"},
		{"its comment is deleted", func(_ *world, _ *sandbox.PullRequest, c *sandbox.Comment) { c.Delete("sam") }, "NOT READY · ci-failed"},
		{"somebody says /no-go", func(_ *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			pr.Comment("dana", "/no-go it makes it worse")
		}, "NOT READY · nogo-stands"},
		{"another base", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			w.repo.Require("stable", sandbox.Required{Name: checkName, App: w.gh.AppID()})
			pr.Retarget("kim", "stable")
		}, "NOT READY · ci-failed"},
		{"the role is lost", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			w.repo.Grant("sam", "write")
			pr.Label("kim", "x")
		}, "NOT READY · ci-failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.repo.Branch("sam", "stable", w.repo.Tip("main"))
			pr := w.broken()
			c := pr.Comment("sam", "/override payments are down")
			w.shows(pr, "OVERRIDDEN by @sam")
			w.quiet()
			tt.do(w, pr, c)
			w.shows(pr, tt.title)
			w.stays(pr, tt.title)
		})
	}
}

// The policy names who, and for how long; an author may, and it is said.
func TestOverrideByThePolicy(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {CDO: {users: [kim]}}\noverride: {roles: [CDO], for: 10m}\n")
	pr := w.broken()
	pr.Comment("sam", "/override I administer this")
	w.quiet()
	if r := w.replies(pr); len(r) != 1 || !strings.Contains(r[0], "`CDO`") {
		t.Errorf("%q", r)
	}
	pr.Comment("kim", "/gonogo help")
	pr.Comment("kim", "/override payments are down")
	v := w.shows(pr, "OVERRIDDEN by @kim (own change) until ")
	if !strings.Contains(v.Summary, "overrode their own change") {
		t.Error(v.Summary)
	}
	w.quiet()
	if r := w.replies(pr); !strings.Contains(strings.Join(r, "\n"), "for 10 minutes") {
		t.Errorf("the help says %q", r)
	}
	w.later(11 * time.Minute)
	w.stays(pr, "NOT READY · ci-failed")
}

// An override of which no event came counts from when it was said.
func TestMissedOverride(t *testing.T) {
	w := newWorld(t)
	pr := w.broken()
	w.gh.LoseWebhooks(true)
	pr.Comment("sam", "/override payments are down")
	w.gh.LoseWebhooks(false)
	w.clock.advance(50 * time.Minute)
	pr.Label("kim", "x")
	w.shows(pr, "OVERRIDDEN by @sam")
	w.later(11 * time.Minute)
	w.stays(pr, "NOT READY · ci-failed")

	w.gh.LoseWebhooks(true)
	pr.Comment("sam", "/override once more")
	w.gh.LoseWebhooks(false)
	w.clock.advance(61 * time.Minute)
	pr.Label("kim", "y")
	w.quiet()
	if r := w.replies(pr); len(r) != 1 || !strings.Contains(r[0], "had ended before it could be heard") {
		t.Errorf("%q", r)
	}
	w.stays(pr, "NOT READY · ci-failed")
}

// A role that cannot be read leaves an override for later: neither a yes nor a
// refusal.
func TestOverrideWaitsForARole(t *testing.T) {
	w := newWorld(t)
	pr := w.broken()
	w.gh.Fail(unreadable("sam"))
	pr.Comment("sam", "/override payments are down")
	w.quiet()
	if v := w.stays(pr, "NOT READY · ci-failed"); v.Conclusion != "failure" || len(w.replies(pr)) != 0 {
		t.Errorf("%s %q", v.Conclusion, w.replies(pr))
	}
	w.gh.Mend()
	w.later(time.Minute)
	w.stays(pr, "OVERRIDDEN by @sam")
}

const token = "ghp_" + "R7xq2mV9tLk4Zp8sWn3Yc6Hd1Jf5Gb0aTeUo"

// leaky opens a low pull request with what looks like a credential.
func (w *world) leaky() (*sandbox.PullRequest, string) {
	w.t.Helper()
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Fixtures", Branch: "faster", Body: body("low"), Files: map[string]string{"fixture.go": "package cart\n\nconst k = \"" + token + "\"\n"},
	})
	pr.Check("build", "success")
	pr.Approve("lee")
	v := w.shows(pr, "NOT READY · secret-found")
	w.quiet()
	_, line, found := strings.Cut(v.Summary, "\n/accept-secret ")
	if !found {
		w.t.Fatalf("the line to type is not shown:\n%s", v.Summary)
	}
	fingerprint, _, _ := strings.Cut(line, " ")
	if strings.Contains(v.Summary+v.Text, token[:12]) {
		w.t.Error("the secret is shown")
	}
	return pr, fingerprint
}

// Never for found secrets by one person alone.
func TestOverrideOfASecretNeedsTwo(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("ann", "admin")
	pr, _ := w.leaky()
	pr.Comment("sam", "/override payments are down")
	w.quiet()
	if v := w.stays(pr, "NOT READY · secret-found"); !strings.Contains(v.Summary, "override-short") {
		t.Error(v.Summary)
	}
	pr.Comment("sam", "/override really")
	w.stays(pr, "NOT READY · secret-found")
	pr.Comment("ann", "/override I have looked too")
	w.shows(pr, "OVERRIDDEN by @sam and @ann until ")
}

// Ruling 6: a release manager who wrote none of it clears a false alarm, bound to
// rule, file and line.
func TestAcceptSecret(t *testing.T) {
	w := newWorld(t)
	pr, fingerprint := w.leaky()
	for _, tt := range []struct{ who, say, told string }{
		{"lee", "/accept-secret " + fingerprint + " a fixture", "only a release manager who wrote none of it"},
		{"dana", "/accept-secret " + fingerprint, "say why it is no credential"},
		{"dana", "/accept-secret 0123 a fixture", "fingerprint of no finding here"},
	} {
		pr.Comment(tt.who, tt.say)
		w.quiet()
		if r := w.replies(pr); len(r) == 0 || !strings.Contains(r[len(r)-1], tt.told) {
			t.Errorf("%s: %q", tt.say, r)
		}
	}
	w.stays(pr, "NOT READY · secret-found")
	c := pr.Comment("dana", "/accept-secret "+fingerprint+" a fixture of the tests")
	v := w.shows(pr, "READY · low")
	if !strings.Contains(v.Summary, "`@dana`: `a fixture of the tests`") {
		t.Error(v.Summary)
	}
	w.quiet()
	// The line moves, and is still accepted.
	pr.Push("kim", map[string]string{"fixture.go": "package cart\n\nimport \"fmt\"\n\nconst k = \"" + token + "\"\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.quiet()
	// Another secret in its place is not.
	pr.Push("kim", map[string]string{"fixture.go": "package cart\n\nconst k = \"" + strings.Replace(token, "R7xq", "S8yr", 1) + "\"\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "NOT READY · secret-found")
	w.quiet()
	pr.Push("kim", map[string]string{"fixture.go": "package cart\n\nconst k = \"" + token + "\"\n"})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.quiet()
	c.Delete("dana")
	w.shows(pr, "NOT READY · secret-found")
}

// Who wrote some of it clears nothing.
func TestAcceptSecretByItsAuthor(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("kim", "maintain")
	pr, fingerprint := w.leaky()
	pr.Comment("kim", "/accept-secret "+fingerprint+" mine")
	w.quiet()
	if r := w.replies(pr); len(r) != 1 || !strings.Contains(r[0], "nobody clears what they wrote") {
		t.Errorf("%q", r)
	}
	w.stays(pr, "NOT READY · secret-found")
}

// What is merged under an override is entered as that, by whom.
func TestMergeUnderAnOverride(t *testing.T) {
	w := newWorld(t)
	pr := w.broken()
	if err := pr.Merge("kim", "merge"); err == nil {
		t.Fatal("merged without an override")
	}
	pr.Comment("sam", "/override payments are down")
	w.shows(pr, "OVERRIDDEN by @sam")
	w.quiet()
	if err := pr.Merge("kim", "merge"); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	m, found, err := w.app.ledger.MergeOf(w.ctx, w.repo.ID(), pr.Number())
	if err != nil || !found || m.Override != "@sam" || m.Verdict != "NOT READY" {
		t.Errorf("%+v %v %v", m, found, err)
	}
}

// hotfixes opens a high hotfix of an issue that who has labelled.
func (w *world) hotfixes(who string) *sandbox.PullRequest {
	w.t.Helper()
	i := w.repo.OpenIssue("bob", "Payments are down", "")
	i.Label(who, "SEV1")
	text := fmt.Sprintf("Fixes #%d\n\n%s", i.Number(), body("high", "- Rollback rehearsal: none"))
	pr := w.repo.Open("kim", sandbox.Change{
		Title: "Faster totals", Branch: "faster", Files: map[string]string{"cart/total.go": "package cart\n"},
		Body: strings.Replace(text, "- Gate results:", "- Release type: hotfix\n- Gate results:", 1),
	})
	pr.Check("build", "success")
	pr.Approve("lee")
	return pr
}

// Ruling 14: a hotfix of a severe issue goes out with one approval and one /go,
// and what is owed is listed.
func TestHotfixOutOfTheBox(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("tess", "triage")
	pr := w.hotfixes("tess")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	v := w.shows(pr, "READY · high")
	_, owed, _ := strings.Cut(v.Summary, "### Owed within 24 hours of the merge")
	for _, want := range []string{"rehearsal-", "communication-missing", "1 of 2 approvals", "1 of 2 release managers"} {
		if !strings.Contains(owed, want) {
			t.Errorf("%q is not owed:\n%s", want, v.Summary)
		}
	}
	if !strings.Contains(v.Summary, "Class: high; a hotfix of #1, with ") {
		t.Error(v.Summary)
	}
}

// The lane cannot be entered by a claim: an outsider's issue form gives a label
// too.
func TestHotfixOfAnIssueThatAnOutsiderLabelled(t *testing.T) {
	w := newWorld(t)
	pr := w.hotfixes("bob")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.quiet()
	v := pr.Verdict(checkName)
	if v.Conclusion == "success" || !strings.Contains(v.Summary, "hotfix-no-lane") || !strings.Contains(v.Summary, "panel-short") {
		t.Errorf("%s\n%s", v.Title, v.Summary)
	}
}
