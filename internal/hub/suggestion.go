package hub

import (
	"context"
	"strconv"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

// ReviewComments lists the comments on lines of pull request n.
func (r *Repo) ReviewComments(ctx context.Context, n int) ([]gate.ReviewComment, error) {
	k := r.call(actRemarks, number(n), pullPath(n, "/comments"))
	wire, err := readAll(ctx, r.c, k, bare[github.PullRequestComment])
	if err != nil {
		return nil, err
	}
	return each(k, wire, func(w *wants, c *github.PullRequestComment) gate.ReviewComment {
		remark := gate.ReviewComment{
			User:      mayUser(w, "user", c.User),
			Path:      wantSome(w, "path", c.Path),
			Lines:     1,
			Body:      want(w, "body", c.Body),
			CreatedAt: wantTime(w, "created_at", c.CreatedAt),
			UpdatedAt: wantTime(w, "updated_at", c.UpdatedAt),
		}
		if first := c.GetOriginalStartLine(); first > 0 && c.GetOriginalLine() > first {
			remark.Lines = c.GetOriginalLine() - first + 1
		}
		return remark
	})
}

// CommitFiles lists what a commit changed. One that changed [pageSize] files or
// more is of kind [KindTruncated].
func (r *Repo) CommitFiles(ctx context.Context, sha string) ([]gate.File, error) {
	k := r.call(actCommit, "@"+gate.Short(sha), "commits/"+escapePath(sha)).with("per_page", strconv.Itoa(pageSize))
	var wire github.RepositoryCommit
	if err := r.c.read(ctx, k, &wire); err != nil {
		return nil, err
	}
	if len(wire.Files) >= pageSize {
		return nil, k.fail(&Error{Kind: KindTruncated, Message: "more files than are read"})
	}
	files := make([]github.CommitFile, 0, len(wire.Files))
	for _, f := range wire.Files {
		if f == nil {
			f = &github.CommitFile{}
		}
		files = append(files, *f)
	}
	return each(k, files, convertFile)
}
