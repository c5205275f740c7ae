package sandbox

import (
	"time"

	"gonogo/internal/gate"
)

// Review is a review of a pull request.
type Review struct {
	pull   *PullRequest
	id     int64
	author *user
	state  gate.ReviewState
	commit string
	given  string // as commit, never repointed
	born   int
	body   string
	at     time.Time
}

// Repointing says what GitHub does to the commit_id of reviews when the head
// moves. All three have been seen.
type Repointing int

// The ways of repointing.
const (
	Frozen             Repointing = iota // commit_id stays
	RepointIfIdentical                   // follows when the diff is the same
	RepointAlways                        // approvals follow every new head
)

// RepointReviews chooses how reviews behave from now on.
func (g *GitHub) RepointReviews(how Repointing) {
	defer g.act()()
	g.repointing = how
}

// Review submits a review of the head.
func (p *PullRequest) Review(who string, state gate.ReviewState, body string) *Review {
	defer p.repo.gh.act()()
	u := p.repo.gh.person(who)
	v := &Review{
		pull: p, id: p.repo.gh.newID(), author: u, state: state, commit: p.headSHA, given: p.headSHA, body: body, at: p.repo.gh.now(),
		born: p.repo.born(),
	}
	p.reviews = append(p.reviews, v)
	p.touch()
	v.emit("submitted", u)
	p.tryAutoMerge()
	return v
}

// Approve submits an approval of the head.
func (p *PullRequest) Approve(who string) *Review { return p.Review(who, gate.Approved, "") }

// ID returns the review's id.
func (v *Review) ID() int64 { return v.id }

// Dismiss dismisses the review.
func (v *Review) Dismiss(who, message string) {
	g := v.pull.repo.gh
	defer g.act()()
	u := g.person(who)
	was := v.state
	v.state = gate.Dismissed
	v.pull.touch()
	v.pull.note("review_dismissed", u, object{"dismissed_review": object{
		"state": lower(was), "review_id": v.id, "dismissal_message": orNil(message),
	}})
	v.emit("dismissed", u)
}

// Edit rewrites the review's text, by its author or by somebody else who can
// write. No time in what REST answers tells of it.
// https://docs.github.com/en/communities/moderating-comments-and-conversations/managing-disruptive-comments
func (v *Review) Edit(who, body string) {
	defer v.pull.repo.gh.act()()
	was := v.body
	v.body = body
	v.pull.repo.changedIn()
	v.emitWith("edited", v.pull.repo.gh.person(who), object{"changes": object{"body": object{"from": was}}})
}

func (v *Review) emit(action string, who *user) { v.emitWith(action, who, object{}) }

func (v *Review) emitWith(action string, who *user, more object) {
	more["review"], more["pull_request"] = v.json(), v.pull.simple()
	more["review"].(object)["state"] = lower(v.state)
	v.pull.repo.gh.emit(v.pull.repo, "pull_request_review", action, who, more)
}

// lower is a state as webhooks write it.
func lower(s gate.ReviewState) string {
	switch s {
	case gate.Approved:
		return "approved"
	case gate.ChangesRequested:
		return "changes_requested"
	case gate.Dismissed:
		return "dismissed"
	default:
		return "commented"
	}
}

func (p *PullRequest) repointReviews(before string) {
	o := p.repo.objects
	same := func() bool {
		old := o.diffOf(o.mergeBase(p.baseSHA, before), before)
		now := p.changes()
		if len(old) != len(now) {
			return false
		}
		for i := range old {
			if old[i] != now[i] {
				return false
			}
		}
		return true
	}
	how := p.repo.gh.repointing
	if how == Frozen || how == RepointIfIdentical && !same() {
		return
	}
	for _, v := range p.reviews {
		if v.state == gate.Approved {
			v.commit = p.headSHA
		}
	}
}

func (v *Review) json() object {
	r := v.pull.repo
	html := web("%s/pull/%d#pullrequestreview-%d", r.fullName(), v.pull.number, v.id)
	pull := r.api("/pulls/%d", v.pull.number)
	return object{
		"id": v.id, "node_id": nodeID("PullRequestReview", v.id), "user": v.author.orNull(), "body": v.body,
		"state": string(v.state), "html_url": html, "pull_request_url": pull, "commit_id": v.commit,
		"submitted_at": stamp(v.at), "author_association": r.association(v.author),
		"_links": object{"html": object{"href": html}, "pull_request": object{"href": pull}},
	}
}
