package sandbox

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// Issue is an issue, or the conversation side of a pull request.
type Issue struct {
	repo     *Repo
	pull     *PullRequest // nil for an issue
	id       int64
	number   int
	title    string
	body     string
	author   *user
	open     bool
	reason   string
	closedBy *user
	labels   []string
	created  time.Time
	updated  time.Time
	closed   time.Time
	events   []event
	locked   bool
}

// OpenIssue opens an issue with labels.
func (r *Repo) OpenIssue(who, title, body string, labels ...string) *Issue {
	defer r.gh.act()()
	return r.openIssue(r.gh.person(who), title, body, labels)
}

func (r *Repo) openIssue(who *user, title, body string, labels []string) *Issue {
	i := r.newIssue(who, title, body)
	i.labels = slices.Clone(labels)
	for _, l := range labels {
		r.label(l)
	}
	r.gh.emit(r, "issues", "opened", who, object{"issue": i.json()})
	for _, l := range labels {
		i.note("labeled", who, object{"label": object{"name": l, "color": "ededed"}})
		r.gh.emit(r, "issues", "labeled", who, object{"issue": i.json(), "label": r.label(l)})
	}
	return i
}

func (r *Repo) newIssue(who *user, title, body string) *Issue {
	r.lastNumber++
	now := r.gh.now()
	i := &Issue{
		repo: r, id: r.gh.newID(), number: r.lastNumber, title: title, body: body, author: who, open: true,
		created: now, updated: now,
	}
	r.issues = append(r.issues, i)
	return i
}

// Issue returns the issue with that number, nil when there is none.
func (r *Repo) Issue(number int) *Issue {
	r.gh.mu.Lock()
	defer r.gh.mu.Unlock()
	return r.issue(number)
}

func (r *Repo) issue(number int) *Issue {
	for _, i := range r.issues {
		if i.number == number {
			return i
		}
	}
	return nil
}

// Number returns the number that follows "#".
func (i *Issue) Number() int { return i.number }

// URL returns the address for people.
func (i *Issue) URL() string {
	i.repo.gh.mu.Lock()
	defer i.repo.gh.mu.Unlock()
	return i.html()
}

func (i *Issue) html() string {
	kind := "issues"
	if i.pull != nil {
		kind = "pull"
	}
	return web("%s/%s/%d", i.repo.fullName(), kind, i.number)
}

// Body returns the body as it is now.
func (i *Issue) Body() string {
	i.repo.gh.mu.Lock()
	defer i.repo.gh.mu.Unlock()
	return i.body
}

// IsOpen reports whether the issue or pull request is open.
func (i *Issue) IsOpen() bool {
	i.repo.gh.mu.Lock()
	defer i.repo.gh.mu.Unlock()
	return i.open
}

// emit sends the event of an issue or of a pull request.
func (i *Issue) emit(action string, who *user, extra object) {
	i.repo.changedIn()
	if !i.repo.gh.sends(i.repo.owner) {
		return // the payload of a huge pull request costs time
	}
	event := "issues"
	if i.pull != nil {
		event = "pull_request"
		extra["pull_request"] = i.pull.json()
		extra["number"] = i.number
	} else {
		extra["issue"] = i.json()
	}
	i.repo.gh.emit(i.repo, event, action, who, extra)
}

func (i *Issue) touch() { i.updated = i.repo.gh.now() }

// Edit rewrites the body.
func (i *Issue) Edit(who, body string) {
	defer i.repo.gh.act()()
	i.edit(i.repo.gh.person(who), body)
}

func (i *Issue) edit(who *user, body string) {
	old := i.body
	i.body = body
	i.touch()
	i.emit("edited", who, object{"changes": object{"body": object{"from": old}}})
}

// Retitle changes the title.
func (i *Issue) Retitle(who, title string) {
	defer i.repo.gh.act()()
	i.retitle(i.repo.gh.person(who), title)
}

func (i *Issue) retitle(who *user, title string) {
	old := i.title
	i.title = title
	i.touch()
	i.note("renamed", who, object{"rename": object{"from": old, "to": title}})
	i.emit("edited", who, object{"changes": object{"title": object{"from": old}}})
}

// Label adds a label.
func (i *Issue) Label(who, name string) {
	defer i.repo.gh.act()()
	i.addLabel(i.repo.gh.person(who), name)
}

func (i *Issue) addLabel(who *user, name string) {
	if slices.Contains(i.labels, name) {
		return
	}
	i.labels = append(i.labels, name)
	i.touch()
	i.note("labeled", who, object{"label": object{"name": name, "color": "ededed"}})
	i.emit("labeled", who, object{"label": i.repo.label(name)})
}

// Unlabel removes a label.
func (i *Issue) Unlabel(who, name string) {
	defer i.repo.gh.act()()
	i.dropLabel(i.repo.gh.person(who), name)
}

func (i *Issue) dropLabel(who *user, name string) {
	at := slices.Index(i.labels, name)
	if at < 0 {
		return
	}
	i.labels = slices.Delete(slices.Clone(i.labels), at, at+1)
	i.touch()
	i.note("unlabeled", who, object{"label": object{"name": name, "color": "ededed"}})
	i.emit("unlabeled", who, object{"label": i.repo.label(name)})
}

// Close closes the issue, or the pull request without a merge.
func (i *Issue) Close(who string) {
	defer i.repo.gh.act()()
	reason := "completed"
	if i.pull != nil {
		reason = ""
	}
	i.close(i.repo.gh.person(who), reason)
}

func (i *Issue) close(who *user, reason string) {
	if !i.open {
		return
	}
	i.open, i.closed, i.closedBy, i.reason = false, i.repo.gh.now(), who, reason
	i.touch()
	i.note("closed", who, object{"state_reason": nil})
	i.emit("closed", who, object{})
}

// Reopen opens it again.
func (i *Issue) Reopen(who string) {
	defer i.repo.gh.act()()
	i.reopen(i.repo.gh.person(who))
}

func (i *Issue) reopen(who *user) {
	if i.open || i.pull != nil && i.pull.merged {
		return
	}
	i.open, i.closed, i.closedBy, i.reason = true, time.Time{}, nil, ""
	if i.pull == nil {
		i.reason = "reopened"
	}
	i.touch()
	i.note("reopened", who, object{})
	i.emit("reopened", who, object{})
}

func (r *Repo) label(name string) object {
	id, ok := r.labels[strings.ToLower(name)]
	if !ok {
		id = r.gh.newID()
		r.labels[strings.ToLower(name)] = id
	}
	return object{
		"id": id, "node_id": nodeID("Label", id), "url": r.api("/labels/%s", url.PathEscape(name)), "name": name, "color": "ededed",
		"default": false, "description": "",
	}
}

func (i *Issue) labelList() []object {
	list := []object{}
	for _, l := range i.labels {
		list = append(list, i.repo.label(l))
	}
	return list
}

func (i *Issue) state() string {
	if i.open {
		return "open"
	}
	return "closed"
}

func (i *Issue) json() object {
	r := i.repo
	url := r.api("/issues/%d", i.number)
	o := object{
		"id": i.id, "node_id": nodeID("Issue", i.id), "url": url, "repository_url": r.api(""),
		"labels_url": url + "/labels{/name}", "comments_url": url + "/comments", "events_url": url + "/events",
		"timeline_url": url + "/timeline", "html_url": i.html(),
		"number": i.number, "title": i.title, "user": i.author.orNull(), "labels": i.labelList(), "state": i.state(),
		"locked": i.locked, "assignee": nil, "assignees": []object{}, "milestone": nil, "comments": len(r.commentsOf(i.number)),
		"created_at": stamp(i.created), "updated_at": stamp(i.updated), "closed_at": stamp(i.closed),
		"author_association": r.association(i.author), "active_lock_reason": nil, "body": orNil(i.body),
		"closed_by": i.closedBy.orNull(), "reactions": reactionRollup(url, nil), "state_reason": orNil(i.reason),
		"performed_via_github_app": nil,
	}
	if i.pull != nil {
		html := web("%s/pull/%d", r.fullName(), i.number)
		o["draft"] = i.pull.draft
		o["pull_request"] = object{
			"url": r.api("/pulls/%d", i.number), "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch",
			"merged_at": stamp(i.pull.mergedAt),
		}
	}
	return o
}
