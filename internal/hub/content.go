package hub

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
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

// FirstFile reads the first of several files that exists, all asked for at
// once; [KindMissing] when none does. A file that cannot be read hides those
// behind it: which one counts is then not known.
func (r *Repo) FirstFile(ctx context.Context, ref string, paths ...string) (File, error) {
	files, errs := make([]File, len(paths)), make([]error, len(paths))
	var group sync.WaitGroup
	for i, path := range paths {
		group.Go(func() { files[i], errs[i] = r.File(ctx, path, ref) })
	}
	group.Wait()
	for i, err := range errs {
		if !IsMissing(err) {
			return files[i], err
		}
	}
	return File{}, errs[0]
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

// LastPublished returns when the latest full release was published, the zero
// time when there is none. It reads one page.
func (r *Repo) LastPublished(ctx context.Context) (time.Time, error) {
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
	BaseSHA           string
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
	k := r.call(actCompare, " "+base+"..."+head, comparePath(base, head))
	// Each page is an item of its own: what was decoded before is not decoded again.
	decode := func(body []byte) (page[wireComparison], error) {
		var wire wireComparison
		if err := decodeObject(body, &wire); err != nil {
			return page[wireComparison]{}, err
		}
		if wire.Commits == nil {
			return page[wireComparison]{}, errors.New("the answer lacks commits")
		}
		return page[wireComparison]{[]wireComparison{wire}, -1}, nil
	}
	pages, err := readAll(ctx, r.c, k, decode)
	if err != nil {
		return Comparison{}, err
	}
	first := pages[0] // the files stand on it only
	var commits []github.RepositoryCommit
	for _, p := range pages {
		commits = append(commits, p.Commits...)
	}
	var w wants
	c := Comparison{
		Status:    wantSome(&w, "status", first.Status),
		AheadBy:   want(&w, "ahead_by", first.Ahead),
		BehindBy:  want(&w, "behind_by", first.Behind),
		BaseSHA:   wantSome(&w, "base_commit.sha", first.Base.SHA),
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

type wireSHA struct {
	SHA *string `json:"sha"`
}

type wireComparison struct {
	Status  *string                   `json:"status"`
	Ahead   *int                      `json:"ahead_by"`
	Behind  *int                      `json:"behind_by"`
	Total   *int                      `json:"total_commits"`
	Base    wireSHA                   `json:"base_commit"`
	Merge   wireSHA                   `json:"merge_base_commit"`
	Commits []github.RepositoryCommit `json:"commits"`
	Files   []github.CommitFile       `json:"files"`
}
