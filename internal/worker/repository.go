package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/index"
	"gonogo/internal/queue"
)

// trusted is how long GitHub's word about which installation covers a
// repository is taken for granted.
const trusted = time.Hour

// repository opens a repository by its id. It returns nil when there is nothing
// to work on: it is not known, gone, or not covered by the installation that
// the deliveries named. A delivery's word is not enough, since one secret signs
// for all installations.
func (w *Worker) repository(ctx context.Context, id int64) (*hub.Repo, error) {
	known, err := w.Index.Repository(ctx, nil, id)
	switch {
	case errors.Is(err, index.ErrUnknown):
		w.log(ctx).Warn("unknown repository: nothing to do")
		return nil, nil
	case err != nil:
		return nil, err
	case !known.RemovedAt.IsZero():
		w.log(ctx).Debug("the repository was removed from the installation")
		return nil, nil
	}
	if w.now().Sub(known.VerifiedAt) >= trusted {
		if known, err = w.verify(ctx, known); err != nil || known.VerifiedAt.IsZero() {
			return nil, err
		}
	}
	return w.Hub.Repo(known.InstallationID, known.Repository), nil
}

// verify asks GitHub which installation covers a repository and keeps the
// answer. It returns the zero value when none does, or when it is not the one
// that deliveries claimed; the claim is then replaced by what is so.
func (w *Worker) verify(ctx context.Context, claimed index.Repository) (index.Repository, error) {
	covers, err := w.Hub.InstallationOf(ctx, claimed.Owner, claimed.Name)
	if hub.IsMissing(err) {
		w.foreign(ctx, claimed, "no installation of this App covers it")
		return index.Repository{}, nil
	}
	if err != nil {
		return index.Repository{}, err
	}
	read, err := w.Hub.Repo(covers.ID, claimed.Repository).Repository(ctx)
	if hub.IsMissing(err) {
		w.foreign(ctx, claimed, "another repository has its name")
		return index.Repository{}, nil
	}
	if err != nil {
		return index.Repository{}, err
	}
	found := index.Repository{Repository: read, InstallationID: covers.ID, VerifiedAt: w.now()}
	err = w.Store.Write(ctx, func(tx *sql.Tx) error { return w.Index.SaveRepository(ctx, tx, found) })
	if err != nil {
		return index.Repository{}, err
	}
	if claimed.InstallationID != covers.ID {
		w.foreign(ctx, claimed, fmt.Sprintf("installation %d covers it", covers.ID))
		return index.Repository{}, nil
	}
	return found, nil
}

// foreign reports a delivery whose repository and installation do not belong
// together. Nothing is written to GitHub for it.
func (w *Worker) foreign(ctx context.Context, claimed index.Repository, why string) {
	w.log(ctx).WithField("installation", claimed.InstallationID).WithField("reason", "foreign").
		Warnf("deliveries claim repository %s for an installation that does not cover it: %s", claimed.FullName(), why)
}

// webURL is a pull request's page, for when it has not been read yet.
func (w *Worker) webURL(repo gate.Repository, number int) string {
	return fmt.Sprintf("%s/%s/pull/%d", w.WebURL, repo.FullName(), number)
}

// reconcileInstallation looks at all repositories of an installation again.
func (w *Worker) reconcileInstallation(ctx context.Context, id int64) error {
	repos, err := w.Hub.Repositories(ctx, id)
	if hub.IsMissing(err) {
		return w.Store.Write(ctx, func(tx *sql.Tx) error { return w.Index.RemoveRepositories(ctx, tx, id, w.now()) })
	}
	if err != nil {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, r := range repos {
			if err := w.Index.SaveRepository(ctx, tx, index.Repository{Repository: r, InstallationID: id, VerifiedAt: w.now()}); err != nil {
				return err
			}
			if err := w.Queue.Touch(ctx, tx, queue.RepositoryOf(r.ID).For(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// reconcileRepository looks at all open pull requests of a repository again,
// and at those that we believed to be open: whatever events were missed while
// the server was down is made up for. Those from before the repository was
// covered, which were never judged, wait for an event of their own: a new
// installation must not judge years of them in a mass.
func (w *Worker) reconcileRepository(ctx context.Context, id int64) error {
	repo, err := w.repository(ctx, id)
	if err != nil || repo == nil {
		return err
	}
	open, err := repo.OpenPullRequests(ctx)
	if hub.IsMissing(err) {
		return w.lookAgain(ctx, id)
	}
	if err != nil {
		return err
	}
	known, err := w.Index.Repository(ctx, nil, id)
	if err != nil {
		return err
	}
	dormant, err := w.dormant(ctx, known, open)
	if err != nil {
		return err
	}
	err = w.Store.Write(ctx, func(tx *sql.Tx) error {
		if err := w.sweepBranches(ctx, tx, known); err != nil {
			return err
		}
		believed, err := w.Index.OpenPulls(ctx, tx, id)
		if err != nil {
			return err
		}
		numbers := map[int]bool{}
		for _, p := range believed {
			numbers[p.Number] = true
		}
		for _, pr := range open {
			if dormant[pr.Number] {
				if err := w.Index.SetDormant(ctx, tx, id, pr.Number, true); err != nil {
					return err
				}
			} else {
				numbers[pr.Number] = true
			}
			if _, err := w.Index.SavePull(ctx, tx, indexed(pr, gate.Undeclared), w.now()); err != nil {
				return err
			}
		}
		for n := range numbers {
			if err := w.Queue.Touch(ctx, tx, queue.PR(id, n).For(known.InstallationID)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.sweepFurther(ctx, repo, known)
}

// sweepFurther looks for merge queues' groups and tags of which no event came. A
// fault holds nothing else up: the next reconcile looks again. The error is a
// limit that GitHub set.
func (w *Worker) sweepFurther(ctx context.Context, repo *hub.Repo, known index.Repository) error {
	for what, err := range map[string]error{
		"merge queues": w.sweepGroups(ctx, repo, known.ID, known.InstallationID),
		"tags":         w.sweepTags(ctx, repo, known.ID),
	} {
		if _, limited := hub.RetryAfter(err); limited {
			return err
		}
		if err != nil {
			w.log(ctx).WithError(err).WithField("sweep", what).Warn("could not look for what no event told of")
		}
	}
	return nil
}

// dormant says which of the open pull requests wait for an event of their own.
func (w *Worker) dormant(ctx context.Context, repo index.Repository, open []gate.PullRequest) (map[int]bool, error) {
	joined, err := w.joined(ctx, repo)
	if err != nil {
		return nil, err
	}
	dormant := map[int]bool{}
	for _, pr := range open {
		// GitHub tells whole seconds.
		if pr.CreatedAt.IsZero() || !pr.CreatedAt.Before(joined.Truncate(time.Second)) {
			continue
		}
		_, err := w.Index.Pull(ctx, nil, repo.ID, pr.Number)
		switch {
		case errors.Is(err, index.ErrUnknown):
			judged, err := w.Ledger.Judged(ctx, repo.ID, pr.Number)
			if err != nil {
				return nil, err
			}
			dormant[pr.Number] = !judged
		case err != nil:
			return nil, err
		default:
			if dormant[pr.Number], err = w.Index.Dormant(ctx, nil, repo.ID, pr.Number); err != nil {
				return nil, err
			}
		}
	}
	return dormant, nil
}

// joined is since when the installation covers a repository: by the event that
// told, else since it exists.
func (w *Worker) joined(ctx context.Context, repo index.Repository) (time.Time, error) {
	at, known, err := w.Index.Joined(ctx, nil, repo.ID, repo.InstallationID)
	if err != nil || known {
		return at, err
	}
	covers, err := w.Hub.InstallationOf(ctx, repo.Owner, repo.Name)
	if hub.IsMissing(err) || err == nil && covers.ID != repo.InstallationID {
		return time.Time{}, nil // it is on its way elsewhere: nothing is held back
	}
	if err != nil {
		return time.Time{}, err
	}
	return covers.CreatedAt, w.Store.Write(ctx, func(tx *sql.Tx) error {
		return w.Index.SaveJoined(ctx, tx, repo.ID, covers.ID, covers.CreatedAt)
	})
}

// rouse has a dormant pull request judged: another one has its head, and one
// check stands for both.
func (w *Worker) rouse(ctx context.Context, p index.Pull) error {
	dormant, err := w.Index.Dormant(ctx, nil, p.RepoID, p.Number)
	if err != nil || !dormant {
		return err
	}
	known, err := w.Index.Repository(ctx, nil, p.RepoID)
	if err != nil {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		return w.Queue.Touch(ctx, tx, queue.PR(p.RepoID, p.Number).For(known.InstallationID))
	})
}

// commit is a commit of a repository.
type commit struct {
	repoID int64
	sha    string
}

const (
	// headlessFor is for how long GitHub's word is taken that a commit heads no
	// open pull request: CI tells of each commit of a branch many times.
	headlessFor  = time.Minute
	headlessKept = 4096
)

// headedBy looks at the open pull requests that have one of the mailbox's
// commits as their head: the event that told of it was lost or is late.
func (w *Worker) headedBy(ctx context.Context, job queue.Job) error {
	repo, err := w.repository(ctx, job.Subject.ID)
	if err != nil || repo == nil {
		return err
	}
	for _, m := range job.Messages {
		c := commit{job.Subject.ID, m.Key}
		if at, ok := w.headless.Get(c); ok && w.now().Sub(at) < headlessFor {
			continue
		}
		pulls, err := repo.PullRequestsOf(ctx, c.sha)
		if hub.IsMissing(err) { // gone with its branch
			pulls, err = nil, nil
		}
		if err != nil {
			return err
		}
		pulls = slices.DeleteFunc(pulls, func(pr gate.PullRequest) bool { return !pr.Open || pr.HeadSHA != c.sha || pr.Repo.ID != c.repoID })
		if len(pulls) == 0 {
			w.headless.Add(c, w.now())
			continue
		}
		w.log(ctx).WithField("sha", c.sha).Info("a commit that we did not know heads open pull requests: an event was lost or is late")
		if err := w.lookAt(ctx, c.repoID, pulls); err != nil {
			return err
		}
	}
	return nil
}

// lookAt has pull requests looked at as GitHub shows them now.
func (w *Worker) lookAt(ctx context.Context, repoID int64, pulls []gate.PullRequest) error {
	known, err := w.Index.Repository(ctx, nil, repoID)
	if err != nil {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		for _, pr := range pulls {
			if _, err := w.Index.SavePull(ctx, tx, indexed(pr, gate.Undeclared), w.now()); err != nil {
				return err
			}
			if err := w.Queue.Touch(ctx, tx, queue.PR(repoID, pr.Number).For(known.InstallationID)); err != nil {
				return err
			}
		}
		return nil
	})
}

// lookAgain asks GitHub anew where a repository is that was not found where we
// knew it: it may have been transferred or taken out of the installation.
func (w *Worker) lookAgain(ctx context.Context, id int64) error {
	known, err := w.Index.Repository(ctx, nil, id)
	if err != nil {
		return err
	}
	if _, err := w.verify(ctx, known); err != nil {
		return err
	}
	now, err := w.Index.Repository(ctx, nil, id)
	if err != nil || now.InstallationID == known.InstallationID && now.FullName() == known.FullName() {
		return err
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		return w.Queue.Touch(ctx, tx, queue.RepositoryOf(id).For(now.InstallationID))
	})
}

// indexed is what the index keeps of a pull request.
func indexed(pr gate.PullRequest, class gate.Class) index.Pull {
	return index.Pull{
		RepoID: pr.Repo.ID, Number: pr.Number, HeadSHA: pr.HeadSHA, HeadRef: pr.HeadRef, HeadRepoID: pr.HeadRepoID,
		BaseRef: pr.BaseRef, AuthorID: pr.Author.ID, Open: pr.Open, Draft: pr.Draft, Class: class, AsOf: pr.UpdatedAt,
	}
}
