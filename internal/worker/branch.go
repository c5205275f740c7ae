package worker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
)

// movesAtOnce is how many moves of a branch one run looks at: the rest comes with
// the next, which goes on from there.
const movesAtOnce = 50

// branch looks at how what is on a gated branch got there since it was last known:
// each move in GitHub's log of pushes, and what the log leaves out. It finds
// missed webhooks as well as those that came.
func (w *Worker) branch(ctx context.Context, job queue.Job) error {
	repo, err := w.repository(ctx, job.Subject.ID)
	if err != nil || repo == nil {
		return err
	}
	known, err := w.Index.Repository(ctx, nil, job.Subject.ID)
	if err != nil {
		return err
	}
	b := gated{repo: repo, of: known, ref: job.Subject.Ref}
	if in, err := w.branchInScope(ctx, &b); err != nil || !in {
		return err
	}
	moves, err := w.movesOf(ctx, &b)
	if err != nil {
		return err
	}
	more := len(moves) > movesAtOnce
	for _, m := range moves[:min(len(moves), movesAtOnce)] {
		if err := w.enterMove(ctx, b, m); err != nil {
			return err
		}
	}
	if !more {
		return nil
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error { return w.Queue.Touch(ctx, tx, job.Subject) })
}

// gated is a branch into which nothing should get but by the gate.
type gated struct {
	repo *hub.Repo
	of   index.Repository
	ref  string
}

// branchInScope reports whether a branch is gated, and keeps what its rules
// require, where that could be read. Of a branch that nothing speaks for no
// question is asked.
func (w *Worker) branchInScope(ctx context.Context, b *gated) (bool, error) {
	p := w.policyGuess(b.of.ID)
	in := p.InScope(b.ref, b.of.DefaultBranch, nil)
	if !in {
		seen, _, err := w.Ledger.RequirementAt(ctx, b.of.ID, b.ref, w.now())
		if err != nil {
			return false, err
		}
		_, followed, err := w.Ledger.TipOf(ctx, b.of.ID, b.ref)
		if err != nil {
			return false, err
		}
		judged, err := w.judgedInto(ctx, gate.PullRequest{Repo: b.of.Repository, BaseRef: b.ref})
		if err != nil || seen == "" && !followed && !judged {
			return false, err
		}
	}
	required, err := b.repo.RequiredChecks(ctx, b.ref)
	if _, limited := hub.RetryAfter(err); limited {
		return false, err
	}
	if err != nil {
		if hub.Unreadable(err).Cause == gate.CauseFault {
			return false, err
		}
		return true, nil // what was known of the rules stands
	}
	is, _, err := w.Ledger.PublishingOf(ctx, b.of.ID, w.now())
	if err != nil {
		return false, err
	}
	named := *p
	if is.Check != "" {
		named.Check = is.Check
	}
	err = w.Store.Write(ctx, func(tx *sql.Tx) error {
		return ledger.SaveRequirement(ctx, tx, b.of.ID, b.ref, w.requirementOf(&named, required), w.now())
	})
	return in || named.InScope(b.ref, b.of.DefaultBranch, required), err
}

// movesOf lists the moves of a branch that were not looked at yet, the oldest
// first. Of a branch that is seen for the first time those since the installation
// covers the repository. Where the log does not lead from what is known to the
// tip, one move stands for what it leaves out, by nobody that is known; a log that
// only lags behind is waited for.
func (w *Worker) movesOf(ctx context.Context, b *gated) ([]hub.BranchMove, error) {
	tip, exists, err := b.repo.Branch(ctx, b.ref)
	if err != nil || !exists {
		return nil, err
	}
	last, found, err := w.Ledger.TipOf(ctx, b.of.ID, b.ref)
	if err != nil || last == tip {
		return nil, err
	}
	since := time.Time{}
	if !found {
		at, err := w.joined(ctx, b.of)
		if err != nil {
			return nil, err
		}
		since = at.Truncate(time.Second)
	}
	moves, reached, err := b.repo.BranchMoves(ctx, b.ref, last, since)
	if _, limited := hub.RetryAfter(err); limited {
		return nil, err
	}
	if err != nil && hub.Unreadable(err).Cause == gate.CauseFault {
		return nil, err
	}
	if !found && err == nil && reached && len(moves) == 0 {
		return nil, w.startAt(ctx, b, tip) // it has not moved since
	}
	if len(moves) == 0 || moves[0].After != tip {
		if wait := w.logLags(b.of.ID, tip); err == nil && wait {
			return nil, queue.Later(lagging)
		}
		if !found {
			return nil, w.startAt(ctx, b, tip)
		}
	}
	slices.Reverse(moves)
	return whole(moves, last, tip, w.now()), nil
}

// startAt takes the branch as it is: what led there is not known.
func (w *Worker) startAt(ctx context.Context, b *gated, tip string) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error { return ledger.SaveTip(ctx, tx, b.of.ID, b.ref, tip) })
}

// logLags reports whether GitHub's log of pushes may not show a tip only because
// that is new.
func (w *Worker) logLags(repoID int64, tip string) bool {
	c := commit{repoID, tip}
	first, known := w.unlogged.Get(c)
	if !known {
		first = w.now()
		w.unlogged.Add(c, first)
	}
	return w.now().Sub(first) < lag
}

// whole puts one move into each gap between what is known, the moves of the log,
// and the tip.
func whole(moves []hub.BranchMove, last, tip string, now time.Time) []hub.BranchMove {
	var all []hub.BranchMove
	at := last
	for _, m := range moves {
		if at != "" && m.Before != at {
			all = append(all, hub.BranchMove{Before: at, After: m.Before, At: m.At})
		}
		all = append(all, m)
		at = m.After
	}
	if at != "" && at != tip {
		all = append(all, hub.BranchMove{Before: at, After: tip, At: now})
	}
	return all
}

// stretchOf is a part of what a move brought: the commits of one pull request, or
// those of none.
type stretchOf struct {
	pr      *gate.PullRequest
	before  string
	commits []gate.Commit
}

func (s stretchOf) after() string { return s.commits[len(s.commits)-1].SHA }

// brought is what a move brought to a branch.
type brought struct {
	parts  []stretchOf
	count  int    // commits
	reason string // ledger.RoundRewritten or RoundUnread where it is not just new commits
	why    string
}

// enterMove settles what one move of a branch brought, and enters it.
func (w *Worker) enterMove(ctx context.Context, b gated, m hub.BranchMove) error {
	got, err := w.broughtBy(ctx, b, m)
	if err != nil {
		return err
	}
	young := w.now().Sub(m.At) < lag
	if young && slices.ContainsFunc(got.parts, func(p stretchOf) bool { return p.pr == nil }) {
		return queue.Later(lag - w.now().Sub(m.At)) // which pull request brought a commit GitHub may tell later
	}
	var entries []func(ctx context.Context, tx *sql.Tx) error
	for _, p := range got.parts {
		if p.pr == nil {
			continue
		}
		enter, err := w.mergedBy(ctx, b, m, p)
		if err != nil {
			return err
		}
		entries = append(entries, enter...)
	}
	if enter, err := w.strayedBy(ctx, b, m, got); err != nil {
		return err
	} else if enter != nil {
		entries = append(entries, enter)
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, enter := range entries {
			if err := enter(ctx, tx); err != nil {
				return err
			}
		}
		return ledger.SaveTip(ctx, tx, b.of.ID, b.ref, m.After)
	})
}

// broughtBy finds what a move brought. What lies beside the branch's own line came
// with the merge that joined it.
func (w *Worker) broughtBy(ctx context.Context, b gated, m hub.BranchMove) (brought, error) {
	if isNone(m.Before) || isNone(m.After) {
		return brought{}, nil // the branch was made, or deleted
	}
	between, err := b.repo.Compare(ctx, m.Before, m.After)
	if _, limited := hub.RetryAfter(err); limited || err != nil && hub.Unreadable(err).Cause == gate.CauseFault {
		return brought{}, err
	}
	if err != nil {
		w.log(ctx).WithError(err).WithField("sha", m.After).Warn("what a push brought cannot be told")
		return brought{reason: ledger.RoundUnread, why: gate.PlainText(hub.Unreadable(err).Fact)}, nil
	}
	got := brought{count: len(between.Commits)}
	if between.BehindBy > 0 {
		got.reason = ledger.RoundRewritten
	}
	line := mainline(between.Commits, m.After)
	pulls, err := w.pullsInto(ctx, b, line, between.Commits)
	if err != nil {
		return brought{}, err
	}
	got.parts = divide(line, pulls)
	return got, nil
}

func isNone(sha string) bool { return strings.Trim(sha, "0") == "" }

// mainline are those of some commits that lead to the last by first parents, the
// oldest first.
func mainline(commits []gate.Commit, last string) []gate.Commit {
	by := make(map[string]gate.Commit, len(commits))
	for _, c := range commits {
		by[c.SHA] = c
	}
	var line []gate.Commit
	for c, ok := by[last]; ok; c, ok = by[c.ParentSHAs[0]] {
		line = append(line, c)
		if len(c.ParentSHAs) == 0 {
			break
		}
	}
	slices.Reverse(line)
	return line
}

// pullsInto finds for each commit of a branch's line the pull request that brought
// it: merged into this branch, with a merge commit that came in the same move.
func (w *Worker) pullsInto(ctx context.Context, b gated, line, all []gate.Commit) ([]*gate.PullRequest, error) {
	came := make(map[string]bool, len(all))
	for _, c := range all {
		came[c.SHA] = true
	}
	found := make([]*gate.PullRequest, len(line))
	g, asked := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for i, c := range line {
		g.Go(func() error {
			pulls, err := b.repo.PullRequestsOf(asked, c.SHA)
			if err != nil {
				return err
			}
			for _, p := range pulls {
				if !p.Merged || p.BaseRef != b.ref || !came[p.MergeSHA] {
					continue
				}
				if found[i] == nil || p.MergeSHA == c.SHA {
					found[i] = &p
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return found, w.rebased(ctx, b, line, found)
}

// rebased names the pull request of the commits that a rebase merge made, where
// GitHub names it on the last of them only.
func (w *Worker) rebased(ctx context.Context, b gated, line []gate.Commit, found []*gate.PullRequest) error {
	for last, pr := range found {
		if pr == nil || last == 0 || found[last-1] != nil || pr.MergeSHA != line[last].SHA || line[last].Parents != 1 {
			continue
		}
		own, err := b.repo.Commits(ctx, pr.Number)
		if err != nil {
			return err
		}
		own = slices.DeleteFunc(own, func(c gate.Commit) bool { return c.Parents != 1 })
		first := last - len(own) + 1
		if first < 0 || !slices.EqualFunc(own, line[first:last+1], sameWork) {
			continue
		}
		for i := first; i < last; i++ {
			if found[i] == nil {
				found[i] = pr
			}
		}
	}
	return nil
}

// divide cuts a branch's line where another pull request, or none, begins.
func divide(line []gate.Commit, pulls []*gate.PullRequest) []stretchOf {
	number := func(p *gate.PullRequest) int {
		if p == nil {
			return 0
		}
		return p.Number
	}
	var parts []stretchOf
	for i, c := range line {
		if n := len(parts); n > 0 && number(parts[n-1].pr) == number(pulls[i]) {
			parts[n-1].commits = append(parts[n-1].commits, c)
			continue
		}
		s := stretchOf{pr: pulls[i], commits: []gate.Commit{c}}
		if len(c.ParentSHAs) > 0 {
			s.before = c.ParentSHAs[0]
		}
		parts = append(parts, s)
	}
	return parts
}

// requirementOf is what some required checks say of ours.
func (w *Worker) requirementOf(p *policy.Policy, required []gate.RequiredCheck) ledger.Requirement {
	state := ledger.NotRequired
	for _, c := range required {
		switch {
		case c.Name != p.Check:
		case c.App == w.AppID:
			state = ledger.Required
		case c.App == 0 && state == ledger.NotRequired:
			state = ledger.Unpinned
		}
	}
	return state
}

// sweepBranches has the gated branches of a repository looked at: pushes of which
// no event told are found in GitHub's log.
func (w *Worker) sweepBranches(ctx context.Context, tx *sql.Tx, known index.Repository) error {
	branches, err := w.Ledger.Tips(ctx, known.ID)
	if err != nil {
		return err
	}
	if known.DefaultBranch != "" && !slices.Contains(branches, known.DefaultBranch) {
		branches = append(branches, known.DefaultBranch)
	}
	for _, ref := range branches {
		if err := w.Queue.Touch(ctx, tx, queue.BranchOf(known.ID, ref).For(known.InstallationID)); err != nil {
			return fmt.Errorf("look at branch %s: %w", ref, err)
		}
	}
	return nil
}
