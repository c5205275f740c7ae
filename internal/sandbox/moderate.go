package sandbox

import (
	"net/http"
	"time"
)

// CommentEdit is an entry of a comment's history of edits, which GitHub shows on
// its pages and over GraphQL only.
type CommentEdit struct {
	By   string
	At   time.Time
	From string // the text before
}

// History returns the comment's edits, the oldest first.
func (m *Comment) History() []CommentEdit {
	m.issue.repo.gh.mu.Lock()
	defer m.issue.repo.gh.mu.Unlock()
	return append([]CommentEdit(nil), m.edits...)
}

// DeletedBy returns who deleted the comment, "" while it is there.
func (m *Comment) DeletedBy() string {
	m.issue.repo.gh.mu.Lock()
	defer m.issue.repo.gh.mu.Unlock()
	if m.deletedBy == nil {
		return ""
	}
	return m.deletedBy.login
}

// Minimise hides the comment as "outdated", "off-topic", "spam", "abuse" or
// "resolved"; "" shows it again. GitHub sends no event for it, and nothing that
// REST answers tells of it.
func (m *Comment) Minimise(_, reason string) {
	defer m.issue.repo.gh.act()()
	m.minimised = reason
	m.issue.repo.changedIn()
}

// Echo lets an account comment after every comment of the App, at once, what say
// makes of it.
func (g *GitHub) Echo(who string, say func(body string) string) {
	defer g.act()()
	g.echoes, g.echo = who, say
}

// Lock locks the conversation: who cannot write comments and reacts no more, and
// GitHub counts Apps among them.
// https://docs.github.com/en/communities/moderating-comments-and-conversations/locking-conversations
func (i *Issue) Lock(who string) {
	defer i.repo.gh.act()()
	i.locked = true
	i.emit("locked", i.repo.gh.person(who), object{})
}

// Unlock ends a lock.
func (i *Issue) Unlock(who string) {
	defer i.repo.gh.act()()
	i.locked = false
	i.emit("unlocked", i.repo.gh.person(who), object{})
}

// lockedOut is the answer to who writes into a locked conversation.
func lockedOut() answer {
	return refuse(http.StatusForbidden, "Unable to create comment because issue is locked.")
}

// Minimised returns why the comment is hidden, "" when it is shown.
func (m *Comment) Minimised() string {
	m.issue.repo.gh.mu.Lock()
	defer m.issue.repo.gh.mu.Unlock()
	return m.minimised
}
