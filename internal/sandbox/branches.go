package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

const noSHA = "0000000000000000000000000000000000000000"

// branch returns the tip of a branch that must exist.
func (r *Repo) branch(name string) string {
	sha, ok := r.refs["heads/"+name]
	if !ok {
		panic(fmt.Sprintf("sandbox: %s has no branch %q", r.fullName(), name))
	}
	return sha
}

// Tip returns the head of a branch, "" when there is none.
func (r *Repo) Tip(branch string) string {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	return r.refs["heads/"+branch]
}

// Commit pushes files to a branch and returns its new tip. A branch that does
// not exist is made from the default branch.
func (r *Repo) Commit(who, branch string, files map[string]string) string {
	return r.PushCommits(who, branch, Commit{Files: files, Message: fmt.Sprintf("Change %d files", len(files))})
}

// PushCommits pushes commits to a branch and returns its new tip.
func (r *Repo) PushCommits(who, branch string, commits ...Commit) string {
	defer r.gh.act()()
	u := r.gh.person(who)
	if _, ok := r.refs["heads/"+branch]; !ok {
		r.createBranch(u, branch, r.branch(r.defaultBranch))
	}
	r.push(u, branch, commits)
	return r.refs["heads/"+branch]
}

// Branch makes a branch at a commit.
func (r *Repo) Branch(who, name, sha string) {
	defer r.gh.act()()
	r.objects.at(sha)
	r.createBranch(r.gh.person(who), name, sha)
}

// DeleteBranch deletes a branch. Open pull requests from it are closed; those
// into it go on into the branch into which it was merged, else are closed.
func (r *Repo) DeleteBranch(who, name string) {
	defer r.gh.act()()
	r.branch(name)
	r.deleteBranch(r.gh.person(who), name)
}

func (r *Repo) createBranch(who *user, name, sha string) {
	r.refs["heads/"+name] = sha
	r.record("branch_creation", who, "heads/"+name, noSHA, sha)
	r.gh.emit(r, "create", "", who, object{
		"ref": name, "ref_type": "branch", "master_branch": r.defaultBranch, "description": nil, "pusher_type": "user",
	})
	r.emitPush(who, "heads/"+name, noSHA, sha, false)
}

func (r *Repo) deleteBranch(who *user, name string) {
	before := r.refs["heads/"+name]
	delete(r.refs, "heads/"+name)
	r.record("branch_deletion", who, "heads/"+name, before, noSHA)
	r.gh.emit(r, "delete", "", who, object{"ref": name, "ref_type": "branch", "pusher_type": "user"})
	r.emitPush(who, "heads/"+name, before, noSHA, false)
	var onward string
	for _, p := range r.pulls {
		if p.head == r && p.headRef == name {
			p.note("head_ref_deleted", who, object{})
			if p.merged {
				onward = p.baseRef
			}
			p.close(who, "")
		}
	}
	for _, p := range r.pulls {
		switch {
		case !p.open || p.baseRef != name:
		case onward != "" && r.refs["heads/"+onward] != "":
			p.retarget(who, onward)
		default:
			p.close(who, "")
		}
	}
}

func (r *Repo) newCommit(who *user, parent string, c Commit) *commit {
	author, committer := who.signature(), who.signature()
	if c.Author != "" {
		author = r.gh.person(c.Author).signature()
	}
	if c.Committer != "" {
		committer = r.gh.person(c.Committer).signature()
	}
	if c.Email != "" {
		author.email, author.user = c.Email, nil
	}
	if !c.At.IsZero() {
		author.at, committer.at = c.At, c.At
	}
	signed := who.kind == "Bot" && c.Author+c.Committer+c.Email == "" && !c.Unsigned || c.Web
	if signed {
		at := committer.at
		committer = r.gh.webFlow()
		committer.at = at
	}
	old := r.objects.at(parent)
	return r.objects.addCommit(commit{
		files: withModes(r.objects.with(old.files, c.Files, c.Delete), c.Modes), parents: []string{parent}, author: author,
		committer: committer, message: c.Message, signed: signed,
	})
}

func withModes(fs files, modes map[string]string) files {
	for path, mode := range modes {
		if e, ok := fs[path]; ok {
			e.mode = mode
			fs[path] = e
		}
	}
	return fs
}

func (r *Repo) push(who *user, branch string, commits []Commit) {
	tip := r.branch(branch)
	for _, c := range commits {
		tip = r.newCommit(who, tip, c).sha
	}
	r.setBranch(who, branch, tip, false)
}

// setBranch moves a branch and follows what hangs on it.
func (r *Repo) setBranch(who *user, branch, sha string, forced bool) {
	before := r.branch(branch)
	if before == sha {
		return
	}
	r.refs["heads/"+branch] = sha
	kind := "push"
	if forced {
		kind = "force_push"
	}
	r.record(kind, who, "heads/"+branch, before, sha)
	r.emitPush(who, "heads/"+branch, before, sha, forced)
	r.headsFollow(who, branch, before, sha, forced)
	if !slices.ContainsFunc(r.pulls, func(p *PullRequest) bool { return p.headSHA == sha }) {
		r.requestSuite(sha, branch, who)
	}
}

// headsFollow tells the open pull requests from a branch that it has moved.
func (r *Repo) headsFollow(who *user, branch, before, sha string, forced bool) {
	for _, other := range r.gh.repos {
		for _, p := range other.pulls {
			if p.open && p.head == r && p.headRef == branch {
				p.headMoved(who, before, forced)
				other.requestSuite(sha, branch, who)
			}
		}
	}
}

// webFlow is who commits what is made on the web.
func (g *GitHub) webFlow() signature {
	return signature{name: "GitHub", email: "noreply@github.com", user: g.person("web-flow"), at: g.now()}
}

func (r *Repo) emitPush(who *user, ref, before, after string, forced bool) {
	if !r.gh.sends(r.owner) {
		return
	}
	commits := []object{}
	var head any
	if after != noSHA {
		head = r.pushedJSON(r.objects.at(after))
		if before != noSHA {
			for _, c := range r.objects.between(before, after) {
				if len(commits) < 2048 {
					commits = append(commits, r.pushedJSON(c))
				}
			}
		}
	}
	r.gh.emit(r, "push", "", who, object{
		"ref": "refs/" + ref, "before": before, "after": after, "created": before == noSHA, "deleted": after == noSHA,
		"forced": forced, "base_ref": nil, "compare": web("%s/compare/%.12s...%.12s", r.fullName(), before, after),
		"commits": commits, "head_commit": head,
		"pusher": object{"name": who.login, "email": who.signature().email}, "repository": r.pushed(),
	})
}

// pushed is the repository as push events show it: with times in seconds.
func (r *Repo) pushed() object {
	o := r.json()
	o["created_at"], o["pushed_at"] = r.created.Unix(), r.gh.now().Unix()
	o["stargazers"], o["master_branch"] = 0, r.defaultBranch
	return o
}

// pushedJSON is a commit as push events show it.
func (r *Repo) pushedJSON(c *commit) object {
	added, removed, modified := []string{}, []string{}, []string{}
	var old files
	if len(c.parents) > 0 {
		old = r.objects.at(c.parents[0]).files
	}
	for path, e := range c.files {
		if was, existed := old[path]; !existed {
			added = append(added, path)
		} else if was != e {
			modified = append(modified, path)
		}
	}
	for path := range old {
		if _, still := c.files[path]; !still {
			removed = append(removed, path)
		}
	}
	slices.Sort(added)
	slices.Sort(removed)
	slices.Sort(modified)
	return object{
		"id": c.sha, "tree_id": c.tree, "distinct": true, "message": c.message, "timestamp": stamp(c.author.at),
		"url": web("%s/commit/%s", r.fullName(), c.sha), "author": c.author.pushed(), "committer": c.committer.pushed(),
		"added": added, "removed": removed, "modified": modified,
	}
}

func (s signature) pushed() object {
	o := object{"name": s.name, "email": s.email}
	if s.user != nil {
		o["username"] = s.user.login
	}
	return o
}

// resolve returns the commit that a SHA, a part of one, a branch or a tag
// names, "" when it names none.
func (r *Repo) resolve(ref string) string {
	ref = strings.TrimPrefix(ref, "refs/")
	for _, name := range []string{ref, "heads/" + ref, "tags/" + ref} {
		if sha, ok := r.refs[name]; ok {
			return r.peel(sha)
		}
	}
	if c, ok := r.objects.commits[ref]; ok {
		return c.sha
	}
	if ref == "HEAD" {
		return r.refs["heads/"+r.defaultBranch]
	}
	if len(ref) < 7 || strings.Trim(ref, "0123456789abcdef") != "" {
		return ""
	}
	found := ""
	for sha := range r.objects.commits {
		if strings.HasPrefix(sha, ref) {
			if found != "" {
				return ""
			}
			found = sha
		}
	}
	return found
}

// peel follows an annotated tag to its commit.
func (r *Repo) peel(sha string) string {
	if t, ok := r.objects.tags[sha]; ok {
		return t.target
	}
	return sha
}
