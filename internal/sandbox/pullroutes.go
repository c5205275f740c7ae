package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// GitHub's caps on the lists of a pull request.
// https://docs.github.com/en/rest/pulls/pulls
const (
	maxPullFiles   = 3000
	maxPullCommits = 250
)

func (g *GitHub) pullRoutes() []route {
	const read = "pull_requests:read"
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/pulls", read, listPulls),
		newRoute("GET", "/repos/{owner}/{repo}/pulls/{number}", read, withPull(func(_ *call, p *PullRequest) answer {
			return ok(p.json())
		})),
		newRoute("GET", "/repos/{owner}/{repo}/pulls/{number}/files", read, withPull(func(c *call, p *PullRequest) answer {
			list := p.changes()
			return listOf(c, list[:min(len(list), maxPullFiles)], func(x change) object { return x.json(c.repo, p.headSHA) })
		})),
		newRoute("GET", "/repos/{owner}/{repo}/pulls/{number}/commits", read, withPull(func(c *call, p *PullRequest) answer {
			list := p.commits()
			return listOf(c, list[:min(len(list), maxPullCommits)], c.repo.commitJSON)
		})),
		newRoute("GET", "/repos/{owner}/{repo}/pulls/{number}/reviews", read, withPull(func(c *call, p *PullRequest) answer {
			return listOf(c, p.reviews, (*Review).json)
		})),
		newRoute("GET", "/repos/{owner}/{repo}/pulls/{number}/comments", read, withPull(func(c *call, p *PullRequest) answer {
			return listOf(c, p.suggestions, (*Suggestion).json)
		})),
		newRoute("PUT", "/repos/{owner}/{repo}/pulls/{number}/merge", "contents:write", withPull(putMerge)),
	}
}

func withPull(then func(*call, *PullRequest) answer) func(*call) answer {
	return func(c *call) answer {
		if p := c.repo.pullRequest(c.number("number")); p != nil {
			return then(c, p)
		}
		return notFound()
	}
}

func listPulls(c *call) answer {
	state := c.query("state")
	if state == "" {
		state = "open"
	}
	list := slices.DeleteFunc(slices.Clone(c.repo.pulls), func(p *PullRequest) bool {
		return state != "all" && state != p.state() ||
			c.query("base") != "" && c.query("base") != p.baseRef ||
			c.query("head") != "" && !strings.EqualFold(c.query("head"), p.headLabel())
	})
	slices.SortStableFunc(list, func(a, b *PullRequest) int {
		if c.query("sort") == "updated" {
			if n := a.updated.Compare(b.updated); n != 0 {
				return n
			}
		}
		return a.number - b.number
	})
	// By creation GitHub lists the newest first unless asked; by any other key
	// the lowest first.
	byCreation := c.query("sort") == "" || c.query("sort") == "created"
	if d := c.query("direction"); d == "desc" || d == "" && byCreation {
		slices.Reverse(list)
	}
	return listOf(c, list, (*PullRequest).simple)
}

func (p *PullRequest) headLabel() string {
	if p.head == nil {
		return "unknown:" + p.headRef
	}
	return p.head.owner.login + ":" + p.headRef
}

func (p *PullRequest) headSide() object {
	o := object{"label": p.headLabel(), "ref": p.headRef, "sha": p.headSHA, "user": nil, "repo": nil}
	if p.head != nil {
		o["user"], o["repo"] = p.head.owner.json(), p.head.brief()
	} else {
		o["user"] = p.author.orNull()
	}
	return o
}

// simple is the pull request as lists show it.
func (p *PullRequest) simple() object {
	r := p.repo
	url, html := r.api("/pulls/%d", p.number), web("%s/pull/%d", r.fullName(), p.number)
	issue, statuses := r.api("/issues/%d", p.number), r.api("/statuses/%s", p.headSHA)
	var mergeSHA any
	switch {
	case p.merged:
		mergeSHA = p.mergeSHA
	case p.open:
		mergeSHA = orNil(p.testMerge())
	}
	link := func(href string) object { return object{"href": href} }
	return object{
		"id": p.id, "node_id": nodeID("PullRequest", p.id), "url": url, "html_url": html, "diff_url": html + ".diff",
		"patch_url": html + ".patch", "issue_url": issue, "number": p.number, "state": p.state(), "locked": p.locked,
		"title": p.title, "user": p.author.orNull(), "body": orNil(p.body), "created_at": stamp(p.created),
		"updated_at": stamp(p.updated), "closed_at": stamp(p.closed), "merged_at": stamp(p.mergedAt),
		"merge_commit_sha": mergeSHA, "assignee": nil, "assignees": []object{}, "requested_reviewers": []object{},
		"requested_teams": []object{}, "labels": p.labelList(), "milestone": nil, "draft": p.draft,
		"commits_url": url + "/commits", "review_comments_url": url + "/comments",
		"review_comment_url": r.api("/pulls/comments{/number}"), "comments_url": issue + "/comments",
		"statuses_url": statuses, "head": p.headSide(),
		"base": object{
			"label": r.owner.login + ":" + p.baseRef, "ref": p.baseRef, "sha": p.baseSHA, "user": r.owner.json(),
			"repo": r.brief(),
		},
		"_links": object{
			"self": link(url), "html": link(html), "issue": link(issue), "comments": link(issue + "/comments"),
			"review_comments": link(url + "/comments"), "review_comment": link(r.api("/pulls/comments{/number}")),
			"commits": link(url + "/commits"), "statuses": link(statuses),
		},
		"author_association": r.association(p.author), "auto_merge": p.auto.json(), "active_lock_reason": nil,
	}
}

// json is the pull request in full.
func (p *PullRequest) json() object {
	o := p.simple()
	changes := p.changes()
	additions, deletions := 0, 0
	for _, c := range changes {
		additions += c.additions
		deletions += c.deletions
	}
	mergeable, state := p.mergeability()
	maps.Copy(o, object{
		"merged": p.merged, "mergeable": mergeable, "rebaseable": mergeable, "mergeable_state": state,
		"merged_by": p.mergedBy.orNull(), "comments": len(p.repo.commentsOf(p.number)), "review_comments": len(p.suggestions),
		"maintainer_can_modify": false, "commits": len(p.commits()), "additions": additions, "deletions": deletions,
		"changed_files": len(changes),
	})
	return o
}

// minimal is the pull request as check runs show it.
func (p *PullRequest) minimal() object {
	side := func(ref, sha string, r *Repo) object {
		return object{"ref": ref, "sha": sha, "repo": object{"id": r.id, "url": r.api(""), "name": r.name}}
	}
	return object{
		"id": p.id, "number": p.number, "url": p.repo.api("/pulls/%d", p.number),
		"head": side(p.headRef, p.headSHA, p.repo), "base": side(p.baseRef, p.baseSHA, p.repo),
	}
}
