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
	known, err := repo.Repository(ctx)
	if err != nil {
		return err
	}
	was, _, err := w.Ledger.Tag(ctx, known.ID, job.Subject.Tag)
	if err != nil {
		return err
	}
	rel, err := w.releaseOf(ctx, repo, known, job.Subject.Tag, was)
	if err != nil {
		return err
	}
	number, err := w.Ledger.Begin(ctx, known.ID, 0, w.now())
	if err != nil {
		return err
	}
	commit, untagged, err := commitOf(ctx, repo, rel)
	switch {
	case hub.IsMissing(err):
		return w.tagGone(ctx, repo, known, was)
	case hub.KindOf(err) == hub.KindInvalid:
		w.log(ctx).WithError(err).WithField("tag", rel.Tag).Warn("the tag leads to no commit: nothing to publish on")
		return nil
	case err != nil:
		return err
	}
	if err := w.noteTag(ctx, known.ID, rel, commit, untagged); err != nil {
		return err
	}
	if rel.ID == 0 && !rel.Draft && !policy.IsVersion(rel.Tag) {
		w.log(ctx).WithField("tag", rel.Tag).Debug("a tag without a release that is not named like one: not judged")
		return nil
	}
	in := policy.ReleaseInput{
		Repo: known, Release: rel, Commit: commit, First: was.First, Untagged: untagged, Now: w.now(), Policy: policy.BuiltIn(),
		Issues: map[string]gate.Reading[[]gate.Issue]{},
	}
	speaks, err := w.releasePolicy(ctx, repo, &in)
	if err != nil {
		return err
	}
	if err := w.gatherRelease(ctx, repo, &in); err != nil {
		return err
	}
	ev := policy.EvaluateRelease(in)
	ev.Number = number
	if err := w.windowOf(ctx, &ev); err != nil {
		return err
	}
	return errors.Join(w.publishRelease(ctx, repo, speaks, ev, in.Policy.Check), w.afterRelease(ctx, repo, in, ev))
}

// releaseOf is the release of a tag: the published one, else the draft of which an
// event told, else the bare tag.
func (w *Worker) releaseOf(ctx context.Context, repo *hub.Repo, known gate.Repository, tag string, was ledger.Tag) (gate.Release, error) {
	rel, err := repo.ReleaseByTag(ctx, tag)
	if !hub.IsMissing(err) {
		return rel, err
	}
	return gate.Release{Tag: tag, URL: w.releaseURL(known, tag), Draft: was.Target != "", Target: was.Target}, nil
}

// noteTag records where a tag leads.
func (w *Worker) noteTag(ctx context.Context, repoID int64, rel gate.Release, commit string, untagged bool) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		if !untagged {
			if err := ledger.SawTag(ctx, tx, repoID, rel.Tag, commit, w.now()); err != nil {
				return err
			}
		}
		if rel.Draft {
			return nil
		}
		return ledger.SawDraft(ctx, tx, repoID, rel.Tag, "")
	})
}

// commitOf is the commit of a release: of its tag, or of its target while it is
// a draft whose tag does not exist yet.
func commitOf(ctx context.Context, repo *hub.Repo, r gate.Release) (sha string, untagged bool, err error) {
	sha, err = repo.TagCommit(ctx, r.Tag)
	if !hub.IsMissing(err) || !r.Draft {
		return sha, false, err
	}
	tip, exists, branchErr := repo.Branch(ctx, r.Target)
	switch {
	case branchErr != nil:
		return "", false, branchErr
	case exists:
		return tip, true, nil
	}
	c, err := repo.Commit(ctx, r.Target)
	return c.SHA, true, err
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
func (w *Worker) gatherRelease(ctx context.Context, repo *hub.Repo, in *policy.ReleaseInput) error {
	r := &round{w: w}
	s := newSnapshot()
	w.readIssues(ctx, r, repo, s, in.Policy.Severity)
	into(ctx, r, repo.Alerts, func(v gate.Reading[[]gate.Alert]) { in.Alerts = v })
	asked := *in
	into(ctx, r, func(ctx context.Context) ([]string, error) { return w.reachedFrom(ctx, repo, asked) },
		func(v gate.Reading[[]string]) { in.Reached = v })
	into(ctx, r, func(ctx context.Context) (contents, error) { return w.contents(ctx, repo, asked) },
		func(v gate.Reading[contents]) {
			found := v.Value
			in.Pulls = gate.Reading[[]gate.ReleasedPull]{Value: found.pulls, Known: v.Known, Why: v.Why, At: v.At}
			in.Branches = gate.Reading[[]gate.Branch]{Value: found.branches, Known: v.Known, Why: v.Why, At: v.At}
			in.Strays, in.Previous, in.PreviousAt, in.PreviousVerdict = found.strays, found.previous, found.since, found.verdict
		})
	err := r.wait()
	in.Issues = s.issues
	return err
}

// contents is what a release brings: pull requests, and commits without one.
type contents struct {
	previous string // tag of the release before, "" for the first
	since    time.Time
	verdict  gate.Verdict // of the release before
	pulls    []gate.ReleasedPull
	branches []gate.Branch // heads of the pull requests that still exist
	strays   []string
}

// contents finds the release before, and the pull requests whose commits lie
// between the two. The first release holds everything that was merged into the
// default branch.
func (w *Worker) contents(ctx context.Context, repo *hub.Repo, in policy.ReleaseInput) (contents, error) {
	before, any, err := w.predecessor(ctx, repo, in.Release.Tag, in.Commit)
	if err != nil {
		return contents{}, err
	}
	found := contents{previous: before.Name}
	var merged []gate.PullRequest
	if any {
		if found.since, err = publishedAt(ctx, repo, before.Name); err != nil {
			return contents{}, err
		}
		was, _, err := w.Ledger.Tag(ctx, in.Repo.ID, before.Name)
		if err != nil {
			return contents{}, err
		}
		if was.SHA == before.SHA {
			found.verdict = was.Judged.Verdict
		}
		between, err := repo.Compare(ctx, before.SHA, in.Commit)
		if err != nil {
			return contents{}, err
		}
		if merged, found.strays, err = pullsOf(ctx, repo, between.Commits, in.Commit, found.since); err != nil {
			return contents{}, err
		}
	} else if merged, found.strays, err = firstPulls(ctx, repo, in); err != nil {
		return contents{}, err
	}
	for _, pr := range merged {
		p, err := w.releasedPull(ctx, pr)
		if err != nil {
			return contents{}, err
		}
		found.pulls = append(found.pulls, p)
	}
	slices.SortFunc(found.pulls, func(a, b gate.ReleasedPull) int { return a.Number - b.Number })
	found.branches, err = repo.HeadsOf(ctx, merged, in.Repo.DefaultBranch)
	return found, err
}

// firstPulls is what the first release brings. That its own commit came with a
// pull request is asked for.
func firstPulls(ctx context.Context, repo *hub.Repo, in policy.ReleaseInput) (merged []gate.PullRequest, strays []string, err error) {
	if merged, err = repo.MergedPullRequests(ctx, in.Repo.DefaultBranch, time.Time{}); err != nil {
		return nil, nil, err
	}
	own, err := repo.PullRequestsOf(ctx, in.Commit)
	if err == nil && !slices.ContainsFunc(own, func(pr gate.PullRequest) bool { return pr.Merged }) {
		strays = []string{in.Commit}
	}
	return merged, strays, err
}

// carried are the requirements of which a release says what a pull request left
// open.
var carried = []gate.Requirement{"communication/docs", "operational/tracker", "code/qa"}

// releasedPull is a pull request of a release, with what stood when it was merged.
func (w *Worker) releasedPull(ctx context.Context, pr gate.PullRequest) (gate.ReleasedPull, error) {
	m, err := w.enterMerge(ctx, pr)
	if err != nil {
		return gate.ReleasedPull{}, err
	}
	p := gate.ReleasedPull{
		Number: pr.Number, Title: pr.Title, Author: pr.Author.Login, MergeSHA: pr.MergeSHA, Verdict: m.Verdict, Override: m.Override,
	}
	if m.Verdict != gate.Ready {
		if p.Ungated, err = w.ungated(ctx, pr); err != nil {
			return p, err
		}
	}
	landing, _, err := w.Ledger.LandingOf(ctx, pr.Repo.ID, pr.Number)
	if err != nil {
		return p, err
	}
	if landing.State == gate.LandedDiffers {
		p.Differs, p.DiffersIn = landing.Paths, landing.Files
	}
	ev, found, err := w.Ledger.LatestOn(ctx, pr.Repo.ID, pr.Number, pr.HeadSHA)
	if err != nil || !found {
		return p, err
	}
	p.Class, p.Type = ev.Class, ev.Record.Type
	for _, s := range ev.Signoffs {
		if s.Counts {
			p.Signed = append(p.Signed, s.Name+" by @"+s.User.Login)
		}
	}
	for _, f := range ev.Findings {
		if f.Status != gate.Pass && slices.Contains(carried, f.Requirement) {
			p.Owed = append(p.Owed, f)
		}
	}
	return p, nil
}

// ungated says why the check could not hold a merge back, "" when it could or
// that is not known.
func (w *Worker) ungated(ctx context.Context, pr gate.PullRequest) (string, error) {
	at, ever, err := w.Ledger.RequirementAt(ctx, pr.Repo.ID, pr.BaseRef, pr.MergedAt)
	if err != nil || at == "" || at == ledger.Required {
		return "", err
	}
	if ever {
		return gate.WhileNotRequired, nil
	}
	now, later, err := w.Ledger.RequirementAt(ctx, pr.Repo.ID, pr.BaseRef, w.now())
	if later || now == ledger.Required {
		return gate.BeforeRequired, err
	}
	return gate.WhileNotRequired, err
}

const (
	asking  = 16    // commits are asked for their pull requests at once
	askedOf = 1_000 // commits are asked at most
	blind   = 10    // pages of merged pull requests are read where no time bounds them
	bounded = 100   // where one does
)

// pullsOf returns the merged pull requests that brought in the commits between two
// releases, and the commits that came with none. tip is the later release's.
//
// From tip the first parents lead back over all that was merged: what a merge
// commit of a pull request joined belongs to that, whatever it holds. Most are
// found in the list of those merged last; the commits that are left are asked for
// their pull requests one by one.
func pullsOf(ctx context.Context, repo *hub.Repo, commits []gate.Commit, tip string, since time.Time) (pulls []gate.PullRequest, strays []string, err error) {
	pages := bounded
	if since.IsZero() {
		pages = blind
	}
	merged, err := repo.LatestMerged(ctx, since, pages)
	if err != nil {
		return nil, nil, err
	}
	p := newPath(commits)
	for _, pr := range merged {
		p.landed[pr.MergeSHA] = pr
	}
	_, left := p.walk(tip)
	of, err := askPulls(ctx, repo, left[:min(len(left), askedOf)])
	if err != nil {
		return nil, nil, err
	}
	for _, list := range of {
		for _, pr := range list {
			p.landed[pr.MergeSHA] = pr
		}
	}
	pulls, left = p.walk(tip)
	if left, err = withoutRebased(ctx, repo, p.chain(tip), left, pulls); err != nil {
		return nil, nil, err
	}
	for _, sha := range left {
		if len(of[sha]) == 0 {
			strays = append(strays, sha)
		}
		pulls = append(pulls, of[sha]...)
	}
	slices.SortFunc(pulls, func(a, b gate.PullRequest) int { return a.Number - b.Number })
	return slices.CompactFunc(pulls, func(a, b gate.PullRequest) bool { return a.Number == b.Number }), strays, nil
}

// askPulls asks commits for the merged pull requests that brought them.
func askPulls(ctx context.Context, repo *hub.Repo, shas []string) (map[string][]gate.PullRequest, error) {
	found := make([][]gate.PullRequest, len(shas))
	g, asked := errgroup.WithContext(ctx)
	g.SetLimit(asking)
	for i, sha := range shas {
		g.Go(func() (err error) {
			found[i], err = repo.PullRequestsOf(asked, sha)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	of := map[string][]gate.PullRequest{}
	for i, sha := range shas {
		of[sha] = slices.DeleteFunc(found[i], func(pr gate.PullRequest) bool { return !pr.Merged })
	}
	return of, nil
}

// path is the history between two releases.
type path struct {
	in     map[string]gate.Commit
	landed map[string]gate.PullRequest // by the commit that brought it in
}

func newPath(commits []gate.Commit) path {
	p := path{in: make(map[string]gate.Commit, len(commits)), landed: map[string]gate.PullRequest{}}
	for _, c := range commits {
		p.in[c.SHA] = c
	}
	return p
}

// walk follows the first parents from a commit, and all parents of merges that
// are of no pull request. It returns the pull requests on the way, and the commits
// that are of none.
func (p path) walk(from string) (pulls []gate.PullRequest, left []string) {
	seen := map[string]bool{}
	for heads := []string{from}; len(heads) > 0; {
		sha := heads[len(heads)-1]
		heads = heads[:len(heads)-1]
		c, in := p.in[sha]
		if !in || seen[sha] {
			continue
		}
		seen[sha] = true
		pr, of := p.landed[sha]
		switch {
		case of:
			pulls = append(pulls, pr)
			heads = append(heads, c.ParentSHAs[:min(1, len(c.ParentSHAs))]...)
		default:
			left = append(left, sha)
			heads = append(heads, c.ParentSHAs...)
		}
	}
	return pulls, left
}

// chain is the first parents of a commit, the oldest first, and itself.
func (p path) chain(from string) []gate.Commit {
	var chain []gate.Commit
	for sha := from; ; {
		c, in := p.in[sha]
		if !in {
			break
		}
		chain = append(chain, c)
		if len(c.ParentSHAs) == 0 {
			break
		}
		sha = c.ParentSHAs[0]
	}
	slices.Reverse(chain)
	return chain
}

// withoutRebased takes out of strays the commits that a rebase merge made:
// GitHub may name the pull request only on the last of them. They stand right
// before it, one for each commit of the pull request, with the same message and
// author.
func withoutRebased(ctx context.Context, repo *hub.Repo, commits []gate.Commit, strays []string, pulls []gate.PullRequest) ([]string, error) {
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
		if err := enterRelease(ctx, tx, ev); err != nil {
			return err
		}
		if err := ledger.SaveRelease(ctx, tx, ev); err != nil {
			return err
		}
		return w.wakeDeployments(ctx, tx, ev.Repo.ID, ev.Commit)
	})
	if err != nil {
		return err
	}
	all, err := w.Ledger.ReleasesOn(ctx, ev.Repo.ID, ev.Commit)
	if err != nil {
		return err
	}
	if err := w.writeReleases(ctx, repo, speaks, name, all); err != nil {
		return err
	}
	if ev.Status == gate.Unknown {
		return errors.New("judge release " + ev.Release.Tag + ": some evidence could not be read")
	}
	return nil
}

func enterRelease(ctx context.Context, tx *sql.Tx, ev gate.ReleaseEvaluation) error {
	var codes []string
	for _, f := range ev.Blockers() {
		codes = append(codes, string(f.Requirement)+" "+f.Code)
	}
	pulls := make([]map[string]any, 0, len(ev.Pulls))
	for _, p := range ev.Pulls {
		pull := map[string]any{"Number": p.Number, "Title": p.Title, "Verdict": p.Verdict}
		if p.Override != "" {
			pull["Override"] = p.Override
		}
		pulls = append(pulls, pull)
	}
	_, err := ledger.Append(ctx, tx, ledger.Entry{
		At: ev.At, Kind: ledger.KindRelease, RepoID: ev.Repo.ID, SHA: ev.Commit, Once: fmt.Sprintf("release/%d", ev.Number),
		Data: map[string]any{"tag": ev.Release.Tag, "previous": ev.Previous, "pulls": pulls, "verdict": ev.Verdict, "blockers": codes},
	})
	return err
}

// writeReleases writes the check run of a commit on which releases hang. Where
// open pull requests do, one check stands for all, and their job writes it; a bare
// tag leaves theirs alone, since anyone who pushes may make one.
func (w *Worker) writeReleases(ctx context.Context, repo *hub.Repo, speaks voice, name string, evs []gate.ReleaseEvaluation) error {
	if len(evs) == 0 {
		return nil
	}
	repoID, sha := evs[0].Repo.ID, evs[0].Commit
	unlock := w.heads.lock(repoID, sha)
	defer unlock()
	if shared, err := w.sharedWithPulls(ctx, evs); err != nil || shared {
		return err
	}
	run := report.Together(report.CheckRun{}, evs, report.Options{Name: name})
	newest := evs[0]
	for _, ev := range evs {
		if ev.Number > newest.Number {
			newest = ev
		}
	}
	s := showing{repo: repo, repoID: repoID, subject: queue.ReleaseOf(repoID, newest.Release.Tag), number: newest.Number}
	err := w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		s.turn, err = ledger.Intend(ctx, tx, repoID, sha)
		return err
	})
	if err != nil {
		return err
	}
	return speaks.write(ctx, s, run)
}

// sharedWithPulls reports whether the commit of releases heads open pull requests
// that are judged, and has these looked at.
func (w *Worker) sharedWithPulls(ctx context.Context, evs []gate.ReleaseEvaluation) (bool, error) {
	repo, sha := evs[0].Repo, evs[0].Commit
	pulls, err := w.Index.ByHead(ctx, nil, repo.ID, sha)
	if err != nil {
		return false, err
	}
	known, err := w.Index.Repository(ctx, nil, repo.ID)
	if err != nil {
		return false, err
	}
	shared := false
	for _, p := range pulls {
		if !p.Open || p.HeadSHA != sha {
			continue
		}
		_, judged, err := w.Ledger.LatestOn(ctx, p.RepoID, p.Number, sha)
		if err != nil {
			return false, err
		}
		if !judged && !w.policyGuess(repo.ID).InScope(p.BaseRef, repo.DefaultBranch, nil) {
			continue
		}
		shared = true
		if !slices.ContainsFunc(evs, published) {
			continue
		}
		err = w.Store.Write(ctx, func(tx *sql.Tx) error {
			return w.Queue.Touch(ctx, tx, queue.PR(p.RepoID, p.Number).For(known.InstallationID))
		})
		if err != nil {
			return false, err
		}
	}
	return shared, nil
}

// published reports whether a release is more than a tag.
func published(ev gate.ReleaseEvaluation) bool { return ev.Release.ID != 0 }

// withReleases adds to the check run of pull requests the releases that hang on
// their head.
func (w *Worker) withReleases(ctx context.Context, repoID int64, run report.CheckRun) (report.CheckRun, error) {
	evs, err := w.Ledger.ReleasesOn(ctx, repoID, run.HeadSHA)
	if err != nil {
		return run, err
	}
	evs = slices.DeleteFunc(evs, func(ev gate.ReleaseEvaluation) bool { return !published(ev) })
	return report.Together(run, evs, report.Options{Name: run.Name, DetailsURL: run.DetailsURL}), nil
}

// releasesAlone has the releases on a commit shown by themselves, once no pull
// request that it heads is open any more.
func (w *Worker) releasesAlone(ctx context.Context, tx *sql.Tx, repoID int64, evs []gate.ReleaseEvaluation) error {
	known, err := w.Index.Repository(ctx, tx, repoID)
	if err != nil {
		return err
	}
	for _, ev := range evs {
		if err := w.Queue.Touch(ctx, tx, queue.ReleaseOf(repoID, ev.Release.Tag).For(known.InstallationID)); err != nil {
			return err
		}
	}
	return nil
}
