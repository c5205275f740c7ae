package worker

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
)

// trustReviews puts right for which commit each review was given. GitHub has
// been seen to move an approval to a later head, so that its commit_id proves
// nothing: what counts is the event that told of the review. One of which no
// event came counts for the head only if that was the head already when the
// review was given.
//
// Of that the log of pushes tells, which GitHub dates itself. The pull request's
// timeline does not: it shows commits at the dates that their authors chose.
// Where the log cannot be read, as that of a fork, our own record of heads is
// what is left; where neither tells, the review is asked for again.
func (w *Worker) trustReviews(ctx context.Context, v *view) error {
	told, err := w.Index.Reviews(ctx, nil, v.pr.Repo.ID, v.pr.Number)
	if err != nil {
		return err
	}
	var untold []*gate.ReviewOf
	former := policy.FormerHeads(v.pr, v.snap.commits)
	for i := range v.snap.reviews.Value {
		r := &v.snap.reviews.Value[i]
		if sha, ok := told[r.ID]; ok {
			r.CommitSHA = sha
		} else if r.CommitSHA == v.pr.HeadSHA {
			untold = append(untold, r)
		} else if v.policy.CarrySameTree || slices.Contains(former, r.CommitSHA) {
			r.CommitSHA = "" // it would count for the head, and nothing proves it
		}
	}
	if len(untold) == 0 {
		return nil
	}
	onHead, err := w.onHead(ctx, v)
	if err != nil || !v.snap.reviews.Known {
		return err
	}
	var proven []int64
	for _, r := range untold {
		if onHead(r.At) {
			proven = append(proven, r.ID)
		} else {
			r.CommitSHA = ""
		}
	}
	return w.proven(ctx, v, proven)
}

// onHead returns what tells whether the present head was the head at a time,
// given to the second. Where it cannot be told it was not; where it may be told
// soon, the reviews are unread.
func (w *Worker) onHead(ctx context.Context, v *view) (func(at time.Time) bool, error) {
	heads, err := w.Index.Heads(ctx, nil, v.pr.Repo.ID, v.pr.Number)
	if err != nil {
		return nil, err
	}
	moved, err := v.repo.HeadMove(ctx, v.pr)
	if _, limited := hub.RetryAfter(err); limited {
		return nil, err
	}
	if err != nil && hub.Unreadable(err).Cause == gate.CauseFault { // that must not end in a lasting refusal
		v.snap.reviews = gate.Unread[[]gate.ReviewOf](hub.Unreadable(err), v.snap.reviews.At)
		return nil, nil
	}
	if err == nil && moved.SHA == v.pr.HeadSHA {
		// Within one second a review may have been given before the push.
		return moved.At.Before, nil
	}
	if err != nil {
		w.log(ctx).WithError(err).Info("the log of pushes could not be read: our own record tells of what reviews were given for")
	}
	last := len(heads) - 1
	if last < 0 || heads[last].SHA != v.pr.HeadSHA {
		return func(time.Time) bool { return false }, nil // it was moved where we did not look
	}
	known := heads[last].Seen.Truncate(time.Second)
	return func(at time.Time) bool { return !at.Before(known) }, nil
}

// proven keeps for which commit reviews were given of which no event told.
func (w *Worker) proven(ctx context.Context, v *view, reviews []int64) error {
	if len(reviews) == 0 {
		return nil
	}
	slices.Sort(reviews)
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, id := range reviews {
			if err := w.Index.SawReview(ctx, tx, v.pr.Repo.ID, v.pr.Number, id, v.pr.HeadSHA); err != nil {
				return err
			}
		}
		return nil
	})
}
