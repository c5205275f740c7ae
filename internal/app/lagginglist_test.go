package app

import (
	"net/http"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// GitHub's list of check runs lags: it still shows our first run alone when the
// second is ours too. A run that is known to be newer is the one that counts, and
// nothing is written on the one below it.
func TestListOfRunsLagsBehindOurOwn(t *testing.T) {
	w := newWorld(t)
	pr := w.repo.Open("kim", sandbox.Change{Title: "Totals", Branch: "faster", Body: body("low"), Files: map[string]string{"cart/a.go": "package cart\n"}})
	build := func(state string) { w.repo.Status("lee", pr.Head(), "build", state) }
	build("success")
	pr.Approve("lee")
	w.shows(pr, "READY · low")
	w.quiet()
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: runsRoute, Stale: true})
	w.clock.advance(time.Second)
	build("pending")
	w.shows(pr, "WAITING · ci-running")
	w.quiet()
	w.clock.advance(time.Second)
	build("success")
	if v := w.stays(pr, "READY · low"); v.Conclusion != "success" {
		t.Errorf("%s %s", v.Status, v.Conclusion)
	}
	w.clock.advance(time.Second)
	pr.Comment("dana", "/no-go")
	w.stays(pr, "NOT READY · ")
	w.gh.Mend()
	if n := len(w.ours(pr)); n != 2 {
		t.Errorf("%d runs", n)
	}
}
