package hub

import (
	"context"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

var actTags = act{"list tags", "the list of tags", "Contents: read"}

// Tag is a tag and the commit to which it leads.
type Tag struct{ Name, SHA string }

// Tags lists all tags, annotated ones by the commit to which they lead. Tags of
// anything but a commit are not among them.
func (r *Repo) Tags(ctx context.Context) ([]Tag, error) {
	k := r.call(actTags, "", "tags")
	wire, err := readAll(ctx, r.c, k, bare[github.RepositoryTag])
	if err != nil {
		return nil, err
	}
	return each(k, wire, func(w *wants, t *github.RepositoryTag) Tag {
		return Tag{Name: wantSome(w, "name", t.Name), SHA: wantSome(w, "commit.sha", t.GetCommit().SHA)}
	})
}

// Ancestry is how a commit stands to another one.
type Ancestry struct {
	Reaches bool // the other one has it in its history, or is it
	AheadBy int  // commits that the other one has more
}

// Ancestry reports how old stands to a newer commit, branch or tag.
// [KindMissing] means that one of the two does not exist, or that they share no
// history.
func (r *Repo) Ancestry(ctx context.Context, old, newer string) (Ancestry, error) {
	k := r.call(actCompare, " "+old+"..."+newer, comparePath(old, newer)).with("per_page", "1")
	var wire wireComparison
	if err := r.c.read(ctx, k, &wire); err != nil {
		return Ancestry{}, err
	}
	var w wants
	status := wantSome(&w, "status", wire.Status)
	a := Ancestry{Reaches: status == "ahead" || status == "identical", AheadBy: want(&w, "ahead_by", wire.Ahead)}
	if err := w.err(); err != nil {
		return Ancestry{}, k.fault(err)
	}
	return a, nil
}

// ProtectedBranches lists the branches that rules or protection cover, with the
// commits at their tips.
func (r *Repo) ProtectedBranches(ctx context.Context) ([]Tag, error) {
	k := r.call(actBranches, " protected", "branches").with("protected", "true")
	wire, err := readAll(ctx, r.c, k, bare[wireBranch])
	if err != nil {
		return nil, err
	}
	return each(k, wire, func(w *wants, b *wireBranch) Tag {
		return Tag{Name: wantSome(w, "name", b.Name), SHA: wantSome(w, "commit.sha", b.Commit.SHA)}
	})
}

// LatestMerged lists the pull requests that were merged into any branch since a
// time, as far as the given number of pages reaches.
func (r *Repo) LatestMerged(ctx context.Context, since time.Time, pages int) ([]gate.PullRequest, error) {
	merged, _, err := r.mergedSince(ctx, "", since, pages)
	return merged, err
}
