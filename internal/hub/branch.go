package hub

import (
	"context"
	"time"

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
// would be read back to its beginning otherwise. The caller judges grace (by MergedAt) and the policy's exemptions.
func (r *Repo) DanglingBranches(ctx context.Context, pr gate.PullRequest) ([]gate.Branch, error) {
	since, err := r.lastPublished(ctx)
	if err != nil {
		return nil, err
	}
	merged, _, err := r.mergedSince(ctx, pr.BaseRef, since, danglingPages)
	if err != nil {
		return nil, err
	}
	candidates := r.candidates(merged, pr, false)
	if pr.HeadRepoID == pr.Repo.ID && pr.HeadRef != pr.Repo.DefaultBranch && pr.HeadRef != pr.BaseRef {
		stacked, _, err := r.mergedSince(ctx, pr.HeadRef, since, danglingPages)
		if err != nil {
			return nil, err
		}
		candidates = append(r.candidates(stacked, pr, true), candidates...)
	}
	return r.stillThere(ctx, candidates)
}

// MergedBranches is [Repo.DanglingBranches] for a release: heads that were
// merged into base since the given time and still exist.
func (r *Repo) MergedBranches(ctx context.Context, base string, since time.Time) ([]gate.Branch, error) {
	merged, err := r.MergedPullRequests(ctx, base, since)
	if err != nil {
		return nil, err
	}
	return r.stillThere(ctx, r.candidates(merged, gate.PullRequest{Repo: r.repo, BaseRef: base}, false))
}

func (r *Repo) candidates(merged []gate.PullRequest, pr gate.PullRequest, stacked bool) []gate.Branch {
	var branches []gate.Branch
	for _, m := range merged {
		if m.HeadRepoID != m.Repo.ID || m.HeadRef == m.Repo.DefaultBranch ||
			m.HeadRef == pr.BaseRef || m.HeadRef == pr.HeadRef || m.Number == pr.Number {
			continue
		}
		branches = append(branches, gate.Branch{Name: m.HeadRef, PR: m.Number, MergedAt: m.MergedAt, Stacked: stacked})
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
	var found []gate.Branch
	for _, c := range candidates {
		if there[c.Name] {
			found = append(found, c)
			delete(there, c.Name)
		}
	}
	return found, nil
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
	for _, branch := range all {
		var w wants
		name, protected := wantSome(&w, "name", branch.Name), want(&w, "protected", branch.Protected)
		if err := w.err(); err != nil {
			return nil, k.fault(err)
		}
		there[name] = !protected
	}
	return there, nil
}
