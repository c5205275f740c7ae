package sandbox

import (
	"fmt"
	"net/http"
	"slices"
)

// MergeGroup is an entry of a base branch's merge queue: a commit that joins a
// pull request to the base and to all that wait before it.
type MergeGroup struct {
	pull   *PullRequest
	method string
	ref    string // without refs/heads/
	base   string // the commit that it is built on
	head   string
	by     *user
}

// Enqueue puts the pull request into the merge queue of its base, behind all
// that wait there, and asks for checks of the group. It is an error when it
// conflicts.
func (p *PullRequest) Enqueue(who, method string) (*MergeGroup, error) {
	defer p.repo.gh.act()()
	m := &MergeGroup{pull: p, method: method, by: p.repo.gh.person(who)}
	if err := m.build(); err != nil {
		return nil, err
	}
	p.repo.queue = append(p.repo.queue, m)
	return m, nil
}

// AskForChecks asks for checks of a commit as a merge queue does, whatever ref it
// says that is on.
func (r *Repo) AskForChecks(ref, sha, base string) {
	defer r.gh.act()()
	r.gh.emit(r, "merge_group", "checks_requested", r.gh.person("github-merge-queue[bot]"), object{"merge_group": object{
		"head_sha": sha, "head_ref": ref, "base_sha": r.branch(base), "base_ref": "refs/heads/" + base, "head_commit": r.objects.at(sha).simple(),
	}})
}

// HeadSHA returns the commit on which the group's checks are asked for.
func (m *MergeGroup) HeadSHA() string {
	m.pull.repo.gh.mu.Lock()
	defer m.pull.repo.gh.mu.Unlock()
	return m.head
}

// before returns what waits before m on the same base.
func (m *MergeGroup) before() []*MergeGroup {
	var list []*MergeGroup
	for _, other := range m.pull.repo.queue {
		if other == m {
			break
		}
		if other.pull.baseRef == m.pull.baseRef {
			list = append(list, other)
		}
	}
	return list
}

func (m *MergeGroup) build() error {
	p, r := m.pull, m.pull.repo
	m.base = r.branch(p.baseRef)
	if ahead := m.before(); len(ahead) > 0 {
		m.base = ahead[len(ahead)-1].head
	}
	merged, refusal := p.join(m.method, m.base)
	if refusal != nil {
		return refusal
	}
	m.head = p.land(m.by, m.method, m.base, merged)
	m.ref = fmt.Sprintf("gh-readonly-queue/%s/pr-%d-%s", p.baseRef, p.number, m.base)
	r.createBranch(r.gh.person("github-merge-queue[bot]"), m.ref, m.head)
	m.emit("checks_requested", "")
	return nil
}

// Land merges the group, which must be the first of its queue, when the checks
// that the base requires are good on it.
func (m *MergeGroup) Land() error {
	p, r := m.pull, m.pull.repo
	defer r.gh.act()()
	if len(m.before()) > 0 || !slices.Contains(r.queue, m) {
		return &Refusal{http.StatusMethodNotAllowed, "The group is not the first of the queue"}
	}
	for _, c := range r.required(p.baseRef) {
		if state := r.stateOf(m.head, c); state != "" {
			return &Refusal{http.StatusMethodNotAllowed, fmt.Sprintf("Required status check %q is %s.", c.Name, state)}
		}
	}
	p.landed(r.gh.person("github-merge-queue[bot]"), "merge_queue_merge", m.base, m.head)
	m.destroy("merged")
	return nil
}

// Leave takes the pull request out of the queue. What waits behind it is built
// anew.
func (m *MergeGroup) Leave() {
	r := m.pull.repo
	defer r.gh.act()()
	at := slices.Index(r.queue, m)
	m.destroy("dequeued")
	for _, later := range slices.Clone(r.queue)[at:] {
		if later.pull.baseRef != m.pull.baseRef {
			continue
		}
		later.removeRef()
		later.emit("destroyed", "invalidated")
		if later.build() != nil {
			r.queue = slices.DeleteFunc(r.queue, func(x *MergeGroup) bool { return x == later })
		}
	}
}

func (m *MergeGroup) destroy(reason string) {
	r := m.pull.repo
	r.queue = slices.DeleteFunc(r.queue, func(x *MergeGroup) bool { return x == m })
	m.removeRef()
	m.emit("destroyed", reason)
}

func (m *MergeGroup) removeRef() {
	r := m.pull.repo
	if r.refs["heads/"+m.ref] != "" {
		r.deleteBranch(r.gh.person("github-merge-queue[bot]"), m.ref)
	}
}

func (m *MergeGroup) emit(action, reason string) {
	r := m.pull.repo
	extra := object{"merge_group": object{
		"head_sha": m.head, "head_ref": "refs/heads/" + m.ref, "base_sha": m.base,
		"base_ref":    "refs/heads/" + m.pull.baseRef,
		"head_commit": r.objects.at(m.head).simple(),
	}}
	if reason != "" {
		extra["reason"] = reason
	}
	r.gh.emit(r, "merge_group", action, r.gh.person("github-merge-queue[bot]"), extra)
}
