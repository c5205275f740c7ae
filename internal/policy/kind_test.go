package policy

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

// What a diff does not show makes a change high.
func TestWhatADiffDoesNotShow(t *testing.T) {
	const sha = "0123456789abcdef0123456789abcdef01234567"
	file := func(patch string) gate.File {
		return gate.File{Path: "vendor/lib", Status: "modified", Patch: patch, HasPatch: true}
	}
	link := file("@@ -0,0 +1 @@\n+../secrets\n\\ No newline at end of file")
	image := gate.File{Path: "logo.bin", Status: "added"}
	read := func(f gate.File, k gate.FileKind) gate.File { f.Kind = k; return f }
	for _, tt := range []struct {
		name string
		file gate.File
		ask  bool
		want string
	}{
		{"a new submodule", file("@@ -0,0 +1 @@\n+Subproject commit " + sha), false, "vendor/lib, a submodule,"},
		{"a submodule moved on", file("@@ -1 +1 @@\n-Subproject commit " + sha + "\n+Subproject commit " + sha), false, "vendor/lib, a submodule,"},
		{"a text that speaks of one", file("@@ -1,2 +1,3 @@\n How to\n+Subproject commit " + sha + "\n+means another repository\n end"), false, ""},
		{"a new LFS pointer", file("@@ -0,0 +1,3 @@\n+version https://git-lfs.github.com/spec/v1\n+oid sha256:1\n+size 3"), false, "vendor/lib, a pointer to content in Git LFS,"},
		{"an LFS pointer moved on", file("@@ -1,3 +1,3 @@\n version https://git-lfs.github.com/spec/v1\n-oid sha256:1\n+oid sha256:2\n size 3"), false, "vendor/lib, a pointer to content in Git LFS,"},
		{"an LFS pointer of a former name", file("@@ -0,0 +1,3 @@\n+version https://hawser.github.com/spec/v1\n+oid sha256:1\n+size 3"), false, "vendor/lib, a pointer to content in Git LFS,"},
		{"an LFS pointer of the first name", file("@@ -0,0 +1,3 @@\n+version http://git-media.io/v/2\n+oid sha256:1\n+size 3"), false, "vendor/lib, a pointer to content in Git LFS,"},
		{"an LFS pointer behind white space", file("@@ -0,0 +1,4 @@\n+\n+\t version https://git-lfs.github.com/spec/v1\n+oid sha256:1\n+size 3"), false, "vendor/lib, a pointer to content in Git LFS,"},
		{"a link, before the tree is read", link, true, ""},
		{"a link", read(link, gate.FileLink), false, "vendor/lib, a symbolic link,"},
		{"a link, where the tree cannot be read", read(link, gate.FileUntold), false, "vendor/lib, of which it cannot be told whether it is a link,"},
		{"a file became a link", file("@@ -1,2 +1 @@\n-one\n-two\n+../secrets\n\\ No newline at end of file"), true, ""},
		{"a link to a name with a line break", file("@@ -0,0 +1,2 @@\n+../one\n+two\n\\ No newline at end of file"), true, ""},
		{"a link became a file", file("@@ -1 +1,2 @@\n-../secrets\n\\ No newline at end of file\n+one\n+two"), false, ""},
		{"a long file without a line break at its end", file("@@ -0,0 +1 @@\n+" + strings.Repeat("x", maxLinkBytes) + "\n\\ No newline at end of file"), false, ""},
		{"the end of a long file", file("@@ -90,2 +90,2 @@\n one\n-two\n+three\n\\ No newline at end of file"), false, ""},
		{"a small file", file("@@ -0,0 +1,2 @@\n+package cart\n+var a = 1"), false, ""},
		{"a file without a patch", image, true, ""},
		{"a removed one", gate.File{Path: "logo.bin", Status: "removed"}, false, ""},
		{"a mode that changed", gate.File{Path: "run.sh", Status: "changed", HasPatch: true}, true, ""},
	} {
		if got := MayBeLink(tt.file); got != tt.ask {
			t.Errorf("%s: the tree is asked: %t", tt.name, got)
		}
		if got := unquoted(sensitiveKind(tt.file)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
