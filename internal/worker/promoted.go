package worker

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
)

// Commits that landed. A pull request that promotes what others brought (develop
// into main, a branch of a release) shows their commits as its own. Those that
// landed before through a pull request of this repository which was READY when it
// was merged make nobody a contributor: people who wrote none of them have
// approved and decided there. A verified pure revert is READY without any of them,
// and frees nobody. What is known of them is our own word, kept when
// that was READY and when it was merged; names, messages and dates are not asked.
//
// A landing counts where the same rules are in force, so that no branch with laxer
// ones can be used for it, and where it came whole: with the head that was READY,
// or what it was merged as.

// enterReady keeps what a READY evaluation was made from.
func (w *Worker) enterReady(ctx context.Context, tx *sql.Tx, v *view, ev gate.Evaluation) error {
	if ev.Verdict != gate.Ready || ev.Exempt != "" || ev.Reverts != 0 || ev.Overridden() || !ev.Mode.Enforces() || v.snap == nil || !v.snap.commits.Known {
		return nil
	}
	return w.Index.SaveReady(ctx, tx, v.pr.Repo.ID, v.pr.Number, index.Ready{
		Evaluation: ev.Number, Rules: ev.PolicySHA, Commits: shasOf(v.snap.commits.Value),
	})
}

func shasOf(commits []gate.Commit) []string {
	var shas []string
	for _, c := range commits {
		shas = append(shas, c.SHA)
	}
	return shas
}

// land enters the commits of a pull request that was READY when it was merged.
// The error asks for another try.
func (w *Worker) land(ctx context.Context, v *view, m ledger.Merge) error {
	if m.Verdict != gate.Ready || m.Exempt != "" || m.Reverts != 0 || m.Override != "" || !m.Mode.Enforces() {
		return nil
	}
	was, err := w.Index.Ready(ctx, nil, v.pr.Repo.ID, v.pr.Number)
	if errors.Is(err, index.ErrUnknown) || err == nil && was.Evaluation != m.Evaluation {
		return nil
	}
	if err != nil {
		return err
	}
	known, err := w.Index.Landings(ctx, nil, v.pr.Repo.ID, []string{v.pr.HeadSHA})
	if err != nil || slices.ContainsFunc(known, func(l index.Landing) bool { return l.Number == v.pr.Number }) {
		return err
	}
	made, err := w.mergedAs(ctx, v, was.Commits, m.MergeSHA)
	if err != nil {
		return err
	}
	var landed []index.Landing
	for _, sha := range append(was.Commits, made...) {
		landed = append(landed, index.Landing{
			SHA: sha, Number: v.pr.Number, Tip: sha == v.pr.HeadSHA || sha == m.MergeSHA, Rules: was.Rules, MergedBy: v.pr.MergedBy.ID,
		})
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		if err := w.Index.Land(ctx, tx, v.pr.Repo.ID, landed); err != nil {
			return err
		}
		return w.lookAtPromotions(ctx, tx, v)
	})
}

// lookAtPromotions has those looked at that promote what has just landed: they
// may have been judged before it was known.
func (w *Worker) lookAtPromotions(ctx context.Context, tx *sql.Tx, v *view) error {
	near, err := w.Index.ByBranch(ctx, tx, v.pr.Repo.ID, v.pr.BaseRef)
	for _, p := range near {
		if err == nil && p.HeadRef == v.pr.BaseRef {
			err = w.Queue.Touch(ctx, tx, queue.PR(p.RepoID, p.Number).For(v.job.Subject.Tenant))
		}
	}
	return err
}

// mergedAs lists the commits that a squash or a rebase made of a pull request's
// own; none where they hold anything but what those give. A merge commit speaks
// for itself: see readMerges.
func (w *Worker) mergedAs(ctx context.Context, v *view, own []string, merge string) ([]string, error) {
	if merge == "" || slices.Contains(own, merge) {
		return nil, nil
	}
	made, err := remade(ctx, v.repo, v.pr.HeadSHA, merge, len(own))
	if _, limited := hub.RetryAfter(err); limited {
		return nil, err
	}
	if err != nil && hub.KindOf(err) != hub.KindTruncated && hub.Unreadable(err).Cause == gate.CauseFault {
		return nil, err
	}
	if err != nil || len(made) == 0 {
		w.log(ctx).WithField("sha", merge).WithField("why", err).Debug("what a pull request was merged as is not what it brought, is a merge, or cannot be told")
	}
	return made, nil
}

// remade holds what a head was merged as against the head: the files of the last
// commit must be what the head and the commit below give by themselves. A rebase
// has made as many commits as the head had, a squash one.
func remade(ctx context.Context, repo *hub.Repo, head, merge string, of int) ([]string, error) {
	since, err := repo.Compare(ctx, head, merge)
	if err != nil {
		return nil, err
	}
	for _, n := range slices.Compact([]int{of, 1}) {
		made, below := lastCommits(since.Commits, merge, n)
		if below == "" {
			continue
		}
		same, err := compareMerge(ctx, repo, gate.Commit{SHA: merge, ParentSHAs: []string{below, head}})
		if err != nil {
			return nil, err
		}
		if same {
			return made, nil
		}
	}
	return nil, nil
}

// lastCommits lists the last n of a line of commits without merges, and the one
// below them; "" where there are fewer.
func lastCommits(commits []gate.Commit, tip string, n int) (last []string, below string) {
	for below = tip; len(last) < n; {
		i := slices.IndexFunc(commits, func(c gate.Commit) bool { return c.SHA == below })
		if i < 0 || len(commits[i].ParentSHAs) != 1 {
			return nil, ""
		}
		last, below = append(last, below), commits[i].ParentSHAs[0]
	}
	return last, below
}

// readLanded marks the commits that landed before.
func (w *Worker) readLanded(ctx context.Context, v *view) error {
	if !v.snap.commits.Known {
		return nil
	}
	all, err := w.Index.Landings(ctx, nil, v.pr.Repo.ID, shasOf(v.snap.commits.Value))
	if err != nil {
		return err
	}
	rules, whole := v.policy.Digest(), map[int]bool{}
	for _, l := range all {
		whole[l.Number] = whole[l.Number] || l.Tip
	}
	v.landed = slices.DeleteFunc(all, func(l index.Landing) bool {
		return l.Rules != rules || !whole[l.Number] || l.Number == v.pr.Number
	})
	commits := slices.Clone(v.snap.commits.Value)
	for i := range commits {
		for _, l := range v.landed {
			if l.SHA == commits[i].SHA {
				commits[i].Landed = l.Number
			}
		}
	}
	v.snap.commits.Value = commits
	return nil
}

// merged reports whether a push was but the merge of a pull request whose commits
// have landed.
func (v *view) merged(p index.Push) bool {
	return slices.ContainsFunc(v.landed, func(l index.Landing) bool {
		return l.SHA == p.SHA && l.Tip && l.MergedBy != 0 && l.MergedBy == p.By.ID
	})
}
