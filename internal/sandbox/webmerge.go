package sandbox

import (
	"fmt"
	"maps"
)

// ResolveBranch merges the base into the head branch as GitHub's web editor
// does, in which who settles conflicts and may write anything besides: files are
// laid over what merges by itself, conflicts keep the head's side. GitHub signs
// the merge all the same. It returns the new head.
func (p *PullRequest) ResolveBranch(who string, content map[string]string) string {
	g := p.repo.gh
	defer g.act()()
	u := g.person(who)
	o, tip := p.repo.objects, p.repo.branch(p.baseRef)
	base, ours, theirs := o.at(o.mergeBase(tip, p.headSHA)).files, o.at(p.headSHA).files, o.at(tip).files
	merged := maps.Clone(ours)
	for path, e := range theirs {
		if ours[path] == base[path] {
			merged[path] = e
		}
	}
	for path, e := range base {
		if _, kept := theirs[path]; !kept && ours[path] == e {
			delete(merged, path)
		}
	}
	c := o.addCommit(commit{
		files: o.with(merged, content, nil), parents: []string{p.headSHA, tip}, author: u.signature(), committer: g.webFlow(), signed: true,
		message: fmt.Sprintf("Merge branch '%s' into %s", p.baseRef, p.headRef),
	})
	p.fork().setBranch(u, p.headRef, c.sha, false)
	return p.headSHA
}
