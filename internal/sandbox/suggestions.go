package sandbox

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Suggestion is a review comment that suggests other lines for those of a file.
type Suggestion struct {
	pull             *PullRequest
	id               int64
	author           *user
	path             string
	from, to         int // the lines that it replaces, from 1
	lines            []string
	body             string
	commit           string
	created, updated time.Time
}

// Suggest comments on lines from to to of a file of the head, and suggests others
// for them.
func (p *PullRequest) Suggest(who, path string, from, to int, lines ...string) *Suggestion {
	g := p.repo.gh
	defer g.act()()
	s := &Suggestion{
		pull: p, id: g.newID(), author: g.person(who), path: path, from: from, to: to, commit: p.headSHA, created: g.now(), updated: g.now(),
	}
	s.write(lines)
	p.suggestions = append(p.suggestions, s)
	p.touch()
	return s
}

// Edit suggests other lines from now on.
func (s *Suggestion) Edit(lines ...string) {
	defer s.pull.repo.gh.act()()
	s.write(lines)
	s.updated = s.pull.repo.gh.now()
	s.pull.repo.changedIn()
}

func (s *Suggestion) write(lines []string) {
	s.lines = lines
	s.body = "Shorter:\r\n```suggestion\r\n" + strings.Join(append(slices.Clone(lines), "```"), "\r\n")
}

// Accept commits suggestions, as the button does: GitHub commits and signs, who
// pressed it is the author, and who suggested them are co-authors. It returns the
// new head.
func (p *PullRequest) Accept(who string, suggestions ...*Suggestion) string {
	g := p.repo.gh
	defer g.act()()
	old := p.repo.objects.at(p.headSHA).files
	content, message := map[string]string{}, "Apply suggestions from code review\n"
	last := slices.Clone(suggestions)
	slices.SortFunc(last, func(a, b *Suggestion) int { return cmp.Compare(b.from, a.from) })
	for _, s := range last {
		text, begun := content[s.path]
		if !begun {
			text = string(p.repo.objects.blobs[old[s.path].sha])
		}
		content[s.path] = strings.Join(slices.Replace(strings.Split(text, "\n"), s.from-1, s.to, s.lines...), "\n")
		by := s.author.signature()
		if line := fmt.Sprintf("\nCo-authored-by: %s <%s>", by.name, by.email); !strings.Contains(message, line) {
			message += line
		}
	}
	p.fork().push(g.person(who), p.headRef, []Commit{{Files: content, Message: message, Web: true}})
	return p.headSHA
}

func (s *Suggestion) json() object {
	r := s.pull.repo
	url, pull := r.api("/pulls/comments/%d", s.id), r.api("/pulls/%d", s.pull.number)
	html := web("%s/pull/%d#discussion_r%d", r.fullName(), s.pull.number, s.id)
	o := object{
		"id": s.id, "node_id": nodeID("PullRequestReviewComment", s.id), "url": url, "html_url": html, "pull_request_url": pull,
		"pull_request_review_id": nil, "diff_hunk": "@@", "path": s.path, "commit_id": s.pull.headSHA, "original_commit_id": s.commit,
		"user": s.author.orNull(), "body": s.body, "created_at": stamp(s.created), "updated_at": stamp(s.updated),
		"author_association": r.association(s.author), "original_line": s.to, "side": "RIGHT", "subject_type": "line",
		"_links": object{"self": object{"href": url}, "html": object{"href": html}, "pull_request": object{"href": pull}},
	}
	if s.from != s.to {
		o["original_start_line"], o["start_side"] = s.from, "RIGHT"
	}
	return o
}
