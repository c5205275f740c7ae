package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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

// release judges the release with the subject's tag and publishes the result
// on the commit to which the tag leads.
func (w *Worker) release(ctx context.Context, job queue.Job) error {
	repo, err := w.repository(ctx, job.Subject.ID)
	if err != nil || repo == nil {
		return err
	}
	releases, err := repo.Releases(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(releases, func(r gate.Release) bool { return r.Tag == job.Subject.Tag })
	if i < 0 {
		w.log(ctx).WithField("tag", job.Subject.Tag).Info("the release is gone")
		return nil
	}
	known, err := repo.Repository(ctx)
	if err != nil {
		return err
	}
	number, err := w.Ledger.Begin(ctx, known.ID, 0, w.now())
	if err != nil {
		return err
	}
	commit, err := commitOf(ctx, repo, releases[i])
	if hub.IsMissing(err) {
		w.log(ctx).WithField("tag", releases[i].Tag).Warn("the release's tag and target do not exist: nothing to publish on")
		return nil
	}
	if err != nil {
		return err
	}
	in := policy.ReleaseInput{
		Repo: known, Release: releases[i], Commit: commit, Now: w.now(), Policy: policy.BuiltIn(), Issues: map[string]gate.Reading[[]gate.Issue]{},
	}
	speaks, err := w.releasePolicy(ctx, repo, &in)
	if err != nil {
		return err
	}
	if err := w.gatherRelease(ctx, repo, previousOf(releases, releases[i]), &in); err != nil {
		return err
	}
	ev := policy.EvaluateRelease(in)
	ev.Number = number
	return w.publishRelease(ctx, repo, speaks, ev, in.Policy.Check)
}

// commitOf is the commit of a release: of its tag, or of its target while it is
// a draft whose tag does not exist yet.
func commitOf(ctx context.Context, repo *hub.Repo, r gate.Release) (string, error) {
	sha, err := repo.TagCommit(ctx, r.Tag)
	if !hub.IsMissing(err) || !r.Draft {
		return sha, err
	}
	tip, exists, branchErr := repo.Branch(ctx, r.Target)
	switch {
	case branchErr != nil:
		return "", branchErr
	case exists:
		return tip, nil
	case len(r.Target) == 40:
		return r.Target, nil
	}
	return "", err
}

// previousOf is the release published last before r; nil for the first.
func previousOf(releases []gate.Release, r gate.Release) *gate.Release {
	at := func(r gate.Release) time.Time {
		if r.PublishedAt.IsZero() {
			return r.CreatedAt
		}
		return r.PublishedAt
	}
	var previous *gate.Release
	for _, c := range releases {
		older := at(c).Before(at(r)) || at(c).Equal(at(r)) && c.ID < r.ID
		earlier := c.ID != r.ID && !c.Draft && (r.Draft || older)
		if earlier && (previous == nil || at(c).After(at(*previous))) {
			previous = &c
		}
	}
	return previous
}

// releasePolicy settles the policy of a release, that of the default branch with
// what the organization says, and the voice in which the release is spoken of. A
// file that is not valid is a finding, as for a pull request.
func (w *Worker) releasePolicy(ctx context.Context, repo *hub.Repo, in *policy.ReleaseInput) (voice, error) {
	known, err := w.Index.Repository(ctx, nil, in.Repo.ID)
	if err != nil {
		return nil, err
	}
	org, err := w.organizationOf(ctx, in.Repo, known.InstallationID)
	if err != nil {
		return nil, err
	}
	if !org.Known && org.Why.Cause == gate.CauseFault {
		return nil, fmt.Errorf("read the policy of %s: %s", in.Repo.Owner, gate.PlainText(org.Why.Fact))
	}
	own, err := repo.File(ctx, policy.Path, in.Repo.DefaultBranch)
	if err != nil && !hub.IsMissing(err) {
		return nil, err
	}
	found, err := policy.Combine(fileOf(org, organizationFile(in.Repo)), fileOf(reading(own, err, w.now()), policy.Path))
	if err != nil {
		in.Faults = append(in.Faults, policy.Invalid(err))
	}
	heard := found.Heard && (org.Known || org.Why.Cause == gate.CauseMissing)
	is, _, err := w.publishing(ctx, in.Repo, found, heard)
	if err != nil {
		return nil, err
	}
	in.Policy = found.Policy
	in.Policy.Check, in.Policy.Former = is.Check, is.Former
	return w.voiceFor(ctx, in.Policy, is.Mode, nil), nil
}

// gatherRelease reads all that a release is judged from.
func (w *Worker) gatherRelease(ctx context.Context, repo *hub.Repo, previous *gate.Release, in *policy.ReleaseInput) error {
	var since time.Time
	if previous != nil {
		in.Previous, since = previous.Tag, previous.PublishedAt
	}
	r := &round{w: w}
	s := newSnapshot()
	w.readIssues(ctx, r, repo, s, in.Policy.Severity)
	into(ctx, r, repo.Alerts, func(v gate.Reading[[]gate.Alert]) { in.Alerts = v })
	into(ctx, r, func(ctx context.Context) ([]gate.Branch, error) {
		return repo.MergedBranches(ctx, in.Repo.DefaultBranch, since)
	},
		func(v gate.Reading[[]gate.Branch]) { in.Branches = v })
	into(ctx, r, func(ctx context.Context) (contents, error) { return w.contents(ctx, repo, *in) },
		func(v gate.Reading[contents]) {
			in.Pulls = gate.Reading[[]gate.ReleasedPull]{Value: v.Value.pulls, Known: v.Known, Why: v.Why, At: v.At}
			in.Strays = v.Value.strays
		})
	err := r.wait()
	in.Issues = s.issues
	return err
}

// contents is what a release brings: pull requests, and commits without one.
type contents struct {
	pulls  []gate.ReleasedPull
	strays []string
}

// contents finds the pull requests whose commits lie between the previous
// release and this one. Each commit is asked for its pull requests, so that
// merge, squash and rebase count alike. The first release holds everything that
// was merged into the default branch.
func (w *Worker) contents(ctx context.Context, repo *hub.Repo, in policy.ReleaseInput) (contents, error) {
	merged, strays := []gate.PullRequest(nil), []string(nil)
	if in.Previous == "" {
		var err error
		if merged, err = repo.MergedPullRequests(ctx, in.Repo.DefaultBranch, time.Time{}); err != nil {
			return contents{}, err
		}
	} else {
		between, err := repo.Compare(ctx, in.Previous, in.Commit)
		if err != nil {
			return contents{}, err
		}
		if merged, strays, err = pullsOf(ctx, repo, between.Commits); err != nil {
			return contents{}, err
		}
	}
	found := contents{strays: strays}
	for _, pr := range merged {
		m, err := w.enterMerge(ctx, pr)
		if err != nil {
			return contents{}, err
		}
		found.pulls = append(found.pulls, gate.ReleasedPull{Number: pr.Number, Title: pr.Title, Verdict: m.Verdict, Override: m.Override})
	}
	slices.SortFunc(found.pulls, func(a, b gate.ReleasedPull) int { return a.Number - b.Number })
	return found, nil
}

// asking is how many commits are asked for their pull requests at once.
const asking = 16

// pullsOf returns the merged pull requests that brought in the commits, and the
// commits that came with none.
func pullsOf(ctx context.Context, repo *hub.Repo, commits []gate.Commit) (pulls []gate.PullRequest, strays []string, err error) {
	found := make([][]gate.PullRequest, len(commits))
	g, asked := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for i, c := range commits {
		g.Go(func() (err error) {
			found[i], err = repo.PullRequestsOf(asked, c.SHA)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	seen := map[int]bool{}
	for i, c := range commits {
		merged := slices.DeleteFunc(found[i], func(pr gate.PullRequest) bool { return !pr.Merged })
		if len(merged) == 0 {
			strays = append(strays, c.SHA)
		}
		for _, pr := range merged {
			if !seen[pr.Number] {
				seen[pr.Number] = true
				pulls = append(pulls, pr)
			}
		}
	}
	strays, err = withoutRebased(ctx, repo, commits, strays, pulls)
	return pulls, strays, err
}

// withoutRebased takes out of strays the commits that a rebase merge made:
// GitHub may name the pull request only on the last of them. They stand right
// before it, one for each commit of the pull request, with the same message and
// author.
func withoutRebased(ctx context.Context, repo *hub.Repo, commits []gate.Commit, strays []string, pulls []gate.PullRequest) ([]string, error) {
	if len(strays) == 0 {
		return nil, nil
	}
	for _, pr := range pulls {
		last := slices.IndexFunc(commits, func(c gate.Commit) bool { return c.SHA == pr.MergeSHA })
		if last < 1 || commits[last].Parents > 1 || !slices.Contains(strays, commits[last-1].SHA) {
			continue
		}
		own, err := repo.Commits(ctx, pr.Number)
		if err != nil {
			return nil, err
		}
		first := last - len(own) + 1
		if first < 0 || !slices.EqualFunc(own, commits[first:last+1], sameWork) {
			continue
		}
		strays = slices.DeleteFunc(strays, func(sha string) bool {
			return slices.ContainsFunc(commits[first:last], func(c gate.Commit) bool { return c.SHA == sha })
		})
	}
	return strays, nil
}

func sameWork(a, b gate.Commit) bool { return a.Message == b.Message && a.AuthorEmail == b.AuthorEmail }

// publishRelease enters the result and writes the check run. Evidence that
// could not be read is read again before anything final is said.
func (w *Worker) publishRelease(ctx context.Context, repo *hub.Repo, speaks voice, ev gate.ReleaseEvaluation, name string) error {
	err := w.Store.Write(ctx, func(tx *sql.Tx) error {
		var codes []string
		for _, f := range ev.Blockers() {
			codes = append(codes, string(f.Requirement)+" "+f.Code)
		}
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: ev.At, Kind: ledger.KindRelease, RepoID: ev.Repo.ID, SHA: ev.Commit, Once: fmt.Sprintf("release/%d", ev.Number),
			Data: map[string]any{"tag": ev.Release.Tag, "previous": ev.Previous, "pulls": ev.Pulls, "verdict": ev.Verdict, "blockers": codes},
		})
		return err
	})
	if err != nil {
		return err
	}
	unlock := w.heads.lock(ev.Repo.ID, ev.Commit)
	defer unlock()
	pulls, err := w.Index.ByHead(ctx, nil, ev.Repo.ID, ev.Commit)
	if err != nil {
		return err
	}
	for _, p := range pulls {
		if p.Open && p.HeadSHA == ev.Commit {
			// One commit has one check: a merge must not come by on a release's word.
			w.log(ctx).WithField("open", p.Number).Warn("the release's commit heads an open pull request, whose check stands")
			return nil
		}
	}
	run := report.Release(ev, report.Options{Name: name, DetailsURL: ev.Release.URL})
	s := showing{repo: repo, repoID: ev.Repo.ID, subject: queue.ReleaseOf(ev.Repo.ID, ev.Release.Tag), number: ev.Number}
	err = w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		s.turn, err = ledger.Intend(ctx, tx, s.repoID, ev.Commit)
		return err
	})
	if err != nil {
		return err
	}
	if err := speaks.write(ctx, s, run); err != nil {
		return err
	}
	if ev.Status == gate.Unknown {
		return errors.New("judge release " + ev.Release.Tag + ": some evidence could not be read")
	}
	return nil
}
