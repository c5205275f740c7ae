package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/queue"
)

// Preview evaluates a pull request as it is now and publishes nothing. It
// gathers and judges like a job does; what that notes goes into the worker's
// store, which for a preview is one to throw away: decisions that a server has
// accepted are not known to it.
func (w *Worker) Preview(ctx context.Context, owner, name string, number int) (gate.Evaluation, error) {
	v, err := w.preview(ctx, owner, name, number)
	if err != nil {
		return gate.Evaluation{}, err
	}
	if err := w.usePolicy(ctx, v); err != nil {
		return gate.Evaluation{}, err
	}
	in, err := w.inScope(ctx, v)
	if err != nil {
		return gate.Evaluation{}, err
	}
	if locked := v.policy.Locked(v.pr.BaseRef, v.snap.required.Value); locked != nil {
		return w.outOfScope(v, *locked), nil
	}
	_, ev, err := w.judge(ctx, v)
	if err == nil && !in {
		err = fmt.Errorf("pull requests into %s are not judged: it is neither the default branch nor one that the policy names or whose rules require the check", v.pr.BaseRef)
	}
	return ev, err
}

// preview reads a pull request and all evidence.
func (w *Worker) preview(ctx context.Context, owner, name string, number int) (*view, error) {
	repo, known, err := w.find(ctx, owner, name)
	if err != nil {
		return nil, err
	}
	job := queue.Job{Subject: queue.PR(known.ID, number)}
	g, err := w.guess(ctx, job)
	if err != nil {
		return nil, err
	}
	evaluation, err := w.Ledger.Begin(ctx, known.ID, number, w.now())
	if err != nil {
		return nil, err
	}
	found, err := w.gather(ctx, repo, number, g)
	switch {
	case err != nil:
		return nil, err
	case found.pr.Why.Cause == gate.CauseMissing && !found.pr.Known:
		return nil, fmt.Errorf("there is no pull request #%d in %s/%s", number, owner, name)
	case !found.pr.Known:
		return nil, fmt.Errorf("pull request #%d of %s/%s could not be read: %s", number, owner, name, found.pr.Why.Fact)
	case !found.pr.Value.Open:
		return nil, fmt.Errorf("pull request #%d of %s/%s is closed: there is nothing to decide", number, owner, name)
	}
	v := &view{job: job, repo: repo, pr: found.pr.Value, snap: found.snap, number: evaluation, installation: known.InstallationID}
	return v, w.remember(ctx, v)
}

// find asks GitHub for a repository by its name.
func (w *Worker) find(ctx context.Context, owner, name string) (*hub.Repo, index.Repository, error) {
	covers, err := w.Hub.InstallationOf(ctx, owner, name)
	if hub.IsMissing(err) {
		return nil, index.Repository{}, fmt.Errorf("the App is not installed on %s/%s, or there is no such repository", owner, name)
	}
	if err != nil {
		return nil, index.Repository{}, err
	}
	read, err := w.Hub.Repo(covers.ID, gate.Repository{Owner: owner, Name: name}).Repository(ctx)
	if err != nil {
		return nil, index.Repository{}, err
	}
	found := index.Repository{Repository: read, InstallationID: covers.ID, VerifiedAt: w.now()}
	err = w.Store.Write(ctx, func(tx *sql.Tx) error { return w.Index.SaveRepository(ctx, tx, found) })
	return w.Hub.Repo(covers.ID, read), found, errors.Join(err)
}
