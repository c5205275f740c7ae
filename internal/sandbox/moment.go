package sandbox

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Moment is a repository's whole state between two changes, as it truly is: what
// the API would show is in other places less than this, or something else.
// Moments share nothing with the state; who gets one may keep it.
type Moment struct {
	Number  int       // of the change that led here, from 1
	At      time.Time // GitHub's clock, to the second
	Wall    time.Time // the real clock
	Pulls   []PullMoment
	Issues  []IssueMoment
	Roles   map[string]gate.Permission // by login, of those who have one
	Files   map[string]string          // branch → content of the watched file, where it exists
	Presses []PressMoment              // buttons of our App's check runs
	// Reads says after which change a path of this repository, such as
	// /pulls/7/reviews, was answered for the last time.
	Reads map[string]int
}

// PullMoment is a pull request at a moment.
type PullMoment struct {
	Number              int
	Author, Base, Head  string
	Body                string
	Draft, Open, Merged bool
	Mergeable           bool // GitHub would merge it now, by its own rules
	Labels, Paths       []string
	Pushers             []string // who ever pushed to the head branch
	Commits             []CommitMoment
	Comments            []CommentMoment // deleted ones too
	Reviews             []ReviewMoment
	Checks              []CheckMoment // runs and statuses of others on the head, the oldest first
	Verdict             CheckView     // our App's newest run on the head, of the name given to Watch
}

// CommitMoment is a commit of a pull request.
type CommitMoment struct {
	SHA, Author, Committer, Message string // people by login, "" for addresses of nobody
	Parents                         []string
	Signed                          bool // by GitHub
}

// CommentMoment is a comment, with what became of it.
type CommentMoment struct {
	ID                         int64
	Author, Body               string
	At                         time.Time
	Born                       int    // the change that made it
	Original                   string // as it was written first
	Edited, Deleted, Minimised bool
}

// ReviewMoment is a review.
type ReviewMoment struct {
	ID     int64
	Author string
	State  gate.ReviewState
	Given  string // the commit for which it was submitted, whatever the API says
	Body   string
	At     time.Time
	Born   int
}

// PressMoment is the press of a button of a check run.
type PressMoment struct {
	ID                  int64
	Author, Button, SHA string
	At                  time.Time
	Born                int
}

// CheckMoment is a check run, or a commit status when App is 0.
type CheckMoment struct {
	ID    int64
	App   int64
	Name  string
	State string // the conclusion, or the status of what is not completed
}

// IssueMoment is an issue.
type IssueMoment struct {
	Number int
	Open   bool
	Labels []string
}

// watch is who follows a repository's changes.
type watch struct {
	check, file string
	film        []Moment
	changes     int
	dirty       bool
	presses     []PressMoment
	reads       map[string]int
	press       func(now Moment, number int) bool
	by          *user
	method      string
}

// Watch films the repository from now on: every change leaves a Moment in Film.
// check is the name of our App's check run that is shown as the verdict, file
// the path whose content is shown of each branch.
func (r *Repo) Watch(check, file string) {
	defer r.gh.act()()
	r.watch = &watch{check: check, file: file, dirty: true, reads: map[string]int{}}
	r.gh.watched = append(r.gh.watched, r)
}

// Film returns the moments since Watch, the oldest first.
func (r *Repo) Film() []Moment {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	return slices.Clone(r.watch.film)
}

// Greedy lets somebody press Merge as soon as GitHub's own rules let them: within
// the very change that makes a pull request mergeable, so that the shortest false
// pass is caught. Where press is not nil, it is asked each time that GitHub would
// merge; it must not act, nor ask anything of the simulated GitHub. The
// repository must be watched.
func (r *Repo) Greedy(who, method string, press func(now Moment, number int) bool) {
	defer r.gh.act()()
	if press == nil {
		press = func(Moment, int) bool { return true }
	}
	r.watch.by, r.watch.method, r.watch.press = r.gh.person(who), method, press
	r.watch.dirty = true
}

// changedIn marks a repository whose moment has to be taken.
func (r *Repo) changedIn() {
	if r.watch != nil {
		r.watch.dirty = true
	}
}

// follow takes the moments of what has changed, and lets the greedy merge, until
// nothing changes any more.
func (g *GitHub) follow() {
	for again := true; again; {
		again = false
		for _, r := range g.watched {
			if r.watch.dirty {
				r.watch.dirty = false
				again = r.take() || again
			}
		}
	}
}

// take films a moment, and reports whether a merge followed it.
func (r *Repo) take() bool {
	w := r.watch
	w.changes++
	now := r.moment()
	w.film = append(w.film, now)
	if w.press == nil {
		return false
	}
	for _, p := range now.Pulls {
		if p.Mergeable && w.press(now, p.Number) && r.pullRequest(p.Number).merge(w.by, w.method) == nil {
			w.dirty = true
			return true
		}
	}
	return false
}

// read notes that a path was answered.
func (r *Repo) read(path string) {
	if r == nil || r.watch == nil {
		return
	}
	if _, rest, ok := strings.Cut(path, "/"+r.name+"/"); ok {
		r.watch.reads["/"+rest] = r.watch.changes
	}
}

func (r *Repo) moment() Moment {
	m := Moment{
		Number: r.watch.changes, At: r.gh.now(), Wall: time.Now(), Roles: map[string]gate.Permission{}, Files: map[string]string{},
		Reads: maps.Clone(r.watch.reads), Presses: slices.Clip(r.watch.presses),
	}
	for _, u := range r.gh.users {
		if role := r.access(u).role; role > gate.PermissionNone {
			m.Roles[u.login] = role
		}
	}
	for _, name := range r.refNames("heads/") {
		if e, ok := r.objects.at(r.refs["heads/"+name]).files[r.watch.file]; ok {
			m.Files[name] = string(r.objects.blobs[e.sha])
		}
	}
	for _, i := range r.issues {
		if i.pull == nil {
			m.Issues = append(m.Issues, IssueMoment{i.number, i.open, slices.Clone(i.labels)})
		}
	}
	for _, p := range r.pulls {
		m.Pulls = append(m.Pulls, p.moment())
	}
	return m
}

func (p *PullRequest) moment() PullMoment {
	r := p.repo
	m := PullMoment{
		Number: p.number, Author: p.author.login, Base: p.baseRef, Head: p.headSHA, Body: p.body, Draft: p.draft, Open: p.open,
		Merged: p.merged, Labels: slices.Clone(p.labels), Checks: r.checksAt(p.headSHA),
	}
	if p.open && !p.draft && p.refusal() == nil {
		_, refusal := p.join("merge", r.refs["heads/"+p.baseRef])
		m.Mergeable = refusal == nil
	}
	for _, a := range r.activity {
		if p.head == r && a.ref == "heads/"+p.headRef {
			m.Pushers = append(m.Pushers, a.actor.login)
		}
	}
	for _, f := range p.changes() {
		m.Paths = append(m.Paths, f.path)
	}
	for _, c := range p.commits() {
		m.Commits = append(m.Commits, CommitMoment{c.sha, c.author.login(), c.committer.login(), c.message, c.parents, c.signed})
	}
	for _, c := range slices.Concat(r.comments, r.removed) {
		if c.issue == p.Issue {
			m.Comments = append(m.Comments, c.moment())
		}
	}
	slices.SortFunc(m.Comments, func(a, b CommentMoment) int { return int(a.ID - b.ID) })
	for _, v := range p.reviews {
		m.Reviews = append(m.Reviews, ReviewMoment{v.id, v.author.login, v.state, v.given, v.body, v.at, v.born})
	}
	for _, run := range slices.Backward(r.runs) {
		if run.app == r.gh.app && run.sha == p.headSHA && run.name == r.watch.check {
			m.Verdict = run.view()
			break
		}
	}
	return m
}

func (r *Repo) checksAt(sha string) []CheckMoment {
	var list []CheckMoment
	for _, run := range r.runs {
		if run.sha != sha || run.app == r.gh.app {
			continue
		}
		status, state := run.state()
		if status != completed {
			state = status
		}
		list = append(list, CheckMoment{run.id, run.app.ID, run.name, state})
	}
	for _, s := range r.statuses {
		if s.sha == sha {
			list = append(list, CheckMoment{s.id, 0, s.context, s.state})
		}
	}
	slices.SortFunc(list, func(a, b CheckMoment) int { return int(a.ID - b.ID) })
	return list
}

func (m *Comment) moment() CommentMoment {
	c := CommentMoment{
		ID: m.id, Author: m.author.login, Body: m.body, At: m.created, Born: m.born, Original: m.body, Edited: len(m.edits) > 0,
		Deleted: m.deletedBy != nil, Minimised: m.minimised != "",
	}
	if c.Edited {
		c.Original = m.edits[0].From
	}
	return c
}

// born is the change that is under way.
func (r *Repo) born() int {
	if r.watch == nil {
		return 0
	}
	return r.watch.changes + 1
}

func (s signature) login() string {
	if s.user == nil {
		return ""
	}
	return s.user.login
}

// within reports whether path lies in the repository.
func (r *Repo) within(path string) bool {
	return strings.HasPrefix(path, "/repos/"+r.fullName()+"/") || strings.HasPrefix(path, "/repositories/"+strconv.FormatInt(r.id, 10)+"/")
}
