package sandbox

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"
)

// objects are the git objects of a repository and its forks.
type objects struct {
	blobs   map[string][]byte
	trees   map[string][]entry
	commits map[string]*commit
	tags    map[string]*tagObject
	diffs   map[string][]change
}

// entry is one line of a tree.
type entry struct {
	name, mode, sha string
}

// files are a commit's files, path by path. A value never changes after it is
// made.
type files map[string]entry

type commit struct {
	sha, tree         string
	files             files
	parents           []string
	author, committer signature
	message           string
	// signed tells that GitHub made and signed it, for a bot or on the web: people
	// cannot forge that.
	signed bool
}

type signature struct {
	name, email string
	user        *user // nil when the e-mail belongs to nobody
	at          time.Time
}

// tagObject is an annotated tag.
type tagObject struct {
	sha, name, message, target string
	tagger                     signature
}

func newObjects() *objects {
	return &objects{
		blobs: map[string][]byte{}, trees: map[string][]entry{},
		commits: map[string]*commit{}, tags: map[string]*tagObject{},
		diffs: map[string][]change{},
	}
}

func gitHash(kind string, content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "%s %d\x00", kind, len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

func (o *objects) addBlob(content string) string {
	sha := gitHash("blob", []byte(content))
	o.blobs[sha] = []byte(content)
	return sha
}

// with returns fs changed by content; an empty mode in deleted paths removes
// them.
func (o *objects) with(fs files, content map[string]string, deleted []string) files {
	next := maps.Clone(fs)
	if next == nil {
		next = files{}
	}
	for path, text := range content {
		mode := "100644"
		if old, ok := next[path]; ok {
			mode = old.mode
		}
		next[path] = entry{name: path, mode: mode, sha: o.addBlob(text)}
	}
	for _, path := range deleted {
		delete(next, path)
	}
	return next
}

// addTree stores the tree of the files below prefix and returns its SHA.
func (o *objects) addTree(fs files) string {
	direct := map[string]entry{}
	below := map[string]files{}
	for path, e := range fs {
		dir, rest, nested := strings.Cut(path, "/")
		if !nested {
			direct[path] = entry{name: path, mode: e.mode, sha: e.sha}
			continue
		}
		if below[dir] == nil {
			below[dir] = files{}
		}
		below[dir][rest] = e
	}
	for dir, inner := range below {
		direct[dir] = entry{name: dir, mode: "040000", sha: o.addTree(inner)}
	}
	list := slices.Collect(maps.Values(direct))
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.sortKey(), b.sortKey()) })
	var text bytes.Buffer
	for _, e := range list {
		raw, _ := hex.DecodeString(e.sha)
		fmt.Fprintf(&text, "%s %s\x00%s", strings.TrimPrefix(e.mode, "0"), e.name, raw)
	}
	sha := gitHash("tree", text.Bytes())
	o.trees[sha] = list
	return sha
}

// sortKey orders entries as git does: a directory as if it ended in a slash.
func (e entry) sortKey() string {
	if e.mode == "040000" {
		return e.name + "/"
	}
	return e.name
}

func (s signature) line() string {
	return fmt.Sprintf("%s <%s> %d +0000", s.name, s.email, s.at.Unix())
}

func (o *objects) addCommit(c commit) *commit {
	c.tree = o.addTree(c.files)
	var text strings.Builder
	fmt.Fprintf(&text, "tree %s\n", c.tree)
	for _, p := range c.parents {
		fmt.Fprintf(&text, "parent %s\n", p)
	}
	fmt.Fprintf(&text, "author %s\ncommitter %s\n\n%s\n", c.author.line(), c.committer.line(), c.message)
	c.sha = gitHash("commit", []byte(text.String()))
	o.commits[c.sha] = &c
	return &c
}

// history returns the SHAs that are reachable from tips.
func (o *objects) history(tips ...string) map[string]bool {
	seen := map[string]bool{}
	for len(tips) > 0 {
		sha := tips[len(tips)-1]
		tips = tips[:len(tips)-1]
		if c := o.commits[sha]; c != nil && !seen[sha] {
			seen[sha] = true
			tips = append(tips, c.parents...)
		}
	}
	return seen
}

// between returns the commits that are reachable from head and not from base,
// parents first.
func (o *objects) between(base, head string) []*commit {
	seen := o.history(base)
	var list []*commit
	// An explicit stack: histories are long, and parents come before children.
	type step struct {
		sha  string
		done bool
	}
	stack := []step{{sha: head}}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		c := o.commits[s.sha]
		if s.done {
			list = append(list, c)
			continue
		}
		if c == nil || seen[s.sha] {
			continue
		}
		seen[s.sha] = true
		stack = append(stack, step{s.sha, true})
		for _, p := range slices.Backward(c.parents) {
			stack = append(stack, step{sha: p})
		}
	}
	return list
}

// mergeBase returns the best common ancestor, "" when there is none.
func (o *objects) mergeBase(a, b string) string {
	left, right := o.history(a), o.history(b)
	covered := map[string]bool{}
	var common []string
	for sha := range left {
		if right[sha] {
			common = append(common, sha)
			for _, p := range o.commits[sha].parents {
				covered[p] = true
			}
		}
	}
	sort.Strings(common)
	for _, sha := range common {
		if !covered[sha] {
			return sha
		}
	}
	return ""
}

// merge joins theirs into ours file by file; ok is false when both changed one
// file differently.
func (o *objects) merge(base, ours, theirs files) (merged files, ok bool) {
	merged = maps.Clone(ours)
	if merged == nil {
		merged = files{}
	}
	paths := maps.Clone(base)
	if paths == nil {
		paths = files{}
	}
	maps.Copy(paths, theirs)
	for path := range paths {
		b, o, t := base[path], ours[path], theirs[path]
		switch {
		case t == b || t == o:
		case o == b && t == (entry{}):
			delete(merged, path)
		case o == b:
			merged[path] = t
		default:
			return nil, false
		}
	}
	return merged, true
}

// at returns a commit that must exist.
func (o *objects) at(sha string) *commit {
	c, ok := o.commits[sha]
	if !ok {
		panic(fmt.Sprintf("sandbox: there is no commit %q", sha))
	}
	return c
}
