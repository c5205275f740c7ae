package hub

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"gonogo/internal/gate"
)

var (
	actFile     = act{"read file", "the file", "Contents: read"}
	actBlob     = act{"read blob", "the file's content", "Contents: read"}
	actReleases = act{"list releases", "the releases", "Contents: read"}
	actRelease  = act{"read release", "the release", "Contents: read"}
	actTag      = act{"read tag", "the tag", "Contents: read"}
	actCompare  = act{"compare commits", "the comparison of commits", "Contents: read"}
	actBranches = act{"list branches", "the list of branches", "Contents: read"}
)

// File is a file at a commit.
type File struct {
	Path    string
	Content []byte
	SHA     string // of the blob
}

// File reads a file of the given ref; "" is the default branch. [KindMissing]
// means that GitHub answered 404: in a repository that can be read, that there
// is no such file. What is no file is [KindInvalid].
func (r *Repo) File(ctx context.Context, path, ref string) (File, error) {
	k := r.call(actFile, ":"+path, "contents/"+escapePath(strings.TrimPrefix(path, "/"))).with("ref", ref)
	got, err := r.c.do(ctx, k)
	if err != nil {
		return File{}, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(got.body)), "[") {
		return File{}, k.fail(&Error{Kind: KindInvalid, Message: "it is a directory"})
	}
	var wire struct {
		Type     *string `json:"type"`
		Encoding *string `json:"encoding"`
		Content  *string `json:"content"`
		SHA      *string `json:"sha"`
	}
	if err := decodeObject(got.body, &wire); err != nil {
		return File{}, k.fault(err)
	}
	var w wants
	kind, sha := wantSome(&w, "type", wire.Type), wantSome(&w, "sha", wire.SHA)
	if err := w.err(); err != nil {
		return File{}, k.fault(err)
	}
	if kind != "file" {
		return File{}, k.fail(&Error{Kind: KindInvalid, Message: "it is no file but a " + redact(kind)})
	}
	if deref(wire.Encoding) == "none" { // above 1 MB
		content, err := r.Blob(ctx, sha)
		return File{path, content, sha}, err
	}
	content, err := decodeContent(wire.Encoding, wire.Content)
	if err != nil {
		return File{}, k.fault(err)
	}
	return File{path, content, sha}, nil
}

// Blob reads the content of a blob.
func (r *Repo) Blob(ctx context.Context, sha string) ([]byte, error) {
	k := r.call(actBlob, " "+sha, "git/blobs/"+escapePath(sha))
	var wire struct {
		Encoding *string `json:"encoding"`
		Content  *string `json:"content"`
		Size     *int    `json:"size"`
	}
	if err := r.c.read(ctx, k, &wire); err != nil {
		return nil, err
	}
	content, err := decodeContent(wire.Encoding, wire.Content)
	if err == nil && (wire.Size == nil || *wire.Size != len(content)) {
		err = errors.New("the content has another size than told")
	}
	if err != nil {
		return nil, k.fault(err)
	}
	return content, nil
}

func decodeContent(encoding, content *string) ([]byte, error) {
	if encoding == nil || content == nil {
		return nil, errors.New("the answer lacks content")
	}
	switch *encoding {
	case "base64":
		return base64.StdEncoding.DecodeString(strings.ReplaceAll(*content, "\n", ""))
	case "utf-8":
		return []byte(*content), nil
	default:
		return nil, fmt.Errorf("unknown encoding %q", redact(*encoding))
	}
}

// Releases lists the releases, the newest first; drafts are among them where
// the App may see them.
func (r *Repo) Releases(ctx context.Context) ([]gate.Release, error) {
	k := r.call(actReleases, "", "releases")
	wire, err := readAll(ctx, r.c, k, bare[github.RepositoryRelease])
	if err != nil {
		return nil, err
	}
	return each(k, wire, convertRelease)
}

// Release reads a release by its id.
func (r *Repo) Release(ctx context.Context, id int64) (gate.Release, error) {
	of := strconv.FormatInt(id, 10)
	return r.release(ctx, r.call(actRelease, " "+of, "releases/"+of))
}

// ReleaseByTag reads the published release of a tag; drafts have none.
func (r *Repo) ReleaseByTag(ctx context.Context, tag string) (gate.Release, error) {
	return r.release(ctx, r.call(actRelease, " "+tag, "releases/tags/"+escapePath(tag)))
}

func (r *Repo) release(ctx context.Context, k call) (gate.Release, error) {
	var wire github.RepositoryRelease
	if err := r.c.read(ctx, k, &wire); err != nil {
		return gate.Release{}, err
	}
	return one(k, wire, convertRelease)
}

func convertRelease(w *wants, l *github.RepositoryRelease) gate.Release {
	release := gate.Release{
		ID:          wantSome(w, "id", l.ID),
		Tag:         wantSome(w, "tag_name", l.TagName),
		Target:      want(w, "target_commitish", l.TargetCommitish),
		URL:         want(w, "html_url", l.HTMLURL),
		Draft:       want(w, "draft", l.Draft),
		Prerelease:  want(w, "prerelease", l.Prerelease),
		CreatedAt:   wantTime(w, "created_at", l.CreatedAt),
		PublishedAt: l.GetPublishedAt().Time,
	}
	if !release.Draft && release.PublishedAt.IsZero() {
		w.missing = append(w.missing, "published_at")
	}
	return release
}

// lastPublished returns when the latest full release was published, the zero
// time when there is none. It reads one page.
func (r *Repo) lastPublished(ctx context.Context) (time.Time, error) {
	k := r.call(actReleases, "", "releases")
	p, _, err := readPage(ctx, r.c, k, bare[github.RepositoryRelease], nil)
	if err != nil {
		return time.Time{}, err
	}
	releases, err := each(k, p.items, convertRelease)
	if err != nil {
		return time.Time{}, err
	}
	var last time.Time
	for _, release := range releases {
		if !release.Draft && !release.Prerelease && release.PublishedAt.After(last) {
			last = release.PublishedAt
		}
	}
	return last, nil
}

// maxPeels bounds tags that point to tags.
const maxPeels = 5

// TagCommit returns the commit to which a tag leads, through annotated tags.
func (r *Repo) TagCommit(ctx context.Context, tag string) (string, error) {
	k := r.call(actTag, " "+tag, "git/ref/tags/"+escapePath(tag))
	for range maxPeels {
		var wire struct {
			Object struct {
				Type *string `json:"type"`
				SHA  *string `json:"sha"`
			} `json:"object"`
		}
		if err := r.c.read(ctx, k, &wire); err != nil {
			return "", err
		}
		var w wants
		kind, sha := wantSome(&w, "object.type", wire.Object.Type), wantSome(&w, "object.sha", wire.Object.SHA)
		if err := w.err(); err != nil {
			return "", k.fault(err)
		}
		switch kind {
		case "commit":
			return sha, nil
		case "tag":
			k = r.call(actTag, " "+tag, "git/tags/"+escapePath(sha))
		default:
			return "", k.fail(&Error{Kind: KindInvalid, Message: "it leads to no commit"})
		}
	}
	return "", k.fail(&Error{Kind: KindInvalid, Message: "it leads to too many tags"})
}

// Comparison is what lies between two commits.
type Comparison struct {
	// Status is "ahead", "behind", "identical" or "diverged": how head stands
	// to base.
	Status            string
	AheadBy, BehindBy int
	MergeBase         string
	// Commits are all that head has and base has not, the oldest first.
	Commits []gate.Commit
	// Files are the first 300 at most; FilesCut tells that there may be more.
	Files    []gate.File
	FilesCut bool
}

// maxCompareFiles is where GitHub stops to list the files of a comparison.
const maxCompareFiles = 300

// Compare compares two commits, branches or tags. When not all commits are
// listed the error is of kind [KindTruncated].
func (r *Repo) Compare(ctx context.Context, base, head string) (Comparison, error) {
	k := r.call(actCompare, " "+base+"..."+head, "compare/"+url.PathEscape(base)+"..."+url.PathEscape(head))
	var first *wireComparison
	decode := func(body []byte) (page[github.RepositoryCommit], error) {
		var wire wireComparison
		if err := decodeObject(body, &wire); err != nil {
			return page[github.RepositoryCommit]{}, err
		}
		if wire.Commits == nil {
			return page[github.RepositoryCommit]{}, errors.New("the answer lacks commits")
		}
		// The files stand on the first page only, which is read before all
		// others.
		if first == nil {
			first = &wire
		}
		return page[github.RepositoryCommit]{wire.Commits, -1}, nil
	}
	commits, err := readAll(ctx, r.c, k, decode)
	if err != nil {
		return Comparison{}, err
	}
	var w wants
	c := Comparison{
		Status:    wantSome(&w, "status", first.Status),
		AheadBy:   want(&w, "ahead_by", first.Ahead),
		BehindBy:  want(&w, "behind_by", first.Behind),
		MergeBase: wantSome(&w, "merge_base_commit.sha", first.Merge.SHA),
		FilesCut:  len(first.Files) >= maxCompareFiles,
	}
	total := want(&w, "total_commits", first.Total)
	if err := w.err(); err != nil {
		return Comparison{}, k.fault(err)
	}
	if len(commits) != total {
		return Comparison{}, k.fail(&Error{Kind: KindTruncated, Message: fmt.Sprintf("%d of %d commits", len(commits), total)})
	}
	if c.Commits, err = each(k, commits, convertCommit); err != nil {
		return Comparison{}, err
	}
	if c.Files, err = each(k, first.Files, convertFile); err != nil {
		return Comparison{}, err
	}
	return c, nil
}

type wireComparison struct {
	Status *string `json:"status"`
	Ahead  *int    `json:"ahead_by"`
	Behind *int    `json:"behind_by"`
	Total  *int    `json:"total_commits"`
	Merge  struct {
		SHA *string `json:"sha"`
	} `json:"merge_base_commit"`
	Commits []github.RepositoryCommit `json:"commits"`
	Files   []github.CommitFile       `json:"files"`
}

// Branch returns the commit at the tip of a branch, and whether it exists.
func (r *Repo) Branch(ctx context.Context, name string) (sha string, exists bool, err error) {
	wire, err := r.readBranch(ctx, name)
	if IsMissing(err) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	// GitHub leads from a renamed branch to its new name.
	if *wire.Name != name {
		return "", false, nil
	}
	return *wire.Commit.SHA, true, nil
}

// fewBranches is up to how many branches are asked for one by one, rather than
// by a list of all.
const fewBranches = 5

// DanglingBranches lists the branches that should be gone, seen from a pull
// request: heads of pull requests that were merged into its base, or into its
// own head (Stacked), since the last published release, and that still exist.
// Default and protected branches, those of forks and the pull request's own are
// left out. The caller judges grace (by MergedAt) and the policy's exemptions.
func (r *Repo) DanglingBranches(ctx context.Context, pr gate.PullRequest) ([]gate.Branch, error) {
	since, err := r.lastPublished(ctx)
	if err != nil {
		return nil, err
	}
	merged, err := r.MergedPullRequests(ctx, pr.BaseRef, since)
	if err != nil {
		return nil, err
	}
	candidates := r.candidates(merged, pr, false)
	if pr.HeadRepoID == pr.Repo.ID && pr.HeadRef != pr.Repo.DefaultBranch && pr.HeadRef != pr.BaseRef {
		stacked, err := r.MergedPullRequests(ctx, pr.HeadRef, since)
		if err != nil {
			return nil, err
		}
		candidates = append(r.candidates(stacked, pr, true), candidates...)
	}
	return r.stillThere(ctx, candidates)
}

// MergedBranches is [Repo.DanglingBranches] for a release: heads that were
// merged into base since the given time and still exist.
func (r *Repo) MergedBranches(ctx context.Context, base string, since time.Time) ([]gate.Branch, error) {
	merged, err := r.MergedPullRequests(ctx, base, since)
	if err != nil {
		return nil, err
	}
	return r.stillThere(ctx, r.candidates(merged, gate.PullRequest{Repo: r.repo, BaseRef: base}, false))
}

func (r *Repo) candidates(merged []gate.PullRequest, pr gate.PullRequest, stacked bool) []gate.Branch {
	var branches []gate.Branch
	for _, m := range merged {
		if m.HeadRepoID != m.Repo.ID || m.HeadRef == m.Repo.DefaultBranch ||
			m.HeadRef == pr.BaseRef || m.HeadRef == pr.HeadRef || m.Number == pr.Number {
			continue
		}
		branches = append(branches, gate.Branch{Name: m.HeadRef, PR: m.Number, MergedAt: m.MergedAt, Stacked: stacked})
	}
	return branches
}

// stillThere keeps of the candidates the first of each name that exists and is
// not protected.
func (r *Repo) stillThere(ctx context.Context, candidates []gate.Branch) ([]gate.Branch, error) {
	names := map[string]bool{}
	for _, c := range candidates {
		names[c.Name] = true
	}
	there, err := r.unprotected(ctx, names)
	if err != nil {
		return nil, err
	}
	var found []gate.Branch
	for _, c := range candidates {
		if there[c.Name] {
			found = append(found, c)
			delete(there, c.Name)
		}
	}
	return found, nil
}

func (r *Repo) unprotected(ctx context.Context, names map[string]bool) (map[string]bool, error) {
	there := map[string]bool{}
	if len(names) <= fewBranches {
		for name := range names {
			wire, err := r.readBranch(ctx, name)
			if err != nil && !IsMissing(err) {
				return nil, err
			}
			there[name] = err == nil && *wire.Name == name && !*wire.Protected
		}
		return there, nil
	}
	k := r.call(actBranches, "", "branches")
	all, err := readAll(ctx, r.c, k, bare[wireBranch])
	if err != nil {
		return nil, err
	}
	for _, branch := range all {
		var w wants
		name, protected := wantSome(&w, "name", branch.Name), want(&w, "protected", branch.Protected)
		if err := w.err(); err != nil {
			return nil, k.fault(err)
		}
		there[name] = !protected
	}
	return there, nil
}
