package worker

import (
	"context"
	"maps"
	"slices"
	"sync"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
)

// mergesKept is of how many merges it is remembered whether they are
// mechanical. Commits never change, and neither does the answer.
const mergesKept = 4096

// readMerges settles in which of the merges that GitHub made nobody wrote a
// line. GitHub signs those too whose conflicts somebody resolved in its editor,
// so that its signature alone proves nothing. Where a passing fault hides it, the
// list of commits is unread: who wrote what cannot be told.
func (w *Worker) readMerges(ctx context.Context, v *view) error {
	if !v.snap.commits.Known {
		return nil
	}
	commits := slices.Clone(v.snap.commits.Value)
	for i, c := range commits {
		if !policy.MergedByGitHub(c) {
			continue
		}
		clean, err := w.mechanical(ctx, v, c)
		if err != nil {
			return err
		}
		if !v.snap.commits.Known {
			return nil
		}
		commits[i].Mechanical = clean
	}
	v.snap.commits.Value = commits
	return nil
}

// mechanical reports whether a merge is the one that its parents alone give. The
// error is a limit that GitHub set, after which it is asked again.
func (w *Worker) mechanical(ctx context.Context, v *view, c gate.Commit) (bool, error) {
	if clean, known := w.merges.Get(c.SHA); known {
		return clean, nil
	}
	clean, err := compareMerge(ctx, v.repo, c)
	if _, limited := hub.RetryAfter(err); limited {
		return false, err
	}
	log := w.log(ctx).WithField("sha", c.SHA)
	switch {
	case err == nil || hub.KindOf(err) == hub.KindTruncated:
		w.merges.Add(c.SHA, clean)
	case hub.Unreadable(err).Cause == gate.CauseFault:
		log.WithError(err).Info("a merge could not be compared with its parents: looking again")
		v.snap.commits = gate.Unread[[]gate.Commit](hub.Unreadable(err), v.snap.commits.At)
		return false, nil
	}
	if !clean {
		log.WithField("why", err).Info("a merge is not what its parents give, or that cannot be told: its people count as authors")
	}
	return clean, nil
}

// compareMerge holds a merge against its two parents and their merge base, path
// by path.
func compareMerge(ctx context.Context, repo *hub.Repo, c gate.Commit) (bool, error) {
	if len(c.ParentSHAs) != 2 {
		return false, nil
	}
	between, err := repo.Diverge(ctx, c.ParentSHAs[0], c.ParentSHAs[1])
	if err != nil {
		return false, err
	}
	shas := []string{c.SHA, c.ParentSHAs[0], c.ParentSHAs[1], between.MergeBase}
	trees, errs := make([]map[string]hub.Entry, len(shas)), make([]error, len(shas))
	var group sync.WaitGroup
	for i, sha := range shas {
		group.Go(func() { trees[i], errs[i] = repo.Tree(ctx, sha) })
	}
	group.Wait()
	// What passes is told first: of the others the answer is remembered.
	var lasting error
	for _, err := range errs {
		if err != nil && hub.KindOf(err) != hub.KindTruncated {
			return false, err
		}
		if err != nil {
			lasting = err
		}
	}
	if lasting != nil {
		return false, lasting
	}
	return isMechanical(trees[0], trees[1], trees[2], trees[3]), nil
}

// isMechanical reports whether every path of a merge is that of the side which
// alone changed it. One that both sides changed, each in another way, was merged
// line by line, which is no different to us from lines that somebody wrote.
func isMechanical(merge, ours, theirs, base map[string]hub.Entry) bool {
	paths := maps.Clone(base)
	for _, tree := range []map[string]hub.Entry{merge, ours, theirs} {
		maps.Copy(paths, tree)
	}
	for path := range paths {
		was, a, b := base[path], ours[path], theirs[path]
		var want hub.Entry
		switch {
		case a == b, b == was:
			want = a
		case a == was:
			want = b
		default:
			return false
		}
		if merge[path] != want {
			return false
		}
	}
	return true
}
