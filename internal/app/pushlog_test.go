package app

import (
	"net/http"
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// Case 30, where GitHub has no log of pushes: an approval that it moved to a head
// that nobody approved.
func TestApprovalMovedWithoutALogOfPushes(t *testing.T) {
	w := newWorld(t)
	w.gh.RepointReviews(sandbox.RepointAlways)
	w.gh.Fail(sandbox.Fault{Method: http.MethodGet, Route: "/repos/{owner}/{repo}/activity", Status: 404})
	w.down()
	pr := w.opens("low")
	w.clock.advance(time.Minute)
	pr.Approve("lee")
	w.clock.advance(time.Minute)
	pr.Push("kim", map[string]string{"cart/total.go": "package cart // never reviewed\n"})
	pr.Check("build", "success")
	w.clock.advance(time.Minute)
	w.up()
	w.shows(pr, "WAITING")
	w.never(pr)
}
