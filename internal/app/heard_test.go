package app

import (
	"slices"
	"strings"
	"testing"
	"time"

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
