package hub

import (
	"context"
	"errors"
	"net/url"

	"gonogo/internal/gate"
)

var actTree = act{"read tree", "the list of all files", "Contents: read"}

// Entry is what a tree has at a path: a file, a symbolic link or a submodule.
type Entry struct{ Mode, SHA string }

// Tree reads all paths of a commit. The error is of kind [KindTruncated] when
// there are more than GitHub lists.
func (r *Repo) Tree(ctx context.Context, sha string) (map[string]Entry, error) {
	k := r.call(actTree, "@"+gate.Short(sha), "git/trees/"+escapePath(sha)).with("recursive", "1")
	var wire struct {
		Truncated *bool `json:"truncated"`
		Tree      []struct {
			Path *string `json:"path"`
			Mode *string `json:"mode"`
			Type *string `json:"type"`
			SHA  *string `json:"sha"`
		} `json:"tree"`
	}
	if err := r.c.read(ctx, k, &wire); err != nil {
		return nil, err
	}
	var w wants
	truncated := want(&w, "truncated", wire.Truncated)
	paths := make(map[string]Entry, len(wire.Tree))
	listed := 0
	for _, e := range wantList(&w, "tree", wire.Tree) {
		if wantSome(&w, "tree.type", e.Type) == "tree" {
			continue // its files are listed themselves
		}
		listed++
		paths[wantSome(&w, "tree.path", e.Path)] = Entry{wantSome(&w, "tree.mode", e.Mode), wantSome(&w, "tree.sha", e.SHA)}
	}
	err := w.err()
	if err == nil && len(paths) != listed {
		err = errors.New("the answer names a path twice")
	}
	if err != nil {
		return nil, k.fault(err)
	}
	if truncated {
		return nil, k.fail(&Error{Kind: KindTruncated, Message: "more files than GitHub lists"})
	}
	return paths, nil
}

// Divergence is how far two commits lie apart, without the commits between.
type Divergence struct {
	AheadBy   int // commits of head that base has not
	BaseSHA   string
	MergeBase string
	// Files are those that head changed since the merge base, the first 300 at
	// most; FilesCut tells that there may be more.
	Files    []gate.File
	FilesCut bool
}

// Diverge compares two commits or branches as [Repo.Compare] does, in one
// request.
func (r *Repo) Diverge(ctx context.Context, base, head string) (Divergence, error) {
	k := r.call(actCompare, " "+base+"..."+head, comparePath(base, head)).with("per_page", "1")
	var wire wireComparison
	if err := r.c.read(ctx, k, &wire); err != nil {
		return Divergence{}, err
	}
	var w wants
	d := Divergence{
		AheadBy:   want(&w, "ahead_by", wire.Ahead),
		BaseSHA:   wantSome(&w, "base_commit.sha", wire.Base.SHA),
		MergeBase: wantSome(&w, "merge_base_commit.sha", wire.Merge.SHA),
		FilesCut:  len(wire.Files) >= maxCompareFiles,
	}
	wantList(&w, "files", wire.Files)
	if err := w.err(); err != nil {
		return Divergence{}, k.fault(err)
	}
	var err error
	d.Files, err = each(k, wire.Files, convertFile)
	return d, err
}

func comparePath(base, head string) string {
	return "compare/" + url.PathEscape(base) + "..." + url.PathEscape(head)
}
