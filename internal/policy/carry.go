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

// carriedOver is whose word on a former head counts for the present one.
type carriedOver struct {
	by   gate.Actor
	what string
	who  []string
}

func (c *carriedOver) add(q question, u gate.User, sha string) {
	if sha == q.PR.HeadSHA {
		return
	}
	c.who = append(c.who, fmt.Sprintf("%s %s, carried over from %s", handle(u), c.what, gate.Short(sha)))
}

// finding says what was carried over, and why.
func (c carriedOver) finding(q question) []gate.Finding {
	if len(c.who) == 0 {
		return nil
	}
	return one(gate.Finding{
		Status: gate.Advisory, Code: "carried-over", By: c.by,
		Fact: fmt.Sprintf("%s: only %s was merged in", strings.Join(c.who, "; "), gate.Quote(q.PR.BaseRef)),
		Fix:  "nothing: GitHub made the merge, and every path of it is as one of its two sides had it",
	})
}
