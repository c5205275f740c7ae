package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/policy"
	"gonogo/internal/sandbox"
)

// A button is pressed on what its check run shows. Its event may come late, and
// what it was pressed on may have been changed and shown anew by then.
func TestButtonDecidesOnWhatItShowed(t *testing.T) {
	long := "- Rollback trigger: checkout error rate > 2 % for 5 min" + strings.Repeat(", or any other alert of the payment team", 6) + ", but not within "
	for name, tt := range map[string]struct {
		change func(*world, *sandbox.PullRequest)
		title  string
	}{
		"nothing changed": {func(*world, *sandbox.PullRequest) {}, "READY · medium"},
		"the record": {func(_ *world, pr *sandbox.PullRequest) {
			pr.Edit("kim", body("medium", "- Rollback trigger: error rate > 50 % for 3 days"))
		}, "WAITING · go-missing"},
		"the record, where it is not shown": {func(_ *world, pr *sandbox.PullRequest) {
			pr.Edit("kim", body("medium", long+"the weekend"))
		}, "WAITING · go-missing"},
		"the rules": {func(w *world, _ *sandbox.PullRequest) {
			w.repo.Commit("sam", "main", map[string]string{policy.Path: "rehearsal: {max_age_days: 7}\n"})
		}, "WAITING · go-missing"},
		"the base": {func(w *world, pr *sandbox.PullRequest) {
			w.repo.Branch("sam", "release/1", w.repo.Tip("main"))
			w.repo.Require("release/1", sandbox.Required{Name: checkName, App: w.gh.AppID()})
			pr.Retarget("kim", "release/1")
		}, "WAITING · go-missing"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pr := w.undecided(long + "a day")
			w.gh.HoldWebhooks()
			if err := w.repo.Run(pr.Head(), checkName).Press("dana", "go"); err != nil {
				t.Fatal(err)
			}
			w.clock.advance(2 * time.Second)
			var press []sandbox.Delivery
			w.gh.ReleaseWebhooks(func(d []sandbox.Delivery) []sandbox.Delivery {
				press = slices.Clone(d)
				return nil
			})
			tt.change(w, pr)
			w.quiet()
			w.clock.advance(2 * time.Second)
			w.gh.HoldWebhooks()
			w.gh.ReleaseWebhooks(func(d []sandbox.Delivery) []sandbox.Delivery { return append(d, press...) })
			w.stays(pr, tt.title)
			if err := w.repo.Run(pr.Head(), checkName).Press("dana", "go"); err != nil {
				t.Fatal(err)
			}
			w.shows(pr, "READY · medium")
		})
	}
}

// What is written into a review while its command waits to be heard ends the
// command, also when somebody puts the text back: GitHub's API shows no edit.
func TestReviewEditedAndPutBackBeforeItIsHeard(t *testing.T) {
	w := newWorld(t)
	pr := w.undecided()
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/collaborators/dana/permission", Status: http.StatusBadGateway})
	v := pr.Review("dana", gate.Commented, "/go "+pr.Head())
	w.stays(pr, "WAITING · github-down")
	v.Edit("dana", "not yet")
	w.quiet()
	v.Edit("lee", "/go "+pr.Head())
	w.quiet()
	w.gh.Mend()
	w.later(time.Minute)
	w.stays(pr, "WAITING · go-missing")
	pr.Comment("dana", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}

// Nobody tells who pushed to a fork when its event is lost.
func TestWhoPushedToAForkUnseen(t *testing.T) {
	for class, want := range map[string]string{"medium": "WAITING · go-missing", "high": "WAITING · pusher-unknown"} {
		t.Run(class, func(t *testing.T) {
			w := newWorld(t)
			pr := w.repo.Open("kim", sandbox.Change{Title: "Faster totals", Branch: "faster", Fork: true, Body: body(class), Files: map[string]string{"cart/total.go": "package cart\n"}})
			w.quiet()
			w.clock.advance(time.Minute)
			w.unheardOf(pr, func() {
				pr.PushCommits("dana", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // by dana\n"}, Message: "by kim", Author: "kim", Committer: "kim"})
			})
			pr.Check("build", "success")
			pr.Approve("lee")
			pr.Approve("sam")
			v := w.shows(pr, want)
			w.quiet()
			if v = w.stays(pr, want); !strings.Contains(v.Summary, "who pushed") {
				t.Errorf("it is not said that it is unknown who pushed:\n%s", v.Summary)
			}
			pr.Push("kim", map[string]string{"cart/more.go": "package cart\n"})
			w.quiet()
			pr.Check("build", "success")
			if v = w.stays(pr, "WAITING"); strings.Contains(v.Summary, "who pushed") {
				t.Errorf("it is still unknown:\n%s", v.Summary)
			}
		})
	}
}

// A GO does not lift another's NO-GO while it cannot be read whether its author
// pushed some of it.
func TestLiftWhileItIsUnreadWhoPushed(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("max", "maintain")
	pr := w.opens("medium", "- Final decision owner: @max")
	w.quiet()
	w.clock.advance(time.Minute)
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/activity", Status: http.StatusBadGateway})
	w.unheardOf(pr, func() {
		pr.PushCommits("dana", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // by dana\n"}, Message: "by kim", Author: "kim", Committer: "kim"})
	})
	pr.Check("build", "success")
	pr.Approve("lee")
	w.quiet()
	pr.Comment("max", "/go "+pr.Head())
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("sam", "/no-go leaks money")
	w.quiet()
	w.clock.advance(2 * time.Second)
	pr.Comment("dana", "/go "+pr.Head())
	w.quiet()
	w.never(pr)
	w.gh.Mend()
	w.later(time.Minute)
	w.stays(pr, "NOT READY · nogo-stands")
	w.clock.advance(2 * time.Second)
	pr.Comment("sam", "/go "+pr.Head())
	w.shows(pr, "READY · medium")
}
