package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// Comment is a comment on an issue or pull request.
type Comment struct {
	issue     *Issue
	id        int64
	author    *user
	body      string
	created   time.Time
	updated   time.Time
	reactions []reaction
	born      int
	edits     []CommentEdit
	deletedBy *user
	minimised string
}

type reaction struct {
	id      int64
	user    *user
	content string
	at      time.Time
}

// CommentView is a comment as one reads it.
type CommentView struct {
	ID        int64
	Author    string
	Body      string
	Reactions []string
}

// Comment comments.
func (i *Issue) Comment(who, body string) *Comment {
	defer i.repo.gh.act()()
	return i.comment(i.repo.gh.person(who), body)
}

func (i *Issue) comment(who *user, body string) *Comment {
	g := i.repo.gh
	m := &Comment{issue: i, id: g.newID(), author: who, body: body, created: g.now(), updated: g.now(), born: i.repo.born()}
	i.repo.comments = append(i.repo.comments, m)
	i.touch()
	m.emit("created", who, object{})
	return m
}

// Comments returns the comments in their order.
func (i *Issue) Comments() []CommentView {
	i.repo.gh.mu.Lock()
	defer i.repo.gh.mu.Unlock()
	var list []CommentView
	for _, m := range i.repo.commentsOf(i.number) {
		v := CommentView{ID: m.id, Author: m.author.login, Body: m.body}
		for _, x := range m.reactions {
			v.Reactions = append(v.Reactions, x.content)
		}
		list = append(list, v)
	}
	return list
}

// ID returns the comment's id.
func (m *Comment) ID() int64 { return m.id }

// Edit rewrites the comment, by its author or somebody else.
func (m *Comment) Edit(who, body string) {
	defer m.issue.repo.gh.act()()
	m.edit(m.issue.repo.gh.person(who), body)
}

func (m *Comment) edit(who *user, body string) {
	old := m.body
	m.edits = append(m.edits, CommentEdit{By: who.login, At: m.issue.repo.gh.now(), From: old})
	m.body = body
	// An edit within the second in which it was written is an edit.
	m.updated = m.issue.repo.gh.now()
	if !m.updated.After(m.created) {
		m.updated = m.created.Add(time.Second)
	}
	m.emit("edited", who, object{"changes": object{"body": object{"from": old}}})
}

// Delete deletes the comment.
func (m *Comment) Delete(who string) {
	defer m.issue.repo.gh.act()()
	m.delete(m.issue.repo.gh.person(who))
}

func (m *Comment) delete(who *user) {
	r := m.issue.repo
	r.comments = slices.DeleteFunc(r.comments, func(x *Comment) bool { return x == m })
	r.removed, m.deletedBy = append(r.removed, m), who
	m.emit("deleted", who, object{})
}

func (m *Comment) emit(action string, who *user, extra object) {
	extra["comment"] = m.json()
	extra["issue"] = m.issue.json()
	m.issue.repo.gh.emit(m.issue.repo, "issue_comment", action, who, extra)
}

func (r *Repo) commentsOf(number int) []*Comment {
	var list []*Comment
	for _, m := range r.comments {
		if m.issue.number == number {
			list = append(list, m)
		}
	}
	return list
}

func (m *Comment) json() object {
	r := m.issue.repo
	url := r.api("/issues/comments/%d", m.id)
	o := object{
		"id": m.id, "node_id": nodeID("IssueComment", m.id), "url": url,
		"html_url":  fmt.Sprintf("%s#issuecomment-%d", m.issue.html(), m.id),
		"issue_url": r.api("/issues/%d", m.issue.number), "user": m.author.orNull(),
		"created_at": stamp(m.created), "updated_at": stamp(m.updated), "author_association": r.association(m.author),
		"body": m.body, "reactions": reactionRollup(url, m.reactions), "performed_via_github_app": nil,
	}
	if m.author == r.gh.app.bot {
		o["performed_via_github_app"] = r.gh.appBrief(r.gh.app)
	}
	return o
}

var contents = []string{"+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"}

func reactionRollup(url string, list []reaction) object {
	o := object{"url": url + "/reactions", "total_count": len(list)}
	for _, content := range contents {
		n := 0
		for _, x := range list {
			if x.content == content {
				n++
			}
		}
		o[content] = n
	}
	return o
}

func (x reaction) json() object {
	return object{
		"id": x.id, "node_id": nodeID("Reaction", x.id), "user": x.user.orNull(), "content": x.content,
		"created_at": stamp(x.at),
	}
}

func (g *GitHub) commentRoutes() []route {
	const read, write = "issues:read|pull_requests:read", "issues:write|pull_requests:write"
	return []route{
		newRoute("GET", "/repos/{owner}/{repo}/issues/comments/{id}/reactions", read, withComment(func(c *call, m *Comment) answer {
			return listOf(c, m.reactions, reaction.json)
		})),
		newRoute("POST", "/repos/{owner}/{repo}/issues/comments/{id}/reactions", write, withComment(react)),
		newRoute("GET", "/repos/{owner}/{repo}/issues/comments/{id}", read, withComment(func(_ *call, m *Comment) answer {
			return ok(m.json())
		})),
		newRoute("PATCH", "/repos/{owner}/{repo}/issues/comments/{id}", write, withComment(patchComment)),
		newRoute("DELETE", "/repos/{owner}/{repo}/issues/comments/{id}", write, withComment(func(c *call, m *Comment) answer {
			m.delete(c.g.app.bot)
			return done()
		})),
		newRoute("GET", "/repos/{owner}/{repo}/issues/{number}/comments", read, withIssue(listComments)),
		newRoute("POST", "/repos/{owner}/{repo}/issues/{number}/comments", write, withIssue(postComment)),
	}
}

func withComment(then func(*call, *Comment) answer) func(*call) answer {
	return func(c *call) answer {
		for _, m := range c.repo.comments {
			if m.id == c.id("id") {
				return then(c, m)
			}
		}
		return notFound()
	}
}

func listComments(c *call, i *Issue) answer {
	list := c.repo.commentsOf(i.number)
	since, err := time.Parse(time.RFC3339, c.query("since"))
	if err == nil {
		list = slices.DeleteFunc(list, func(m *Comment) bool { return m.updated.Before(since) })
	}
	return listOf(c, list, (*Comment).json)
}

// maxCommentBytes is GitHub's limit on bodies: 65,536 characters.
const maxCommentBytes = 65536

func (c *call) commentBody() (string, answer) {
	var b struct {
		Body string `json:"body"`
	}
	switch {
	case c.decode(&b) != nil:
		return "", problemsParsing()
	case b.Body == "":
		return "", invalid("IssueComment", "body", "Body can't be blank")
	case len([]rune(b.Body)) > maxCommentBytes:
		return "", invalid("IssueComment", "body", "Body is too long (maximum is 65536 characters)")
	}
	return b.Body, answer{}
}

func postComment(c *call, i *Issue) answer {
	body, a := c.commentBody()
	if a.status != 0 {
		return a
	}
	if i.locked {
		return lockedOut()
	}
	m := i.comment(c.g.app.bot, body)
	a = created(m.json())
	if c.g.echo != nil {
		i.comment(c.g.person(c.g.echoes), c.g.echo(body))
	}
	a.header = map[string][]string{"Location": {c.repo.api("/issues/comments/%d", m.id)}}
	return a
}

func patchComment(c *call, m *Comment) answer {
	body, a := c.commentBody()
	if a.status != 0 {
		return a
	}
	m.edit(c.g.app.bot, body)
	return ok(m.json())
}

// react adds a reaction; the same one again is answered by 200.
func react(c *call, m *Comment) answer {
	var b struct {
		Content string `json:"content"`
	}
	if c.decode(&b) != nil {
		return problemsParsing()
	}
	if !slices.Contains(contents, b.Content) {
		return invalid("Reaction", "content", "content is not included in the list")
	}
	if m.issue.locked {
		return lockedOut()
	}
	for _, x := range m.reactions {
		if x.user == c.g.app.bot && x.content == b.Content {
			return ok(x.json())
		}
	}
	x := reaction{id: c.g.newID(), user: c.g.app.bot, content: b.Content, at: c.g.now()}
	m.reactions = append(m.reactions, x)
	return created(x.json())
}
