package worker

import (
	"context"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
	"gonogo/internal/report"
)

// Dead says on a pull request that its evaluation failed for the last time: a
// failure to judge is not a pass. It is told once, by the queue.
func (w *Worker) Dead(ctx context.Context, s queue.Subject, cause error) {
	log := w.Log.WithField("subject", s.String())
	log.WithError(cause).Error("gave up: the subject is dead until its next event")
	if s.Kind == queue.Group {
		if err := w.publishGroupDead(withLog(ctx, log), s); err != nil {
			log.WithError(err).Error("could not publish that judging the merge group failed")
		}
		return
	}
	if s.Kind != queue.PullRequest {
		return
	}
	if err := w.publishDead(withLog(ctx, log), s); err != nil {
		log.WithError(err).Error("could not publish that the evaluation failed")
	}
}

func (w *Worker) publishDead(ctx context.Context, s queue.Subject) error {
	repo, err := w.repository(ctx, s.ID)
	if err != nil || repo == nil {
		return err
	}
	pr, judged, err := w.lastKnown(ctx, repo, s)
	if err != nil || !judged {
		return err
	}
	number, err := w.Ledger.Begin(ctx, s.ID, s.Number, w.now())
	if err != nil {
		return err
	}
	ev := gate.Evaluation{PR: pr}
	if last, found, err := w.Ledger.Latest(ctx, s.ID, s.Number); err != nil {
		return err
	} else if found {
		ev = last
		ev.PR = pr
	}
	ev = policy.Failed(ev, queue.MaxAttempts, w.now())
	ev.Number = number
	known, err := w.Index.Repository(ctx, nil, s.ID)
	if err != nil {
		return err
	}
	speaks, p, is, err := w.guessVoice(ctx, known.Repository, known.InstallationID)
	if err != nil {
		return err
	}
	v := &view{job: queue.Job{Subject: s}, repo: repo, pr: pr, policy: p, mode: is.Mode}
	if err := w.store(ctx, v, ev, nil); err != nil {
		return err
	}
	unlock := w.heads.lock(s.ID, pr.HeadSHA)
	defer unlock()
	evs, err := w.withTwins(ctx, ev)
	if err != nil {
		return err
	}
	run := report.Check(evs, report.Options{Name: p.Check, DetailsURL: pr.URL})
	return speaks.write(ctx, v.showing(gate.Newest(evs)), run)
}

// lastKnown is the pull request as it can still be known, and whether it is one
// that is judged.
func (w *Worker) lastKnown(ctx context.Context, repo *hub.Repo, s queue.Subject) (gate.PullRequest, bool, error) {
	known, err := w.Index.Repository(ctx, nil, s.ID)
	if err != nil {
		return gate.PullRequest{}, false, err
	}
	p, err := w.Index.Pull(ctx, nil, s.ID, s.Number)
	if err != nil {
		return gate.PullRequest{}, false, err
	}
	pr := gate.PullRequest{
		Repo: known.Repository, Number: p.Number, HeadSHA: p.HeadSHA, HeadRef: p.HeadRef, BaseRef: p.BaseRef,
		Open: p.Open, Author: gate.User{ID: p.AuthorID}, URL: w.webURL(known.Repository, p.Number),
	}
	published, err := w.Ledger.NamesOn(ctx, s.ID, p.HeadSHA)
	judged := p.Open && (len(published) > 0 || w.policyGuess(s.ID).InScope(p.BaseRef, known.DefaultBranch, nil))
	return pr, judged, err
}
