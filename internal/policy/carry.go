package policy

import (
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// FormerHeads lists the heads before the present one, the newest first, to
// which nothing was added since but merges of the base in which nobody wrote a
// line. What was said of them was said of all that the pull request brings.
//
// A merge is one of the base when its second parent is no commit of the pull
// request: the commits listed are all that the head has and the base has not.
// Where the list is not known, there are none.
func FormerHeads(pr gate.PullRequest, commits gate.Reading[[]gate.Commit]) []string {
	if !commits.Known {
		return nil
	}
	own := map[string]gate.Commit{}
	for _, c := range commits.Value {
		own[c.SHA] = c
	}
	var former []string
	for sha := pr.HeadSHA; len(former) < len(own); {
		c := own[sha]
		if !mergedCleanly(c) || len(c.ParentSHAs) != 2 {
			break
		}
		_, ours := own[c.ParentSHAs[0]]
		_, foreign := own[c.ParentSHAs[1]]
		if !ours || foreign {
			break
		}
		sha = c.ParentSHAs[0]
		former = append(former, sha)
	}
	return former
}

// isHead reports whether what was said of a commit holds for the present head.
func (q question) isHead(sha string) bool {
	return sha == q.PR.HeadSHA || slices.Contains(q.former, sha)
}

// SameWork reports whether a push that left all files as they were also left out
// nobody who is known to have written them: whoever is named in the commits as
// they were is named in those that there are. Else an author could be pushed out
// of the way, and their own approval would count.
func SameWork(pr gate.PullRequest, now, then []gate.Commit) bool {
	is, was := wroteIt(pr, now), wroteIt(pr, then)
	for id := range was.ids {
		if !is.ids[id] && !is.pushed[id] {
			return false
		}
	}
	for login := range was.logins {
		if !is.logins[login] {
			return false
		}
	}
	return len(unattributed(then)) == 0 || len(unattributed(now)) > 0
}

// carriedOver is whose word on a former head counts for the present one: over
// merges of the base, and over pushes that left all files as they were.
type carriedOver struct {
	by       gate.Actor
	what     string
	who      []string
	sameTree []string
}

func (c *carriedOver) add(q question, u gate.User, sha string) {
	if sha == q.PR.HeadSHA {
		return
	}
	said := fmt.Sprintf("%s %s, carried over from %s", handle(u), c.what, gate.Short(sha))
	if slices.Contains(q.SameTree, sha) {
		c.sameTree = append(c.sameTree, said)
	} else {
		c.who = append(c.who, said)
	}
}

// finding says what was carried over, and why.
func (c carriedOver) finding(q question) []gate.Finding {
	var found []gate.Finding
	if len(c.who) > 0 {
		found = append(found, gate.Finding{
			Status: gate.Advisory, Code: "carried-over", By: c.by,
			Fact: fmt.Sprintf("%s: only %s was merged in", strings.Join(c.who, "; "), gate.Quote(q.PR.BaseRef)),
			Fix:  "nothing: GitHub made the merge, and every path of it is as one of its two sides had it",
		})
	}
	if len(c.sameTree) > 0 {
		found = append(found, gate.Finding{
			Status: gate.Advisory, Code: "carried-over", By: c.by,
			Fact: strings.Join(c.sameTree, "; ") + ": same tree",
			Fix:  "nothing: all files and the base are as they were, and the policy lets that carry over (carry_same_tree)",
		})
	}
	return found
}
