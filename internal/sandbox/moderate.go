package sandbox

import "time"

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

// Minimised returns why the comment is hidden, "" when it is shown.
func (m *Comment) Minimised() string {
	m.issue.repo.gh.mu.Lock()
	defer m.issue.repo.gh.mu.Unlock()
	return m.minimised
}
