package app

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// TestCallsOfAnEvaluation counts what one evaluation asks of GitHub. The bounds
// are those that hold today; they may only fall.
func TestCallsOfAnEvaluation(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	count := func() (all, costing int, by map[string]int) {
		by = map[string]int{}
		for _, r := range w.gh.Requests() {
			by[fmt.Sprintf("%s %s %d", r.Method, r.Route, r.Status)]++
			all++
			if !r.NotModified() {
				costing++
			}
		}
		return all, costing, by
	}
	w.gh.ForgetRequests()
	pr.Label("kim", "x") // worth a look, and nothing is new but the label
	w.quiet()
	all, costing, by := count()
	t.Logf("warm: %d calls, %d that cost: %v", all, costing, by)
	if all > 22 || costing > 4 {
		t.Errorf("warm: %d calls, %d that cost", all, costing)
	}

	cold := newWorld(t)
	cold.quiet()
	cold.gh.HoldWebhooks()
	cold.gh.ForgetRequests()
	pr = cold.opens("low")
	pr.Approve("lee")
	cold.gh.ReleaseWebhooks(nil)
	cold.shows(pr, "READY · low")
	cold.quiet()
	w = cold
	all, costing, by = count()
	looks := cold.gh.Count(func(r sandbox.Request) bool { return strings.HasSuffix(r.Route, "/pulls/{number}/reviews") })
	t.Logf("cold: %d calls, %d that cost, %d looks: %v", all, costing, looks, by)
	if costing > 20+12*looks { // branches and tags apart; how many looks the two events lead to depends on how they come in
		t.Errorf("cold: %d calls that cost", costing)
	}
}

// TestBurstIsOneLook: a hundred events on one pull request while it is looked at
// are one more look.
func TestBurstIsOneLook(t *testing.T) {
	w := newWorld(t)
	pr := w.ready()
	w.quiet()
	w.gh.ForgetRequests()
	w.gh.HoldWebhooks()
	for i := range 100 {
		pr.Label("kim", fmt.Sprintf("l%d", i))
	}
	w.gh.ReleaseWebhooks(nil)
	w.quiet()
	looks := w.gh.Count(func(r sandbox.Request) bool { return strings.HasSuffix(r.Route, "/pulls/{number}/reviews") })
	t.Logf("%d looks for 100 events", looks)
	if looks > 100/4 {
		t.Errorf("%d looks for 100 events", looks)
	}
}

// BenchmarkWebhookToCheck measures from an act on GitHub to the check run that
// shows it: webhook, store, dispatch, evaluation, publication.
func BenchmarkWebhookToCheck(b *testing.B) {
	for _, latency := range []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond} {
		b.Run(latency.String(), func(b *testing.B) {
			w := benchWorld(b)
			pr := w.opens("low")
			w.shows(pr, "WAITING · approvals-missing")
			w.quiet()
			w.gh.Latency(latency)
			var refusals, passes []time.Duration
			for b.Loop() {
				refusals = append(refusals, w.took(func() { pr.Status("lee", "deploy", "failure") }, pr, "NOT READY · ci-failed"))
				pr.Status("lee", "deploy", "success")
				w.shows(pr, "WAITING")
				w.quiet()
				start := time.Now()
				review := pr.Approve("lee")
				w.shows(pr, "READY")
				passes = append(passes, time.Since(start))
				w.quiet()
				review.Dismiss("sam", "again")
				w.shows(pr, "WAITING")
				w.quiet()
			}
			b.ReportMetric(float64(median(refusals).Microseconds())/1000, "ms/refusal")
			b.ReportMetric(float64(median(passes).Microseconds())/1000, "ms/READY")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func (w *world) took(act func(), pr *sandbox.PullRequest, title string) time.Duration {
	start := time.Now()
	act()
	w.shows(pr, title)
	return time.Since(start)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
