package hub

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"gonogo/internal/gate"
)

var actBranches = act{"list branches", "the list of branches", "Contents: read"}

// Branch returns the commit at the tip of a branch, and whether it exists.
func (r *Repo) Branch(ctx context.Context, name string) (sha string, exists bool, err error) {
	wire, err := r.readBranch(ctx, name)
	if IsMissing(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	// GitHub leads from a renamed branch to its new name.
	if *wire.Name != name {
		return "", false, nil
	}
	return *wire.Commit.SHA, true, nil
}

// fewBranches is up to how many branches are asked for one by one, rather than
// by a list of all.
const fewBranches = 5

// danglingPages bounds how far back [Repo.DanglingBranches] looks.
const danglingPages = 3

// DanglingBranches lists the branches that should be gone, seen from a pull
// request: heads of pull requests that were merged into its base, or into its
// own head (Stacked), since the last published release, and that still exist.
// Default and protected branches, those of forks and the pull request's own are
// left out. Of each base the 300 closed pull requests that changed last are
// looked at: this is about tidiness, and a repository that never made a release
// would be read back to its beginning otherwise. The caller judges grace (by
// MergedAt) and the policy's exemptions.
func (r *Repo) DanglingBranches(ctx context.Context, pr gate.PullRequest) ([]gate.Branch, error) {
	var since time.Time
	var into, stacked firstMerged
	var some map[string]bool
	whole := false
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		since, err = r.LastPublished(gctx)
		return err
	})
	group.Go(func() (err error) {
		into, err = r.firstMerged(gctx, pr.BaseRef)
		return err
	})
	group.Go(func() (err error) {
		some, whole, err = r.firstBranches(gctx)
		return err
	})
	if pr.HeadRepoID == pr.Repo.ID && pr.HeadRef != pr.Repo.DefaultBranch && pr.HeadRef != pr.BaseRef {
		group.Go(func() (err error) {
			stacked, err = r.firstMerged(gctx, pr.HeadRef)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var candidates []gate.Branch
	for _, first := range []firstMerged{stacked, into} {
		merged, err := r.since(ctx, first, since)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, r.candidates(merged, pr, first.base == pr.HeadRef)...)
	}
	if whole {
		return existing(candidates, some), nil
	}
	return r.stillThere(ctx, candidates)
}

// firstMerged is the first page of the pull requests that were merged into a
// base, read before it is known how far back they are asked for.
type firstMerged struct {
	base   string
	merged []gate.PullRequest
	whole  bool // there is no second page
}

func (r *Repo) firstMerged(ctx context.Context, base string) (firstMerged, error) {
	merged, whole, err := r.mergedSince(ctx, base, time.Time{}, 1)
	return firstMerged{base, merged, whole}, err
}

// since returns those that were merged at or after the given time, reading on
// where the first page does not reach back so far.
func (r *Repo) since(ctx context.Context, first firstMerged, at time.Time) ([]gate.PullRequest, error) {
	if n := len(first.merged); !first.whole && (n == 0 || !first.merged[n-1].UpdatedAt.Before(at)) {
		merged, _, err := r.mergedSince(ctx, first.base, at, danglingPages)
		return merged, err
	}
	return slices.DeleteFunc(first.merged, func(pr gate.PullRequest) bool { return pr.MergedAt.Before(at) }), nil
}

// firstBranches reads the first page of branches, unprotected ones as true, and
// reports whether those are all. Most repositories have no second page, and one
// answer that rarely changes is then all that is needed.
func (r *Repo) firstBranches(ctx context.Context) (there map[string]bool, whole bool, err error) {
	k := r.call(actBranches, "", "branches")
	p, links, err := readPage(ctx, r.c, k, bare[wireBranch], nil)
	if err != nil {
		return nil, false, err
	}
	there, err = unprotectedOf(k, p.items)
	return there, links.query("next") == nil, err
}

// HeadsOf lists the heads of merged pull requests that should be gone and still
// exist. It is [Repo.DanglingBranches] for a release.
func (r *Repo) HeadsOf(ctx context.Context, merged []gate.PullRequest, defaultBranch string) ([]gate.Branch, error) {
	return r.stillThere(ctx, r.candidates(merged, gate.PullRequest{Repo: r.repo, BaseRef: defaultBranch}, false))
}

func (r *Repo) candidates(merged []gate.PullRequest, pr gate.PullRequest, stacked bool) []gate.Branch {
	var branches []gate.Branch
	for _, m := range merged {
		if m.HeadRepoID != m.Repo.ID || m.HeadRef == m.Repo.DefaultBranch ||
			m.HeadRef == pr.BaseRef || m.HeadRef == pr.HeadRef || m.Number == pr.Number {
			continue
		}
		branches = append(branches, gate.Branch{Name: m.HeadRef, PR: m.Number, Owner: m.Author.Login, MergedAt: m.MergedAt, Stacked: stacked})
	}
	return branches
}

// stillThere keeps of the candidates the first of each name that exists and is
// not protected.
func (r *Repo) stillThere(ctx context.Context, candidates []gate.Branch) ([]gate.Branch, error) {
	names := map[string]bool{}
	for _, c := range candidates {
		names[c.Name] = true
	}
	there, err := r.unprotected(ctx, names)
	if err != nil {
		return nil, err
	}
	return existing(candidates, there), nil
}

func existing(candidates []gate.Branch, there map[string]bool) []gate.Branch {
	var found []gate.Branch
	for _, c := range candidates {
		if there[c.Name] {
			found = append(found, c)
			delete(there, c.Name)
		}
	}
	return found
}

func (r *Repo) unprotected(ctx context.Context, names map[string]bool) (map[string]bool, error) {
	there := map[string]bool{}
	if len(names) <= fewBranches {
		for name := range names {
			wire, err := r.readBranch(ctx, name)
			if err != nil && !IsMissing(err) {
				return nil, err
			}
			there[name] = err == nil && *wire.Name == name && !*wire.Protected
		}
		return there, nil
	}
	k := r.call(actBranches, "", "branches")
	all, err := readAll(ctx, r.c, k, bare[wireBranch])
	if err != nil {
		return nil, err
	}
	return unprotectedOf(k, all)
}

func unprotectedOf(k call, branches []wireBranch) (map[string]bool, error) {
	there := map[string]bool{}
	for _, branch := range branches {
		var w wants
		name, protected := wantSome(&w, "name", branch.Name), want(&w, "protected", branch.Protected)
		if err := w.err(); err != nil {
			return nil, k.fault(err)
		}
		there[name] = !protected
	}
	return there, nil
}
