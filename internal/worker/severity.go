package worker

import (
	"context"

	"gonogo/internal/gate"
)

// readLabellers reads who made the open severe issues severe, and what these
// people may do.
func (w *Worker) readLabellers(ctx context.Context, v *view, record gate.Record) error {
	issues := v.policy.LabelledIssues(v.pr, record, v.snap)
	if len(issues) == 0 {
		return nil
	}
	r := &round{w: w}
	for _, i := range issues {
		into(ctx, r, func(ctx context.Context) (gate.Labelling, error) { return v.repo.Labeller(ctx, i.Number, i.Label) },
			func(got gate.Reading[gate.Labelling]) {
				keep(v.snap, v.snap.labellers, labelOf(i.Number, i.Label), got)
			})
	}
	if err := r.wait(); err != nil {
		return err
	}
	var people []string
	for _, i := range issues {
		if by := v.snap.Labeller(i.Number, i.Label); by.Known && !by.Value.By.Bot {
			people = append(people, by.Value.By.Login)
		}
	}
	w.readPeople(ctx, r, v.repo, v.snap, people)
	return r.wait()
}
