package hub_test

import (
	"testing"

	"gonogo/internal/gate"
	"gonogo/internal/sandbox"
)

// The runs of one commit, and the suites by which checks are of them.
func TestWorkflowRuns(t *testing.T) {
	w := newWorld(t)
	sha := w.shop.Tip("main")
	for _, of := range []sandbox.Workflow{{Path: ".github/workflows/ci.yml", Event: "push"}, {Path: ".github/workflows/noop.yml@main", Event: "pull_request"}} {
		w.shop.Check(sha, sandbox.Check{Name: "build", Conclusion: "success", Of: of})
	}
	runs := must[[]gate.WorkflowRun](t)(w.repo.WorkflowRuns(t.Context(), sha))
	checks := must[[]gate.Check](t)(w.repo.Checks(t.Context(), sha))
	if len(runs) != 2 || len(checks) != 2 {
		t.Fatalf("%+v %+v", runs, checks)
	}
	of := map[int64]string{}
	for _, r := range runs {
		of[r.Suite] = r.Path + " " + r.Event
	}
	if of[checks[0].Suite] != ".github/workflows/ci.yml push" || of[checks[1].Suite] != ".github/workflows/noop.yml pull_request" {
		t.Errorf("%v %+v", of, checks)
	}
	if other := must[[]gate.WorkflowRun](t)(w.repo.WorkflowRuns(t.Context(), "0123456789012345678901234567890123456789")); len(other) != 0 {
		t.Errorf("%+v", other)
	}
}
