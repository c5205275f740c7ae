package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
)

// BranchesEvidence is what code/branches asks.
type BranchesEvidence interface {
	// DanglingBranches lists the branches of merged pull requests that still
	// exist, default, protected and fork branches left out.
	DanglingBranches() gate.Reading[[]gate.Branch]
}

// graceForBranches is how long a merged branch may stay.
const graceForBranches = 10 * time.Minute

// branches: no dangling branches. Before the merge only those that were merged
// into this very head block; the others block the release.
func branches(q question, e BranchesEvidence) []gate.Finding {
	dangling := e.DanglingBranches()
	if !dangling.Known {
		return one(unread("the list of merged branches", dangling.Why))
	}
	var found []gate.Finding
	var others []string
	for _, b := range slices.SortedFunc(slices.Values(dangling.Value), byPR) {
		if q.Now.Sub(b.MergedAt) < graceForBranches || matchAny(q.Policy.KeepBranches, b.Name) || b.Name == q.PR.HeadRef {
			continue
		}
		if !b.Stacked {
			others = append(others, b.Name)
			continue
		}
		found = append(found, gate.Finding{
			Status: gate.Action, Code: "branch-dangling", By: gate.ByAuthor,
			Fact: fmt.Sprintf("branch %s was merged into this one by #%d and still exists", gate.Quote(b.Name), b.PR),
			Fix:  "delete the branch on its pull request's page",
		})
	}
	if n := len(others); n > 0 {
		found = append(found, gate.Finding{
			Status: gate.Advisory, Code: "branch-dangling", By: gate.ByAuthor,
			Fact: fmt.Sprintf("%d merged %s not deleted: %s", n, plural(n, "branch was", "branches were"), firstFew(others)),
			Fix:  "delete them before the release; GitHub does it by itself when the repository's setting 'Automatically delete head branches' is on",
			Link: deleteBranchesHelp,
		})
	}
	return found
}

func byPR(a, b gate.Branch) int {
	return cmp.Or(cmp.Compare(a.PR, b.PR), cmp.Compare(a.Name, b.Name))
}

// graceEnds is when the next merged branch will have had its time.
func graceEnds(q question, dangling []gate.Branch) time.Time {
	var at time.Time
	for _, b := range dangling {
		end := b.MergedAt.Add(graceForBranches)
		if b.Stacked && end.After(q.Now) && (at.IsZero() || end.Before(at)) {
			at = end
		}
	}
	return at
}

const deleteBranchesHelp = "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-the-automatic-deletion-of-branches"
