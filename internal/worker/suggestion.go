package worker

import (
	"context"
	"slices"

	"gonogo/internal/gate"
	"gonogo/internal/inbox"
	"gonogo/internal/policy"
)

// suggestionsRead is of how many commits it is asked whether they are of accepted
// suggestions. Whom more of them name counts as an author.
const suggestionsRead = 20

// readSuggestions finds the commits of accepted suggestions, where it matters: at
// low and medium risk, for somebody who approves or decides. The error is a limit
// that GitHub set. Where a passing fault hides it, the list of commits is unread:
// who wrote what cannot be told.
func (w *Worker) readSuggestions(ctx context.Context, v *view, record gate.Record, said []inbox.Command) error {
	s := v.snap
	if !s.commits.Known || policy.ClassOf(v.policy, v.pr, record, s.files) >= gate.High || !suggestionsMatter(v, said) {
		return nil
	}
	var comments gate.Reading[[]gate.ReviewComment]
	files := map[int]*gate.Reading[[]gate.File]{}
	r := &round{w: w}
	into(ctx, r, func(ctx context.Context) ([]gate.ReviewComment, error) {
		return v.repo.ReviewComments(ctx, v.pr.Number)
	},
		func(got gate.Reading[[]gate.ReviewComment]) { comments = got })
	for i, c := range s.commits.Value {
		if !policy.MayBeSuggested(c) || len(files) == suggestionsRead {
			continue
		}
		of := &gate.Reading[[]gate.File]{}
		files[i] = of
		into(ctx, r, func(ctx context.Context) ([]gate.File, error) { return v.repo.CommitFiles(ctx, c.SHA) },
			func(got gate.Reading[[]gate.File]) { *of = got })
	}
	if err := r.wait(); err != nil {
		return err
	}
	commits := slices.Clone(s.commits.Value)
	for i, of := range files {
		for _, why := range []gate.Unreadable{comments.Why, of.Why} {
			if why.Cause == gate.CauseFault {
				s.commits = gate.Unread[[]gate.Commit](why, s.commits.At)
				return nil
			}
		}
		commits[i].Suggested = comments.Known && of.Known && policy.Suggested(commits[i], of.Value, comments.Value)
	}
	s.commits.Value = commits
	return nil
}

// suggestionsMatter reports whether somebody approves or decides whom nothing but
// the name in a commit of GitHub's makes an author.
func suggestionsMatter(v *view, said []inbox.Command) bool {
	var people []gate.User
	for _, review := range v.snap.reviews.Value {
		if review.State == gate.Approved {
			people = append(people, review.User)
		}
	}
	for _, d := range v.snap.Decisions() {
		people = append(people, d.User)
	}
	for _, c := range said {
		people = append(people, c.User)
	}
	return slices.ContainsFunc(people, func(u gate.User) bool { return policy.NamedAlone(v.pr, v.snap.commits.Value, u) })
}
