package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// Repo is a repository.
type Repo struct {
	gh      *GitHub
	owner   *Owner
	id      int64
	name    string
	aliases []string // earlier owner/name, lower case
	private bool
	hidden  bool // the installation does not see it
	deleted bool
	fork    bool
	created time.Time

	objects       *objects
	refs          map[string]string // "heads/main" → SHA
	defaultBranch string
	protections   map[string]*Protection
	rulesets      []ruleset

	grants map[int64]grant
	labels map[string]int64

	lastNumber int
	pulls      []*PullRequest
	issues     []*Issue
	comments   []*Comment
	suites     []*suite
	runs       []*CheckRun
	statuses   []*status
	releases   []*Release
	activity   []activity
	alerts     []*alert
	scanning   bool

	queue       []*MergeGroup
	deployments []*Deployment

	deleteHead     bool
	removed        []*Comment // deleted ones
	mail           mail
	watch          *watch
	wrongMergeBase bool
}

// Repo returns the repository with that name; on first mention it is made:
// private, with a README on its branch main.
func (o *Owner) Repo(name string) *Repo {
	defer o.gh.act()()
	if r := o.gh.findRepo(o.login, name); r != nil {
		return r
	}
	r := o.newRepo(name)
	who := o.gh.person("founder")
	if o.person != nil {
		who = o.person
	}
	by := who.signature()
	first := r.objects.addCommit(commit{
		files: r.objects.with(nil, map[string]string{"README.md": "# " + name + "\n"}, nil), author: by, committer: by,
		message: "Start",
	})
	r.refs["heads/main"] = first.sha
	o.gh.emitRepositories(r, "added")
	return r
}

func (o *Owner) newRepo(name string) *Repo {
	r := &Repo{
		gh: o.gh, owner: o, id: o.gh.newID(), name: name, private: true, created: o.gh.now(), objects: newObjects(),
		refs: map[string]string{}, defaultBranch: "main", protections: map[string]*Protection{},
		grants: map[int64]grant{}, labels: map[string]int64{}, scanning: true,
	}
	o.gh.repos = append(o.gh.repos, r)
	return r
}

func (g *GitHub) findRepo(owner, name string) *Repo {
	full := strings.ToLower(owner + "/" + name)
	for _, r := range g.repos {
		if !r.deleted && strings.ToLower(r.fullName()) == full {
			return r
		}
	}
	for _, r := range g.repos {
		for _, alias := range r.aliases {
			if !r.deleted && alias == full {
				return r
			}
		}
	}
	return nil
}

// ID returns the repository's numeric id.
func (r *Repo) ID() int64 { return r.id }

// FullName returns "owner/name".
func (r *Repo) FullName() string {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	return r.fullName()
}

func (r *Repo) fullName() string { return r.owner.login + "/" + r.name }

// Publish makes the repository public.
func (r *Repo) Publish() {
	defer r.gh.act()()
	r.private = false
	r.gh.emit(r, "repository", "publicized", r.anyone(), object{})
}

// Hide takes the repository out of the installation; Show puts it back.
func (r *Repo) Hide() {
	defer r.gh.act()()
	r.gh.emitRepositories(r, "removed")
	r.hidden = true
}

// Show puts a hidden repository back into the installation.
func (r *Repo) Show() {
	defer r.gh.act()()
	r.hidden = false
	r.gh.emitRepositories(r, "added")
}

// Rename gives the repository another name; the old one redirects.
func (r *Repo) Rename(who, name string) {
	defer r.gh.act()()
	old := r.name
	r.aliases = append(r.aliases, strings.ToLower(r.fullName()))
	r.name = name
	r.gh.emit(r, "repository", "renamed", r.gh.person(who), object{
		"changes": object{"repository": object{"name": object{"from": old}}},
	})
}

// Transfer gives the repository to another owner; the old address redirects.
func (r *Repo) Transfer(who string, to *Owner) {
	defer r.gh.act()()
	from := r.owner
	r.aliases = append(r.aliases, strings.ToLower(r.fullName()))
	r.owner = to
	key := "user"
	if from.person == nil {
		key = "organization"
	}
	r.gh.emit(r, "repository", "transferred", r.gh.person(who), object{
		"changes": object{"owner": object{"from": object{key: from.json()}}},
	})
}

// Delete deletes the repository. The name is free afterwards.
func (r *Repo) Delete(who string) {
	defer r.gh.act()()
	r.gh.emit(r, "repository", "deleted", r.gh.person(who), object{})
	r.deleted = true
}

// DeleteHeadOnMerge switches GitHub's automatic deletion of merged branches.
func (r *Repo) DeleteHeadOnMerge(on bool) {
	defer r.gh.act()()
	r.deleteHead = on
}

// anyone is somebody to send events by, where it does not matter who it was.
func (r *Repo) anyone() *user {
	if r.owner.person != nil {
		return r.owner.person
	}
	return r.gh.person("founder")
}

func (r *Repo) api(format string, args ...any) string {
	return r.gh.url + "/repos/" + r.fullName() + fmt.Sprintf(format, args...)
}

// paths are the URL templates of a repository.
var paths = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
	"comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
	"contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
	"downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks", "git_commits_url": "/git/commits{/sha}",
	"git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}", "hooks_url": "/hooks",
	"issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}",
	"languages_url": "/languages", "merges_url": "/merges", "milestones_url": "/milestones{/number}",
	"notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
	"releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}",
}

// json is the repository as GitHub shows it in full.
func (r *Repo) json() object {
	name := r.fullName()
	visibility := "public"
	if r.private {
		visibility = "private"
	}
	open := 0
	for _, i := range r.issues {
		if i.open {
			open++
		}
	}
	o := object{
		"id": r.id, "node_id": nodeID("Repository", r.id), "name": r.name, "full_name": name, "private": r.private,
		"owner": r.owner.json(), "html_url": web("%s", name), "description": nil, "fork": r.fork, "url": r.api(""),
		"created_at": stamp(r.created), "updated_at": stamp(r.created), "pushed_at": stamp(r.created),
		"git_url": "git://github.com/" + name + ".git", "ssh_url": "git@github.com:" + name + ".git",
		"clone_url": web("%s.git", name), "svn_url": web("%s", name), "homepage": nil, "size": 1,
		"stargazers_count": 0, "watchers_count": 0, "language": nil, "has_issues": true, "has_projects": true,
		"has_downloads": true, "has_wiki": true, "has_pages": false, "has_discussions": false, "forks_count": 0,
		"mirror_url": nil, "archived": false, "disabled": false, "open_issues_count": open, "license": nil,
		"allow_forking": true, "is_template": false, "web_commit_signoff_required": false, "topics": []string{},
		"custom_properties": object{}, "visibility": visibility, "forks": 0, "open_issues": open, "watchers": 0, "default_branch": r.defaultBranch,
		"network_count": 0, "subscribers_count": 0, "delete_branch_on_merge": r.deleteHead,
		"allow_squash_merge": true, "allow_merge_commit": true, "allow_rebase_merge": true, "allow_auto_merge": false,
		"allow_update_branch": false,
		"permissions":         object{"admin": false, "maintain": false, "push": false, "triage": false, "pull": true},
	}
	base := r.api("")
	for key, path := range paths {
		o[key] = base + path
	}
	if r.owner.person == nil {
		o["organization"] = r.owner.json()
	}
	return o
}

// brief is the repository inside other things, such as a pull request's head.
func (r *Repo) brief() object {
	o := r.json()
	for _, key := range []string{"network_count", "subscribers_count", "organization", "permissions"} {
		delete(o, key)
	}
	return o
}

func (g *GitHub) repoRoutes() []route {
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}", "metadata:read", func(c *call) answer { return ok(c.repo.json()) }),
	}
}

// table lists all routes; the first that fits answers.
func (g *GitHub) table() []route {
	var all []route
	for _, group := range [][]route{
		g.appRoutes(), g.deliveryRoutes(), g.peopleRoutes(), g.roleRoutes(), g.repoRoutes(), g.commitRoutes(),
		g.refRoutes(), g.contentRoutes(), g.ruleRoutes(), g.pullRoutes(), g.checkRoutes(), g.workflowRoutes(), g.statusRoutes(),
		g.commentRoutes(), g.issueRoutes(), g.releaseRoutes(), g.deployRoutes(), g.deploymentRoutes(), g.alertRoutes(), g.activityRoutes(),
	} {
		all = append(all, group...)
	}
	// GET /repositories/{id}/… is the same as GET /repos/{owner}/{repo}/….
	for _, rt := range all {
		if rest, ok := strings.CutPrefix(rt.pattern, "/repos/{owner}/{repo}"); ok {
			all = append(all, newRoute(rt.method, "/repositories/{repository_id}"+rest, rt.permission, rt.answer))
		}
	}
	return all
}
