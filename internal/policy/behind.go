package policy

import (
	"fmt"
	"slices"

	"gonogo/internal/gate"
)

// BaseEvidence is what code/base asks.
type BaseEvidence interface {
	FilesEvidence
	// Behind is how far the head lies behind its base branch.
	Behind() gate.Reading[gate.Behind]
}

const upToDate gate.Requirement = "code/base"

// AsksForBase reports whether code/base is asked at class c: at others nobody
// need read how far a head is behind.
func (p *Policy) AsksForBase(c gate.Class) bool { return p.mentions(upToDate, c) }

// behindBase: since the head left the base, the base has not changed what the
// pull request changes too. Reviews and CI saw such a path as it was before. A
// head that is behind in other paths is not held up: on a busy branch it always
// is.
func behindBase(q question, e BaseEvidence) []gate.Finding {
	behind, files := e.Behind(), e.Files()
	switch {
	case !behind.Known:
		return one(unread("how far the head is behind "+gate.Quote(q.PR.BaseRef), behind.Why))
	case behind.Value.Commits == 0:
		return nil
	case !files.Known:
		return one(unread("the list of changed files", files.Why))
	}
	base := gate.Quote(q.PR.BaseRef)
	f := gate.Finding{
		Status: gate.Action, Code: "behind-base", By: gate.ByAuthor,
		Fact: fmt.Sprintf("%d %s behind %s", behind.Value.Commits, plural(behind.Value.Commits, "commit", "commits"), base),
		Fix:  fmt.Sprintf("merge %s into the branch, or rebase it, so that CI and reviews see both changes together", base),
	}
	both := inBoth(behind.Value.Files, files.Value)
	switch n := len(both); {
	case n == 1:
		f.Fact += fmt.Sprintf("; %s changed %s, which this pull request changes too", base, gate.Quote(both[0]))
	case n > 1:
		f.Fact += fmt.Sprintf("; %s changed %d paths that this pull request changes too: %s", base, n, firstFew(both))
	case behind.Value.FilesCut:
		f.Fact += fmt.Sprintf("; %s changed more files than GitHub lists, so that it cannot be told whether any of them is changed here too", base)
	default:
		return nil
	}
	return one(f)
}

// inBoth lists the paths that both lists touch.
func inBoth(a, b []gate.File) []string {
	theirs := touched(b)
	return slices.DeleteFunc(touched(a), func(name string) bool {
		return !slices.ContainsFunc(theirs, func(other string) bool { return samePath(name, other) })
	})
}
