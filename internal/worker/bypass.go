package worker

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/notify"
	"gonogo/internal/report"
)

// entering enters something in the transaction that also remembers that it was
// looked at.
type entering = func(ctx context.Context, tx *sql.Tx) error

// mergedBy settles how a merge that a move brought stands to the gate, and what it
// brought to what was judged.
func (w *Worker) mergedBy(ctx context.Context, b gated, m hub.BranchMove, p stretchOf) ([]entering, error) {
	var all []entering
	merge, err := w.enterMerge(ctx, *p.pr)
	if err != nil {
		return nil, err
	}
	if merge.Verdict != gate.Ready && merge.Override == "" {
		enter, err := w.round(ctx, b, m, *p.pr, merge)
		if err != nil {
			return nil, err
		}
		all = append(all, enter)
	}
	l, err := w.compareLanding(ctx, b.repo, p.before, p.after(), p.pr.HeadSHA)
	if err != nil {
		return nil, err
	}
	return append(all, w.landedAs(b, p, l)), nil
}

// round enters that a pull request was merged without READY.
func (w *Worker) round(ctx context.Context, b gated, m hub.BranchMove, pr gate.PullRequest, merge ledger.Merge) (entering, error) {
	data := ledger.Round{Base: b.ref, Before: m.Before, After: m.After, Move: m.Kind, At: pr.MergedAt, Verdict: merge.Verdict}
	turned, raced, err := w.raced(ctx, pr)
	if err != nil {
		return nil, err
	}
	if raced {
		data.Reason, data.Turned = ledger.RoundRace, turned
	}
	return w.enterRound(ctx, b, m.By, pr.Number, pr.MergeSHA, fmt.Sprintf("round/#%d", pr.Number), data)
}

// raced reports whether GitHub merged a pull request while it still showed a pass
// that the verdict had turned away from, and when it did.
func (w *Worker) raced(ctx context.Context, pr gate.PullRequest) (turned time.Time, raced bool, err error) {
	shown, err := w.Ledger.ShownOn(ctx, pr.Repo.ID, pr.HeadSHA)
	if err != nil {
		return time.Time{}, false, err
	}
	passed := false
	for _, s := range shown {
		// GitHub tells whole seconds: what was shown in the second of the merge may
		// have come after it.
		if s.At.Truncate(time.Second).Before(pr.MergedAt) || s.Conclusion == string(report.Success) {
			passed = s.Conclusion == string(report.Success)
		}
	}
	if !passed {
		return time.Time{}, false, nil
	}
	last, found, err := w.Ledger.LatestOn(ctx, pr.Repo.ID, pr.Number, pr.HeadSHA)
	if err != nil || !found || last.Passes() {
		return time.Time{}, false, err
	}
	return last.At, true, nil
}

// strayedBy enters what a move brought to a gated branch besides pull requests;
// nil for nothing.
func (w *Worker) strayedBy(ctx context.Context, b gated, m hub.BranchMove, got brought) (entering, error) {
	data := ledger.Round{Base: b.ref, Before: m.Before, After: m.After, Move: m.Kind, At: m.At, Reason: got.reason}
	for _, p := range got.parts {
		if p.pr != nil {
			continue
		}
		for _, c := range p.commits {
			if data.Count++; len(data.Commits) < strayed {
				data.Commits = append(data.Commits, c.SHA)
			}
		}
	}
	if data.Count == 0 && got.reason == "" {
		return nil, nil
	}
	return w.enterRound(ctx, b, m.By, 0, m.After, fmt.Sprintf("round/%s/%s/%s", b.ref, gate.Short(m.Before), m.After), data)
}

// strayed is how many commits are named of those that came without a pull request.
const strayed = 20

// enterRound enters what went round the gate, by what is known of whether the
// check was required then: it is a bypass only where it was, from this App.
func (w *Worker) enterRound(ctx context.Context, b gated, by gate.User, number int, sha, once string, data ledger.Round) (entering, error) {
	state, ever, err := w.Ledger.RequirementAt(ctx, b.of.ID, b.ref, data.At.Add(time.Second))
	if err != nil {
		return nil, err
	}
	kind := ledger.KindUngated
	switch {
	case state == ledger.Required:
		kind = ledger.KindBypass
	case state != "" && !ever:
		kind = ledger.KindBeforeGate
	}
	return func(ctx context.Context, tx *sql.Tx) error {
		added, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: kind, RepoID: b.of.ID, Number: number, SHA: sha, Actor: by, Once: once, Data: data,
		})
		if err != nil || !added {
			return err
		}
		w.Around(string(kind))
		log := w.log(ctx).WithField("sha", sha).WithField("pr", number).WithField("actor", by.ID).WithField("reason", data.Reason)
		if kind != ledger.KindBypass {
			log.Info("something got onto a branch without READY where the check was not required: " + string(kind))
			return nil
		}
		log.Warn("something went round the gate")
		return w.noticeRound(ctx, tx, b, by, number, sha, once, data)
	}, nil
}

// landedAs enters how what a merge brought stands to what was judged.
func (w *Worker) landedAs(b gated, p stretchOf, l landing) entering {
	data := ledger.Landing{
		State: l.state, Base: b.ref, Before: p.before, After: p.after(), Head: p.pr.HeadSHA, Files: len(l.paths),
		Paths: l.paths[:min(len(l.paths), strayed)], Why: l.why,
	}
	return func(ctx context.Context, tx *sql.Tx) error {
		added, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindLanded, RepoID: b.of.ID, Number: p.pr.Number, SHA: data.After,
			Once: ledger.LandedOnce(p.pr.Number), Data: data,
		})
		if err != nil || !added {
			return err
		}
		if err := w.wakeDeployments(ctx, tx, b.of.ID, p.pr.MergeSHA); err != nil {
			return err
		}
		w.Around("landed " + string(l.state))
		log := w.log(ctx).WithField("sha", data.After).WithField("pr", p.pr.Number)
		switch l.state {
		case gate.LandedDiffers:
			log.WithField("files", len(l.paths)).Warn("LANDED CODE DIFFERS")
			return w.noticeLanded(ctx, tx, b, p, l)
		case gate.LandedUnread:
			log.WithField("why", l.why).Info("whether what landed is what was judged cannot be told")
		}
		return nil
	}
}

// noticeRound tells of what went round the gate.
func (w *Worker) noticeRound(ctx context.Context, tx *sql.Tx, b gated, by gate.User, number int, sha, once string, data ledger.Round) error {
	what := notify.Line{notify.Ours("BYPASS · " + subjectOf(number, data.Count) + " got onto "), notify.Theirs(b.ref), notify.Ours(" without READY")}
	who := notify.Line{notify.Ours("By "), notify.Theirs("@" + by.Login), notify.Ours(fmt.Sprintf(" (account %d) at %s", by.ID, data.At.UTC().Format(time.RFC3339)))}
	if by.ID == 0 {
		who = notify.Say("By whom is not known, at %s", data.At.UTC().Format(time.RFC3339))
	}
	lines := []notify.Line{what, who}
	switch data.Reason {
	case ledger.RoundRace:
		lines = append(lines, notify.Say("GitHub merged it at %s, after the verdict had turned at %s and before the check showed it",
			data.At.UTC().Format(time.RFC3339), data.Turned.UTC().Format(time.RFC3339)))
	case ledger.RoundRewritten:
		lines = append(lines, notify.Say("The branch was moved to a commit that does not follow from the one before"))
	case ledger.RoundUnread:
		lines = append(lines, notify.Say("What it brought cannot be told"))
	}
	const next = "Look at what it brought in; revert it, or tell the others why it stays"
	link := fmt.Sprintf("%s/%s/commit/%s", w.WebURL, b.of.FullName(), sha)
	if number != 0 {
		link = w.webURL(b.of.Repository, number)
	}
	return w.Notices.Post(ctx, tx, notify.Notice{
		Key: once, Kind: notify.KindBypass, RepoID: b.of.ID, Repo: b.of.FullName(), Lines: append(lines, notify.Say("%s", next)), Link: link, At: w.now(),
		Data: map[string]any{"pull_request": number, "sha": sha, "branch": b.ref, "actor": by.ID, "reason": data.Reason, "commits": data.Count},
	})
}

func subjectOf(number, commits int) string {
	switch {
	case number != 0:
		return fmt.Sprintf("#%d", number)
	case commits == 1:
		return "1 commit of no pull request"
	case commits > 1:
		return fmt.Sprintf("%d commits of no pull request", commits)
	}
	return "a push"
}

// noticeLanded tells that what landed is not what was judged.
func (w *Worker) noticeLanded(ctx context.Context, tx *sql.Tx, b gated, p stretchOf, l landing) error {
	lines := []notify.Line{notify.Say("LANDED CODE DIFFERS · #%d · %d %s", p.pr.Number, len(l.paths), plural(len(l.paths), "file", "files"))}
	for _, path := range l.paths[:min(len(l.paths), strayed)] {
		lines = append(lines, notify.Line{notify.Ours("- "), notify.Theirs(path)})
	}
	lines = append(lines, notify.Say("What landed as %s is not the merge of the judged head %s. Compare the files, and revert it if nobody meant that",
		gate.Short(p.after()), gate.Short(p.pr.HeadSHA)))
	return w.Notices.Post(ctx, tx, notify.Notice{
		Key: ledger.LandedOnce(p.pr.Number), Kind: notify.KindLanded, RepoID: b.of.ID, Repo: b.of.FullName(), Lines: lines,
		Link: w.webURL(b.of.Repository, p.pr.Number), At: w.now(),
		Data: map[string]any{"pull_request": p.pr.Number, "sha": p.after(), "branch": b.ref, "head": p.pr.HeadSHA, "files": len(l.paths), "paths": l.paths[:min(len(l.paths), strayed)]},
	})
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
