package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The SHAs were made by git itself.
func TestObjectsAreGits(t *testing.T) {
	o := newObjects()
	fs := o.with(nil, map[string]string{"README.md": "# shop\n", "a/b/c.txt": "x\n", "a.txt": "y\n"}, nil)
	by := signature{name: "kim", email: "kim@example.com", at: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}
	c := o.addCommit(commit{files: fs, author: by, committer: by, message: "Start"})
	for _, want := range []struct{ what, got, sha string }{
		{"blob", fs["README.md"].sha, "310f3980a081a8b4db0c21b53c3994c75fb2e367"},
		{"tree", c.tree, "e6017d46dce90e26b8b5a7d05d2170680f08d4f5"},
		{"commit", c.sha, "c28d9969016cb70eaa46417cf6460cebda09511f"},
	} {
		if want.got != want.sha {
			t.Errorf("%s is %s, git says %s", want.what, want.got, want.sha)
		}
	}
}

func TestPatchesAreGits(t *testing.T) {
	old := "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n"
	now := strings.Replace(old, "two", "2", 1) + "eleven"
	for _, c := range []struct{ name, old, now, want string }{
		{"a change and an end without a line break", old, now, `@@ -1,5 +1,5 @@
 one
-two
+2
 three
 four
 five
@@ -8,3 +8,4 @@ 
 eight
 nine
 ten
+eleven
\ No newline at end of file`},
		{"a new file", "", "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b"},
		{"a new file of one line without a break", "", "a", "@@ -0,0 +1 @@\n+a\n\\ No newline at end of file"},
		{"a removed file", "a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b"},
		{"an empty new file", "", "", ""},
	} {
		// git names the function after a hunk's second "@@"; this does not.
		want := strings.ReplaceAll(c.want, "@@ \n", "@@\n")
		if got := patch(c.old, c.now); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
		}
	}
}

func TestDiffStatuses(t *testing.T) {
	o := newObjects()
	old := o.with(nil, map[string]string{"gone": "g\n", "moved": "m\n", "same": "s\n", "text": "1\n", "bin": "\x00a"}, nil)
	now := o.with(old, map[string]string{"text": "2\n", "new": "n\n", "to/moved": "m\n", "bin": "\x00b"}, []string{"gone", "moved"})
	var got []string
	for _, c := range o.diff(old, now) {
		got = append(got, fmt.Sprintf("%s %s<%s +%d -%d %v", c.status, c.path, c.previous, c.additions, c.deletions, c.patch != ""))
	}
	want := []string{
		"modified bin< +0 -0 false", "removed gone< +0 -1 true", "added new< +1 -0 true", "modified text< +1 -1 true",
		"renamed to/moved<moved +0 -0 false",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDiffLimits(t *testing.T) {
	o := newObjects()
	long := strings.Repeat("x\n", maxFilePatchLines+1)
	now := o.with(nil, map[string]string{"a": long, "b": "after the limit\n"}, nil)
	list := o.diff(nil, now)
	if a := list[0]; a.patch != "" || a.additions != maxFilePatchLines+1 {
		t.Errorf("a long file: %d additions, %d bytes of patch", a.additions, len(a.patch))
	}
	if b := list[1]; b.patch != "" || b.additions != 0 {
		t.Errorf("past the limit: %d additions, patch %q", b.additions, b.patch)
	}
}

func TestMergeBase(t *testing.T) {
	o := newObjects()
	add := func(message string, parents ...string) string {
		return o.addCommit(commit{message: message, parents: parents}).sha
	}
	root := add("root")
	main1 := add("main1", root)
	topic1 := add("topic1", root)
	topic2 := add("topic2", topic1, main1) // the base was merged into the topic
	main2 := add("main2", main1)
	for _, c := range []struct{ name, a, b, want string }{
		{"a merged base", main2, topic2, main1},
		{"a fork in the road", main2, topic1, root},
		{"an ancestor", root, topic2, root},
		{"strangers", main2, add("stranger"), ""},
	} {
		if got := o.mergeBase(c.a, c.b); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	var order []string
	for _, c := range o.between(main2, topic2) {
		order = append(order, c.message)
	}
	if got := strings.Join(order, " "); got != "topic1 topic2" {
		t.Errorf("between: %s", got)
	}
}

func TestMergeOfFiles(t *testing.T) {
	o := newObjects()
	base := o.with(nil, map[string]string{"a": "1", "b": "1", "c": "1"}, nil)
	ours := o.with(base, map[string]string{"a": "2"}, nil)
	theirs := o.with(base, map[string]string{"b": "2", "d": "new"}, []string{"c"})
	merged, clean := o.merge(base, ours, theirs)
	if !clean || len(merged) != 3 || merged["a"] != ours["a"] || merged["b"] != theirs["b"] || merged["d"] != theirs["d"] {
		t.Errorf("merged %v, clean %v", merged, clean)
	}
	if _, clean := o.merge(base, ours, o.with(base, map[string]string{"a": "3"}, nil)); clean {
		t.Error("a conflict was merged")
	}
}
