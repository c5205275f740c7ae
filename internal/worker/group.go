package worker

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

const (
	// maxGroup is above what a merge queue builds one upon the other.
	maxGroup = 200
	// groupEvery is how soon a group whose answer is open is looked at again, and
	// groupSoon where it waits for pull requests that are being judged.
	groupEvery = 5 * time.Second
	groupSoon  = time.Second
)

// group answers a merge queue that asks whether a group may merge. Each pull
// request of it is judged anew by itself first, unless that was done within
// [gate.GroupPatience]: a freeze, a severe issue or a NO-GO holds for the group as
// it does for the pull request.
func (w *Worker) group(ctx context.Context, job queue.Job) error {
	repo, err := w.repository(ctx, job.Subject.ID)
	if err != nil || repo == nil {
		return err
	}
	g, found, err := w.Ledger.GroupOf(ctx, job.Subject.ID, job.Subject.SHA)
	if err != nil || !found {
		return err
	}
	number, err := w.Ledger.Begin(ctx, g.RepoID, 0, w.now())
	if err != nil {
		return err
	}
	known, err := w.Index.Repository(ctx, nil, g.RepoID)
	if err != nil {
		return err
	}
	in := policy.GroupInput{
		Group: gate.QueueGroup{Repo: known.Repository, HeadSHA: g.HeadSHA, HeadRef: g.HeadRef, BaseRef: g.BaseRef, AskedAt: g.AskedAt},
		Now:   w.now(),
	}
	is, err := w.gatherGroup(ctx, repo, g, &in, known.InstallationID)
	if err != nil {
		return err
	}
	locked := in.Policy.Locked(g.BaseRef, in.Required.Value)
	switch {
	case locked != nil:
		in.Faults = append(in.Faults, *locked)
	case in.Required.Known && len(in.Faults) == 0 && !in.Policy.InScope(g.BaseRef, known.DefaultBranch, in.Required.Value):
		w.log(ctx).WithField("base", g.BaseRef).Debug("a merge group into a branch out of scope: no check run")
		return w.endGroup(ctx, g)
	}
	pulls, strays, err := w.queued(ctx, repo, g)
	if _, limited := hub.RetryAfter(err); limited {
		return err
	}
	if errors.Is(err, errGroupGone) {
		w.log(ctx).WithField("sha", g.HeadSHA).Info("the merge group is gone")
		return w.endGroup(ctx, g)
	}
	in.Pulls, in.Strays = reading(pulls, err, w.now()), strays
	ev := policy.EvaluateGroup(in)
	ev.Number = number
	return w.publishGroup(ctx, job, repo, g, ev, in.Policy, is)
}

func (w *Worker) endGroup(ctx context.Context, g ledger.Group) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		if err := w.Queue.Wake(ctx, tx, queue.GroupOf(g.RepoID, g.HeadSHA), time.Time{}); err != nil {
			return err
		}
		return ledger.EndGroup(ctx, tx, g.RepoID, g.HeadSHA)
	})
}

// gatherGroup reads what a group is judged by besides its pull requests. It
// returns the mode in which it is spoken of.
func (w *Worker) gatherGroup(ctx context.Context, repo *hub.Repo, g ledger.Group, in *policy.GroupInput, installation int64) (gate.Mode, error) {
	r := &round{w: w}
	var own gate.Reading[hub.File]
	into(ctx, r, func(ctx context.Context) (hub.File, error) { return repo.File(ctx, policy.Path, g.BaseRef) },
		func(v gate.Reading[hub.File]) { own = v })
	into(ctx, r, func(ctx context.Context) ([]gate.RequiredCheck, error) { return repo.RequiredChecks(ctx, g.BaseRef) },
		func(v gate.Reading[[]gate.RequiredCheck]) { in.Required = v })
	into(ctx, r, func(ctx context.Context) ([]gate.Check, error) { return repo.Checks(ctx, g.HeadSHA) },
		func(v gate.Reading[[]gate.Check]) {
			v.Value = slices.DeleteFunc(v.Value, func(c gate.Check) bool { return c.App == w.AppID })
			in.Checks = v
		})
	if err := r.wait(); err != nil {
		return "", err
	}
	org, err := w.organizationOf(ctx, in.Group.Repo, installation)
	if err != nil {
		return "", err
	}
	found, invalid := policy.Combine(fileOf(org, organizationFile(in.Group.Repo)), fileOf(own, policy.Path))
	if invalid != nil {
		in.Faults = append(in.Faults, policy.Invalid(invalid))
	}
	heard := found.Heard && (org.Known || org.Why.Cause == gate.CauseMissing)
	for _, file := range []struct {
		gate.Reading[hub.File]
		of string
	}{{org, "the organization's policy"}, {own, "the policy"}} {
		if !file.Known && file.Why.Cause != gate.CauseMissing {
			in.Faults = append(in.Faults, policy.Unread(file.of, file.Why))
		}
	}
	for i := range in.Faults {
		in.Faults[i].Requirement = "decision/inputs"
	}
	is, _, err := w.publishing(ctx, in.Group.Repo, found, heard)
	in.Policy = found.Policy
	if in.Policy == nil {
		in.Policy = policy.BuiltIn()
	}
	in.Policy.Check, in.Policy.Former = is.Check, is.Former
	return is.Mode, err
}

// publishGroup enters what a group came to and writes its check run. What is open
// is looked at again, and is answered in any case when its time is over.
func (w *Worker) publishGroup(ctx context.Context, job queue.Job, repo *hub.Repo, g ledger.Group, ev gate.GroupEvaluation, p *policy.Policy, mode gate.Mode) error {
	s := showing{repo: repo, repoID: g.RepoID, subject: job.Subject, number: ev.Number}
	open := ev.Status == gate.Pending || ev.Status == gate.Unknown
	overtaken, err := w.overtaken(ctx, job)
	if err != nil || overtaken && ev.Verdict == gate.Ready {
		return err // the run that follows decides
	}
	stands := false
	err = w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		var codes, pulls []string
		for _, f := range ev.Blockers() {
			codes = append(codes, string(f.Requirement)+" "+f.Code)
		}
		for _, q := range ev.Pulls {
			pulls = append(pulls, fmt.Sprintf("#%d %s", q.Number, q.HeadSHA))
		}
		stands, err = ledger.EnterGroup(ctx, tx, g, ledger.Entry{
			At: ev.At, Kind: ledger.KindGroup, RepoID: g.RepoID, SHA: g.HeadSHA, Once: fmt.Sprintf("group/%d", ev.Number),
			Data: map[string]any{"base": g.BaseRef, "pulls": pulls, "verdict": ev.Verdict, "blockers": codes},
		}, ev.Verdict)
		if err != nil || !stands {
			return err
		}
		at := time.Time{}
		if open {
			at = ev.At.Add(groupEvery)
			if slices.ContainsFunc(ev.Pulls, func(q gate.QueuedPull) bool { return q.Pending != "" }) {
				at = ev.At.Add(groupSoon)
			}
			if deadline := g.AskedAt.Add(gate.GroupPatience); deadline.After(ev.At) && deadline.Before(at) {
				at = deadline
			}
		}
		if err := w.Queue.Wake(ctx, tx, job.Subject, at); err != nil {
			return err
		}
		s.turn, err = ledger.Intend(ctx, tx, s.repoID, g.HeadSHA)
		return err
	})
	if err != nil || !stands {
		return err
	}
	unlock := w.heads.lock(g.RepoID, g.HeadSHA)
	defer unlock()
	run := report.Group(ev, report.Options{Name: p.Check, DetailsURL: w.WebURL + "/" + ev.Group.Repo.FullName() + "/queue/" + g.BaseRef})
	return w.voiceFor(ctx, p, mode, nil).write(ctx, s, run)
}

// errGroupGone says that the branch of a group does not lead to its commit any
// more: the queue waits for no answer.
var errGroupGone = errors.New("the merge group is gone")

// unfit says in a sentence what is in a group beside its pull requests.
type unfit struct{ fact string }

func (u unfit) Error() string { return gate.PlainText(u.fact) }

// part is a pull request's part of a group.
type part struct {
	number        int
	before, after string
}

// queued finds the pull requests of a group through the queue's branches, and
// judges what was joined for each of them.
func (w *Worker) queued(ctx context.Context, repo *hub.Repo, g ledger.Group) ([]gate.QueuedPull, []string, error) {
	parts, err := w.parts(ctx, repo, g)
	if odd := (unfit{}); errors.As(err, &odd) {
		return nil, []string{odd.fact}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	pulls, odd := make([]gate.QueuedPull, len(parts)), make([]string, len(parts))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(asking)
	for i, p := range parts {
		group.Go(func() (err error) {
			pulls[i], err = w.joinedPull(gctx, repo, g, p)
			if stray := (unfit{}); errors.As(err, &stray) {
				odd[i], err = stray.fact, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	return pulls, slices.DeleteFunc(odd, func(s string) bool { return s == "" }), nil
}

// parts walks from a group's commit down to what is on the base branch. Each step
// is a branch of the queue, whose name tells the pull request and the commit that
// it was joined to.
func (w *Worker) parts(ctx context.Context, repo *hub.Repo, g ledger.Group) ([]part, error) {
	top, ok := hub.ParseQueueRef(g.HeadRef)
	if !ok || top.Base != g.BaseRef {
		return nil, unfit{gate.Quote(g.HeadRef) + " is no branch of the merge queue into " + gate.Quote(g.BaseRef)}
	}
	refs, err := repo.QueueRefs(ctx, g.BaseRef)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(refs, func(r hub.QueueRef) bool { return r.Name == top.Name })
	switch {
	case at >= 0 && refs[at].SHA == g.HeadSHA:
	case w.now().Sub(g.AskedAt) < lag:
		return nil, fmt.Errorf("the branch of the merge group %s is not there, or not yet", gate.Short(g.HeadSHA))
	default:
		return nil, errGroupGone
	}
	tip, exists, err := repo.Branch(ctx, g.BaseRef)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, unfit{"the branch " + gate.Quote(g.BaseRef) + " is gone"}
	}
	parts := []part{{top.Number, top.Parent, g.HeadSHA}}
	for sha := top.Parent; sha != tip; sha = parts[0].before {
		next := slices.IndexFunc(refs, func(r hub.QueueRef) bool { return r.SHA == sha })
		if next < 0 {
			return parts, w.onBase(ctx, repo, g, sha)
		}
		p := part{refs[next].Number, refs[next].Parent, sha}
		if len(parts) == maxGroup || slices.ContainsFunc(parts, func(o part) bool { return o.number == p.number }) {
			return nil, unfit{"the branches of the merge queue do not lead to " + gate.Quote(g.BaseRef)}
		}
		parts = slices.Insert(parts, 0, p)
	}
	return parts, nil
}

// onBase tells of the commit below the last branch of the queue whether it is on
// the base branch: that may have moved on since.
func (w *Worker) onBase(ctx context.Context, repo *hub.Repo, g ledger.Group, sha string) error {
	d, err := repo.Diverge(ctx, g.BaseRef, sha)
	if err != nil || d.AheadBy == 0 {
		return err
	}
	if w.now().Sub(g.AskedAt) < lag {
		return fmt.Errorf("commit %s of the merge group leads to no pull request yet", gate.Short(sha))
	}
	return unfit{fmt.Sprintf("commit %s of the group belongs to no pull request in the queue", gate.Short(sha))}
}

// joinedPull judges one pull request's part of a group: it has a standing pass for the
// head that was joined, and what was joined is that head and nothing else.
func (w *Worker) joinedPull(ctx context.Context, repo *hub.Repo, g ledger.Group, p part) (gate.QueuedPull, error) {
	pr, err := repo.PullRequest(ctx, p.number)
	if hub.IsMissing(err) {
		return gate.QueuedPull{}, unfit{fmt.Sprintf("#%d of the group cannot be found", p.number)}
	}
	if err != nil {
		return gate.QueuedPull{}, err
	}
	q := gate.QueuedPull{Number: pr.Number, HeadSHA: pr.HeadSHA, Title: pr.Title}
	switch {
	case pr.Merged:
		q.Pending = "it was just merged, and the queue goes on without it"
		return q, nil
	case !pr.Open:
		return q, unfit{fmt.Sprintf("#%d of the group is closed", p.number)}
	case pr.BaseRef != g.BaseRef:
		return q, unfit{fmt.Sprintf("#%d of the group goes into %s", p.number, gate.Quote(pr.BaseRef))}
	}
	ev, err := w.standing(ctx, g, pr, &q)
	if err != nil || q.Pending != "" || !q.Passes {
		return q, err
	}
	if err := w.sameCommits(ctx, repo, pr, p); err != nil {
		return q, err
	}
	if ev.Reverts != 0 {
		if err := stillPure(ctx, repo, pr, p); err != nil {
			return q, err
		}
	}
	l, err := w.compareLanding(ctx, repo, p.before, p.after, pr.HeadSHA)
	q.Landing, q.Paths = l.state, l.paths
	return q, err
}

// stillPure holds a pure revert against what the queue joined before it: it was
// verified against the base, and passes only where nothing came later on its paths.
func stillPure(ctx context.Context, repo *hub.Repo, pr gate.PullRequest, p part) error {
	parted, err := repo.Diverge(ctx, p.before, pr.HeadSHA)
	if err != nil {
		return err
	}
	trees, err := readTrees(ctx, repo, p.before, parted.MergeBase, pr.HeadSHA)
	if err != nil {
		return err
	}
	before, start, head := trees[p.before], trees[parted.MergeBase], trees[pr.HeadSHA]
	for _, path := range slices.Sorted(maps.Keys(union(start, head))) {
		if head[path] != start[path] && before[path] != start[path] {
			return unfit{fmt.Sprintf("#%d is a pure revert, and what is queued before it changed %s; it is judged again when that has landed", pr.Number, gate.Quote(path))}
		}
	}
	return nil
}

// standing reads what stands for a pull request's head, and has it judged anew
// where that is older than a group may wait.
func (w *Worker) standing(ctx context.Context, g ledger.Group, pr gate.PullRequest, q *gate.QueuedPull) (gate.Evaluation, error) {
	ev, found, err := w.Ledger.LatestOn(ctx, g.RepoID, pr.Number, pr.HeadSHA)
	if err != nil {
		return ev, err
	}
	s := queue.PR(g.RepoID, pr.Number)
	fresh, waits := found && w.now().Sub(ev.At) <= gate.GroupPatience, false
	err = w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		if waits, err = w.Queue.Waits(ctx, tx, s); err == nil && !waits && !fresh {
			err = w.Queue.Touch(ctx, tx, s)
		}
		return err
	})
	if err != nil {
		return ev, err
	}
	if waits || !fresh {
		q.Pending = "it is being judged anew"
		return ev, nil
	}
	shown, _, err := w.Ledger.PublishedOn(ctx, g.RepoID, pr.HeadSHA, cmp.Or(ev.Check, w.Check))
	if err != nil {
		return ev, err
	}
	q.Verdict = ev.Verdict
	stands := ev.Verdict == gate.Ready || ev.Overridden() && w.now().Before(ev.Override.Until)
	q.Passes = stands && !pr.Draft && ev.PR.BaseRef == g.BaseRef && (shown.Conclusion == string(report.Success) || !ev.Mode.Enforces())
	return ev, nil
}

// sameCommits tells whether the commits of a part are the pull request's: one
// merge of its head, one commit in place of all, or each of its own anew.
func (w *Worker) sameCommits(ctx context.Context, repo *hub.Repo, pr gate.PullRequest, p part) error {
	between, err := repo.Compare(ctx, p.before, p.after)
	if err != nil {
		return err
	}
	foreign := unfit{fmt.Sprintf("the group holds commits that are not those of #%d", pr.Number)}
	n := len(between.Commits)
	if n == 0 || between.BehindBy != 0 || between.Commits[n-1].SHA != p.after {
		return foreign
	}
	last := between.Commits[n-1]
	if last.Parents == 2 {
		if !slices.Equal(last.ParentSHAs, []string{p.before, pr.HeadSHA}) {
			return foreign
		}
		return nil
	}
	if !isRow(between.Commits, p.before) {
		return foreign
	}
	if n == 1 {
		return nil
	}
	own, err := repo.Commits(ctx, pr.Number)
	if err != nil {
		return err
	}
	own = slices.DeleteFunc(own, func(c gate.Commit) bool { return c.Parents != 1 })
	if !slices.EqualFunc(own, between.Commits, sameWork) {
		return foreign
	}
	return nil
}

// isRow reports whether commits follow one upon the other from before.
func isRow(commits []gate.Commit, before string) bool {
	for _, c := range commits {
		if !slices.Equal(c.ParentSHAs, []string{before}) {
			return false
		}
		before = c.SHA
	}
	return true
}

// touchGroups has the groups of a repository's merge queues looked at: what stands
// for a pull request in them may have changed.
func (w *Worker) touchGroups(ctx context.Context, tx *sql.Tx, repoID int64, tenant int64) error {
	open, err := ledger.Groups(ctx, tx, repoID)
	for _, g := range open {
		if err == nil {
			err = w.Queue.Touch(ctx, tx, queue.GroupOf(repoID, g.HeadSHA).For(tenant))
		}
	}
	return err
}

// sweepGroups takes up the groups of which no event told, and looks again at those
// that are known.
func (w *Worker) sweepGroups(ctx context.Context, repo *hub.Repo, repoID, installation int64) error {
	refs, err := repo.QueueRefs(ctx, "")
	if hub.IsMissing(err) {
		return nil // an empty repository
	}
	if err != nil {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, r := range refs {
			g := ledger.Group{RepoID: repoID, HeadSHA: r.SHA, HeadRef: r.Name, BaseRef: r.Base, AskedAt: w.now()}
			if err := ledger.SaveGroup(ctx, tx, g); err != nil {
				return err
			}
		}
		return w.touchGroups(ctx, tx, repoID, installation)
	})
}

// publishGroupDead says on a group that judging it failed for the last time.
func (w *Worker) publishGroupDead(ctx context.Context, s queue.Subject) error {
	repo, err := w.repository(ctx, s.ID)
	if err != nil || repo == nil {
		return err
	}
	g, found, err := w.Ledger.GroupOf(ctx, s.ID, s.SHA)
	if err != nil || !found {
		return err
	}
	known, err := w.Index.Repository(ctx, nil, s.ID)
	if err != nil {
		return err
	}
	number, err := w.Ledger.Begin(ctx, s.ID, 0, w.now())
	if err != nil {
		return err
	}
	_, p, is, err := w.guessVoice(ctx, known.Repository, known.InstallationID)
	if err != nil {
		return err
	}
	ev := policy.EvaluateGroup(policy.GroupInput{
		Group:  gate.QueueGroup{Repo: known.Repository, HeadSHA: g.HeadSHA, HeadRef: g.HeadRef, BaseRef: g.BaseRef, AskedAt: g.AskedAt},
		Policy: p, Now: w.now(), Required: gate.Read([]gate.RequiredCheck(nil), w.now()), Pulls: gate.Read([]gate.QueuedPull(nil), w.now()),
		Strays: []string{fmt.Sprintf("judging the group failed %d times", queue.MaxAttempts)},
	})
	ev.Number = number
	return w.publishGroup(ctx, queue.Job{Subject: s}, repo, g, ev, p, is.Mode)
}
