package hub

import (
	"context"
	"net/http"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

var (
	actOpenIssue  = act{"open issue", "the issue", "Issues: write"}
	actReadIssue  = act{"read issue", "the issue", "Issues: read"}
	actListIssues = act{"list issues", "the list of issues", "Issues: read"}
)

// Conversation is an issue, open or closed, with what was said in it.
type Conversation struct {
	gate.Issue
	Open     bool
	Pull     bool // it is a pull request
	Comments []gate.Comment
}

func convertWhole(w *wants, i *github.Issue) Conversation {
	return Conversation{
		Issue: gate.Issue{
			Number: wantSome(w, "number", i.Number), Title: want(w, "title", i.Title), Body: i.GetBody(),
			Author: mayUser(w, "user", i.User), URL: wantSome(w, "html_url", i.HTMLURL),
		},
		Open: wantSome(w, "state", i.State) != "closed", Pull: i.PullRequestLinks != nil,
	}
}

// Conversation reads issue n with all of its comments.
func (r *Repo) Conversation(ctx context.Context, n int) (Conversation, error) {
	k := r.call(actReadIssue, number(n), issuePath(n, ""))
	var wire github.Issue
	if err := r.c.read(ctx, k, &wire); err != nil {
		return Conversation{}, err
	}
	c, err := one(k, wire, convertWhole)
	if err != nil {
		return c, err
	}
	if c.Number != n { // moved to another repository
		return Conversation{}, k.fail(&Error{Kind: KindMissing, Err: errOtherRepository})
	}
	c.Comments, err = r.Comments(ctx, n)
	return c, err
}

// IssuesSince lists the issues, open and closed, that changed at or after since,
// without their comments.
func (r *Repo) IssuesSince(ctx context.Context, since time.Time) ([]Conversation, error) {
	k := r.call(actListIssues, "", "issues").with("state", "all", "since", since.UTC().Format(time.RFC3339))
	wire, err := readAll(ctx, r.c, k, bare[github.Issue])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertWhole)
}

// OpenIssue opens an issue and returns its number. It is paced.
func (r *Repo) OpenIssue(ctx context.Context, title, body string) (int, error) {
	k := r.call(actOpenIssue, "", "issues").send(http.MethodPost, map[string]string{"title": title, "body": body})
	if err := r.c.limiter.pace(); err != nil {
		return 0, k.fail(err)
	}
	var wire github.Issue
	if err := r.c.read(ctx, k, &wire); err != nil {
		return 0, err
	}
	c, err := one(k, wire, convertWhole)
	return c.Number, err
}
