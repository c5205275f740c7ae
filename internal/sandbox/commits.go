package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxCompareFiles is GitHub's cap on the files of a comparison.
// https://docs.github.com/en/rest/commits/commits#compare-two-commits
const maxCompareFiles = 300

func (g *GitHub) commitRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/commits", "contents:read", listCommits),
		newRoute("GET", "/repos/{owner}/{repo}/commits/{ref}/pulls", "pull_requests:read|contents:read", withCommit(pullsOfCommit)),
		newRoute("GET", "/repos/{owner}/{repo}/commits/{ref...}/check-runs", "checks:read", withCommit(listRuns)),
		newRoute("GET", "/repos/{owner}/{repo}/commits/{ref...}/check-suites", "checks:read", withCommit(listSuites)),
		newRoute("GET", "/repos/{owner}/{repo}/commits/{ref...}/status", "statuses:read", withCommit(combinedStatus)),
		newRoute("GET", "/repos/{owner}/{repo}/commits/{ref...}/statuses", "statuses:read", withCommit(listStatuses)),
		// It fits what lies below a commit, too, and so comes after it.
		newRoute("GET", "/repos/{owner}/{repo}/commits/{ref...}", "contents:read", withCommit(oneCommit)),
		newRoute("GET", "/repos/{owner}/{repo}/compare/{basehead...}", "contents:read", compare),
		newRoute("GET", "/repos/{owner}/{repo}/git/commits/{sha}", "contents:read", gitCommit),
	}
}

// withCommit resolves the ref of the path.
func withCommit(then func(c *call, sha string) answer) func(*call) answer {
	return func(c *call) answer {
		sha := c.repo.resolve(c.vars["ref"])
		if sha == "" {
			return refuse(http.StatusUnprocessableEntity, "No commit found for SHA: "+c.vars["ref"])
		}
		return then(c, sha)
	}
}

// listCommits answers the history of a ref, the newest first.
func listCommits(c *call) answer {
	ref := c.query("sha")
	if ref == "" {
		ref = c.repo.defaultBranch
	}
	sha := c.repo.resolve(ref)
	if sha == "" {
		return notFound()
	}
	list := newestFirst(c.repo.objects.between("", sha))
	if since, err := time.Parse(time.RFC3339, c.query("since")); err == nil {
		list = slices.DeleteFunc(list, func(x *commit) bool { return x.committer.at.Before(since) })
	}
	if until, err := time.Parse(time.RFC3339, c.query("until")); err == nil {
		list = slices.DeleteFunc(list, func(x *commit) bool { return x.committer.at.After(until) })
	}
	if path := c.query("path"); path != "" {
		list = slices.DeleteFunc(list, func(x *commit) bool { return !c.repo.touches(x, path) })
	}
	return listOf(c, list, c.repo.commitJSON)
}

func (r *Repo) touches(x *commit, path string) bool {
	return slices.ContainsFunc(r.changesOf(x), func(d change) bool {
		return d.path == path || strings.HasPrefix(d.path, path+"/")
	})
}

func (r *Repo) changesOf(x *commit) []change {
	parent := ""
	if len(x.parents) > 0 {
		parent = x.parents[0]
	}
	return r.objects.diffOf(parent, x.sha)
}

// pullsOfCommit answers the merged pull requests that brought a commit of the
// default branch, else the open ones that hold it.
func pullsOfCommit(c *call, sha string) answer {
	var list []*PullRequest
	for _, p := range c.repo.pulls {
		holds := func(x *commit) bool { return x.sha == sha }
		if p.mergeSHA == sha || p.headSHA == sha || p.merged && slices.Contains(p.rebased, sha) || slices.ContainsFunc(p.commits(), holds) {
			list = append(list, p)
		}
	}
	return listOf(c, list, (*PullRequest).simple)
}

// oneCommit answers a commit with its files, which page as GitHub's do: 300 on
// a page, up to 3,000.
func oneCommit(c *call, sha string) answer {
	x := c.repo.objects.at(sha)
	o := c.repo.commitJSON(x)
	changes := c.repo.changesOf(x)
	additions, deletions := 0, 0
	list := []object{}
	for n, d := range changes {
		additions += d.additions
		deletions += d.deletions
		if n < maxPullFiles {
			list = append(list, d.json(c.repo, sha))
		}
	}
	lo, hi, header := c.pageBy(len(list), 300)
	o["files"] = list[lo:hi]
	o["stats"] = object{"additions": additions, "deletions": deletions, "total": additions + deletions}
	return answer{status: http.StatusOK, body: o, header: header}
}

func (r *Repo) commitJSON(x *commit) object {
	parents := []object{}
	for _, p := range x.parents {
		parents = append(parents, object{
			"sha": p, "url": r.api("/commits/%s", p), "html_url": web("%s/commit/%s", r.fullName(), p),
		})
	}
	url := r.api("/commits/%s", x.sha)
	return object{
		"sha": x.sha, "node_id": nodeID("Commit", r.id) + x.sha, "url": url,
		"html_url": web("%s/commit/%s", r.fullName(), x.sha), "comments_url": url + "/comments",
		"commit": object{
			"author": x.author.git(), "committer": x.committer.git(), "message": x.message,
			"tree": object{"sha": x.tree, "url": r.api("/git/trees/%s", x.tree)},
			"url":  r.api("/git/commits/%s", x.sha), "comment_count": 0, "verification": x.verification(),
		},
		"author": x.author.user.orNull(), "committer": x.committer.user.orNull(), "parents": parents,
	}
}

// simple is the commit inside check suites and merge groups.
func (x *commit) simple() object {
	return object{
		"id": x.sha, "tree_id": x.tree, "message": x.message, "timestamp": stamp(x.author.at),
		"author":    object{"name": x.author.name, "email": x.author.email},
		"committer": object{"name": x.committer.name, "email": x.committer.email},
	}
}

// verification is what GitHub says of a commit's signature.
func (x *commit) verification() object {
	if !x.signed {
		return unsigned()
	}
	return object{
		"verified": true, "reason": "valid", "signature": "-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n",
		"payload": "tree " + x.tree + "\n", "verified_at": stamp(x.committer.at),
	}
}

func unsigned() object {
	return object{"verified": false, "reason": "unsigned", "signature": nil, "payload": nil, "verified_at": nil}
}

func (s signature) git() object {
	return object{"name": s.name, "email": s.email, "date": stamp(s.at)}
}

func gitCommit(c *call) answer {
	x := c.repo.objects.commits[c.vars["sha"]]
	if x == nil {
		return notFound()
	}
	return ok(c.repo.gitCommitJSON(x))
}

func (r *Repo) gitCommitJSON(x *commit) object {
	o := r.commitJSON(x)
	inner := o["commit"].(object)
	return object{
		"sha": x.sha, "node_id": o["node_id"], "url": inner["url"], "html_url": o["html_url"], "author": inner["author"],
		"committer": inner["committer"], "tree": inner["tree"], "message": x.message, "parents": o["parents"],
		"verification": x.verification(),
	}
}

// committedJSON is a commit in a timeline.
func (r *Repo) committedJSON(x *commit) object {
	o := r.gitCommitJSON(x)
	o["event"] = "committed"
	return o
}

// compare answers BASE...HEAD. Commits are paged; files are on the first page
// only.
func compare(c *call) answer {
	base, head, found := strings.Cut(c.vars["basehead"], "...")
	from, to := c.repo.resolveAcross(base), c.repo.resolveAcross(head)
	if !found || from == "" || to == "" {
		return notFound()
	}
	o := c.repo.objects
	start := o.mergeBase(from, to)
	if start == "" {
		return refuse(http.StatusNotFound, fmt.Sprintf("No common ancestor between %s and %s.", base, head))
	}
	ahead, behind := o.between(from, to), o.between(to, from)
	lo, hi, header := c.pageBy(len(ahead), maxPullCommits)
	commits := []object{}
	for _, x := range ahead[lo:hi] {
		commits = append(commits, c.repo.commitJSON(x))
	}
	body := c.repo.comparison(base, head, from, start, len(ahead), len(behind))
	body["commits"] = commits
	if lo == 0 {
		list := []object{}
		changes := o.diffOf(start, to)
		for _, d := range changes[:min(len(changes), maxCompareFiles)] {
			list = append(list, d.json(c.repo, to))
		}
		body["files"] = list
	}
	return answer{status: http.StatusOK, body: body, header: header}
}

// resolveAcross resolves a ref that may name a fork's owner: kim:topic.
func (r *Repo) resolveAcross(ref string) string {
	owner, branch, across := strings.Cut(ref, ":")
	if !across {
		return r.resolve(ref)
	}
	for _, f := range r.gh.repos {
		if strings.EqualFold(f.owner.login, owner) && f.objects == r.objects {
			return f.resolve(branch)
		}
	}
	return ""
}

func (r *Repo) comparison(base, head, from, start string, ahead, behind int) object {
	state := "identical"
	switch {
	case ahead > 0 && behind > 0:
		state = "diverged"
	case ahead > 0:
		state = "ahead"
	case behind > 0:
		state = "behind"
	}
	name := base + "..." + head
	html := web("%s/compare/%s", r.fullName(), name)
	return object{
		"url": r.api("/compare/%s", name), "html_url": html, "permalink_url": html, "diff_url": html + ".diff",
		"patch_url": html + ".patch", "base_commit": r.commitJSON(r.objects.at(from)),
		"merge_base_commit": r.commitJSON(r.objects.at(start)), "status": state, "ahead_by": ahead, "behind_by": behind,
		"total_commits": ahead,
	}
}
