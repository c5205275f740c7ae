package policy

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// version is a tag as a release's name: "cart/v1.2.0-rc.1" has the prefix
// "cart/", the numbers 1, 2 and 0, and is a version before the release.
type version struct {
	prefix  string
	numbers []string
	pre     bool
}

var versioned = regexp.MustCompile(`^(.*?)(?:v?(\d+(?:\.\d+)+)([-+].*)?|v?(\d+(?:[.-]\d+)*))$`)

// versionOf reads a tag, and reports false when no version stands at its end.
func versionOf(tag string) (version, bool) {
	m := versioned.FindStringSubmatch(tag)
	if m == nil {
		return version{}, false
	}
	numbers := m[2]
	if numbers == "" {
		numbers = strings.ReplaceAll(m[4], "-", ".")
	}
	return version{prefix: m[1], numbers: strings.Split(numbers, "."), pre: strings.HasPrefix(m[3], "-")}, true
}

// compare orders versions by their numbers, those before a release first.
func (v version) compare(w version) int {
	for i := range max(len(v.numbers), len(w.numbers)) {
		var a, b string
		if i < len(v.numbers) {
			a = strings.TrimLeft(v.numbers[i], "0")
		}
		if i < len(w.numbers) {
			b = strings.TrimLeft(w.numbers[i], "0")
		}
		if c := cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)); c != 0 {
			return c
		}
	}
	switch {
	case v.pre == w.pre:
		return 0
	case v.pre:
		return -1
	default:
		return 1
	}
}

// IsVersion reports whether a tag is named like a release.
func IsVersion(tag string) bool {
	_, is := versionOf(tag)
	return is
}

// Predecessors lists those of the tags that may name the release before that of
// tag, the likeliest first: those with the same prefix, lower versions before
// higher ones, each the nearest first. A version before a release ("-rc.1") comes
// before such a version only: what a release brings is told since the release
// before it. For a tag without a version all releases may be.
func Predecessors(tag string, tags []string) []string {
	of, is := versionOf(tag)
	var found []string
	for _, t := range tags {
		v, ok := versionOf(t)
		if ok && t != tag && (!is || v.prefix == of.prefix) && (!v.pre || of.pre) {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		v, _ := versionOf(a)
		w, _ := versionOf(b)
		switch above := is && v.compare(of) > 0; {
		case above == (is && w.compare(of) > 0):
		case above:
			return 1
		default:
			return -1
		}
		return cmp.Or(w.compare(v), strings.Compare(a, b))
	})
	return found
}
