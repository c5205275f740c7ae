package worker

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/ledger"
	"gonogo/internal/policy"
	"gonogo/internal/queue"
)

const (
	comparing = 8   // tags are compared with a release at once
	compared  = 400 // are compared at most
)

// predecessor is the release before another one: the tag with the same prefix
// that is nearest in the history of its commit. Tags on the commit itself are
// none: what a release brings is told since an earlier commit. It reports false
// where there is none.
func (w *Worker) predecessor(ctx context.Context, repo *hub.Repo, tag, commit string) (hub.Tag, bool, error) {
	all, err := repo.Tags(ctx)
	if err != nil {
		return hub.Tag{}, false, err
	}
	at, names := map[string]string{}, make([]string, 0, len(all))
	for _, t := range all {
		if t.SHA != commit {
			at[t.Name] = t.SHA
			names = append(names, t.Name)
		}
	}
	names = policy.Predecessors(tag, names)
	for first := 0; first < len(names); first += comparing {
		if first >= compared {
			return hub.Tag{}, false, fmt.Errorf("find the release before %s: none of %d tags is in its history, and there are more", tag, compared)
		}
		some := names[first:min(first+comparing, len(names))]
		if nearest, err := nearestOf(ctx, repo, some, at, commit); err != nil || nearest != "" {
			return hub.Tag{Name: nearest, SHA: at[nearest]}, err == nil, err
		}
	}
	return hub.Tag{}, false, nil
}

// nearestOf is the one of the tags in a commit's history that lacks the fewest of
// its commits, "" when none is in it.
func nearestOf(ctx context.Context, repo *hub.Repo, names []string, at map[string]string, commit string) (string, error) {
	stands := make([]hub.Ancestry, len(names))
	g, asked := errgroup.WithContext(ctx)
	for i, name := range names {
		g.Go(func() (err error) {
			stands[i], err = repo.Ancestry(asked, at[name], commit)
			if hub.IsMissing(err) { // no history in common
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	nearest := -1
	for i, s := range stands {
		if s.Reaches && (nearest < 0 || s.AheadBy < stands[nearest].AheadBy) {
			nearest = i
		}
	}
	if nearest < 0 {
		return "", nil
	}
	return names[nearest], nil
}

// reachedFrom lists a gated branch from which a commit can be reached: the default
// branch, else the first of those that are protected and judged.
func (w *Worker) reachedFrom(ctx context.Context, repo *hub.Repo, in policy.ReleaseInput) ([]string, error) {
	has := func(branch string) (bool, error) {
		stands, err := repo.Ancestry(ctx, in.Commit, branch)
		if hub.IsMissing(err) {
			return false, nil
		}
		return stands.Reaches, err
	}
	if in.Policy.InScope(in.Repo.DefaultBranch, in.Repo.DefaultBranch, nil) {
		if found, err := has(in.Repo.DefaultBranch); err != nil || found {
			return []string{in.Repo.DefaultBranch}, err
		}
	}
	branches, err := repo.ProtectedBranches(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range branches {
		if b.Name == in.Repo.DefaultBranch {
			continue
		}
		judged := in.Policy.InScope(b.Name, in.Repo.DefaultBranch, nil)
		if !judged && !in.Policy.Excludes(b.Name) {
			required, err := repo.RequiredChecks(ctx, b.Name)
			if err != nil {
				return nil, err
			}
			judged = in.Policy.InScope(b.Name, in.Repo.DefaultBranch, required)
		}
		if !judged {
			continue
		}
		if found, err := has(b.Name); err != nil || found {
			return []string{b.Name}, err
		}
	}
	return nil, nil
}

// sweepTags looks at the releases whose tags were made, moved or deleted while no
// event came: GitHub sends none for more than three tags in one push. Those from
// before the first sweep are only noted: years of releases are not judged in a
// mass.
func (w *Worker) sweepTags(ctx context.Context, repo *hub.Repo, id int64) error {
	tags, err := repo.Tags(ctx)
	if hub.IsMissing(err) {
		return nil // lookAgain sees to a repository that moved
	}
	if err != nil {
		return err
	}
	swept, err := w.Ledger.Swept(ctx, id)
	if err != nil {
		return err
	}
	known, err := w.Ledger.Tags(ctx, id)
	if err != nil {
		return err
	}
	covered, err := w.Index.Repository(ctx, nil, id)
	if err != nil {
		return err
	}
	gone := map[string]bool{}
	stood := map[string]string{}
	for _, t := range known {
		stood[t.Name], gone[t.Name] = t.SHA, t.SHA != "" && t.Target == ""
	}
	return w.Store.Write(ctx, func(tx *sql.Tx) error {
		if err := ledger.SaveSwept(ctx, tx, id, w.now()); err != nil {
			return err
		}
		touch := func(tag string) error {
			return w.Queue.Touch(ctx, tx, queue.ReleaseOf(id, tag).For(covered.InstallationID))
		}
		for _, t := range tags {
			gone[t.Name] = false
			before, seen := stood[t.Name]
			var err error
			switch {
			case seen && before == t.SHA:
			case seen || swept:
				err = touch(t.Name)
			default:
				err = ledger.SawTag(ctx, tx, id, t.Name, t.SHA, w.now())
			}
			if err != nil {
				return err
			}
		}
		for tag, is := range gone {
			if !is {
				continue
			}
			if err := touch(tag); err != nil {
				return err
			}
		}
		return nil
	})
}

// releaseURL is the page of a tag or release.
func (w *Worker) releaseURL(repo gate.Repository, tag string) string {
	return fmt.Sprintf("%s/%s/releases/tag/%s", w.WebURL, repo.FullName(), url.PathEscape(tag))
}

// tagGone enters that a tag was deleted, and takes what was said of its release
// off the commit to which it led.
func (w *Worker) tagGone(ctx context.Context, repo *hub.Repo, known gate.Repository, was ledger.Tag) error {
	if was.SHA == "" {
		return nil
	}
	w.log(ctx).WithField("tag", was.Name).WithField("sha", was.SHA).Warn("the tag is gone")
	err := w.Store.Write(ctx, func(tx *sql.Tx) error { return ledger.SawTag(ctx, tx, known.ID, was.Name, "", w.now()) })
	if err != nil || was.Judged.Number == 0 || was.Judged.Release.Draft {
		return err
	}
	others, err := w.Ledger.ReleasesOn(ctx, known.ID, was.SHA)
	if err != nil {
		return err
	}
	if len(others) > 0 { // they are shown without it
		return w.Store.Write(ctx, func(tx *sql.Tx) error { return w.releasesAlone(ctx, tx, known.ID, others) })
	}
	number, err := w.Ledger.Begin(ctx, known.ID, 0, w.now())
	if err != nil {
		return err
	}
	in := policy.ReleaseInput{Repo: known, Release: was.Judged.Release, Commit: was.SHA, Now: w.now(), Policy: policy.BuiltIn()}
	speaks, err := w.releasePolicy(ctx, repo, &in)
	if err != nil {
		return err
	}
	ev := policy.WithdrawnRelease(in)
	ev.Number = number
	return w.writeReleases(ctx, repo, speaks, in.Policy.Check, []gate.ReleaseEvaluation{ev})
}

// publishedAt is when the release of a tag was published, the zero time where it
// has none or that cannot be told.
func publishedAt(ctx context.Context, repo *hub.Repo, tag string) (time.Time, error) {
	r, err := repo.ReleaseByTag(ctx, tag)
	if hub.IsMissing(err) {
		return time.Time{}, nil
	}
	return r.PublishedAt, err
}
