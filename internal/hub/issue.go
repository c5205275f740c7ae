package hub

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"
	"golang.org/x/sync/errgroup"

	"gonogo/internal/gate"
)

var (
	actIssues    = act{"list issues", "the open issues", "Issues: read"}
	actIssue     = act{"read issue", "the issue", "Issues: read"}
	actLabels    = act{"list issue events", "the history of the issue's labels", "Issues: read"}
	actAlerts    = act{"list secret-scanning alerts", "the secret-scanning alerts", "Secret scanning alerts: read"}
	actLocations = act{"list alert locations", "the places of the secret-scanning alerts", "Secret scanning alerts: read"}
	actComments  = act{"list comments", "the comments", "Pull requests: read"}
	actComment   = act{"read comment", "the comment", "Pull requests: read"}
	actSay       = act{"create comment", "the comment", "Pull requests: write"}
	actEdit      = act{"edit comment", "the comment", "Pull requests: write"}
	actReact     = act{"react to comment", "the reaction", "Pull requests: write"}
)

// SevereIssues lists the open issues that carry exactly this label (case does
// not matter to GitHub), pull requests left out. A label that does not exist
// and a repository without issues have none.
func (r *Repo) SevereIssues(ctx context.Context, label string) ([]gate.Issue, error) {
	k := r.call(actIssues, " labelled "+label, "issues").with("state", "open", "labels", label)
	if label == "" || strings.Contains(label, ",") {
		// "a,b" asks for both labels at once.
		return nil, k.fail(&Error{Kind: KindInvalid, Message: "a label cannot be empty or hold a comma"})
	}
	wire, err := readAll(ctx, r.c, k, bare[github.Issue])
	if KindOf(err) == KindDisabled {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all, err := each(k, wire, func(w *wants, i *github.Issue) gate.Issue {
		issue := gate.Issue{
			Number: wantSome(w, "number", i.Number),
			Title:  want(w, "title", i.Title),
			Body:   i.GetBody(),
			Author: mayUser(w, "user", i.User),
			URL:    wantSome(w, "html_url", i.HTMLURL),

			CreatedAt: wantTime(w, "created_at", i.CreatedAt),
		}
		for _, l := range wantList(w, "labels", i.Labels) {
			issue.Labels = append(issue.Labels, l.GetName())
		}
		return issue
	})
	if err != nil {
		return nil, err
	}
	var issues []gate.Issue
	for i, issue := range all {
		if wire[i].PullRequestLinks == nil && hasLabel(issue.Labels, label) {
			issues = append(issues, issue)
		}
	}
	return issues, nil
}

func hasLabel(labels []string, want string) bool {
	for _, label := range labels {
		if strings.EqualFold(label, want) {
			return true
		}
	}
	return false
}

// Labeller reads who gave an issue a label that it has now; nobody when its
// history does not tell.
func (r *Repo) Labeller(ctx context.Context, n int, label string) (gate.User, error) {
	k := r.call(actLabels, number(n), issuePath(n, "/events"))
	wire, err := readAll(ctx, r.c, k, bare[github.IssueEvent])
	if err != nil {
		return gate.User{}, err
	}
	type change struct {
		of    gate.User
		label string
		does  string
	}
	changes, err := each(k, wire, func(w *wants, e *github.IssueEvent) change {
		return change{mayUser(w, "actor", e.Actor), e.GetLabel().GetName(), wantSome(w, "event", e.Event)}
	})
	var by gate.User
	for _, c := range changes {
		if !strings.EqualFold(c.label, label) {
			continue
		}
		switch c.does {
		case "labeled":
			by = c.of
		case "unlabeled":
			by = gate.User{}
		}
	}
	return by, err
}

// wireAlert leaves the secret itself out.
type wireAlert struct {
	Number    *int       `json:"number"`
	URL       *string    `json:"html_url"`
	CreatedAt *time.Time `json:"created_at"`
	Type      *string    `json:"secret_type"`
	First     *location  `json:"first_location_detected"`
	More      *bool      `json:"has_more_locations"`
}

type location struct {
	SHA string `json:"commit_sha"`
}

// Alerts lists the open secret-scanning alerts with the commits in which the
// secrets lie, or why that is not known. GitHub tells it with the alert where
// there is one place; of the others it is asked each time, since an old alert
// gets new places, and an answer that is still true costs nothing. [KindDisabled] means that the feature is off, [KindPermission]
// that the App may not see it, [KindMissing] that GitHub does not tell which.
func (r *Repo) Alerts(ctx context.Context) ([]gate.Alert, error) {
	k := r.call(actAlerts, "", "secret-scanning/alerts").with("state", "open", "hide_secret", "true")
	wire, err := readAll(ctx, r.c, k, bare[wireAlert])
	if err != nil {
		return nil, err
	}
	alerts, err := each(k, wire, func(w *wants, a *wireAlert) gate.Alert {
		return gate.Alert{
			Number:    wantSome(w, "number", a.Number),
			Rule:      want(w, "secret_type", a.Type),
			URL:       want(w, "html_url", a.URL),
			CreatedAt: want(w, "created_at", a.CreatedAt),
		}
	})
	if err != nil {
		return nil, err
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(locating)
	for i, a := range wire {
		if a.First != nil && a.First.SHA != "" && a.More != nil && !*a.More {
			alerts[i].Commits = []string{a.First.SHA}
			continue
		}
		group.Go(func() (err error) {
			alerts[i].Commits, err = r.alertCommits(gctx, alerts[i].Number)
			if _, limited := RetryAfter(err); err != nil && !limited {
				why := Unreadable(err)
				alerts[i].Unplaced, err = &why, nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return alerts, nil
}

// locating is of how many alerts at once it is asked where they lie.
const locating = 8

func (r *Repo) alertCommits(ctx context.Context, n int) ([]string, error) {
	k := r.call(actLocations, number(n), "secret-scanning/alerts/"+strconv.Itoa(n)+"/locations")
	wire, err := readAll(ctx, r.c, k, bare[struct {
		Details location `json:"details"`
	}])
	if err != nil {
		return nil, err
	}
	if len(wire) == 0 { // it lies somewhere
		return nil, k.fault(errors.New("no place is listed"))
	}
	var commits []string
	for _, l := range wire {
		if l.Details.SHA != "" {
			commits = append(commits, l.Details.SHA)
		}
	}
	return commits, nil
}

// noteGrace is how long before an issue was closed a comment still belongs to
// the closing: "Close with comment" writes the comment first.
const noteGrace = 10 * time.Minute

// TrackerItem reads an issue as an item of a tracker: whether it is closed as
// completed, and whether a person commented on it from ten minutes before it
// was closed. GitHub's lists tell when a comment was changed, so that one may be
// older than that; those do not count.
func (r *Repo) TrackerItem(ctx context.Context, n int) (gate.TrackerItem, error) {
	k := r.call(actIssue, number(n), issuePath(n, ""))
	var wire github.Issue
	if err := r.c.read(ctx, k, &wire); err != nil {
		return gate.TrackerItem{}, err
	}
	var w wants
	item := gate.TrackerItem{
		Title: want(&w, "title", wire.Title), URL: wantSome(&w, "html_url", wire.HTMLURL),
		Open: wantSome(&w, "state", wire.State) != "closed", Completed: wire.GetStateReason() == "completed",
		Other: wire.PullRequestLinks != nil,
	}
	if err := w.err(); err != nil {
		return gate.TrackerItem{}, k.fault(err)
	}
	if wantSome(&w, "number", wire.Number) != n { // moved to another repository
		return gate.TrackerItem{}, k.fail(&Error{Kind: KindMissing, Err: errOtherRepository})
	}
	if item.Open || !item.Completed || item.Other {
		return item, nil
	}
	since := wire.GetClosedAt().Add(-noteGrace)
	if wire.ClosedAt == nil {
		return gate.TrackerItem{}, k.fault(errors.New("the answer lacks closed_at"))
	}
	comments, err := r.commentsSince(ctx, n, since)
	for _, c := range comments {
		item.Noted = item.Noted || !c.User.Bot && c.User.ID != 0 && !c.CreatedAt.Before(since) && strings.TrimSpace(c.Body) != ""
	}
	return item, err
}

func (r *Repo) commentsSince(ctx context.Context, n int, since time.Time) ([]gate.Comment, error) {
	k := r.call(actComments, number(n), issuePath(n, "/comments")).with("since", since.UTC().Format(time.RFC3339))
	wire, err := readAll(ctx, r.c, k, bare[github.IssueComment])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertComment)
}

// Comments lists the comments of pull request n's conversation, the oldest
// first.
func (r *Repo) Comments(ctx context.Context, n int) ([]gate.Comment, error) {
	k := r.call(actComments, number(n), issuePath(n, "/comments"))
	wire, err := readAll(ctx, r.c, k, bare[github.IssueComment])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertComment)
}

// Comment reads one comment; [KindMissing] when it was deleted.
func (r *Repo) Comment(ctx context.Context, id int64) (gate.Comment, error) {
	of, path := commentPath(id, "")
	return r.comment(ctx, r.call(actComment, of, path))
}

func issuePath(n int, rest string) string { return "issues/" + strconv.Itoa(n) + rest }

func commentPath(id int64, rest string) (of, path string) {
	s := strconv.FormatInt(id, 10)
	return " " + s, "issues/comments/" + s + rest
}

func convertComment(w *wants, c *github.IssueComment) gate.Comment {
	return gate.Comment{
		ID:        wantSome(w, "id", c.ID),
		User:      mayUser(w, "user", c.User),
		Body:      want(w, "body", c.Body),
		CreatedAt: wantTime(w, "created_at", c.CreatedAt),
		UpdatedAt: wantTime(w, "updated_at", c.UpdatedAt),
	}
}

// CreateComment writes a comment on pull request n. It is paced: beyond 80 a
// minute or 500 an hour the error is of kind [KindSecondaryLimit].
func (r *Repo) CreateComment(ctx context.Context, n int, body string) (gate.Comment, error) {
	k := r.call(actSay, number(n), issuePath(n, "/comments")).send(http.MethodPost, map[string]string{"body": body})
	return r.paced(ctx, k)
}

// EditComment replaces the text of one of our comments. It is paced.
func (r *Repo) EditComment(ctx context.Context, id int64, body string) (gate.Comment, error) {
	of, path := commentPath(id, "")
	return r.paced(ctx, r.call(actEdit, of, path).send(http.MethodPatch, map[string]string{"body": body}))
}

func (r *Repo) paced(ctx context.Context, k call) (gate.Comment, error) {
	if err := r.c.limiter.pace(); err != nil {
		return gate.Comment{}, k.fail(err)
	}
	return r.comment(ctx, k)
}

func (r *Repo) comment(ctx context.Context, k call) (gate.Comment, error) {
	var wire github.IssueComment
	if err := r.c.read(ctx, k, &wire); err != nil {
		return gate.Comment{}, err
	}
	return one(k, wire, convertComment)
}

// React puts a reaction on a comment: "+1", "-1", "laugh", "confused", "heart",
// "hooray", "rocket" or "eyes". Doing it twice does nothing. It is paced.
func (r *Repo) React(ctx context.Context, commentID int64, content string) error {
	of, path := commentPath(commentID, "/reactions")
	k := r.call(actReact, of, path).send(http.MethodPost, map[string]string{"content": content})
	if err := r.c.limiter.pace(); err != nil {
		return k.fail(err)
	}
	var wire github.Reaction
	if err := r.c.read(ctx, k, &wire); err != nil {
		return err
	}
	if wire.GetID() == 0 {
		return k.fault(errors.New("the answer lacks id"))
	}
	return nil
}
