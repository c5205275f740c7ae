package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// unheardOf does something of which no event comes, and has the pull request
// looked at afterwards.
func (w *world) unheardOf(pr *sandbox.PullRequest, act func()) {
	w.t.Helper()
	w.quiet()
	w.gh.LoseWebhooks(true)
	act()
	w.gh.LoseWebhooks(false)
	w.clock.advance(2 * time.Minute)
	pr.Label("kim", "look-again")
	pr.Unlabel("kim", "look-again")
	w.quiet()
}

// page is what the server answers.
func (w *world) page(path string) string {
	w.t.Helper()
	answer, err := http.Get(w.app.URL() + path)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// Case 15: GitHub's API does not show that a review was edited; its text does.
func TestEditedReview(t *testing.T) {
	for name, edit := range map[string]func(*world, *sandbox.PullRequest, *sandbox.Review){
		"by its author": func(_ *world, pr *sandbox.PullRequest, v *sandbox.Review) { v.Edit("dana", "/go "+pr.Head()+" now") },
		"by an admin":   func(_ *world, _ *sandbox.PullRequest, v *sandbox.Review) { v.Edit("sam", "never mind") },
		"and edited back": func(_ *world, pr *sandbox.PullRequest, v *sandbox.Review) {
			v.Edit("sam", "never mind")
			v.Edit("sam", "/go "+pr.Head())
		},
		"by its author, and the event is lost": func(w *world, pr *sandbox.PullRequest, v *sandbox.Review) {
			w.unheardOf(pr, func() { v.Edit("dana", "/go "+pr.Head()+" now") })
		},
		"by an admin, and the event is lost": func(w *world, pr *sandbox.PullRequest, v *sandbox.Review) {
			w.unheardOf(pr, func() { v.Edit("sam", "never mind") })
		},
		"emptied while the server was down": func(w *world, _ *sandbox.PullRequest, v *sandbox.Review) {
			w.down()
			v.Edit("sam", "")
			w.up()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.undecided()
			v := pr.Review("dana", gate.Commented, "/go "+pr.Head())
			w.shows(pr, "READY · medium")
			w.quiet()
			w.clock.advance(2 * time.Second)
			edit(w, pr, v)
			w.shows(pr, "WAITING · edited-command")
			w.quiet()
			pr.Comment("dana", "/go "+pr.Head())
			w.shows(pr, "READY · medium")
		})
	}
}

// A sign-off given by a review ends with its text.
func TestEditedReviewOfASignoff(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {QA: {users: [sam]}}\nsignoffs: {qa: {role: QA}}\n")
	pr := w.reviewed()
	w.quiet()
	v := pr.Review("sam", gate.Commented, "/signoff qa")
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.unheardOf(pr, func() { v.Edit("lee", "/signoff qa, but not the checkout") })
	w.stays(pr, "WAITING · signoff-lapsed")
}

// Case 15: what somebody else writes into a review is not the word of its author,
// whether or not an event told of it, and at once or later.
func TestReviewEditedIntoACommand(t *testing.T) {
	for name, put := range map[string]func(*world, *sandbox.PullRequest, string){
		"in everybody's sight": func(w *world, pr *sandbox.PullRequest, text string) {
			v := pr.Review("dana", gate.Commented, "Looks fine.")
			w.quiet()
			v.Edit("lee", text)
			w.quiet()
			w.clock.advance(2 * time.Minute)
			pr.Label("kim", "look-again")
		},
		"and the event is lost": func(w *world, pr *sandbox.PullRequest, text string) {
			v := pr.Review("dana", gate.Commented, "Looks fine.")
			w.unheardOf(pr, func() { v.Edit("lee", text) })
		},
		"while the server was down": func(w *world, pr *sandbox.PullRequest, text string) {
			v := pr.Review("dana", gate.Commented, "Looks fine.")
			w.down()
			v.Edit("lee", text)
			w.clock.advance(2 * time.Minute)
			w.up()
		},
		"and no event told of the review either": func(w *world, pr *sandbox.PullRequest, text string) {
			w.unheardOf(pr, func() { pr.Review("dana", gate.Commented, "Looks fine.").Edit("lee", text) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.undecided()
			put(w, pr, "/go "+pr.Head())
			w.stays(pr, "WAITING · go-missing")
			w.never(pr)
		})
	}
}

// A command in a review that nobody told of is asked for again; a veto is not.
func TestReviewThatNoEventToldOf(t *testing.T) {
	w := newWorld(t)
	pr := w.undecided()
	w.unheardOf(pr, func() { pr.Review("dana", gate.Commented, "/go "+pr.Head()) })
	w.stays(pr, "WAITING · go-missing")
	if replies := w.replies(pr); len(replies) != 1 || !strings.Contains(replies[0], "say it in a comment") {
		t.Errorf("replies %q", replies)
	}
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.unheardOf(pr, func() { pr.Review("sam", gate.Commented, "/no-go leaks money") })
	w.stays(pr, "NOT READY · nogo-stands")
}

// While reviews cannot be read, a GO by one of them is not known to stand.
func TestGoOfAReviewThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	w.rules("requirements: {review/approvals: {blocks: \"off\", advises: \"off\"}}\n")
	pr := w.opens("medium")
	w.shows(pr, "WAITING · go-missing")
	w.quiet()
	pr.Review("dana", gate.Commented, "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/pulls/{number}/reviews", Status: http.StatusBadGateway})
	pr.Label("kim", "x")
	w.shows(pr, "WAITING · github-down")
	w.never(pr)
}

// A sign-off that waits for something that cannot be read was said.
func TestSignoffThatWaits(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {QA: {permission: admin}}\nsignoffs: {qa: {role: QA}}\n")
	pr := w.reviewed()
	w.quiet()
	pr.Comment("dana", "/go "+pr.Head())
	w.stays(pr, "WAITING · signoff-missing")
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/collaborators/sam/permission", Status: http.StatusBadGateway})
	pr.Comment("sam", "/signoff qa")
	v := w.stays(pr, "WAITING · github-down")
	if strings.Contains(v.Summary+v.Text, "nobody has given the sign-off") || !strings.Contains(v.Summary, "/signoff `qa` of `@sam` waits") {
		t.Errorf("it was said:\n%s", v.Summary)
	}
	w.never(pr)
	w.gh.Mend()
	w.later(time.Minute)
	w.shows(pr, "READY · medium")
}

// Case 16: hiding a comment changes nothing that GitHub's API shows: a NO-GO and
// a GO both stand.
func TestHiddenComments(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.goComment.Minimise("kim", "outdated")
	pr.Label("kim", "x")
	w.stays(pr, "READY · medium")
	w.clock.advance(2 * time.Second)
	c := pr.Comment("sam", "/no-go leaks money")
	w.shows(pr, "NOT READY · nogo-stands")
	w.quiet()
	c.Minimise("kim", "off-topic")
	pr.Unlabel("kim", "x")
	w.stays(pr, "NOT READY · nogo-stands")
}

// Case 16: in a locked conversation commands count as ever, what was said stands,
// and that we may not answer there changes no verdict.
func TestLockedConversation(t *testing.T) {
	w := newWorld(t)
	pr := w.undecided()
	pr.Comment("sam", "/no-go leaks money")
	w.shows(pr, "NOT READY · nogo-stands")
	w.quiet()
	pr.Lock("kim")
	before := len(pr.Comments())
	w.stays(pr, "NOT READY · nogo-stands")
	w.clock.advance(2 * time.Second)
	pr.Comment("lee", "/go "+pr.Head()) // may not decide, and cannot be told
	w.stays(pr, "NOT READY · nogo-stands")
	w.clock.advance(2 * time.Second)
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.clock.advance(2 * time.Second)
	pr.Comment("sam", "/no-go still leaks money")
	w.shows(pr, "NOT READY · nogo-stands")
	w.quiet()
	if n := len(pr.Comments()); n != before+3 {
		t.Errorf("%d comments, want %d", n, before+3)
	}
	d, err := w.app.queue.Depth(w.ctx)
	if err != nil || d.Waiting+d.Dead > 0 {
		t.Errorf("an answer that cannot be written keeps the pull request busy: %+v %v", d, err)
	}
	pr.Unlock("kim")
	w.stays(pr, "NOT READY · nogo-stands")
}

// Case 23: an account of a person that is a robot answers every answer of ours.
// After six comments we say nothing for an hour; verdicts go on.
func TestEcho(t *testing.T) {
	w := newWorld(t)
	pr := w.undecided()
	ours := func() (n int) {
		for _, c := range pr.Comments() {
			if c.Author == w.gh.BotLogin() {
				n++
			}
		}
		return n
	}
	w.gh.Echo("lee", func(body string) string { return "/gonogo help\n\n> " + strings.ReplaceAll(body, "\n", "\n> ") })
	pr.Comment("lee", "/gonogo help")
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := w.gh.Await(ctx, func() bool { return ours() >= 6 }); err != nil {
		t.Fatal(err)
	}
	w.quiet()
	if n := ours(); n != 6 {
		t.Errorf("%d comments of ours, want 6", n)
	}
	if text := w.page("/metrics"); !strings.Contains(text, "\ngonogo_silences_total 1\n") {
		t.Error("no alarm is raised, or more than one")
	}
	w.down() // silence outlives a restart
	w.up()
	w.gh.Echo("lee", func(string) string { return "I am quiet now." })
	heard := pr.Comment("bob", "/go "+pr.Head())
	w.quiet()
	if n := ours(); n != 6 {
		t.Errorf("%d comments of ours after a restart, want 6", n)
	}
	for _, c := range pr.Comments() {
		if c.ID == heard.ID() && len(c.Reactions) > 0 {
			t.Errorf("reactions %q", c.Reactions)
		}
	}
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("sam", "/no-go leaks money")
	w.shows(pr, "NOT READY · nogo-stands")
	w.later(time.Hour)
	pr.Comment("bob", "/gonogo help")
	w.quiet()
	if n := ours(); n != 7 {
		t.Errorf("%d comments of ours after the silence, want 7", n)
	}
}

// One text that asks for many replies counts for as many.
func TestManyRepliesToFewTexts(t *testing.T) {
	w := newWorld(t)
	w.rules("roles: {QA: {users: [sam]}}\nsignoffs: {qa: {role: QA}}\n")
	pr := w.reviewed()
	w.quiet()
	for range 4 {
		pr.Comment("lee", "/signoff a\n\n/signoff b\n\n/signoff c")
		w.quiet()
		w.clock.advance(time.Second)
	}
	if n := len(w.replies(pr)); n > 6 {
		t.Errorf("%d replies, want no more than 6", n)
	}
}

// Case 17: who pushed while no event reached us is found in GitHub's log.
func TestWhoPushedUnseenDoesNotDecide(t *testing.T) {
	byDana := sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // by dana\n"}, Message: "by kim", Author: "kim", Committer: "kim"}
	for name, push := range map[string]func(*world, *sandbox.PullRequest){
		"while the server was down": func(w *world, pr *sandbox.PullRequest) {
			w.down()
			pr.PushCommits("dana", byDana)
			w.clock.advance(time.Minute)
			w.up()
		},
		"before a push whose event came": func(w *world, pr *sandbox.PullRequest) {
			w.gh.LoseWebhooks(true)
			pr.PushCommits("dana", byDana)
			w.gh.LoseWebhooks(false)
			pr.Push("kim", map[string]string{"cart/more.go": "package cart\n"})
		},
		"and it was forced away": func(w *world, pr *sandbox.PullRequest) {
			w.gh.LoseWebhooks(true)
			pr.PushCommits("dana", byDana)
			w.gh.LoseWebhooks(false)
			pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart // by dana\n"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.opens("medium")
			w.quiet()
			w.clock.advance(time.Minute)
			push(w, pr)
			pr.Check("build", "success")
			pr.Approve("lee")
			w.danaWroteSome(pr)
		})
	}
}

// Where neither an event nor the log tells who pushed the head, it is said; at
// high it blocks. A fault is waited for.
func TestWhoPushedCannotBeTold(t *testing.T) {
	for name, row := range map[string]struct {
		class  string
		status int
		told   bool
		want   string
	}{
		"no log, at medium":                     {"medium", http.StatusNotFound, false, "WAITING · go-missing"},
		"no log, at high":                       {"high", http.StatusNotFound, false, "WAITING · pusher-unknown"},
		"no log, at high, and the event came":   {"high", http.StatusNotFound, true, "WAITING · panel-short"},
		"the log fails, at high":                {"high", http.StatusBadGateway, false, "WAITING · panel-short"},
		"it fails, at high, and the event came": {"high", http.StatusBadGateway, true, "WAITING · panel-short"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/activity", Status: row.status})
			pr := w.opens(row.class)
			w.quiet()
			w.gh.LoseWebhooks(!row.told)
			pr.Push("lee", map[string]string{"cart/more.go": "package cart\n"})
			w.gh.LoseWebhooks(false)
			pr.Check("build", "success")
			pr.Approve("sam")
			pr.Approve("dana")
			v := w.shows(pr, row.want)
			w.quiet()
			v = w.stays(pr, row.want)
			if said := strings.Contains(v.Summary, "who pushed"); said == row.told {
				t.Errorf("who pushed: told %v, said %v\n%s", row.told, said, v.Summary)
			}
			if row.status == http.StatusBadGateway && !row.told {
				w.gh.Mend()
				w.later(time.Minute)
				if v = w.stays(pr, row.want); strings.Contains(v.Summary, "who pushed") {
					t.Errorf("the fault lasts:\n%s", v.Summary)
				}
			}
		})
	}
}
