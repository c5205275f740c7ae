package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
)

// Refusal is what GitHub says when it does not merge.
type Refusal struct {
	Status  int // 405 or 409
	Message string
}

func (e *Refusal) Error() string { return e.Message }

// Merge merges by method ("merge", "squash" or "rebase"), when the base
// branch's rules let it; else the error is a [*Refusal].
func (p *PullRequest) Merge(who, method string) error {
	defer p.repo.gh.act()()
	if refusal := p.refusal(); refusal != nil {
		return refusal
	}
	return p.merge(p.repo.gh.person(who), method)
}

// Bypass merges past the base branch's rules, as administrators can.
func (p *PullRequest) Bypass(who, method string) error {
	defer p.repo.gh.act()()
	return p.merge(p.repo.gh.person(who), method)
}

// AutoMerge switches on auto-merge: the pull request is merged in the very
// moment in which the rules let it.
func (p *PullRequest) AutoMerge(who, method string) {
	defer p.repo.gh.act()()
	p.auto = &autoMerge{by: p.repo.gh.person(who), method: method}
	p.tryAutoMerge()
}

type autoMerge struct {
	by     *user
	method string
}

func (a *autoMerge) json() any {
	if a == nil {
		return nil
	}
	return object{"enabled_by": a.by.json(), "merge_method": a.method, "commit_title": "", "commit_message": ""}
}

func (p *PullRequest) tryAutoMerge() {
	if p.auto != nil && p.open && !p.draft && p.refusal() == nil {
		_ = p.merge(p.auto.by, p.auto.method) // a conflict is tried again at the next change
	}
}

// autoMerge merges what waits for a commit.
func (r *Repo) autoMerge(sha string) {
	for _, p := range slices.Clone(r.pulls) {
		if p.headSHA == sha {
			p.tryAutoMerge()
		}
	}
}

// Revert opens a pull request that takes a merged one back, as the button does.
// It panics when later changes are in the way.
func (p *PullRequest) Revert(who string) *PullRequest {
	r, o := p.repo, p.repo.objects
	defer r.gh.act()()
	if !p.merged {
		panic(fmt.Sprintf("sandbox: #%d is not merged", p.number))
	}
	u, tip := r.gh.person(who), r.branch(p.baseRef)
	landed := o.at(p.mergeSHA)
	first := landed
	if len(p.rebased) > 0 {
		first = o.at(p.rebased[0])
	}
	undone, clean := o.merge(landed.files, o.at(tip).files, o.at(first.parents[0]).files)
	if !clean {
		panic(fmt.Sprintf("sandbox: #%d cannot be reverted without conflicts", p.number))
	}
	title := fmt.Sprintf("Revert %q", p.title)
	c := o.addCommit(commit{
		files: undone, parents: []string{tip}, author: u.signature(), committer: r.gh.webFlow(), signed: true,
		message: title + "\n\nThis reverts commit " + p.mergeSHA + ".",
	})
	branch := fmt.Sprintf("revert-%d-%s", p.number, p.headRef)
	r.createBranch(u, branch, c.sha)
	return r.open(u, r, Change{
		Title: title, Body: fmt.Sprintf("Reverts %s#%d", r.fullName(), p.number), From: branch, Base: p.baseRef,
	})
}

// UseWrongMergeBase makes merges take the merge base for the
// base's tip, so that what landed meanwhile is undone: the fault of GitHub's
// merge queue of 2026-04-23.
func (r *Repo) UseWrongMergeBase(on bool) {
	defer r.gh.act()()
	r.wrongMergeBase = on
}

// refusal says why GitHub would not merge, nil when it would.
func (p *PullRequest) refusal() *Refusal {
	for _, c := range p.repo.required(p.baseRef) {
		if state := p.repo.stateOf(p.headSHA, c); state != "" {
			return &Refusal{http.StatusMethodNotAllowed, fmt.Sprintf("Required status check %q is %s.", c.Name, state)}
		}
	}
	protection, tip := p.repo.protections[p.baseRef], p.repo.refs["heads/"+p.baseRef]
	if protection == nil || tip == "" {
		return nil
	}
	if n := p.approvals(); n < protection.Approvals {
		return &Refusal{http.StatusMethodNotAllowed, fmt.Sprintf("At least %d approving review is required by reviewers with write access.", protection.Approvals)}
	}
	if protection.Strict && len(p.repo.objects.between(p.headSHA, tip)) > 0 {
		return &Refusal{http.StatusMethodNotAllowed, "Head branch is out of date. Review and try the merge again."}
	}
	return nil
}

// approvals counts people with write access whose latest word is an approval;
// an open change request makes it none.
func (p *PullRequest) approvals() int {
	last := map[*user]gate.ReviewState{}
	for _, v := range p.reviews {
		if v.state != gate.Commented && p.repo.access(v.author).role >= gate.PermissionWrite {
			last[v.author] = v.state
		}
	}
	n := 0
	for _, state := range last {
		switch state {
		case gate.ChangesRequested:
			return 0
		case gate.Approved:
			n++
		}
	}
	return n
}

func (p *PullRequest) merge(who *user, method string) error {
	before := p.repo.refs["heads/"+p.baseRef]
	merged, refusal := p.join(method, before)
	if refusal != nil {
		return refusal
	}
	p.landed(who, "pr_merge", before, p.land(who, method, before, merged))
	return nil
}

// join merges the head's files into those of a commit.
func (p *PullRequest) join(method, into string) (files, *Refusal) {
	o := p.repo.objects
	switch {
	case p.merged || !p.open || into == "":
		return nil, &Refusal{http.StatusMethodNotAllowed, "Pull Request is not mergeable"}
	case p.draft:
		return nil, &Refusal{http.StatusMethodNotAllowed, "Pull Request is still a draft"}
	}
	start := o.mergeBase(into, p.headSHA)
	merged, clean := o.merge(o.at(start).files, o.at(into).files, o.at(p.headSHA).files)
	if !clean {
		return nil, &Refusal{http.StatusMethodNotAllowed, "Pull Request has merge conflicts"}
	}
	if p.repo.wrongMergeBase {
		merged = o.at(p.headSHA).files
	}
	return merged, nil
}

// landed moves the base branch to the merge and tells everybody.
func (p *PullRequest) landed(who *user, kind, before, sha string) {
	r := p.repo
	p.mergeSHA = sha
	r.refs["heads/"+p.baseRef] = sha
	r.record(kind, who, "heads/"+p.baseRef, before, sha)
	p.merged, p.mergedAt, p.mergedBy = true, r.gh.now(), who
	p.open, p.closed, p.closedBy = false, p.mergedAt, who
	p.touch()
	p.note("merged", who, object{"commit_id": p.mergeSHA, "commit_url": r.api("/commits/%s", p.mergeSHA)})
	p.note("closed", who, object{})
	r.emitPush(who, "heads/"+p.baseRef, before, p.mergeSHA, false)
	p.emit("closed", who, object{})
	r.headsFollow(who, p.baseRef, before, sha, false)
	p.after(who)
}

// land makes the commits of a merge and returns the last.
func (p *PullRequest) land(who *user, method, before string, merged files) string {
	o, g := p.repo.objects, p.repo.gh
	p.rebased = nil
	switch method {
	case "squash":
		return o.addCommit(commit{
			files: merged, parents: []string{before}, author: p.author.signature(), committer: g.webFlow(), signed: true,
			message: fmt.Sprintf("%s (#%d)", p.title, p.number),
		}).sha
	case "rebase":
		tip := before
		list := p.commits()
		for n, c := range list {
			next := commit{parents: []string{tip}, author: c.author, committer: who.signature(), message: c.message}
			next.files = merged
			if n < len(list)-1 {
				base := o.at(p.repo.objects.mergeBase(before, p.headSHA)).files
				if step, clean := o.merge(base, o.at(before).files, c.files); clean {
					next.files = step
				}
			}
			tip = o.addCommit(next).sha
			p.rebased = append(p.rebased, tip)
		}
		return tip
	default:
		return o.addCommit(commit{
			files: merged, parents: []string{before, p.headSHA}, author: who.signature(), committer: g.webFlow(), signed: true,
			message: fmt.Sprintf("Merge pull request #%d from %s\n\n%s", p.number, strings.Replace(p.headLabel(), ":", "/", 1), p.title),
		}).sha
	}
}

var closing = regexp.MustCompile(`(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?) #(\d+)`)

// after does what GitHub does after a merge: it closes the issues that the body
// names, and deletes the branch where that is switched on.
func (p *PullRequest) after(who *user) {
	r := p.repo
	if p.baseRef == r.defaultBranch {
		for _, m := range closing.FindAllStringSubmatch(p.body, -1) {
			n, _ := strconv.Atoi(m[1])
			if i := r.issue(n); i != nil && i.pull == nil {
				i.close(who, "completed")
			}
		}
	}
	if r.deleteHead && p.head == r && r.refs["heads/"+p.headRef] != "" {
		r.deleteBranch(who, p.headRef)
	}
}

// testMerge returns the commit with which GitHub tries the merge of an open pull
// request (refs/pull/n/merge), "" when it cannot be merged.
// https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request
func (p *PullRequest) testMerge() string {
	o, tip := p.repo.objects, p.repo.refs["heads/"+p.baseRef]
	if of := [2]string{tip, p.headSHA}; p.tried != of {
		p.tried, p.trial = of, ""
		start := o.mergeBase(tip, p.headSHA)
		if start == "" {
			return ""
		}
		merged, clean := o.merge(o.at(start).files, o.at(tip).files, o.at(p.headSHA).files)
		if clean {
			by := p.repo.gh.webFlow()
			p.trial = o.addCommit(commit{
				files: merged, parents: []string{tip, p.headSHA}, author: p.author.signature(), committer: by, signed: true,
				message: fmt.Sprintf("Merge %s into %s", p.headSHA, tip),
			}).sha
		}
	}
	return p.trial
}

// TestMerge returns the commit with which GitHub tries the merge, "" when the
// pull request cannot be merged.
func (p *PullRequest) TestMerge() string {
	p.repo.gh.mu.Lock()
	defer p.repo.gh.mu.Unlock()
	return p.testMerge()
}

// mergeability returns what GitHub computes in the background.
func (p *PullRequest) mergeability() (mergeable any, state string) {
	if !p.open {
		return nil, "unknown"
	}
	o := p.repo.objects
	tip := p.repo.refs["heads/"+p.baseRef]
	start := o.mergeBase(tip, p.headSHA)
	if start == "" {
		return false, "dirty"
	}
	_, clean := o.merge(o.at(start).files, o.at(tip).files, o.at(p.headSHA).files)
	switch {
	case !clean:
		return false, "dirty"
	case p.draft:
		return true, "draft"
	case p.refusal() != nil:
		return true, "blocked"
	default:
		return true, "clean"
	}
}

// stateOf returns "" when a required check is satisfied on a commit, else what
// it is. The newest run of the name counts; neutral and skipped satisfy.
func (r *Repo) stateOf(sha string, need Required) string {
	verdict := "expected"
	var newest *CheckRun
	for _, run := range r.runs {
		if run.sha == sha && run.name == need.Name && (need.App == 0 || run.app.ID == need.App) {
			newest = run
		}
	}
	if newest != nil {
		status, conclusion := newest.state()
		verdict = status
		if status == completed {
			verdict = conclusion
		}
	}
	good := slices.Contains([]string{"success", "neutral", "skipped"}, verdict)
	if need.App == 0 {
		if s := r.latestStatus(sha, need.Name); s != nil {
			if newest == nil {
				return strings.TrimPrefix(s.state, "success")
			}
			good = good && s.state == "success"
		}
	}
	if good {
		return ""
	}
	return verdict
}

func putMerge(c *call, p *PullRequest) answer {
	var b struct {
		SHA    string `json:"sha"`
		Method string `json:"merge_method"`
	}
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	if b.SHA != "" && b.SHA != p.headSHA {
		return refuse(http.StatusConflict, "Head branch was modified. Review and try the merge again.")
	}
	if refusal := p.refusal(); refusal != nil {
		return refuse(refusal.Status, refusal.Message)
	}
	if err := p.merge(c.g.app.bot, b.Method); err != nil {
		return refuse(http.StatusMethodNotAllowed, err.Error())
	}
	return ok(object{"sha": p.mergeSHA, "merged": true, "message": "Pull Request successfully merged"})
}
