package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// rolledBack is what was written on a pull request whose rollback was called.
func (w *world) rolledBack(pr *sandbox.PullRequest) string {
	w.t.Helper()
	w.quiet()
	var texts []string
	for _, text := range w.replies(pr) {
		if strings.Contains(text, "**Rollback of #") {
			texts = append(texts, text)
		}
	}
	if len(texts) != 1 {
		w.t.Fatalf("%d texts of a rollback: %q", len(texts), w.replies(pr))
	}
	return texts[0]
}

// incident is the issue that was opened for the rollback of a pull request.
func (w *world) incident(pr *sandbox.PullRequest) *sandbox.Issue {
	w.t.Helper()
	var found *sandbox.Issue
	for n := 1; ; n++ {
		i := w.repo.Issue(n)
		if i == nil {
			break
		}
		if strings.Contains(i.Body(), fmt.Sprintf("- Rolled back: #%d ", pr.Number())) {
			if found != nil {
				w.t.Fatal("two incidents of one rollback")
			}
			found = i
		}
	}
	if found == nil {
		w.t.Fatal("no incident was opened")
	}
	return found
}

// Section 9: /rollback on the merged pull request tells how to take it back, as
// it was merged, once, and never by force.
func TestRollback(t *testing.T) {
	for method, reverts := range map[string]string{"merge": "git revert --no-edit -m 1 ", "squash": "git revert --no-edit ", "rebase": "git revert --no-edit "} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			pr := w.landed(method)
			sha, _ := pr.Merged()
			pr.Comment("kim", "/rollback it is slow")
			w.quiet()
			if r := w.replies(pr); len(r) != 1 || !strings.Contains(r[0], "only a release manager") {
				t.Errorf("who may not is told %q", r)
			}
			pr.Comment("dana", "/rollback")
			w.quiet()
			if r := w.replies(pr); len(r) != 2 || !strings.Contains(r[1], "say why") {
				t.Errorf("without a reason: %q", r)
			}
			pr.Comment("dana", "/rollback checkout fails @everyone")
			text := w.rolledBack(pr)
			for _, want := range []string{"by `@dana`", "`checkout fails @everyone`", reverts + sha, fmt.Sprintf("Reverts acme/shop#%d", pr.Number()), "FETCH_HEAD", "The incident is #"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in:\n%s", want, text)
				}
			}
			if n := strings.Count(text, "git revert --no-edit"); n != 1 || strings.Contains(text, "push -f") || strings.Contains(text, "--force") {
				t.Errorf("the commands:\n%s", text)
			}
			if method == "rebase" && strings.Contains(text, "--no-edit "+sha+"\n") {
				t.Errorf("one of two commits only:\n%s", text)
			}
			pr.Comment("sam", "/rollback once more")
			w.rolledBack(pr)
			if n := w.entries(pr, "rollback"); n != 1 {
				t.Errorf("%d calls in the ledger", n)
			}
		})
	}
}

// /rollback #n names the pull request, wherever it is said.
func TestRollbackOfANamedPullRequest(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	other := w.opens("medium")
	w.shows(other, "WAITING · ")
	other.Comment("dana", "/rollback not this one")
	w.quiet()
	if r := w.replies(other); len(r) != 1 || !strings.Contains(r[0], "is not merged") {
		t.Errorf("%q", r)
	}
	other.Comment("dana", fmt.Sprintf("/rollback #%d checkout fails", pr.Number()))
	if text := w.rolledBack(pr); !strings.Contains(text, "`checkout fails`") {
		t.Errorf("%s", text)
	}
}

// A call survives the server's end before anything was written.
func TestRollbackIsWrittenAfterARestart(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	w.gh.Fail(sandbox.Fault{Method: "POST", Route: "/repos/{owner}/{repo}/issues/{number}/comments", Status: 502})
	pr.Comment("dana", "/rollback checkout fails")
	w.quiet()
	w.down()
	w.gh.Mend()
	w.up()
	w.later(10 * time.Minute)
	w.rolledBack(pr)
}

// GitHub opened the issue, and its answer was lost: no second one is opened.
func TestOneIncidentWhenTheAnswerIsLost(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	w.gh.Fail(sandbox.Fault{Method: "POST", Route: "/repos/{owner}/{repo}/issues", Cut: true, Times: 1})
	pr.Comment("dana", "/rollback checkout fails")
	w.quiet()
	w.later(10 * time.Minute)
	if text := w.rolledBack(pr); !strings.Contains(text, fmt.Sprintf("The incident is #%d.", w.incident(pr).Number())) {
		t.Errorf("%s", text)
	}
}

// What was rolled back lands again only when the incident's root cause is given
// and its issue closed.
func TestRelandWaitsForTheRootCause(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	pr.Comment("dana", "/rollback checkout fails")
	w.rolledBack(pr)
	back := pr.Revert("lee")
	w.shows(back, fmt.Sprintf("READY · revert of #%d", pr.Number()))
	if err := back.Merge("lee", "squash"); err != nil {
		t.Fatal(err)
	}
	w.quiet()

	again := w.repo.Open("kim", sandbox.Change{
		Title: "Faster totals, once more", Branch: "again", Body: body("medium"),
		Files: map[string]string{"cart/total.go": "package cart // faster\n", "cart/check.go": "package cart // new\n"},
	})
	again.Check("build", "success")
	again.Approve("lee")
	w.shows(again, "WAITING · re-land-blocked")
	incident := w.incident(pr)
	for _, step := range []struct {
		do   func()
		says string
	}{
		{func() { incident.Close("dana") }, "names no root cause"},
		{func() {
			incident.Reopen("dana")
			incident.Comment("dana", "Root cause: TBD")
			again.Comment("kim", "/recheck")
		}, "names no root cause"},
		{func() {
			incident.Comment("dana", "Root cause: https://wiki.acme.example/rca/12")
			again.Comment("kim", "/recheck")
		}, "is open"},
	} {
		step.do()
		if v := w.stays(again, "WAITING · re-land-blocked"); !strings.Contains(v.Summary, step.says) {
			t.Errorf("it does not say %q:\n%s", step.says, v.Summary)
		}
	}
	incident.Close("dana")
	w.shows(again, "WAITING · go-missing")
	w.quiet()
	w.clock.advance(2 * time.Second)
	again.Comment("dana", "/go "+again.Head())
	w.shows(again, "READY · medium")
}

// Where the App may not open issues, people open the incident by the text that
// they are given, and name it.
func TestRelandNamesTheIncidentThatPeopleOpened(t *testing.T) {
	w := newWorld(t)
	w.acme.Permit("issues", "read")
	pr := w.landed("squash")
	pr.Comment("dana", "/rollback checkout fails")
	if text := w.rolledBack(pr); !strings.Contains(text, "File the incident") || !strings.Contains(text, "Root cause: <the analysis") {
		t.Errorf("%s", text)
	}
	w.lands(pr.Revert("lee"), "squash")
	again := w.repo.Open("kim", sandbox.Change{Title: "Once more", Branch: "again", Body: body("low"), Files: map[string]string{"cart/total.go": "package cart // faster\n"}})
	again.Check("build", "success")
	again.Approve("lee")
	v := w.shows(again, "WAITING · re-land-blocked")
	if !strings.Contains(v.Summary, "no incident is known") {
		t.Errorf("%s", v.Summary)
	}
	foreign := w.repo.OpenIssue("sam", "Something else", "Root cause: x")
	foreign.Close("sam")
	again.Edit("kim", body("low")+fmt.Sprintf("\nIncident: #%d\n", foreign.Number()))
	if v := w.stays(again, "WAITING · re-land-blocked"); !strings.Contains(v.Summary, "is no incident of #") {
		t.Errorf("%s", v.Summary)
	}
	incident := w.repo.OpenIssue("dana", "SEV2 incident", fmt.Sprintf("- Rolled back: #%d\n- Root cause: the cache was never warmed", pr.Number()))
	incident.Close("dana")
	again.Edit("kim", body("low")+fmt.Sprintf("\nIncident: #%d\n", incident.Number()))
	w.stays(again, "READY · low")
}

// A change of the same files that brings something else is no re-land.
func TestAnotherChangeOfRolledBackFiles(t *testing.T) {
	w := newWorld(t)
	pr := w.landed("squash")
	pr.Comment("dana", "/rollback checkout fails")
	w.rolledBack(pr)
	other := w.repo.Open("kim", sandbox.Change{Title: "Slower", Branch: "slower", Body: body("low"), Files: map[string]string{"cart/total.go": "package cart // slower\n"}})
	other.Check("build", "success")
	other.Approve("lee")
	w.shows(other, "READY · low")
}
