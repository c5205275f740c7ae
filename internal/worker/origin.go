package worker

import (
	"context"
	"time"

	"gonogo/internal/gate"
)

// readOrigins reads what only some pull requests are judged by: of which
// workflow runs the checks are, where the policy pins any, and when the last
// release was published, where an alert is open.
func (w *Worker) readOrigins(ctx context.Context, r *round, v *view) {
	s := v.snap
	if v.policy.PinsRuns() {
		into(ctx, r, func(ctx context.Context) ([]gate.WorkflowRun, error) { return v.repo.WorkflowRuns(ctx, v.pr.HeadSHA) },
			func(got gate.Reading[[]gate.WorkflowRun]) { s.runs = got })
	}
	if len(s.alerts.Value) > 0 {
		into(ctx, r, v.repo.LastPublished, func(got gate.Reading[time.Time]) { s.released = got })
	}
}
