package worker

import (
	"context"
	"database/sql"
	"slices"
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
		return w.Store.Write(ctx, func(tx *sql.Tx) error {
			return w.appendSuperseded(ctx, tx, v.showing(ev.Number), ev.PR.HeadSHA, v.policy.Check)
		})
	}
	evs, err := w.withTwins(ctx, ev)
	if err != nil {
		return err
	}
	run, err := w.withReleases(ctx, ev.PR.Repo.ID, report.Check(evs, report.Options{Name: v.policy.Check, DetailsURL: ev.PR.URL, Notes: notes}))
	if err != nil {
		return err
	}
	return v.voice.write(ctx, v.showing(gate.Newest(evs)), run)
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
	speaks, p, publishing, err := w.guessVoice(ctx, g.pr.Repo, g.installation)
	if err != nil {
		return err
	}
	stands, found, err := w.Ledger.PublishedOn(ctx, job.Subject.ID, g.pr.HeadSHA, shownAs(publishing))
	if err != nil {
		return err
	}
	// Commands, and events that can worsen the verdict.
	worse := slices.ContainsFunc(job.Messages, func(m queue.Message) bool { return !isRerun(m) })
	standsWell := found && (stands.Conclusion != string(report.Success) || !worse)
	if standsWell || !p.InScope(g.pr.BaseRef, g.pr.Repo.DefaultBranch, nil) {
		return nil
	}
	run := report.Evaluating(g.pr, report.Options{Name: p.Check, DetailsURL: w.webURL(g.pr.Repo, g.pr.Number)}, w.now())
	is := showing{repo: repo, repoID: job.Subject.ID, subject: job.Subject, number: number}
	err = w.Store.Write(ctx, func(tx *sql.Tx) (err error) {
		is.turn, err = ledger.Intend(ctx, tx, is.repoID, run.HeadSHA)
		return err
	})
	if err != nil {
		return err
	}
	return speaks.write(ctx, is, run)
}
