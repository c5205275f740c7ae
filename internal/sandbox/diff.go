package sandbox

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"
)

// GitHub's limits on diffs: a file whose patch is longer has none, and when
// all patches together are longer the rest have none and counts of zero.
// https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits
const (
	maxFilePatchLines = 20_000
	maxFilePatchBytes = 500_000
	maxDiffLines      = 20_000
	maxDiffBytes      = 1_000_000
)

// change is one changed file.
type change struct {
	path, previous, status, sha, patch string
	additions, deletions               int
}

// diff returns what changed from old to now, by path.
func (o *objects) diff(old, now files) []change {
	gone := map[string][]string{} // SHA → removed paths
	for _, path := range slices.Sorted(maps.Keys(old)) {
		if _, ok := now[path]; !ok {
			gone[old[path].sha] = append(gone[old[path].sha], path)
		}
	}
	var list []change
	renamed := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(now)) {
		to := now[path]
		from, existed := old[path]
		switch from := from; {
		case existed && from == to:
		case existed && from.sha == to.sha:
			list = append(list, change{path: path, status: "changed", sha: to.sha})
		case existed:
			list = append(list, o.patched(change{path: path, status: "modified", sha: to.sha}, from.sha, to.sha))
		case len(gone[to.sha]) > 0:
			previous := gone[to.sha][0]
			gone[to.sha] = gone[to.sha][1:]
			renamed[previous] = true
			list = append(list, change{path: path, previous: previous, status: "renamed", sha: to.sha})
		default:
			list = append(list, o.patched(change{path: path, status: "added", sha: to.sha}, "", to.sha))
		}
	}
	for path, from := range old {
		if _, ok := now[path]; !ok && !renamed[path] {
			list = append(list, o.patched(change{path: path, status: "removed", sha: from.sha}, from.sha, ""))
		}
	}
	slices.SortFunc(list, func(a, b change) int { return strings.Compare(a.path, b.path) })
	return withinLimits(list)
}

// diffOf returns what changed between two commits. Commits never change, so
// that it is computed once.
func (o *objects) diffOf(old, now string) []change {
	key := old + now
	list, known := o.diffs[key]
	if !known {
		var before files
		if c, ok := o.commits[old]; ok {
			before = c.files
		}
		list = o.diff(before, o.at(now).files)
		o.diffs[key] = list
	}
	return list
}

func withinLimits(list []change) []change {
	lines, size := 0, 0
	for i := range list {
		c := &list[i]
		if lines > maxDiffLines || size > maxDiffBytes {
			c.patch, c.additions, c.deletions = "", 0, 0
			continue
		}
		lines += c.additions + c.deletions
		size += len(c.patch)
		if c.additions+c.deletions > maxFilePatchLines || len(c.patch) > maxFilePatchBytes {
			c.patch = ""
		}
	}
	return list
}

func (o *objects) patched(c change, from, to string) change {
	old, now := o.blobs[from], o.blobs[to]
	if bytes.IndexByte(old, 0) >= 0 || bytes.IndexByte(now, 0) >= 0 {
		return c
	}
	c.patch = patch(string(old), string(now))
	for line := range strings.SplitSeq(c.patch, "\n") {
		switch {
		case strings.HasPrefix(line, "+"):
			c.additions++
		case strings.HasPrefix(line, "-"):
			c.deletions++
		}
	}
	return c
}

// patch returns the hunks as GitHub shows them: without the two lines that name
// the files, and without a line break at the end.
func patch(old, now string) string {
	if old == "" || now == "" {
		return wholePatch(old, now)
	}
	text := udiff.Unified("a", "b", old, now)
	if at := strings.Index(text, "@@"); at >= 0 {
		text = text[at:]
	}
	return strings.TrimSuffix(text, "\n")
}

// wholePatch is the hunk of a new or removed file, without a search.
func wholePatch(old, now string) string {
	sign, text, head := "+", now, "@@ -0,0 +1%s @@"
	if now == "" {
		sign, text, head = "-", old, "@@ -1%s +0,0 @@"
	}
	if text == "" {
		return ""
	}
	body, ended := strings.CutSuffix(text, "\n")
	count := strings.Count(body, "\n") + 1
	span := ""
	if count > 1 {
		span = fmt.Sprintf(",%d", count)
	}
	hunk := fmt.Sprintf(head, span) + "\n" + sign + strings.ReplaceAll(body, "\n", "\n"+sign)
	if !ended {
		hunk += "\n\\ No newline at end of file"
	}
	return hunk
}

func (c change) json(r *Repo, ref string) object {
	path := (&url.URL{Path: c.path}).EscapedPath()
	o := object{
		"sha": c.sha, "filename": c.path, "status": c.status,
		"additions": c.additions, "deletions": c.deletions, "changes": c.additions + c.deletions,
		"blob_url":     web("%s/blob/%s/%s", r.fullName(), ref, path),
		"raw_url":      web("%s/raw/%s/%s", r.fullName(), ref, path),
		"contents_url": r.api("/contents/%s?ref=%s", path, ref),
	}
	if c.patch != "" {
		o["patch"] = c.patch
	}
	if c.previous != "" {
		o["previous_filename"] = c.previous
	}
	return o
}
