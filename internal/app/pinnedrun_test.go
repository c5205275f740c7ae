package app

import (
	"testing"
	"time"

	"gonogo/internal/sandbox"
)

// A check that the Actions token made by hand is of no workflow run, and never
// will be: it is waited for while the list of runs may lag, and is none after.
func TestCheckOfNoWorkflowRunIsNotWaitedForForEver(t *testing.T) {
	w := newWorld(t)
	w.policy("checks: {runs: {build: {workflow: .github/workflows/ci.yml}}}\n")
	pr := w.repo.Open("kim", sandbox.Change{Title: "Totals", Branch: "faster", Body: body("low"), Files: map[string]string{"cart/a.go": "package cart\n"}})
	pr.Approve("lee")
	w.repo.Check(pr.Head(), sandbox.Check{Name: "build", Conclusion: "success"})
	w.quiet()
	w.later(time.Minute)
	if v := pr.Verdict(checkName); v.Conclusion == "success" {
		t.Errorf("%s", v.Title)
	}
	w.later(30 * time.Minute)
	says(t, w.stays(pr, "WAITING · ci-elsewhere").Summary, "reported from no workflow run")
	w.repo.Check(pr.Head(), sandbox.Check{Name: "build", Conclusion: "success", Of: sandbox.Workflow{Path: ".github/workflows/ci.yml", Event: "push"}})
	w.shows(pr, "READY · low")
}
