package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
	"gonogo/internal/policy"
)

// How many pull requests and commits of those that a pull request says it takes
// back are looked at: whoever opens it chooses how many it names.
const (
	revertsLooked = 3
	rebasedLooked = 30
)

var (
	// revertedPull finds "Reverts acme/shop#12", as GitHub's button writes it,
	// and the ways in which people do.
	revertedPull = regexp.MustCompile(`(?i)\brevert(?:s|ing|ed)?:?\s+(?:PR\s+|pull request\s+)?(?:https?://[^\s/]+/([\w.-]+/[\w.-]+)/pull/|([\w.-]+/[\w.-]+)?#)(\d{1,9})\b`)
	// revertedCommit finds what git revert writes.
	revertedCommit = regexp.MustCompile(`(?i)\bthis reverts (?:commit|merge) ([0-9a-f]{40})\b`)
	revertTitle    = regexp.MustCompile(`(?i)^\W*(?:revert|reapply|roll ?back)\b`)
)

// readRevert settles whether the pull request is a pure revert of a merged one.
// The error is a limit that GitHub set.
func (w *Worker) readRevert(ctx context.Context, v *view) error {
	named, err := w.revertsNamed(ctx, v)
	switch {
	case err != nil:
		return w.untold(ctx, v, 0, err)
	case len(named) == 0 && revertTitle.MatchString(v.pr.Title):
		v.revert = policy.Revert{
			State: policy.RevertOther, Why: "it names no merged pull request that it takes back",
			Fix: fmt.Sprintf("if it is one, write into the description: Reverts %s#123", v.pr.Repo.FullName()),
		}
	}
	for _, n := range named {
		v.revert, err = w.verifyRevert(ctx, v, n)
		if err != nil {
			return w.untold(ctx, v, n, err)
		}
		if v.revert.State == policy.RevertClean {
			v.needsWords()
			return nil
		}
	}
	return nil
}

// needsWords tells of a pure revert what could not be read of where a /no-go may
// be said of which no event told: nothing else stops it.
func (v *view) needsWords() {
	need := func(known bool, what string, why gate.Unreadable) {
		f := policy.Unread(what, why)
		if !known && !slices.ContainsFunc(v.faults, func(told gate.Finding) bool { return told.Fact == f.Fact }) {
			v.faults = append(v.faults, f)
		}
	}
	need(v.snap.comments.Known, "the comments", v.snap.comments.Why)
	need(v.snap.reviews.Known, "the reviews", v.snap.reviews.Why)
}

// untold keeps that it could not be told what the pull request takes back; the
// error is a limit that GitHub set.
func (w *Worker) untold(ctx context.Context, v *view, of int, err error) error {
	if _, limited := hub.RetryAfter(err); limited {
		return err
	}
	w.log(ctx).WithError(err).Info("it could not be told whether this is a pure revert")
	v.revert = policy.Revert{State: policy.RevertDark, Of: of}
	var odd unclear
	if errors.As(err, &odd) {
		v.revert.Why, v.revert.Fix = odd.why, odd.fix
		return nil
	}
	why := hub.Unreadable(err)
	v.revert.Why = strings.TrimSuffix(why.Fact, ".")
	if v.revert.Again = why.Cause == gate.CauseFault; v.revert.Again {
		v.revert.Fix = "nothing to do: it is read again every 30 seconds"
	}
	return nil
}

// unclear is that the history does not tell what a pull request takes back.
type unclear struct{ why, fix string }

func (u unclear) Error() string { return u.why }

// revertsNamed lists the merged pull requests that this one says it takes back:
// by its description, or by the messages of its commits.
func (w *Worker) revertsNamed(ctx context.Context, v *view) ([]int, error) {
	named := pullsReverted(v.pr.Repo, v.pr.Body)
	var shas []string
	for _, c := range v.snap.commits.Value {
		for _, m := range revertedCommit.FindAllStringSubmatch(c.Message, revertsLooked) {
			shas = append(shas, strings.ToLower(m[1]))
		}
	}
	for _, m := range revertedCommit.FindAllStringSubmatch(v.pr.Body, revertsLooked) {
		shas = append(shas, strings.ToLower(m[1]))
	}
	slices.Sort(shas)
	if shas = slices.Compact(shas); len(named) > 0 || len(shas) > revertsLooked {
		shas = nil
	}
	for _, sha := range shas {
		pulls, err := v.repo.PullRequestsOf(ctx, sha)
		if hub.IsMissing(err) || hub.KindOf(err) == hub.KindInvalid {
			continue // no commit of this repository
		}
		if err != nil {
			return nil, err
		}
		for _, p := range pulls {
			if p.Merged && p.Number != v.pr.Number {
				named = append(named, p.Number)
			}
		}
	}
	slices.Sort(named)
	named = slices.Compact(named)
	return named[:min(len(named), revertsLooked)], nil
}

// pullsReverted lists the pull requests of a repository that a text says it
// takes back, the first few.
func pullsReverted(repo gate.Repository, text string) []int {
	var named []int
	for _, m := range revertedPull.FindAllStringSubmatch(text, -1) {
		of := m[1] + m[2]
		n, err := strconv.Atoi(m[3])
		if err != nil || n == 0 || of != "" && !strings.EqualFold(of, repo.FullName()) || slices.Contains(named, n) {
			continue
		}
		if named = append(named, n); len(named) == revertsLooked {
			break
		}
	}
	return named
}

// verifyRevert holds a pull request against the merged one that it says it takes
// back, path by path.
func (w *Worker) verifyRevert(ctx context.Context, v *view, number int) (policy.Revert, error) {
	no := func(why, fix string) (policy.Revert, error) {
		return policy.Revert{State: policy.RevertOther, Of: number, Why: why, Fix: fix}, nil
	}
	undone, err := v.repo.PullRequest(ctx, number)
	if hub.IsMissing(err) {
		return no("there is no such pull request here", "")
	}
	if err != nil {
		return policy.Revert{}, err
	}
	if !undone.Merged || undone.BaseRef != v.pr.BaseRef {
		return no(fmt.Sprintf("#%d was not merged into %s", number, gate.Quote(v.pr.BaseRef)), "")
	}
	tip, exists, err := v.repo.Branch(ctx, v.pr.BaseRef)
	if err != nil {
		return policy.Revert{}, err
	}
	if !exists {
		return no("its base branch is gone", "")
	}
	lay, err := layOf(ctx, v.repo, undone)
	if err != nil {
		return policy.Revert{}, err
	}
	r, err := holdAgainst(ctx, v, undone, lay, tip)
	if err != nil || r.State != policy.RevertClean {
		return r, err
	}
	again, err := w.tookBack(ctx, v.repo, undone, lay)
	if again {
		return no(fmt.Sprintf("#%d took something back itself, which this would land again", number),
			"fill in the record: landing it again is a release like any other")
	}
	return r, err
}

// holdAgainst compares the trees: of the base before and after what is taken
// back, of its tip, of the head, and of where the two last parted.
func holdAgainst(ctx context.Context, v *view, undone gate.PullRequest, lay stretch, tip string) (policy.Revert, error) {
	r := policy.Revert{State: policy.RevertOther, Of: undone.Number, Tip: tip, Landed: lay.last}
	within, err := v.repo.Diverge(ctx, tip, lay.last)
	if err != nil {
		return r, err
	}
	if within.MergeBase != lay.last {
		r.Why = fmt.Sprintf("%s does not hold the merge of #%d any more", gate.Quote(v.pr.BaseRef), undone.Number)
		return r, nil
	}
	parted, err := v.repo.Diverge(ctx, tip, v.pr.HeadSHA)
	if err != nil {
		return r, err
	}
	trees, err := readTrees(ctx, v.repo, lay.before, lay.last, tip, v.pr.HeadSHA, parted.MergeBase)
	if err != nil {
		return r, err
	}
	t := revertTrees{before: trees[lay.before], after: trees[lay.last], tip: trees[tip], head: trees[v.pr.HeadSHA], start: trees[parted.MergeBase]}
	if parted.MergeBase != tip {
		if err := straight(v, t); err != nil {
			return r, err
		}
	}
	if r.Paths, r.Why, r.Fix = t.compare(undone.Number); r.Why == "" {
		r.State = policy.RevertClean
	}
	return r, nil
}

// readTrees reads the trees of commits, each once.
func readTrees(ctx context.Context, repo *hub.Repo, shas ...string) (map[string]map[string]hub.Entry, error) {
	slices.Sort(shas)
	shas = slices.Compact(shas)
	read := make([]map[string]hub.Entry, len(shas))
	group, ctx := errgroup.WithContext(ctx)
	for i, sha := range shas {
		group.Go(func() (err error) {
			read[i], err = repo.Tree(ctx, sha)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	trees := make(map[string]map[string]hub.Entry, len(shas))
	for i, sha := range shas {
		trees[sha] = read[i]
	}
	return trees, nil
}

// straight tells, of a head that lies behind its base, whether merging it is
// sure to give each path what the side has that alone changed it: there must be
// one merge base only, as there is where no commit of the pull request is a
// merge, and nothing that git might take for renamed on the base.
func straight(v *view, t revertTrees) error {
	behind := unclear{fix: "update the branch (or rebase it): then it can be compared with what the base has now"}
	if !v.snap.commits.Known {
		behind.why = "the head is behind the base, and its commits could not be listed"
		return behind
	}
	if slices.ContainsFunc(v.snap.commits.Value, func(c gate.Commit) bool { return c.Parents != 1 }) {
		behind.why = "the head is behind the base and holds merges"
		return behind
	}
	for path := range t.start {
		if _, still := t.tip[path]; !still {
			behind.why = "the head is behind the base, in which files were moved or removed since"
			return behind
		}
	}
	return nil
}

// revertTrees are the five trees by which a revert is verified.
type revertTrees struct{ before, after, tip, head, start map[string]hub.Entry }

// compare lists the paths of a pure revert, or says why it is none. A path that
// is not there has the zero entry in all of them.
func (t revertTrees) compare(number int) (paths []string, why, fix string) {
	all := maps.Clone(t.before)
	for _, tree := range []map[string]hub.Entry{t.after, t.tip, t.head, t.start} {
		maps.Copy(all, tree)
	}
	for _, path := range slices.Sorted(maps.Keys(all)) {
		was, is := t.before[path], t.after[path]
		named := gate.Quote(path)
		switch {
		case was == is && t.head[path] != t.start[path]:
			return nil, fmt.Sprintf("it changes %s, which #%d did not", named, number), "take that out of it, into a pull request of its own"
		case was == is:
		case t.tip[path] != is:
			return nil, fmt.Sprintf("%s has changed since #%d", named, number), "revert the later change first, or have this one reviewed"
		case t.start[path] != is:
			return nil, fmt.Sprintf("%s is not what #%d made of it where this branch begins", named, number), "update the branch, or make the revert anew"
		case t.head[path] == is:
			return nil, fmt.Sprintf("%s is still as #%d made it", named, number), "revert all of it"
		case t.head[path] != was:
			return nil, fmt.Sprintf("%s is not what stood before #%d", named, number), "make the revert anew, and nothing beside it"
		default:
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Sprintf("#%d changed nothing", number), ""
	}
	return paths, "", ""
}

// stretch is what a merged pull request made of its base: from what stood before
// it, to the last commit that it brought.
type stretch struct{ before, last string }

// layOf finds where in its base a merged pull request lies: as a merge commit,
// as one commit, or as a row of rebased ones.
func layOf(ctx context.Context, repo *hub.Repo, pr gate.PullRequest) (stretch, error) {
	if pr.MergeSHA == "" {
		return stretch{}, unclear{why: fmt.Sprintf("GitHub does not say with which commit #%d was merged", pr.Number)}
	}
	merge, err := repo.Commit(ctx, pr.MergeSHA)
	if err != nil {
		return stretch{}, err
	}
	whole := stretch{last: merge.SHA}
	switch {
	case len(merge.ParentSHAs) == 2 && merge.ParentSHAs[1] == pr.HeadSHA:
		whole.before = merge.ParentSHAs[0]
		return whole, nil
	case len(merge.ParentSHAs) != 1:
		return stretch{}, unclear{why: fmt.Sprintf("the commit with which #%d was merged is no merge of its head", pr.Number)}
	case pr.Commits == 1:
		whole.before = merge.ParentSHAs[0]
		return whole, nil
	}
	if whole.before, err = beforeRow(ctx, repo, pr, merge); err != nil {
		return stretch{}, err
	}
	return whole, sameSize(ctx, repo, pr, whole)
}

// beforeRow is the commit before those that a pull request was squashed into, or
// rebased as: GitHub tells of each which pull request brought it. Either one or
// all of them are there.
func beforeRow(ctx context.Context, repo *hub.Repo, pr gate.PullRequest, last gate.Commit) (string, error) {
	row, sha := 1, last.ParentSHAs[0]
	for ; ; row++ {
		brought, err := repo.PullRequestsOf(ctx, sha)
		if err != nil {
			return "", err
		}
		if !slices.ContainsFunc(brought, func(p gate.PullRequest) bool { return p.Number == pr.Number }) {
			break
		}
		c, err := repo.Commit(ctx, sha)
		if err != nil {
			return "", err
		}
		if len(c.ParentSHAs) != 1 || row >= rebasedLooked {
			return "", unclear{why: fmt.Sprintf("it cannot be told which commits #%d was rebased as", pr.Number)}
		}
		sha = c.ParentSHAs[0]
	}
	if row != 1 && row != pr.Commits {
		return "", unclear{why: fmt.Sprintf("%d of the %d commits of #%d were found in its base", row, pr.Commits, pr.Number)}
	}
	return sha, nil
}

// sameSize holds what lies between two commits against the pull request's own
// list of files: else the last of several commits could be taken for the whole.
func sameSize(ctx context.Context, repo *hub.Repo, pr gate.PullRequest, whole stretch) error {
	odd := unclear{why: fmt.Sprintf("what landed of #%d is not what it lists as changed", pr.Number)}
	landed, err := repo.Diverge(ctx, whole.before, whole.last)
	if err != nil {
		return err
	}
	files, err := repo.Files(ctx, pr.Number)
	if err != nil {
		return err
	}
	if landed.FilesCut || len(landed.Files) != len(files) || hub.FilesComplete(pr, files) != nil {
		return odd
	}
	type size struct{ added, deleted int }
	listed := map[string]size{}
	for _, f := range files {
		listed[f.Path] = size{f.Additions, f.Deletions}
	}
	for _, f := range landed.Files {
		if was, known := listed[f.Path]; !known || was != (size{f.Additions, f.Deletions}) {
			return odd
		}
	}
	return nil
}

// tookBack reports whether a merged pull request was a revert, as it says or as
// we know: to take that back lands again what was taken back, which is a change
// like any other.
func (w *Worker) tookBack(ctx context.Context, repo *hub.Repo, pr gate.PullRequest, lay stretch) (bool, error) {
	entered, _, err := w.Ledger.MergeOf(ctx, pr.Repo.ID, pr.Number)
	if err != nil || entered.Reverts != 0 {
		return err == nil, err
	}
	last, err := repo.Commit(ctx, lay.last)
	if err != nil {
		return false, err
	}
	// Title and description can be written anew after the merge, what landed cannot.
	told := strings.Split(pr.Title+"\n"+last.Message, "\n")
	return slices.ContainsFunc(told, revertTitle.MatchString) || len(pullsReverted(pr.Repo, pr.Body+"\n"+last.Message)) > 0 ||
		revertedCommit.MatchString(pr.Body+"\n"+last.Message), nil
}

// revertMoved reports whether the base has moved since a revert was verified
// against it.
func revertMoved(ctx context.Context, v *view) (bool, error) {
	if v.revert.State != policy.RevertClean {
		return false, nil
	}
	tip, exists, err := v.repo.Branch(ctx, v.pr.BaseRef)
	return err == nil && (!exists || tip != v.revert.Tip), err
}
