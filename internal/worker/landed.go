package worker

import (
	"context"
	"crypto/sha1" // #nosec G505 -- git's object ids
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/hub"
)

// landing is how what was joined to a base stands to what was judged.
type landing struct {
	state gate.Landing
	paths []string // that differ, in order
	why   string   // it cannot be told
}

// mergesLined bounds how many files are merged line by line for one landing.
const mergesLined = 100

// compareLanding holds what after has against the mechanical merge of head into
// before, path by path, without a clone: a path that one side alone changed has
// what that side made of it, and one that both changed is merged line by line.
// What cannot be told is never taken for the same. The error is one after which it
// is to be tried again; answers that last are remembered.
func (w *Worker) compareLanding(ctx context.Context, repo *hub.Repo, before, after, head string) (landing, error) {
	key := before + " " + after + " " + head
	if known, ok := w.landings.Get(key); ok {
		return known, nil
	}
	found, err := landed(ctx, repo, before, after, head)
	if err != nil {
		if _, limited := hub.RetryAfter(err); limited || hub.Unreadable(err).Cause == gate.CauseFault {
			return landing{}, err
		}
		w.log(ctx).WithError(err).WithField("sha", after).Info("how what landed stands to what was judged cannot be read")
		return landing{state: gate.LandedUnread, why: gate.PlainText(hub.Unreadable(err).Fact)}, nil
	}
	w.landings.Add(key, found)
	return found, nil
}

func landed(ctx context.Context, repo *hub.Repo, before, after, head string) (landing, error) {
	between, err := repo.Diverge(ctx, before, head)
	if err != nil {
		return landing{}, err
	}
	trees, err := readTrees(ctx, repo, between.MergeBase, before, head, after)
	if err != nil {
		return landing{}, err
	}
	j := joining{was: trees[between.MergeBase], ours: trees[before], theirs: trees[head], is: trees[after]}
	return j.compare(ctx, repo.Blob)
}

// joining is a merge as four trees: of the merge base, of both sides, and of what
// came of them.
type joining struct{ was, ours, theirs, is map[string]hub.Entry }

func (j joining) compare(ctx context.Context, blob func(context.Context, string) ([]byte, error)) (landing, error) {
	want, lined := j.expect()
	l := landing{state: gate.LandedSame}
	dark := map[string]bool{}
	for i, path := range lined {
		told, same := false, false
		if i < mergesLined {
			var err error
			if told, same, err = j.lines(ctx, blob, path); err != nil {
				return landing{}, err
			}
		}
		switch {
		case !told:
			dark[path] = true
		case !same:
			l.paths = append(l.paths, path)
		}
	}
	moved := j.movedApart()
	for path := range maps.Keys(union(want, j.is)) {
		if slices.Contains(lined, path) || want[path] == j.is[path] {
			continue
		}
		// git follows files that it takes for renamed, which trees do not tell.
		if moved[path] || len(moved) > 0 && j.was[path] == (hub.Entry{}) {
			dark[path] = true
			continue
		}
		l.paths = append(l.paths, path)
	}
	slices.Sort(l.paths)
	switch {
	case len(l.paths) > 0:
		l.state = gate.LandedDiffers
	case len(dark) > 0:
		l.state = gate.LandedUnread
		l.why = fmt.Sprintf("both sides changed %s, and how that merges cannot be told", some(slices.Sorted(maps.Keys(dark))))
	}
	return l, nil
}

// some names the first few paths.
func some(paths []string) string {
	const few = 3
	quoted := make([]string, 0, few)
	for _, p := range paths[:min(few, len(paths))] {
		quoted = append(quoted, gate.Quote(p))
	}
	text := strings.Join(quoted, ", ")
	if more := len(paths) - few; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	for k, v := range b {
		if _, has := all[k]; !has {
			all[k] = v
		}
	}
	return all
}

// expect is what each path has after a mechanical merge, and the paths that both
// sides changed, each in another way. A file that one side renamed without a
// change takes along what the other side made of it.
func (j joining) expect() (want map[string]hub.Entry, lined []string) {
	want = map[string]hub.Entry{}
	var none hub.Entry
	for path := range union(union(j.was, j.ours), j.theirs) {
		was, a, b := j.was[path], j.ours[path], j.theirs[path]
		switch {
		case a == b, b == was:
			want[path] = a
		case a == was:
			want[path] = b
		default:
			lined = append(lined, path)
		}
	}
	for _, path := range slices.Clone(lined) {
		a, b := j.ours[path], j.theirs[path]
		to := ""
		switch {
		case a == none:
			to = renamed(j.was, j.ours, path)
		case b == none:
			to, b = renamed(j.was, j.theirs, path), a
		}
		if to == "" || j.ours[to] != none && j.theirs[to] != none {
			continue
		}
		want[to] = b
		want[path] = none
		lined = slices.DeleteFunc(lined, func(p string) bool { return p == path })
	}
	for path, e := range want {
		if e == none {
			delete(want, path)
		}
	}
	slices.Sort(lined)
	return want, lined
}

// renamed is the one new path that holds what was at a path that is gone, "" where
// there is none or several.
func renamed(was, now map[string]hub.Entry, path string) string {
	to := ""
	for p, e := range now {
		if _, before := was[p]; before || e != was[path] {
			continue
		}
		if to != "" {
			return ""
		}
		to = p
	}
	return to
}

// movedApart are the paths that one side took away and the other changed, where it
// is not plain to where it was renamed.
func (j joining) movedApart() map[string]bool {
	apart := map[string]bool{}
	var none hub.Entry
	for path, was := range j.was {
		a, b := j.ours[path], j.theirs[path]
		switch {
		case a == none && b != none && b != was && renamed(j.was, j.ours, path) == "",
			b == none && a != none && a != was && renamed(j.was, j.theirs, path) == "":
			apart[path] = true
		}
	}
	return apart
}

// lines merges a path line by line, and reports whether it can be told what comes
// of it, and whether that is what is there.
func (j joining) lines(ctx context.Context, blob func(context.Context, string) ([]byte, error), path string) (told, same bool, err error) {
	was, a, b, is := j.was[path], j.ours[path], j.theirs[path], j.is[path]
	for _, e := range []hub.Entry{was, a, b, is} {
		if e.SHA == "" || e.Mode != "100644" && e.Mode != "100755" {
			return false, false, nil
		}
	}
	mode := a.Mode
	if a.Mode == was.Mode {
		mode = b.Mode
	}
	if is.Mode != mode {
		return true, false, nil
	}
	content := make([][]byte, 4)
	for i, e := range []hub.Entry{was, a, b, is} {
		if content[i], err = blob(ctx, e.SHA); err != nil {
			return false, false, err
		}
	}
	got, clean := merged(content[0], content[1], content[2])
	if clean && blobID(got, len(is.SHA)) == is.SHA {
		return true, true, nil
	}
	// Where the same lines stand more than once, git may have chosen another place:
	// then both sides' changes are there all the same.
	return !sameChange(content[0], content[2], content[1], content[3]) || !sameChange(content[0], content[1], content[2], content[3]), false, nil
}

// blobID is git's id of a file's content, in the hash that ids of this length are
// of.
func blobID(content []byte, length int) string {
	var h hash.Hash = sha1.New() // #nosec G401 -- git's object ids
	if length == sha256.Size*2 {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// sameChange reports whether the way from one text to another takes out and puts
// in the same lines as that between two others. Where that is not known, it may.
func sameChange(from, to, from2, to2 []byte) bool {
	one, ok := changed(from, to)
	two, ok2 := changed(from2, to2)
	return !ok || !ok2 || maps.Equal(one, two)
}

// changed counts the lines that were put in, and those that were taken out as less
// than nothing.
func changed(from, to []byte) (map[string]int, bool) {
	if len(from) > maxMergeBytes || len(to) > maxMergeBytes {
		return nil, false
	}
	count := map[string]int{}
	for _, l := range lines(to) {
		count[l]++
	}
	for _, l := range lines(from) {
		count[l]--
	}
	maps.DeleteFunc(count, func(_ string, n int) bool { return n == 0 })
	return count, true
}
