package app

import (
	"net/http"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// repointings are all that GitHub has been seen to do to the commit of a review.
var repointings = map[string]sandbox.Repointing{
	"frozen": sandbox.Frozen, "if identical": sandbox.RepointIfIdentical, "always": sandbox.RepointAlways,
}

// Case 30: approvals of which no event came. What is pushed afterwards carries a
// date of long ago.
func TestApprovalThatNoEventToldOf(t *testing.T) {
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	unread := func(pr *sandbox.PullRequest, w *world) {
		w.clock.advance(time.Minute)
		pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // never reviewed\n"}, At: old})
	}
	for name, row := range map[string]struct {
		fork  bool
		known bool // the pull request was seen before the server went down
		after func(*sandbox.PullRequest, *world)
		want  string
	}{
		"approved, and nothing since":               {after: func(*sandbox.PullRequest, *world) {}, want: "READY · low"},
		"approved, and a push since":                {after: unread, want: "WAITING · review-not-on-head"},
		"approved, and a push since, seen before":   {known: true, after: unread, want: "WAITING · review-not-on-head"},
		"approved, and nothing since, seen before":  {known: true, after: func(*sandbox.PullRequest, *world) {}, want: "READY · low"},
		"in a fork, and nothing since":              {fork: true, after: func(*sandbox.PullRequest, *world) {}, want: "WAITING · review-not-on-head"},
		"in a fork, and nothing since, seen before": {fork: true, known: true, after: func(*sandbox.PullRequest, *world) {}, want: "READY · low"},
		"in a fork, and a push since":               {fork: true, after: unread, want: "WAITING · review-not-on-head"},
		"approved, and a force-push since": {after: func(pr *sandbox.PullRequest, w *world) {
			w.clock.advance(time.Minute)
			pr.ForcePush("kim", map[string]string{"cart/total.go": "package cart // never reviewed\n"})
		}, want: "WAITING · review-not-on-head"},
		"approved, and the base merged in by a push of the same second": {after: func(pr *sandbox.PullRequest, w *world) {
			pr.PushCommits("kim", sandbox.Commit{Files: map[string]string{"cart/total.go": "package cart // never reviewed\n"}, At: old})
		}, want: "WAITING · review-not-on-head"},
	} {
		for mode, how := range repointings {
			t.Run(name+", "+mode, func(t *testing.T) {
				w := newWorld(t)
				w.gh.RepointReviews(how)
				change := sandbox.Change{Title: "Faster totals", Branch: "faster", Body: body("low"), Fork: row.fork, Files: map[string]string{"cart/total.go": "package cart\n"}}
				var pr *sandbox.PullRequest
				open := func() { pr = w.repo.Open("kim", change) }
				if row.known {
					open()
					w.shows(pr, "WAITING")
				}
				w.down()
				if !row.known {
					open()
				}
				w.clock.advance(time.Minute)
				pr.Approve("lee")
				row.after(pr, w)
				pr.Check("build", "success")
				w.clock.advance(time.Minute)
				w.up()
				w.shows(pr, row.want)
			})
		}
	}
}

// Where GitHub knows no log of pushes, an approval without an event counts for
// the only head that was ever known, and for no other.
func TestApprovalWithoutALogOfPushes(t *testing.T) {
	for _, pushed := range []bool{false, true} {
		w := newWorld(t)
		w.gh.RepointReviews(sandbox.RepointAlways)
		w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/acme/shop/activity", Status: http.StatusNotFound})
		pr := w.opens("low")
		w.shows(pr, "WAITING")
		w.quiet()
		w.gh.LoseWebhooks(true)
		w.clock.advance(time.Minute)
		pr.Approve("lee")
		if pushed {
			w.clock.advance(time.Minute)
			pr.Push("kim", map[string]string{"cart/total.go": "package cart // never reviewed\n"})
		}
		w.clock.advance(time.Minute)
		w.gh.LoseWebhooks(false)
		pr.Check("build", "success")
		want := map[bool]string{false: "READY · low", true: "WAITING · review-not-on-head"}[pushed]
		w.shows(pr, want)
	}
}
