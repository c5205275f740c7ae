package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// PullRequest is a pull request. Its conversation is an [Issue]: commenting,
// labelling, editing and closing are there.
type PullRequest struct {
	*Issue
	draft       bool
	head        *Repo // nil when the fork is gone
	headRef     string
	headSHA     string
	baseRef     string
	baseSHA     string
	merged      bool
	mergedAt    time.Time
	mergedBy    *user
	mergeSHA    string
	rebased     []string  // what its commits became on the base
	tried       [2]string // base and head of the test merge
	trial       string    // its commit
	reviews     []*Review
	suggestions []*Suggestion
	auto        *autoMerge
}

// Change is what a pull request is opened with.
type Change struct {
	Title  string
	Body   string
	Branch string            // default: made from the title
	Base   string            // default: the default branch
	Files  map[string]string // path → content
	Delete []string
	// Message is the commit's; default: the title.
	Message string
	Labels  []string
	Draft   bool
	// Fork makes the change in a fork of who opens it.
	Fork bool
	// From names an existing branch as the head: nothing is committed.
	From string
}

// Commit is one commit of a push.
type Commit struct {
	Files     map[string]string
	Delete    []string
	Modes     map[string]string // path → git mode, such as 120000 for a symlink
	Message   string
	Author    string // login; default: who pushes
	Committer string // login; default: who pushes
	Email     string // an author's e-mail that belongs to no account
	At        time.Time
	// Unsigned makes a bot's commit like one that it pushed with git. What it
	// makes over the API GitHub commits and signs for it.
	Unsigned bool
	// Web makes it in GitHub's editor: GitHub commits and signs it.
	Web bool
}

// Open opens a pull request with one commit.
func (r *Repo) Open(who string, ch Change) *PullRequest {
	defer r.gh.act()()
	u := r.gh.person(who)
	if ch.Base == "" {
		ch.Base = r.defaultBranch
	}
	head := r
	if ch.Fork {
		head = r.forkOf(u)
	}
	if ch.From == "" {
		ch.From = r.prepare(u, head, ch)
	}
	return r.open(u, head, ch)
}

// prepare commits the change to a branch and returns its name.
func (r *Repo) prepare(who *user, head *Repo, ch Change) string {
	branch, message := ch.Branch, ch.Message
	if branch == "" {
		branch = slug(ch.Title)
	}
	if message == "" {
		message = ch.Title
	}
	if _, exists := head.refs["heads/"+branch]; !exists {
		head.createBranch(who, branch, r.branch(ch.Base))
	}
	head.push(who, branch, []Commit{{Files: ch.Files, Delete: ch.Delete, Message: message}})
	return branch
}

// open opens the pull request from ch.From of head into ch.Base.
func (r *Repo) open(who *user, head *Repo, ch Change) *PullRequest {
	p := &PullRequest{
		Issue: r.newIssue(who, ch.Title, ch.Body), draft: ch.Draft, head: head, headRef: ch.From,
		headSHA: head.branch(ch.From), baseRef: ch.Base, baseSHA: r.branch(ch.Base),
	}
	p.pull = p
	p.labels = slices.Clone(ch.Labels)
	r.pulls = append(r.pulls, p)
	r.refs[fmt.Sprintf("pull/%d/head", p.number)] = p.headSHA
	p.emit("opened", who, object{})
	r.requestSuite(p.headSHA, ch.From, who)
	return p
}

func slug(title string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}), "-")
}

// forkOf returns who's fork of r. Forks have no installation.
func (r *Repo) forkOf(who *user) *Repo {
	o := r.gh.owner(who.login, who)
	for _, f := range r.gh.repos {
		if f.owner == o && f.fork && f.objects == r.objects {
			return f
		}
	}
	f := o.newRepo(r.name)
	f.fork, f.private, f.objects, f.defaultBranch = true, r.private, r.objects, r.defaultBranch
	return f
}

// Pull returns the pull request with that number, nil when there is none.
func (r *Repo) Pull(number int) *PullRequest {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	return r.pullRequest(number)
}

func (r *Repo) pullRequest(number int) *PullRequest {
	if i := r.issue(number); i != nil {
		return i.pull
	}
	return nil
}

// Head returns the head SHA.
func (p *PullRequest) Head() string {
	p.repo.gh.mu.Lock()
	defer p.repo.gh.mu.Unlock()
	return p.headSHA
}

// Merged reports whether it was merged, and as which commit.
func (p *PullRequest) Merged() (sha string, merged bool) {
	p.repo.gh.mu.Lock()
	defer p.repo.gh.mu.Unlock()
	return p.mergeSHA, p.merged
}

// Push commits files to the head branch and returns the new head.
func (p *PullRequest) Push(who string, files map[string]string) string {
	return p.PushCommits(who, Commit{Files: files, Message: fmt.Sprintf("Change %d files", len(files))})
}

// PushCommits pushes commits to the head branch and returns the new head.
func (p *PullRequest) PushCommits(who string, commits ...Commit) string {
	defer p.repo.gh.act()()
	p.fork().push(p.repo.gh.person(who), p.headRef, commits)
	return p.headSHA
}

// ForcePush replaces all commits of the pull request by one with files, and
// returns the new head.
func (p *PullRequest) ForcePush(who string, files map[string]string) string {
	g := p.repo.gh
	defer g.act()()
	u := g.person(who)
	start := p.repo.objects.mergeBase(p.repo.branch(p.baseRef), p.headSHA)
	c := p.repo.newCommit(u, start, Commit{Files: files, Message: p.title})
	p.fork().setBranch(u, p.headRef, c.sha, true)
	return p.headSHA
}

// fork returns the head's repository, which must not be gone.
func (p *PullRequest) fork() *Repo {
	if p.head == nil {
		panic(fmt.Sprintf("sandbox: the fork of #%d is gone", p.number))
	}
	return p.head
}

// Reset force-pushes the head branch to a commit that exists.
func (p *PullRequest) Reset(who, sha string) {
	defer p.repo.gh.act()()
	p.repo.objects.at(sha)
	p.fork().setBranch(p.repo.gh.person(who), p.headRef, sha, true)
}

// UpdateBranch merges the base into the head branch, as the button does, and
// returns the new head. It panics when there is a conflict.
func (p *PullRequest) UpdateBranch(who string) string {
	g := p.repo.gh
	defer g.act()()
	u := g.person(who)
	o, tip := p.repo.objects, p.repo.branch(p.baseRef)
	start := o.at(o.mergeBase(tip, p.headSHA))
	merged, clean := o.merge(start.files, o.at(p.headSHA).files, o.at(tip).files)
	if !clean {
		panic(fmt.Sprintf("sandbox: %s conflicts with #%d", p.baseRef, p.number))
	}
	c := o.addCommit(commit{
		files: merged, parents: []string{p.headSHA, tip}, author: u.signature(), committer: g.webFlow(), signed: true,
		message: fmt.Sprintf("Merge branch '%s' into %s", p.baseRef, p.headRef),
	})
	p.fork().setBranch(u, p.headRef, c.sha, false)
	return p.headSHA
}

// Retarget changes the base branch.
func (p *PullRequest) Retarget(who, base string) {
	defer p.repo.gh.act()()
	p.retarget(p.repo.gh.person(who), base)
}

func (p *PullRequest) retarget(who *user, base string) {
	oldRef, oldSHA := p.baseRef, p.baseSHA
	p.baseRef, p.baseSHA = base, p.repo.branch(base)
	p.touch()
	p.note("base_ref_changed", who, object{})
	p.emit("edited", who, object{"changes": object{"base": object{
		"ref": object{"from": oldRef}, "sha": object{"from": oldSHA},
	}}})
}

// Ready marks a draft as ready for review.
func (p *PullRequest) Ready(who string) {
	defer p.repo.gh.act()()
	u := p.repo.gh.person(who)
	p.draft = false
	p.touch()
	p.note("ready_for_review", u, object{})
	p.emit("ready_for_review", u, object{})
}

// Draft turns it back into a draft.
func (p *PullRequest) Draft(who string) {
	defer p.repo.gh.act()()
	u := p.repo.gh.person(who)
	p.draft = true
	p.touch()
	p.note("convert_to_draft", u, object{})
	p.emit("converted_to_draft", u, object{})
}

// LoseFork deletes the fork that the head lies in.
func (p *PullRequest) LoseFork() {
	defer p.repo.gh.act()()
	if p.head != nil && p.head != p.repo {
		p.head.deleted = true
		p.head = nil
	}
}

// headMoved follows a push to the head branch.
func (p *PullRequest) headMoved(who *user, before string, forced bool) {
	p.headSHA = p.head.branch(p.headRef)
	p.repo.refs[fmt.Sprintf("pull/%d/head", p.number)] = p.headSHA
	if p.repo.refs["heads/"+p.baseRef] != "" {
		p.baseSHA = p.repo.branch(p.baseRef)
	}
	p.touch()
	if forced {
		p.note("head_ref_force_pushed", who, object{
			"commit_id": p.headSHA, "commit_url": p.repo.api("/commits/%s", p.headSHA),
		})
	}
	p.repointReviews(before)
	p.emit("synchronize", who, object{"before": before, "after": p.headSHA})
}

// commits returns all commits that the pull request would bring, the oldest
// first.
func (p *PullRequest) commits() []*commit { return p.repo.objects.between(p.baseSHA, p.headSHA) }

// changes returns the files that differ from the merge base.
func (p *PullRequest) changes() []change {
	o := p.repo.objects
	return o.diffOf(o.mergeBase(p.baseSHA, p.headSHA), p.headSHA)
}
