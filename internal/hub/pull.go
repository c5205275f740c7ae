package hub

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

var (
	actPull     = act{"read pull request", "the pull request", "Pull requests: read"}
	actPulls    = act{"list pull requests", "the list of pull requests", "Pull requests: read"}
	actFiles    = act{"list files", "the list of changed files", "Pull requests: read"}
	actCommits  = act{"list commits", "the list of commits", "Pull requests: read"}
	actCommit   = act{"read commit", "the commit", "Contents: read"}
	actActivity = act{"read activity", "the log of pushes", "Contents: read"}
	actReviews  = act{"list reviews", "the reviews", "Pull requests: read"}
	actRemarks  = act{"list review comments", "the review comments", "Pull requests: read"}
)

func number(n int) string { return "#" + strconv.Itoa(n) }

func pullPath(n int, rest string) string { return "pulls/" + strconv.Itoa(n) + rest }

// PullRequest reads pull request n with its counts.
func (r *Repo) PullRequest(ctx context.Context, n int) (gate.PullRequest, error) {
	k := r.call(actPull, number(n), pullPath(n, ""))
	var wire github.PullRequest
	if err := r.c.read(ctx, k, &wire); err != nil {
		return gate.PullRequest{}, err
	}
	pr, err := one(k, wire, func(w *wants, p *github.PullRequest) gate.PullRequest {
		pr := convertPull(w, p)
		pr.Merged = want(w, "merged", p.Merged)
		pr.MergedBy = mayUser(w, "merged_by", p.MergedBy)
		pr.ChangedFiles = want(w, "changed_files", p.ChangedFiles)
		pr.Commits = want(w, "commits", p.Commits)
		pr.Additions = want(w, "additions", p.Additions)
		pr.Deletions = want(w, "deletions", p.Deletions)
		return pr
	})
	if err != nil {
		return gate.PullRequest{}, err
	}
	if pr.Number != n {
		return gate.PullRequest{}, k.fault(fmt.Errorf("the answer is about %s", number(pr.Number)))
	}
	return pr, r.same(k, pr.Repo.ID)
}

// OpenPullRequests lists all open pull requests, the newest first. Their counts
// are not part of a list and stay zero: read one for them.
func (r *Repo) OpenPullRequests(ctx context.Context) ([]gate.PullRequest, error) {
	return r.pulls(ctx, r.call(actPulls, "", "pulls").with("state", "open"))
}

// PullRequestsOf lists the pull requests that hold or brought in a commit.
// Counts stay zero.
func (r *Repo) PullRequestsOf(ctx context.Context, sha string) ([]gate.PullRequest, error) {
	return r.pulls(ctx, r.call(actPulls, "@"+gate.Short(sha), "commits/"+escapePath(sha)+"/pulls"))
}

func (r *Repo) pulls(ctx context.Context, k call) ([]gate.PullRequest, error) {
	wire, err := readAll(ctx, r.c, k, bare[github.PullRequest])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertPull)
}

// MergedPullRequests lists the pull requests that were merged into base at or
// after since, the latest first. It reads page by page and stops early; beyond
// 10,000 closed ones the error is of kind [KindTruncated].
func (r *Repo) MergedPullRequests(ctx context.Context, base string, since time.Time) ([]gate.PullRequest, error) {
	merged, whole, err := r.mergedSince(ctx, base, since, maxPages)
	if err == nil && !whole {
		err = r.call(actPulls, " into "+base, "pulls").
			fail(&Error{Kind: KindTruncated, Message: "too many closed pull requests"})
	}
	if err != nil {
		return nil, err
	}
	return merged, nil
}

// mergedSince reads up to a number of pages, and reports whether they reached
// back to since.
func (r *Repo) mergedSince(ctx context.Context, base string, since time.Time, pages int) (merged []gate.PullRequest, whole bool, err error) {
	k := r.call(actPulls, " into "+base, "pulls").
		with("state", "closed", "base", base, "sort", "updated", "direction", "desc")
	seen := map[int]bool{}
	for n := 1; n <= pages && !whole; n++ {
		p, links, err := readPage(ctx, r.c, k, bare[github.PullRequest], url.Values{"page": {strconv.Itoa(n)}})
		if err != nil {
			return nil, false, err
		}
		whole = links.query("next") == nil
		for _, wire := range p.items {
			var w wants
			pr := convertPull(&w, &wire)
			updated := wantTime(&w, "updated_at", wire.UpdatedAt)
			if err := w.err(); err != nil {
				return nil, false, k.fault(err)
			}
			if pr.Merged && !pr.MergedAt.Before(since) && !seen[pr.Number] {
				seen[pr.Number] = true
				merged = append(merged, pr)
			}
			// A merge updates, so nothing behind this one was merged later.
			whole = whole || updated.Before(since)
		}
	}
	return merged, whole, nil
}

func convertPull(w *wants, p *github.PullRequest) gate.PullRequest {
	if p == nil || p.Head == nil || p.Base == nil || p.Base.Repo == nil {
		w.missing = append(w.missing, "head, base or base.repo")
		return gate.PullRequest{}
	}
	state := wantSome(w, "state", p.State)
	pr := gate.PullRequest{
		Repo:      convertRepository(w, p.Base.Repo),
		Number:    wantSome(w, "number", p.Number),
		Title:     want(w, "title", p.Title),
		Body:      p.GetBody(),
		CreatedAt: p.GetCreatedAt().Time,
		URL:       wantSome(w, "html_url", p.HTMLURL),
		Author:    mayUser(w, "user", p.User),
		Open:      state == "open",
		Draft:     p.GetDraft(), // GitHub's schema lets it be absent
		Merged:    p.MergedAt != nil,
		MergedAt:  p.GetMergedAt().Time,
		UpdatedAt: p.GetUpdatedAt().Time,
		MergeSHA:  p.GetMergeCommitSHA(),
		HeadSHA:   wantSome(w, "head.sha", p.Head.SHA),
		HeadRef:   wantSome(w, "head.ref", p.Head.Ref),
		BaseRef:   wantSome(w, "base.ref", p.Base.Ref),
		BaseSHA:   wantSome(w, "base.sha", p.Base.SHA),
	}
	pr.HeadRepoID, pr.HeadRepo = p.Head.GetRepo().GetID(), p.Head.GetRepo().GetFullName()
	for _, label := range wantList(w, "labels", p.Labels) {
		if label == nil {
			label = &github.Label{}
		}
		pr.Labels = append(pr.Labels, wantSome(w, "labels.name", label.Name))
	}
	return pr
}

// Files lists the changed files of pull request n. GitHub stops at 3,000:
// compare with [FilesComplete].
func (r *Repo) Files(ctx context.Context, n int) ([]gate.File, error) {
	k := r.call(actFiles, number(n), pullPath(n, "/files"))
	wire, err := readAll(ctx, r.c, k, bare[github.CommitFile])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertFile)
}

func convertFile(w *wants, f *github.CommitFile) gate.File {
	return gate.File{
		Path:       wantSome(w, "filename", f.Filename),
		Previous:   f.GetPreviousFilename(),
		Status:     wantSome(w, "status", f.Status),
		Patch:      f.GetPatch(),
		HasPatch:   f.Patch != nil,
		Additions:  want(w, "additions", f.Additions),
		Deletions:  want(w, "deletions", f.Deletions),
		ContentSHA: f.GetSHA(), // null for a submodule's removal
		HeadSHA:    refOf(f.GetContentsURL()),
	}
}

// refOf returns the commit that the address of a file's content names, "" when
// it names none.
func refOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	ref := u.Query().Get("ref")
	if len(ref) != 40 || strings.Trim(ref, "0123456789abcdef") != "" {
		return ""
	}
	return ref
}

// FilesComplete returns an error of kind [KindTruncated] when the list holds
// not as many files as the pull request has.
func FilesComplete(pr gate.PullRequest, files []gate.File) error {
	return complete(actFiles, pr, "files", pr.ChangedFiles, len(files))
}

// CommitsComplete is [FilesComplete] for commits, of which GitHub lists 250.
func CommitsComplete(pr gate.PullRequest, commits []gate.Commit) error {
	return complete(actCommits, pr, "commits", pr.Commits, len(commits))
}

func complete(a act, pr gate.PullRequest, what string, counted, listed int) error {
	if counted == listed {
		return nil
	}
	return &Error{
		Kind: KindTruncated, Op: a.name + " of " + pr.Repo.FullName() + number(pr.Number), noun: a.noun,
		Message: fmt.Sprintf("%d of %d %s", listed, counted, what),
		fact: fmt.Sprintf("%s cannot be read whole: GitHub counts %d %s and lists %d of them.",
			a.noun, counted, what, listed),
	}
}

// Commits lists the commits of pull request n, the oldest first. GitHub stops
// at 250: compare with [CommitsComplete].
func (r *Repo) Commits(ctx context.Context, n int) ([]gate.Commit, error) {
	k := r.call(actCommits, number(n), pullPath(n, "/commits"))
	wire, err := readAll(ctx, r.c, k, bare[github.RepositoryCommit])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertCommit)
}

// Commit reads a commit by its SHA, whether or not a branch still holds it.
func (r *Repo) Commit(ctx context.Context, sha string) (gate.Commit, error) {
	k := r.call(actCommit, "@"+gate.Short(sha), "commits/"+escapePath(sha)).with("per_page", "1")
	var wire github.RepositoryCommit
	if err := r.c.read(ctx, k, &wire); err != nil {
		return gate.Commit{}, err
	}
	return one(k, wire, convertCommit)
}

func convertCommit(w *wants, c *github.RepositoryCommit) gate.Commit {
	commit := gate.Commit{
		SHA:     wantSome(w, "sha", c.SHA),
		Parents: len(wantList(w, "parents", c.Parents)),
	}
	for _, p := range c.Parents {
		commit.ParentSHAs = append(commit.ParentSHAs, wantSome(w, "parents.sha", p.SHA))
	}
	if c.Commit == nil {
		w.missing = append(w.missing, "commit")
		return commit
	}
	commit.Author = commitUser(c.Author)
	commit.Committer = commitUser(c.Committer)
	commit.AuthorEmail = c.Commit.GetAuthor().GetEmail()
	commit.CommitterEmail = c.Commit.GetCommitter().GetEmail()
	commit.CommittedAt = c.Commit.GetCommitter().GetDate().Time
	commit.Tree = c.Commit.GetTree().GetSHA()
	commit.Message = want(w, "commit.message", c.Commit.Message)
	commit.CoAuthors = coAuthors(commit.Message)
	commit.Verified = c.Commit.GetVerification().GetVerified()
	return commit
}

// commitUser returns the account of a commit; GitHub answers null or an empty
// object when the e-mail belongs to none.
func commitUser(u *github.User) *gate.User {
	if u.GetID() == 0 {
		return nil
	}
	return &gate.User{ID: u.GetID(), Login: u.GetLogin(), Bot: u.GetType() == "Bot"}
}

var coAuthorLine = regexp.MustCompile(`(?im)^[ \t]*co-authored-by:[ \t]*([^<\r\n]*?)[ \t]*<([^>\r\n]*)>`)

// coAuthors reads the trailers, wherever in the message they stand: a squash
// puts them between other lines.
func coAuthors(message string) []gate.CoAuthor {
	var found []gate.CoAuthor
	for _, m := range coAuthorLine.FindAllStringSubmatch(message, -1) {
		found = append(found, gate.CoAuthor{Name: m[1], Email: strings.TrimSpace(m[2])})
	}
	return found
}

// Reviews lists the submitted reviews of pull request n, the oldest first.
func (r *Repo) Reviews(ctx context.Context, n int) ([]gate.ReviewOf, error) {
	k := r.call(actReviews, number(n), pullPath(n, "/reviews"))
	wire, err := readAll(ctx, r.c, k, bare[github.PullRequestReview])
	if err != nil {
		return nil, err
	}
	reviews, err := each(k, wire, convertReview)
	if err != nil {
		return nil, err
	}
	submitted := reviews[:0]
	for _, review := range reviews {
		if review.State != "PENDING" {
			submitted = append(submitted, review)
		}
	}
	return submitted, nil
}

// Move is what became of a branch: the commit to which it was moved, and when.
// GitHub keeps the time, to the second.
type Move struct {
	SHA  string
	At   time.Time
	By   gate.User // zero when the account is gone
	Push bool      // somebody brought commits, rather than made or deleted the branch
}

type wireMove struct {
	Before *string           `json:"before"`
	After  *string           `json:"after"`
	At     *github.Timestamp `json:"timestamp"`
	Kind   *string           `json:"activity_type"`
	Actor  *github.User      `json:"actor"`
}

// MovesRead is how many moves of a branch are read at most.
const MovesRead = pageSize

// HeadMove reads the latest move of a pull request's head branch from the log of
// its repository, which may be a fork that the App cannot see: [KindMissing].
func (r *Repo) HeadMove(ctx context.Context, pr gate.PullRequest) (Move, error) {
	moves, err := r.moves(ctx, pr, 1)
	if err != nil {
		return Move{}, err
	}
	return moves[0], nil
}

// HeadMoves reads the latest [MovesRead] moves of a pull request's head branch,
// the newest first; there is one at least.
func (r *Repo) HeadMoves(ctx context.Context, pr gate.PullRequest) ([]Move, error) {
	return r.moves(ctx, pr, MovesRead)
}

func (r *Repo) moves(ctx context.Context, pr gate.PullRequest, n int) ([]Move, error) {
	k := call{act: actActivity, of: pr.HeadRepo + " " + pr.HeadRef, path: "repos/" + escapePath(pr.HeadRepo) + "/activity"}
	k = k.with("ref", "refs/heads/"+pr.HeadRef, "per_page", strconv.Itoa(n))
	if strings.Count(pr.HeadRepo, "/") != 1 {
		return nil, k.fail(&Error{Kind: KindMissing, Message: "the head's repository is gone"})
	}
	latest, _, err := readPage(ctx, r.c, k, bare[wireMove], nil)
	if err != nil {
		return nil, err
	}
	if len(latest.items) == 0 {
		return nil, k.fail(&Error{Kind: KindMissing, Message: "no move is logged"})
	}
	return each(k, latest.items, func(w *wants, m *wireMove) Move {
		kind := wantSome(w, "activity_type", m.Kind)
		return Move{
			SHA: wantSome(w, "after", m.After), At: wantTime(w, "timestamp", m.At), By: mayUser(w, "actor", m.Actor),
			Push: kind != "branch_creation" && kind != "branch_deletion",
		}
	})
}

func convertReview(w *wants, v *github.PullRequestReview) gate.ReviewOf {
	review := gate.ReviewOf{
		ID:        wantSome(w, "id", v.ID),
		User:      mayUser(w, "user", v.User),
		State:     gate.ReviewState(wantSome(w, "state", v.State)),
		CommitSHA: v.GetCommitID(), // null when the commit is gone
		Body:      v.GetBody(),
	}
	if review.State != "PENDING" {
		review.At = wantTime(w, "submitted_at", v.SubmittedAt)
	}
	return review
}
