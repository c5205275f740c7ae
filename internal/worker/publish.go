package worker

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/ledger"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// publish says on an evaluation's head what it came to, unless a newer
// evaluation of the pull request was stored meanwhile or the run would say the
// same again. A READY is not written by a job that an event has overtaken: the
// run that follows will decide.
//
// One publisher at a time works on a head, and it reads the verdicts of all pull
// requests there while it does: whichever comes last writes what all of them
// come to.
func (w *Worker) publish(ctx context.Context, v *view, ev gate.Evaluation, notes []string) error {
	unlock := w.heads.lock(ev.PR.Repo.ID, ev.PR.HeadSHA)
	defer unlock()
	if ev.Passes() {
		if overtaken, err := w.overtaken(ctx, v.job); err != nil || overtaken {
			return err
		}
	}
	latest, _, err := w.Ledger.LatestOn(ctx, ev.PR.Repo.ID, ev.PR.Number, ev.PR.HeadSHA)
	if err != nil {
		return err
	}
	if latest.Number > ev.Number {
		w.log(ctx).WithField("evaluation", ev.Number).Info("superseded by a newer evaluation")
		return nil
	}
	evs, err := w.withTwins(ctx, ev)
	if err != nil {
		return err
	}
	run := report.Check(evs, report.Options{Name: v.policy.Check, DetailsURL: ev.PR.URL, Notes: notes})
	return v.voice.write(ctx, v.repo, ev.PR.Repo.ID, gate.Newest(evs), run)
}

// overtaken reports whether the job's subject was touched since it began.
func (w *Worker) overtaken(ctx context.Context, job queue.Job) (bool, error) {
	tx, err := w.Store.Read().BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	now, err := w.Queue.Generation(ctx, tx, job.Subject)
	return now > job.Generation, err
}

// withTwins adds the standing evaluations of other open pull requests with the
// same head: a check run hangs on the commit.
func (w *Worker) withTwins(ctx context.Context, ev gate.Evaluation) ([]gate.Evaluation, error) {
	evs := []gate.Evaluation{ev}
	pulls, err := w.Index.ByHead(ctx, nil, ev.PR.Repo.ID, ev.PR.HeadSHA)
	if err != nil {
		return nil, err
	}
	for _, p := range pulls {
		if p.Number == ev.PR.Number || !p.Open || p.HeadSHA != ev.PR.HeadSHA {
			continue
		}
		twin, found, err := w.Ledger.LatestOn(ctx, p.RepoID, p.Number, p.HeadSHA)
		if err != nil {
			return nil, err
		}
		switch {
		case found && twin.PR.BaseRef == p.BaseRef:
			if !w.now().Before(twin.Override.Until) {
				twin.Override = gate.Overriding{} // it will be judged anew
			}
			evs = append(evs, twin)
		case !found && w.policyGuess(p.RepoID).InScope(p.BaseRef, ev.PR.Repo.DefaultBranch, nil):
			evs = append(evs, unread(ev, p))
			if err := w.rouse(ctx, p); err != nil {
				return nil, err
			}
		}
	}
	return evs, nil
}

// unread stands for a pull request on the same head that was not judged yet: a
// pass of another one must not be taken for its own.
func unread(ev gate.Evaluation, p index.Pull) gate.Evaluation {
	return gate.Evaluation{
		At: ev.At, Verdict: gate.Waiting, Status: gate.Pending,
		PR: gate.PullRequest{Repo: ev.PR.Repo, Number: p.Number, HeadSHA: p.HeadSHA, BaseRef: p.BaseRef, URL: ev.PR.URL, Draft: p.Draft},
		Findings: []gate.Finding{{
			Requirement: "decision/inputs", Status: gate.Pending, Code: "evaluating", By: gate.ByItself, Fact: "its evidence is being read",
		}},
	}
}

// writeRun brings the check run on GitHub to what run says: intent, effect and
// outcome are each on the disk before the next.
func (w *Worker) writeRun(ctx context.Context, repo *hub.Repo, repoID, number int64, run report.CheckRun) error {
	stands, found, err := w.Ledger.PublishedOn(ctx, repoID, run.HeadSHA, run.Name)
	if err != nil {
		return err
	}
	if found && stands.Evaluation > number {
		w.log(ctx).WithField("evaluation", number).Info("superseded: the check run shows a newer evaluation")
		return nil
	}
	if stands.Pending {
		if err := asItIs(ctx, repo, run, &stands); err != nil {
			return err
		}
	}
	digest := run.Digest()
	now := w.now()
	if found && stands.Digest == digest && now.Sub(stands.At) < refresh {
		return w.savePublished(ctx, repoID, run, stands.RunID, digest, number, stands.At)
	}
	if err := w.announce(ctx, repoID, number, run); err != nil {
		return err
	}
	id, err := sendRun(ctx, repo, run, stands)
	if err != nil {
		return fmt.Errorf("publish on %s: %w", gate.Short(run.HeadSHA), err)
	}
	w.log(ctx).WithField("sha", run.HeadSHA).WithField("title", run.Title).Info("published")
	return w.published(ctx, repoID, run, id, digest, number, now)
}

// publishOnce is the key of what is entered about writing a check run: one
// evaluation may show first that it is under way, and then what it awaits.
func publishOnce(number int64, run report.CheckRun) string {
	return fmt.Sprintf("publish/%s/%s/%d/%s/%s", run.Name, gate.Short(run.HeadSHA), number, run.Conclusion, run.Digest())
}

// announce enters that a check run is about to be written. Until its outcome is
// saved, what stands on GitHub is not known.
func (w *Worker) announce(ctx context.Context, repoID, number int64, run report.CheckRun) error {
	title := w.Scanner.Redact(ctx, run.Title)
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindPublish, RepoID: repoID, SHA: run.HeadSHA,
			Once: publishOnce(number, run), Texts: map[string]string{"title": title},
			Data: map[string]any{"name": run.Name, "conclusion": run.Conclusion, "evaluation": number},
		})
		if err != nil {
			return err
		}
		return ledger.ExpectRun(ctx, tx, repoID, run.HeadSHA, run.Name)
	})
}

// published enters that the check run was written, and keeps what stands now.
func (w *Worker) published(ctx context.Context, repoID int64, run report.CheckRun, id int64, digest string, number int64, at time.Time) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		_, err := ledger.Append(ctx, tx, ledger.Entry{
			At: w.now(), Kind: ledger.KindPublished, RepoID: repoID, SHA: run.HeadSHA, Once: publishOnce(number, run) + "/done",
			Data: map[string]any{"run": id, "conclusion": run.Conclusion, "evaluation": number},
		})
		if err != nil {
			return err
		}
		return ledger.SavePublished(ctx, tx, repoID, run.HeadSHA, run.Name, ledger.Published{
			RunID: id, Conclusion: string(run.Conclusion), Digest: digest, Evaluation: number, At: at,
		})
	})
}

func (w *Worker) savePublished(ctx context.Context, repoID int64, run report.CheckRun, id int64, digest string, number int64, at time.Time) error {
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		return ledger.SavePublished(ctx, tx, repoID, run.HeadSHA, run.Name, ledger.Published{
			RunID: id, Conclusion: string(run.Conclusion), Digest: digest, Evaluation: number, At: at,
		})
	})
}

// asItIs takes from GitHub what stands on a head after an answer was lost: the
// run that was asked for may exist or not, and may have been changed or not.
func asItIs(ctx context.Context, repo *hub.Repo, run report.CheckRun, stands *ledger.Published) error {
	runs, err := repo.CheckRuns(ctx, run.HeadSHA, run.Name)
	if err != nil {
		return err
	}
	stands.RunID, stands.Conclusion, stands.Digest = 0, "", ""
	for _, r := range runs {
		if r.ID > stands.RunID {
			stands.RunID, stands.Conclusion = r.ID, string(r.Conclusion)
		}
	}
	return nil
}

// sendRun changes the standing run in place, or posts a new one: for a head that
// has none, and where a completed run would have to go back to being in
// progress, which GitHub refuses.
func sendRun(ctx context.Context, repo *hub.Repo, run report.CheckRun, stands ledger.Published) (int64, error) {
	if stands.RunID != 0 && (stands.Conclusion == "" || run.Conclusion != report.InProgress) {
		updated, err := repo.UpdateCheckRun(ctx, stands.RunID, run)
		switch {
		case err == nil && updated.Conclusion != run.Conclusion:
			return 0, fmt.Errorf("check run %d is %q after it was made %q", updated.ID, updated.Conclusion, run.Conclusion)
		case !hub.IsMissing(err):
			return updated.ID, err
		}
	}
	created, err := repo.CreateCheckRun(ctx, run)
	return created.ID, err
}

// noticeWhenSlow publishes that an evaluation is under way once it takes longer
// than two seconds. The returned function ends that; it may be called twice.
func (w *Worker) noticeWhenSlow(ctx context.Context, repo *hub.Repo, job queue.Job, number int64) (stop func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(w.Slow, func() {
		defer close(done)
		_, err := calm(func() (struct{}, error) { return struct{}{}, w.noticeSlow(ctx, repo, job, number) })
		if err != nil && ctx.Err() == nil {
			w.log(ctx).WithError(err).Warn("could not publish that the evaluation is under way")
		}
	})
	return sync.OnceFunc(func() {
		if !timer.Stop() {
			<-done // a run that is being posted must not be left behind unknown
		}
	})
}

// noticeSlow speaks on the head that is known by now: an event may have told of
// a push since the evaluation began.
func (w *Worker) noticeSlow(ctx context.Context, repo *hub.Repo, job queue.Job, number int64) error {
	g, err := w.guess(ctx, job)
	if err != nil || g.pr.HeadSHA == "" {
		return err
	}
	unlock := w.heads.lock(job.Subject.ID, g.pr.HeadSHA)
	defer unlock()
	speaks, p, is, err := w.guessVoice(ctx, g.pr.Repo, g.installation)
	if err != nil {
		return err
	}
	stands, found, err := w.Ledger.PublishedOn(ctx, job.Subject.ID, g.pr.HeadSHA, shownAs(is))
	if err != nil {
		return err
	}
	worse := len(job.Messages) > 0 // commands, and events that can worsen the verdict
	standsWell := found && (stands.Conclusion != string(report.Success) || !worse)
	if standsWell || !p.InScope(g.pr.BaseRef, g.pr.Repo.DefaultBranch, nil) {
		return nil
	}
	run := report.Evaluating(g.pr, report.Options{Name: p.Check, DetailsURL: w.webURL(g.pr.Repo, g.pr.Number)}, w.now())
	return speaks.write(ctx, repo, job.Subject.ID, number, run)
}
