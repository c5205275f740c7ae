package worker

import (
	"context"
	"slices"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
)

// kindsKept is of how many commits it is remembered what they have instead of
// ordinary files.
const kindsKept = 1024

// readKinds finds the links among the changed files where their patches do not
// rule that out, and where it would change the class. The error is a limit that
// GitHub set. Where a passing fault hides it, the files are unread; where they
// cannot be told for good, they count as links.
func (w *Worker) readKinds(ctx context.Context, v *view, record gate.Record) error {
	if !v.snap.files.Known || !slices.ContainsFunc(v.snap.files.Value, policy.MayBeLink) ||
		policy.ClassOf(v.policy, v.pr, record, v.snap.files) >= gate.High {
		return nil
	}
	kinds, err := w.kindsAt(ctx, v.repo, v.pr.HeadSHA)
	if _, limited := hub.RetryAfter(err); limited {
		return err
	}
	if err != nil {
		w.log(ctx).WithError(err).WithField("sha", v.pr.HeadSHA).Info("it could not be read which changed files are links")
	}
	if err != nil && hub.Unreadable(err).Cause == gate.CauseFault {
		v.snap.files = gate.Unread[[]gate.File](hub.Unreadable(err), v.snap.files.At)
		return nil
	}
	files := slices.Clone(v.snap.files.Value)
	for i, f := range files {
		switch {
		case !policy.MayBeLink(f):
		case err != nil:
			files[i].Kind = gate.FileUntold
		default:
			files[i].Kind = kinds[f.Path]
		}
	}
	v.snap.files.Value = files
	return nil
}

// kindsAt lists the links and submodules of a commit.
func (w *Worker) kindsAt(ctx context.Context, repo *hub.Repo, sha string) (map[string]gate.FileKind, error) {
	if kinds, known := w.kinds.Get(sha); known {
		return kinds, nil
	}
	tree, err := repo.Tree(ctx, sha)
	if err != nil {
		return nil, err
	}
	kinds := kindsOf(tree)
	w.kinds.Add(sha, kinds)
	return kinds, nil
}

func kindsOf(tree map[string]hub.Entry) map[string]gate.FileKind {
	kinds := map[string]gate.FileKind{}
	for path, e := range tree {
		switch e.Mode {
		case "120000":
			kinds[path] = gate.FileLink
		case "160000":
			kinds[path] = gate.FileSubmodule
		}
	}
	return kinds
}
