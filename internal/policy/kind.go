package policy

import (
	"fmt"
	"regexp"
	"strings"

	"gonogo/internal/gate"
)

// Not every path of a pull request holds what its diff shows. A symbolic link
// leads to another file, a submodule brings in a commit of another repository,
// and a pointer of Git LFS stands for content that lies elsewhere: none of it was
// in the diff that was reviewed and searched. Such a change is of class high.
//
// The list of changed files says nothing of this. Submodules and pointers show in
// their patches; for links the tree is asked, and only where the patch does not
// rule one out.

// maxLinkBytes is how long the target of a link can be.
const maxLinkBytes = 4096

const noNewline = `\ No newline at end of file`

// lfsPointer begins every pointer file of Git LFS, which takes former names of
// its format too, and white space before them.
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
var lfsPointer = regexp.MustCompile(`^[-+ ]\s*version https?://(git-lfs\.github\.com/spec|hawser\.github\.com/spec|git-media\.io/v)/`)

var (
	submoduleLine = regexp.MustCompile(`^Subproject commit [0-9a-f]{40,64}(-dirty)?$`)
	fromTheStart  = regexp.MustCompile(`^@@ -\d+(,\d+)? \+1(,\d+)? @@`)
)

// MayBeLink reports whether only the tree of the head tells if a changed file is
// a symbolic link or a submodule. The patch of a link is its target, which has
// no line break at its end.
func MayBeLink(f gate.File) bool {
	switch {
	case f.Status == "removed" || f.Kind != gate.FileOrdinary || fileKind(f) != gate.FileOrdinary:
		return false
	case !f.HasPatch || f.Status == "changed":
		return true
	case !fromTheStart.MatchString(f.Patch):
		return false
	}
	lines := strings.Split(strings.TrimSuffix(f.Patch, "\n"), "\n")
	if n := len(lines); n < 3 || lines[n-1] != noNewline || strings.HasPrefix(lines[n-2], "-") {
		return false
	}
	size := 0
	for _, line := range newSide(lines) {
		size += len(line) + 1
	}
	return size <= maxLinkBytes
}

// newSide are the lines of a patch that the new file has.
func newSide(lines []string) (side []string) {
	for _, line := range lines {
		if strings.HasPrefix(line, "+") || strings.HasPrefix(line, " ") {
			side = append(side, line[1:])
		}
	}
	return side
}

// fileKind is what the head has at a changed path, as far as the file itself tells.
func fileKind(f gate.File) gate.FileKind {
	if f.Kind != gate.FileOrdinary || !f.HasPatch {
		return f.Kind
	}
	changed, submodule := 0, true
	for line := range strings.Lines(f.Patch) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "@@"):
		case strings.HasPrefix(line, "+"), strings.HasPrefix(line, "-"):
			changed++
			submodule = submodule && submoduleLine.MatchString(line[1:])
			fallthrough
		default:
			if lfsPointer.MatchString(line) {
				return gate.FilePointer
			}
			submodule = submodule && line != noNewline
		}
	}
	if submodule && changed > 0 {
		return gate.FileSubmodule
	}
	return gate.FileOrdinary
}

// sensitiveKind says what makes a changed file more than its diff shows; "" when
// nothing does.
func sensitiveKind(f gate.File) string {
	switch fileKind(f) {
	case gate.FileLink:
		return fmt.Sprintf("%s, a symbolic link,", gate.Quote(f.Path))
	case gate.FileSubmodule:
		return fmt.Sprintf("%s, a submodule,", gate.Quote(f.Path))
	case gate.FilePointer:
		return fmt.Sprintf("%s, a pointer to content in Git LFS,", gate.Quote(f.Path))
	case gate.FileUntold:
		return fmt.Sprintf("%s, of which it cannot be told whether it is a link,", gate.Quote(f.Path))
	default:
		return ""
	}
}
