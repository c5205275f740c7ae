package app

import (
	"testing"
	"time"
)

// Ruling 4: a label counts when somebody with triage access set it, also when
// they have lost that access since. Only what comes with an issue's opening can
// be by anybody.
func TestSevereLabelOutlivesTheAccessOfWhoSetIt(t *testing.T) {
	w := newWorld(t)
	w.repo.Grant("tess", "triage")
	pr := w.ready()
	issue := w.repo.OpenIssue("tess", "Checkout is down", "")
	w.quiet()
	w.clock.advance(time.Hour)
	issue.Label("tess", "SEV1")
	w.shows(pr, "NOT READY · severe-issue")
	w.quiet()
	w.repo.Grant("tess", "read")
	w.quiet()
	pr.Label("kim", "x")
	w.stays(pr, "NOT READY · severe-issue")
	issue.Unlabel("dana", "SEV1")
	w.shows(pr, "READY · medium")
}
