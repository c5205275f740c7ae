package worker

import (
	"context"
	"slices"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
)

// sameTreeHeads is on how many former heads people's words are looked at.
const sameTreeHeads = 10

// readSameTree finds, where the policy carries over from such, the former heads
// that people approved or said /go on and that hold what the present one holds:
// every file the same, the same commit of the base below, and nobody left out of
// those who wrote it. The base is compared by its branch, not by what the pull
// request says of it, which lags behind. The error is a limit that GitHub set.
func (w *Worker) readSameTree(ctx context.Context, v *view) error {
	if !v.policy.CarrySameTree || !v.snap.commits.Known {
		return nil
	}
	r := &round{w: w}
	former := spokenOn(v)
	then := make([]gate.Reading[hub.Comparison], len(former))
	for i, sha := range former {
		into(ctx, r, func(ctx context.Context) (hub.Comparison, error) { return v.repo.Compare(ctx, v.pr.BaseRef, sha) },
			func(c gate.Reading[hub.Comparison]) { then[i] = c })
	}
	var now gate.Reading[hub.Divergence]
	if len(former) > 0 {
		into(ctx, r, func(ctx context.Context) (hub.Divergence, error) {
			return v.repo.Diverge(ctx, v.pr.BaseRef, v.pr.HeadSHA)
		}, func(d gate.Reading[hub.Divergence]) { now = d })
	}
	if err := r.wait(); err != nil {
		return err
	}
	for i, sha := range former {
		same, why := sameTree(v, sha, then[i], now)
		switch {
		case same:
			v.sameTree = append(v.sameTree, sha)
		case why.Cause == gate.CauseFault: // it may carry over, so that no lasting refusal must come of it
			v.faults = append(v.faults, policy.Unread("whether what was said of "+gate.Short(sha)+" carries over", why))
		}
	}
	return nil
}

// spokenOn lists the former heads that approvals and GOs are for.
func spokenOn(v *view) []string {
	var said []string
	for _, r := range slices.Backward(v.snap.reviews.Value) {
		if r.State == gate.Approved {
			said = append(said, r.CommitSHA)
		}
	}
	for _, d := range slices.Backward(v.snap.Decisions()) {
		if d.Choice == gate.ChoiceGo && d.Voided == "" {
			said = append(said, d.For.HeadSHA)
		}
	}
	known := append(policy.FormerHeads(v.pr, v.snap.commits), v.pr.HeadSHA, "")
	var former []string
	for _, sha := range said {
		if !slices.Contains(known, sha) && !slices.Contains(former, sha) && len(former) < sameTreeHeads {
			former = append(former, sha)
		}
	}
	return former
}

// sameTree tells whether a former head holds what the present one holds. What
// cannot be told is a no; why says so when it may be told soon.
func sameTree(v *view, sha string, then gate.Reading[hub.Comparison], now gate.Reading[hub.Divergence]) (same bool, why gate.Unreadable) {
	switch {
	case !then.Known:
		return false, then.Why
	case !now.Known:
		return false, now.Why
	case then.Value.BaseSHA != now.Value.BaseSHA:
		return false, gate.Unreadable{Cause: gate.CauseFault, Fact: "the base is moving while it is read"}
	case then.Value.MergeBase != now.Value.MergeBase:
		return false, gate.Unreadable{}
	}
	was, is := treeOf(then.Value.Commits, sha), treeOf(v.snap.commits.Value, v.pr.HeadSHA)
	return was != "" && was == is && policy.SameWork(v.pr, v.snap.commits.Value, then.Value.Commits), gate.Unreadable{}
}

// treeOf is the tree of one of the commits, "" when it is not among them.
func treeOf(commits []gate.Commit, sha string) string {
	for _, c := range commits {
		if c.SHA == sha {
			return c.Tree
		}
	}
	return ""
}
