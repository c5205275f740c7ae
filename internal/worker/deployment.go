package worker

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// A deployment goes on with exactly a commit that was READY: the head of an open
// pull request, what a pull request landed as that was READY and landed as it was
// judged, or the commit of a release that is READY. What may become so by itself
// or by somebody's hand waits, and is told what for; all else is rejected.

const (
	deploymentAgain = 15 * time.Minute // a deployment that waits is looked at again
	deploymentSoon  = 30 * time.Second // while GitHub may still be catching up
	deploymentGrace = 2 * time.Minute  // for which it may
	// deploymentEnds is when GitHub gives up a run that waits.
	// https://docs.github.com/en/actions/reference/limits
	deploymentEnds = 30 * 24 * time.Hour
	// reportsGiven is how often a deployment is told why it waits, of the ten times
	// that GitHub allows.
	reportsGiven = 9
)

// The states of a deployment.
const (
	approved = "approved"
	rejected = "rejected"
	waits    = ""
	gone     = "gone"
)

// clearance is what a commit comes to for a deployment, and why.
type clearance struct {
	state string
	why   string // a sentence
}

// deployment answers a run of GitHub Actions that waits to deploy.
func (w *Worker) deployment(ctx context.Context, job queue.Job) error {
	repo, err := w.repository(ctx, job.Subject.ID)
	if err != nil || repo == nil {
		return err
	}
	d, found, err := w.Ledger.DeploymentOf(ctx, job.Subject.ID, int64(job.Subject.Number), job.Subject.Tag)
	if err != nil || !found || d.State != waits {
		return err
	}
	if w.now().Sub(d.AskedAt) >= deploymentEnds {
		d.State = gone
		return w.Store.Write(ctx, func(tx *sql.Tx) error { return ledger.SaveDeployment(ctx, tx, d) })
	}
	c, err := w.clearanceOf(ctx, repo, d)
	if err != nil {
		return w.putOffDeployment(ctx, repo, job, d, err)
	}
	if c, err = w.inMode(ctx, d, c); err != nil {
		return err
	}
	return w.answerDeployment(ctx, repo, job, d, c)
}

// inMode approves in a shadow and in a trial, which hold nothing back.
func (w *Worker) inMode(ctx context.Context, d ledger.Deployment, c clearance) (clearance, error) {
	is, known, err := w.Ledger.PublishingOf(ctx, d.RepoID, w.now())
	if err != nil || c.state == approved {
		return c, err
	}
	if !known {
		is.Mode = w.Mode
	}
	if is.Mode.Enforces() {
		return c, nil
	}
	return clearance{approved, fmt.Sprintf("%s: it would be held back: %s", is.Mode, c.why)}, nil
}

// putOffDeployment says once that a deployment waits because something cannot be
// read, and has it tried again. It is never approved for that.
func (w *Worker) putOffDeployment(ctx context.Context, repo *hub.Repo, job queue.Job, d ledger.Deployment, why error) error {
	if _, limited := hub.RetryAfter(why); limited || d.Said != "" {
		return why
	}
	c := clearance{waits, "whether this commit is READY cannot be read yet; it is tried again"}
	return errors.Join(why, w.answerDeployment(ctx, repo, job, d, c))
}

// answerDeployment answers a deployment, or says why it waits if that is new.
func (w *Worker) answerDeployment(ctx context.Context, repo *hub.Repo, job queue.Job, d ledger.Deployment, c clearance) error {
	again := w.now().Add(deploymentAgain)
	if w.now().Sub(d.AskedAt) < deploymentGrace {
		again = w.now().Add(deploymentSoon)
	}
	text := report.Deployment(c.why)
	if c.state == waits && (text == d.Said || d.Reports >= reportsGiven) {
		return w.Store.Write(ctx, func(tx *sql.Tx) error { return w.Queue.Wake(ctx, tx, job.Subject, again) })
	}
	once := fmt.Sprintf("deployment/%d/%s/%d/%s", d.Run, d.Environment, d.Reports, c.state)
	entry := ledger.Entry{
		At: w.now(), Kind: ledger.KindDeploy, RepoID: d.RepoID, SHA: d.SHA, Once: once,
		Data: map[string]any{"run": d.Run, "environment": d.Environment, "state": cmp.Or(c.state, "waits"), "said": text},
	}
	err := w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, entry)
		return err
	})
	if err != nil {
		return err
	}
	err = repo.AnswerDeployment(ctx, d.Run, hub.DeploymentAnswer{Environment: d.Environment, State: c.state, Comment: text})
	d.State, d.Said = c.state, text
	d.Reports++
	switch hub.KindOf(err) {
	case hub.KindMissing, hub.KindInvalid: // cancelled, or answered by somebody else
		w.log(ctx).WithError(err).Info("the deployment waits no more")
		d.State = gone
	default:
		if err != nil {
			return err
		}
	}
	entry.Kind, entry.Once, entry.At = ledger.KindDeployed, once+"/done", w.now()
	entry.Data = map[string]any{"run": d.Run, "environment": d.Environment, "state": cmp.Or(d.State, "waits")}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		if _, err := ledger.Append(ctx, tx, entry); err != nil {
			return err
		}
		if err := ledger.SaveDeployment(ctx, tx, d); err != nil || d.State != waits {
			return err
		}
		return w.Queue.Wake(ctx, tx, job.Subject, again)
	})
}

// clearanceOf is whether a deployment may go on now.
func (w *Worker) clearanceOf(ctx context.Context, repo *hub.Repo, d ledger.Deployment) (clearance, error) {
	young := w.now().Sub(d.AskedAt) < deploymentGrace
	is, err := repo.HasRun(ctx, d.SHA, d.Run)
	if err != nil {
		return clearance{}, err
	}
	if !is {
		if young {
			return clearance{waits, fmt.Sprintf("GitHub shows no run %d of %s yet", d.Run, gate.Short(d.SHA))}, nil
		}
		return clearance{rejected, fmt.Sprintf("run %d is none of commit %s, for which it asks", d.Run, gate.Short(d.SHA))}, nil
	}
	live, err := w.wasLive(ctx, repo, d)
	if err != nil {
		return clearance{}, err
	}
	if live {
		return clearance{approved, fmt.Sprintf("%s was live in %s before", gate.Short(d.SHA), gate.Quote(d.Environment))}, nil
	}
	releases, err := w.Ledger.ReleasesOn(ctx, d.RepoID, d.SHA)
	if err != nil || len(releases) > 0 {
		return clearReleases(releases), err
	}
	return w.clearPulls(ctx, repo, d, young)
}

// wasLive reports whether a commit was live in an environment before. That it
// arrived there anybody can say who may write to the repository: it counts where
// we had approved it, or where that was said while the check was not required.
func (w *Worker) wasLive(ctx context.Context, repo *hub.Repo, d ledger.Deployment) (bool, error) {
	since, err := repo.LiveSince(ctx, d.Environment, d.SHA)
	if err != nil && hub.Unreadable(err).Cause != gate.CauseFault || err == nil && len(since) == 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	approved, err := w.Ledger.Approved(ctx, d.RepoID, d.Environment, d.SHA)
	if err != nil || approved {
		return approved, err
	}
	known, err := w.Index.Repository(ctx, nil, d.RepoID)
	if err != nil {
		return false, err
	}
	for _, at := range since {
		state, _, err := w.Ledger.RequirementAt(ctx, d.RepoID, known.DefaultBranch, at)
		if err != nil {
			return false, err
		}
		if state != ledger.Required {
			return true, nil
		}
	}
	return false, nil
}

// clearReleases is the worst that the releases on a commit come to.
func clearReleases(releases []gate.ReleaseEvaluation) clearance {
	if len(releases) == 0 {
		return clearance{}
	}
	worst := slices.MaxFunc(releases, func(a, b gate.ReleaseEvaluation) int { return cmp.Compare(a.Status, b.Status) })
	name := "release " + gate.Quote(worst.Release.Tag)
	open := worst.Blockers()
	switch {
	case worst.Verdict == gate.Ready:
		return clearance{approved, name + " is READY"}
	case worst.Status == gate.Fail:
		return clearance{rejected, fmt.Sprintf("RELEASE WITHOUT READINESS: %s is NOT READY: %s", name, open[0].Fact)}
	default:
		return clearance{waits, fmt.Sprintf("%s is %s: %s", name, worst.Verdict, open[0].Fact)}
	}
}

// clearPulls is what a commit comes to as what a pull request landed as, or as the
// head of an open one.
func (w *Worker) clearPulls(ctx context.Context, repo *hub.Repo, d ledger.Deployment, young bool) (clearance, error) {
	pulls, err := repo.PullRequestsOf(ctx, d.SHA)
	if err != nil && !hub.IsMissing(err) {
		return clearance{}, err
	}
	for _, pr := range pulls {
		switch {
		case pr.Merged && pr.MergeSHA == d.SHA:
			return w.clearMerged(ctx, pr)
		case pr.Open && pr.HeadSHA == d.SHA && pr.Repo.ID == d.RepoID:
			return w.clearOpen(ctx, pr)
		}
	}
	if young {
		return clearance{waits, fmt.Sprintf("GitHub shows no pull request of %s yet", gate.Short(d.SHA))}, nil
	}
	return clearance{rejected, fmt.Sprintf("RELEASE WITHOUT READINESS: %s is not what a pull request landed as, and no release", gate.Short(d.SHA))}, nil
}

func (w *Worker) clearMerged(ctx context.Context, pr gate.PullRequest) (clearance, error) {
	m, err := w.enterMerge(ctx, pr)
	if err != nil {
		return clearance{}, err
	}
	if m.Verdict != gate.Ready && m.Override == "" {
		return clearance{rejected, fmt.Sprintf("#%d was merged without READY (%s)", pr.Number, cmp.Or(string(m.Verdict), "never judged"))}, nil
	}
	landing, found, err := w.Ledger.LandingOf(ctx, pr.Repo.ID, pr.Number)
	switch {
	case err != nil:
		return clearance{}, err
	case !found:
		return clearance{waits, fmt.Sprintf("what #%d landed as is being held against what was judged", pr.Number)}, nil
	case landing.State != gate.LandedSame:
		return clearance{rejected, fmt.Sprintf("#%d landed otherwise than it was judged (%s)", pr.Number, landing.State)}, nil
	case m.Override != "":
		return clearance{approved, fmt.Sprintf("#%d was let pass by %s, and landed as it was judged", pr.Number, gate.Quote(m.Override))}, nil
	}
	return clearance{approved, fmt.Sprintf("#%d was READY, and landed as it was judged", pr.Number)}, nil
}

func (w *Worker) clearOpen(ctx context.Context, pr gate.PullRequest) (clearance, error) {
	ev, found, err := w.Ledger.LatestOn(ctx, pr.Repo.ID, pr.Number, pr.HeadSHA)
	if err != nil {
		return clearance{}, err
	}
	if !found {
		return clearance{waits, fmt.Sprintf("#%d is not judged yet", pr.Number)}, nil
	}
	switch conclusion := report.Conclude(ev); conclusion {
	case report.Success:
		return clearance{approved, fmt.Sprintf("#%d may merge at %s (%s)", pr.Number, gate.Short(pr.HeadSHA), cmp.Or(overriders(ev), string(ev.Verdict)))}, nil
	case report.Failure:
		return clearance{rejected, fmt.Sprintf("#%d is %s: %s", pr.Number, ev.Verdict, firstFact(ev))}, nil
	default:
		return clearance{waits, fmt.Sprintf("#%d is %s: %s", pr.Number, ev.Verdict, firstFact(ev))}, nil
	}
}

func firstFact(ev gate.Evaluation) string {
	if open := ev.Blockers(); len(open) > 0 {
		return open[0].Fact
	}
	return "a draft"
}

// wakeDeployments has the deployments of a commit looked at, as what was judged of
// it has changed.
func (w *Worker) wakeDeployments(ctx context.Context, tx *sql.Tx, repoID int64, sha string) error {
	waiting, err := ledger.DeploymentsWaiting(ctx, tx, repoID, sha)
	if err != nil || len(waiting) == 0 {
		return err
	}
	known, err := w.Index.Repository(ctx, tx, repoID)
	if err != nil {
		return err
	}
	for _, d := range waiting {
		if err := w.Queue.Touch(ctx, tx, queue.DeploymentOf(repoID, d.Run, d.Environment).For(known.InstallationID)); err != nil {
			return err
		}
	}
	return nil
}
