package worker

import (
	"context"
	"slices"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
	"gonogo/internal/index"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
)

// inScope reports whether the pull request is judged. A base branch that is
// neither the default branch nor named by the policy is judged if its rules
// require the check. Where policy or rules could not be read, or the policy is
// not valid, what was judged before is judged still: an old READY must not stay
// behind; and a fault is waited for.
func (w *Worker) inScope(ctx context.Context, v *view) (bool, error) {
	rules := v.snap.required
	if v.policy.InScope(v.pr.BaseRef, v.pr.Repo.DefaultBranch, rules.Value) || v.policy.Locked(v.pr.BaseRef, rules.Value) != nil {
		return true, nil
	}
	log := w.log(ctx).WithField("base", v.pr.BaseRef)
	unruled, lawless := !rules.Known, v.blocked()
	if unruled || lawless {
		if judged, err := w.judgedInto(ctx, v.pr); err != nil || judged {
			return judged, err
		}
	}
	passing := func(f gate.Finding) bool { return f.Status == gate.Unknown }
	switch {
	case unruled && rules.Why.Cause == gate.CauseFault || lawless && slices.ContainsFunc(v.faults, passing):
		log.Warn("whether this branch is judged could not be read: looking again soon")
		return false, queue.Later(policy.RetryEvidence)
	case lawless:
		log.Warn("the policy is not valid or may not be read, and nothing into this branch was ever judged: it is not judged")
	case unruled:
		log.Warn("whether the rules of this branch require the check may not be read: it is not judged")
	default:
		log.Debug("base branch out of scope: no check run")
	}
	return false, nil
}

// judgedInto reports whether the base branch of pr is known to be judged: by the
// policy that was last in force or valid there, or because this pull request or
// another open one into it was.
func (w *Worker) judgedInto(ctx context.Context, pr gate.PullRequest) (bool, error) {
	if w.policyGuess(pr.Repo.ID).InScope(pr.BaseRef, pr.Repo.DefaultBranch, nil) {
		return true, nil
	}
	valid, seen, err := w.Index.LastValid(ctx, nil, index.PlaceOf(pr.Repo.ID, pr.BaseRef))
	if err != nil {
		return false, err
	}
	if seen && valid.SHA != "" {
		was, err := policy.Combine(nil, &policy.File{Name: policy.Path, SHA: valid.SHA, Data: valid.Content})
		if err == nil && was.Policy.InScope(pr.BaseRef, pr.Repo.DefaultBranch, nil) {
			return true, nil
		}
	}
	pulls, err := w.Index.OpenPulls(ctx, nil, pr.Repo.ID)
	if err != nil {
		return false, err
	}
	for _, p := range pulls {
		if p.BaseRef != pr.BaseRef {
			continue
		}
		last, found, err := w.Ledger.Latest(ctx, p.RepoID, p.Number)
		if err != nil || found && last.PR.BaseRef == pr.BaseRef {
			return found, err
		}
	}
	return false, nil
}

// outOfScope is the evaluation of a pull request that the policy excludes and
// whose branch requires the check all the same.
func (w *Worker) outOfScope(v *view, locked gate.Finding) gate.Evaluation {
	record := gate.Record{}
	if !v.pr.Author.Bot {
		record = decision.Parse(v.pr.Body)
	}
	ev := policy.OutOfScope(policy.Input{PR: v.pr, Record: record, Policy: v.policy, Now: w.now()}, locked)
	ev.Number, ev.PolicyFiles = v.number, v.files
	return ev
}
