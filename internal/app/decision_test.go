package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// unreadable lets what an account may do be unreadable for the moment.
func unreadable(login string) sandbox.Fault {
	return sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/collaborators/" + login + "/permission", Status: 500}
}

// undecided opens a medium pull request in which nothing but a /go is missing.
func (w *world) undecided(more ...string) *sandbox.PullRequest {
	w.t.Helper()
	pr := w.opens("medium", more...)
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	return pr
}

// Invariant I7: what stands beside a NO-GO in its comment does not let it be
// forgotten while its author's role cannot be read.
func TestNoGoBesideAnotherCommandWaits(t *testing.T) {
	for _, beside := range []string{"/recheck", "/signoff qa", "/gonogo help", "/signoff nothing"} {
		t.Run(beside, func(t *testing.T) {
			w := newWorld(t)
			w.rules("roles: {QA: {users: [sam]}}\nsignoffs: {qa: {role: QA, from: high}}\n")
			pr := w.ready()
			w.quiet()
			w.gh.Fail(unreadable("sam"))
			pr.Comment("sam", beside+"\n/no-go leaks money")
			w.shows(pr, "WAITING · github-down · cannot verify, retrying: /no-go of @sam waits")
			w.quiet()
			w.gh.Mend()
			w.later(time.Minute)
			w.stays(pr, "NOT READY · nogo-stands")
		})
	}
}

// A NO-GO of which no event came counts, whatever else its comment says.
func TestMissedNoGoBesideASignoff(t *testing.T) {
	for _, text := range []string{"/signoff qa\n/no-go leaks money", "/no-go leaks money\n\n/signoff qa", "/recheck\n/no-go"} {
		w := newWorld(t)
		w.rules("roles: {QA: {users: [sam]}}\nsignoffs: {qa: {role: QA}}\n")
		pr := w.reviewed()
		w.quiet() // a sign-off is for a head that was shown
		pr.Comment("sam", "/signoff qa")
		pr.Comment("dana", "/go "+pr.Head())
		w.shows(pr, "READY · medium")
		w.quiet()
		w.gh.LoseWebhooks(true)
		pr.Comment("sam", text)
		w.gh.LoseWebhooks(false)
		w.clock.advance(2 * time.Minute)
		pr.Label("kim", "x")
		w.shows(pr, "NOT READY · nogo-stands")
	}
}

// Section 6: a veto stands until the same person or another release manager says
// /go.
func TestWhoLiftsSomebodyElsesVeto(t *testing.T) {
	const roles = "roles: {CDO: {users: [cleo]}, CMO: {users: [mona]}}\nexceptions: CDO\nauthorization: [{approve: [CMO]}]\n"
	for _, tt := range []struct{ name, rules, who, title string }{
		{"one who lets out of a freeze does not", roles, "cleo", "NOT READY · nogo-stands"},
		{"one with an approving role does not", roles, "mona", "NOT READY · nogo-stands"},
		{"the author does not, where authors decide", "author_may_decide: true\n", "kim", "NOT READY · nogo-stands"},
		{"a co-author does not", "author_may_decide: true\n", "lee", "NOT READY · nogo-stands"},
		{"another release manager does", roles, "dana", "WAITING · authorization-missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.rules(tt.rules)
			w.repo.Grant("kim", "maintain")
			w.repo.Grant("lee", "maintain")
			pr := w.opens("medium", "- Final decision owner: @"+tt.who)
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/a.go": "package cart\n"}, Message: "x\n\nCo-authored-by: Lee <lee@users.noreply.github.com>"})
			pr.Check("build", "success")
			pr.Approve("sam")
			pr.Comment("sam", "/no-go leaks money")
			w.shows(pr, "NOT READY · nogo-stands")
			w.quiet()
			w.clock.advance(5 * time.Second)
			pr.Comment(tt.who, "/go "+pr.Head())
			w.stays(pr, tt.title)
		})
	}
}

// Ruling 24: who said /no-go on their own pull request may lift it, in the same
// breath too.
func TestAuthorTakesBackTheirOwnVeto(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("kim", "maintain")
	pr := w.undecided()
	w.gh.HoldWebhooks()
	pr.Comment("kim", "/no-go a bug")
	w.clock.advance(time.Second)
	pr.Comment("kim", "/go "+pr.Head())
	w.gh.ReleaseWebhooks(nil)
	v := w.stays(pr, "WAITING · go-missing")
	if strings.Contains(v.Summary, "nogo-stands") {
		t.Errorf("the veto stands:\n%s", v.Summary)
	}
	if r := w.replies(pr); len(r) > 0 {
		t.Errorf("refused: %q", r)
	}
}

// Ruling 13: what a person writes in the record of a bot's update is judged.
func TestARecordOnADependencyUpdateIsJudged(t *testing.T) {
	w := newWorld(t)
	const bot = "dependabot[bot]"
	w.repo.Grant(bot, "write")
	pr := w.repo.Open(bot, sandbox.Change{Title: "Bump", Branch: "bump", Body: body("low"), Files: map[string]string{"go.mod": "module shop\n"}})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.quiet()
	pr.Comment("dana", "/recheck\n\n"+body("high"))
	v := w.shows(pr, "WAITING · ")
	says(t, v.Summary, "panel-short")
	if v.Conclusion == "success" {
		t.Error(v.Title)
	}
}

// Ruling 12: the author who works alone is not refused for a fault.
func TestSoloGoWaitsForTheListOfWriters(t *testing.T) {
	w := newWorld(t)
	w.rules("solo: true\nask: none\napprovals: {low: 0, medium: 0, high: 0}\ngo: {low: 0, medium: 1, high: 1}\nroles: {release manager: {permission: write}}\n")
	for _, login := range []string{"lee", "dana", "sam"} {
		w.repo.Grant(login, "read")
	}
	pr := w.opens("medium", "- Final decision owner: @kim")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	writers := sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/collaborators", Status: 500}
	w.gh.Fail(writers)
	pr.Comment("kim", "/go "+pr.Head())
	w.shows(pr, "WAITING · github-down · cannot verify, retrying: /go of @kim waits")
	w.later(16 * time.Minute)
	w.shows(pr, "NOT VERIFIED · github-down")
	w.gh.Mend()
	w.later(time.Minute)
	v := w.shows(pr, "READY · medium")
	says(t, v.Summary+v.Title, "self-decided")
	if r := w.replies(pr); len(r) > 0 {
		t.Errorf("replies %q", r)
	}
	w.quiet()
	w.gh.Fail(writers)
	pr.Label("kim", "x")
	w.shows(pr, "WAITING · github-down")
	w.gh.Mend()
	w.later(time.Minute)
	w.shows(pr, "READY · medium")
}

// Section 6: one short reply when refused: who may, and the exact line.
func TestRefusalsSayWhoMayAndTheLine(t *testing.T) {
	const roles = "roles:\n  release manager: {permission: maintain, delegates: [deputy]}\n  deputy: {users: [devi]}\n  CDO: {users: [cleo]}\nauthorization: [{types: [hotfix], approve: [CDO]}]\n"
	for _, tt := range []struct {
		name, rules, kind, who, text string
		says                         []string
	}{
		{"a reviewer's go", "", "routine", "lee", "/go", []string{"only a release manager decides here", "people with maintain permission", "comments `/go HEAD`", "nothing was changed"}},
		{"a reviewer's no-go", "", "routine", "lee", "/no-go wait", []string{"only a release manager decides here", "comments `/no-go reason`"}},
		{"a reviewer's go on a hotfix", roles, "hotfix", "lee", "/go", []string{"`CDO`: `@cleo`", "`release manager`: ", "people with maintain permission", "`@devi`", "comments `/go HEAD`"}},
		{"the author's go", roles, "hotfix", "kim", "/go", []string{"nobody decides on their own", "`CDO`: `@cleo`", "comments `/go HEAD`"}},
		{"for another commit", "", "routine", "dana", "/go PARENT", []string{"no longer the head", "Type `/go HEAD`"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.rules != "" {
				w.rules(tt.rules)
			}
			pr := w.reviewed("- Release type: " + tt.kind)
			parent := pr.Head()
			w.quiet()
			pr.Push("kim", map[string]string{"cart/b.go": "package cart\n"})
			if tt.who == "kim" {
				w.repo.Grant("kim", "maintain")
			}
			w.quiet()
			pr.Comment(tt.who, strings.Replace(tt.text, "PARENT", gate.Short(parent), 1))
			w.quiet()
			r := w.replies(pr)
			if len(r) != 1 {
				t.Fatalf("replies %q", r)
			}
			for _, word := range tt.says {
				says(t, r[0], strings.Replace(word, "HEAD", gate.Short(pr.Head()), 1))
			}
		})
	}
}

// Case 15: edited text is never a command, and a GO whose text was edited is
// void, whether or not the event that told of it came.
func TestEditedCommands(t *testing.T) {
	lost := func(w *world, edit func()) {
		w.gh.LoseWebhooks(true)
		edit()
		w.gh.LoseWebhooks(false)
		w.clock.advance(2 * time.Minute)
	}
	tests := []struct {
		name  string
		edit  func(w *world, pr *sandbox.PullRequest, talk *sandbox.Comment)
		title string
	}{
		{"talk is edited into a go by its author", func(w *world, pr *sandbox.PullRequest, talk *sandbox.Comment) { talk.Edit("dana", "/go "+pr.Head()) }, "WAITING · go-missing"},
		{"talk is edited into a go by somebody else", func(w *world, pr *sandbox.PullRequest, talk *sandbox.Comment) { talk.Edit("kim", "/go "+pr.Head()) }, "WAITING · go-missing"},
		{"talk is edited into a go, and the event is lost", func(w *world, pr *sandbox.PullRequest, talk *sandbox.Comment) {
			lost(w, func() { talk.Edit("kim", "/go "+pr.Head()) })
		}, "WAITING · go-missing"},
		{"a go is edited and edited back", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			w.goComment = pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
			w.quiet()
			w.clock.advance(time.Second)
			w.goComment.Edit("kim", "/go, but not yet")
			w.goComment.Edit("kim", "/go "+pr.Head())
		}, "WAITING · edited-command"},
		{"a go is edited, and the event is lost", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			w.goComment = pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
			w.quiet()
			w.clock.advance(time.Second)
			lost(w, func() { w.goComment.Edit("kim", "/go "+pr.Head()+" whatever it holds") })
		}, "WAITING · edited-command"},
		{"a go is deleted, and the event is lost", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			w.goComment = pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
			w.quiet()
			lost(w, func() { w.goComment.Delete("kim") })
		}, "WAITING · edited-command"},
		{"a go is edited before it was heard", func(w *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			w.gh.HoldWebhooks()
			c := pr.Comment("dana", "/go "+pr.Head())
			w.clock.advance(time.Second)
			c.Edit("kim", "/go "+pr.Head()+" now")
			w.gh.ReleaseWebhooks(func(d []sandbox.Delivery) []sandbox.Delivery { return d[:1] })
		}, "WAITING · go-missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.undecided()
			talk := pr.Comment("dana", "let me look at it")
			w.quiet()
			w.clock.advance(time.Second)
			tt.edit(w, pr, talk)
			w.quiet()
			pr.Label("kim", "x")
			w.stays(pr, tt.title)
		})
	}
}

// Case 16: whatever happens to its comment, a NO-GO stands.
func TestWhatANoGoOutlives(t *testing.T) {
	for name, act := range map[string]func(*world, *sandbox.PullRequest, *sandbox.Comment){
		"edited away":                     func(_ *world, _ *sandbox.PullRequest, c *sandbox.Comment) { c.Edit("kim", "never mind") },
		"edited into a go":                func(_ *world, pr *sandbox.PullRequest, c *sandbox.Comment) { c.Edit("kim", "/go "+pr.Head()) },
		"its author's account is deleted": func(w *world, _ *sandbox.PullRequest, _ *sandbox.Comment) { w.gh.DeleteUser("sam") },
		"its author loses the role":       func(w *world, _ *sandbox.PullRequest, _ *sandbox.Comment) { w.repo.Grant("sam", "read") },
		"deleted while the server was down": func(w *world, pr *sandbox.PullRequest, c *sandbox.Comment) {
			w.down()
			c.Delete("kim")
			w.clock.advance(5 * time.Minute)
			w.up()
			w.quiet()
		},
		"a deleted go of another": func(w *world, pr *sandbox.PullRequest, _ *sandbox.Comment) {
			w.clock.advance(5 * time.Second)
			w.gh.HoldWebhooks()
			pr.Comment("dana", "/go "+pr.Head()).Delete("kim")
			w.gh.ReleaseWebhooks(nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.ready()
			c := pr.Comment("sam", "/no-go leaks money")
			w.shows(pr, "NOT READY · nogo-stands")
			w.quiet()
			w.clock.advance(time.Second)
			act(w, pr, c)
			w.quiet()
			pr.Label("kim", "x")
			w.stays(pr, "NOT READY · nogo-stands")
		})
	}
}

// Cases 17 and 27: nobody who had a hand in it decides.
func TestWhoHadAHandInItDoesNotDecide(t *testing.T) {
	file := map[string]string{"cart/more.go": "package cart\n"}
	for name, commit := range map[string]sandbox.Commit{
		"an author of a commit":    {Files: file, Author: "dana"},
		"a committer":              {Files: file, Committer: "dana"},
		"a co-author":              {Files: file, Message: "more\n\nCo-authored-by: Dana <dana@users.noreply.github.com>"},
		"a co-author, by their id": {Files: file, Message: "more\n\nCo-Authored-By: D <ID+anything@users.noreply.github.com>"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			commit.Message = strings.Replace(commit.Message, "ID", fmt.Sprint(w.gh.UserID("dana")), 1)
			pr.PushCommits("kim", commit)
			pr.Check("build", "success")
			pr.Approve("lee")
			w.shows(pr, "WAITING · go-missing")
			w.quiet()
			pr.Comment("dana", "/go "+pr.Head())
			w.stays(pr, "WAITING · go-missing")
			says(t, strings.Join(w.replies(pr), ""), "nobody decides on their own")
		})
	}
	t.Run("a release manager who commits after their go", func(t *testing.T) {
		w := newWorld(t)
		pr := w.ready()
		w.quiet()
		pr.PushCommits("dana", sandbox.Commit{Files: file})
		pr.Check("build", "success")
		pr.Approve("lee")
		w.shows(pr, "WAITING · stale-go")
		w.quiet()
		pr.Comment("dana", "/go "+pr.Head())
		w.quiet()
		w.never(pr)
	})
}

// Case 19: what cannot be seen of a team makes nobody a member, and no veto is
// lost for it.
func TestTeamThatCannotBeSeen(t *testing.T) {
	w := newWorld(t)
	leads := w.acme.Team("leads", "lee", "sam")
	leads.Invite("bob")
	w.rules("roles: {release manager: {teams: [acme/leads]}}\n")
	pr := w.opens("low", "- Final decision owner: @sam")
	pr.Approve("dana")
	w.shows(pr, "READY · low")
	w.quiet()
	pr.Comment("bob", "/no-go I was invited only")
	w.stays(pr, "READY · low")
	w.clock.advance(5 * time.Second)
	leads.Hide()
	pr.Comment("lee", "/no-go leaks money")
	v := w.shows(pr, "WAITING · not-visible")
	says(t, v.Summary, "/no-go of `@lee` waits", "acme/leads")
	w.quiet()
	pr.Comment("sam", "/go "+pr.Head())
	w.stays(pr, "WAITING · not-visible")
	says(t, strings.Join(w.replies(pr), "\n"), "cannot be read")
}

// Case 21: a deleted account decides nothing, and what it decided before does not
// count any longer.
func TestDeletedAccount(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.gh.DeleteUser("dana")
	pr.Label("kim", "x")
	v := w.shows(pr, "WAITING · owner-unknown")
	says(t, v.Summary, "identity-changed")
	w.quiet()
	pr.Edit("kim", body("medium", "- Final decision owner: release manager"))
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

// Cases 22 and 23: bots decide nothing and are not answered, however powerful.
func TestBotsDecideNothing(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("robot[bot]", "admin")
	pr := w.undecided()
	for _, text := range []string{"/go " + pr.Head(), "/no-go", "/recheck", "/goo", "/gonogo help"} {
		pr.Comment("robot[bot]", text)
	}
	pr.Review("robot[bot]", gate.Approved, "/go")
	w.stays(pr, "WAITING · go-missing")
	if r := w.replies(pr); len(r) > 0 {
		t.Errorf("bots are answered: %q", r)
	}
	pr.Comment("bob", "/gonogo help")
	w.quiet()
	before := len(pr.Comments())
	for _, c := range pr.Comments() {
		pr.Comment("robot[bot]", c.Body)
	}
	pr.Comment("dana", "> "+strings.ReplaceAll(w.replies(pr)[0], "\n", "\n> "))
	w.stays(pr, "WAITING · go-missing")
	if n := len(pr.Comments()); n != 2*before+1 {
		t.Errorf("%d comments, want %d: ours are answered", n, 2*before+1)
	}
	for _, c := range pr.Comments() {
		if c.Author == w.gh.BotLogin() && slices.ContainsFunc(strings.Split(c.Body, "\n"), func(l string) bool { return strings.HasPrefix(l, "/") }) {
			t.Errorf("a line of ours begins with a command:\n%s", c.Body)
		}
	}
}

// Case 26: the role is asked for at every evaluation; GitHub tells of changes in
// teams.
func TestTeamLeftAfterGo(t *testing.T) {
	w := newWorld(t)
	leads := w.acme.Team("leads", "dana")
	w.rules("roles: {release manager: {teams: [acme/leads]}}\n")
	pr := w.reviewed()
	w.shows(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	leads.Remove("dana")
	w.shows(pr, "WAITING · authority-lost")
	leads.Add("dana")
	w.shows(pr, "READY · medium")
}

// Case 28: the named owner is one of those who said /go.
func TestFinalDecisionOwnerSaysGo(t *testing.T) {
	for _, tt := range []struct{ name, owner, title string }{
		{"the person", "@dana", "READY · medium"},
		{"another person", "@sam", "WAITING · wrong-owner"},
		{"a member of the team", "@acme/leads", "READY · medium"},
		{"nobody of the team", "@acme/others", "WAITING · wrong-owner"},
		{"a holder of the role", "release manager", "READY · medium"},
		{"a role that nobody knows", "captain", "WAITING · owner-unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.acme.Team("leads", "dana", "sam")
			w.acme.Team("others", "sam")
			pr := w.opens("medium", "- Final decision owner: "+tt.owner)
			pr.Approve("lee")
			w.quiet()
			pr.Comment("dana", "/go "+pr.Head())
			w.stays(pr, tt.title)
		})
	}
}

// A commit of which no event told is no head that we know, and no word of a reason.
func TestGoNamesACommitOfWhichNoEventTold(t *testing.T) {
	w := newWorld(t)
	pr := w.undecided()
	w.gh.HoldWebhooks()
	pr.Push("kim", map[string]string{"cart/more.go": "package cart\n"})
	passed := pr.Head()
	pr.Push("kim", map[string]string{"cart/evil.go": "package cart\n"})
	w.gh.ReleaseWebhooks(func(d []sandbox.Delivery) []sandbox.Delivery { return d[len(d)-1:] })
	pr.Check("build", "success")
	pr.Approve("lee")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	pr.Comment("dana", "/go "+passed)
	w.stays(pr, "WAITING · go-missing")
	if said := w.replies(pr); len(said) != 1 || !strings.Contains(said[0], "is not the head") {
		t.Errorf("replies %q", said)
	}
	pr.Comment("dana", "/go deadbee says it is good") // a word that is no commit
	w.shows(pr, "READY · medium")
}

// Case 29: a GO is for the head that its author saw, in whatever order a push and
// a comment reach us.
func TestPushAndGoCross(t *testing.T) {
	reverse := func(d []sandbox.Delivery) []sandbox.Delivery { slices.Reverse(d); return d }
	for _, order := range []struct {
		name string
		how  func([]sandbox.Delivery) []sandbox.Delivery
	}{{"in order", nil}, {"in reverse", reverse}} {
		for _, pushFirst := range []bool{true, false} {
			for _, form := range []string{"", "old", "OLD", "new", "NEW", "short", "wrong"} {
				t.Run(fmt.Sprintf("%s, push first %v, sha %q", order.name, pushFirst, form), func(t *testing.T) {
					w := newWorld(t)
					pr := w.undecided()
					before := pr.Head()
					push := func() { pr.Push("kim", map[string]string{"cart/evil.go": "package cart\n"}) }
					w.gh.HoldWebhooks()
					if pushFirst {
						push()
					}
					sha := map[string]string{"old": before, "OLD": strings.ToUpper(before), "new": pr.Head(), "NEW": strings.ToUpper(pr.Head()), "short": pr.Head()[:6], "wrong": "deadbee"}[form]
					pr.Comment("dana", "/go "+sha)
					if !pushFirst {
						push()
					}
					w.clock.advance(2 * time.Second) // GitHub's clock has seconds: what is judged now is judged after the comment
					w.gh.ReleaseWebhooks(order.how)
					w.quiet()
					pr.Check("build", "success")
					pr.Approve("lee")
					w.quiet()
					meantTheNew := pushFirst && strings.EqualFold(form, "new")
					if v := pr.Verdict(checkName); (v.Conclusion == "success") != meantTheNew {
						t.Errorf("%s\n%s", v.Title, v.Summary)
					}
				})
			}
		}
	}
}
