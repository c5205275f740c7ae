package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"gonogo/internal/gate"
)

// FilesEvidence is what risk/floor asks.
type FilesEvidence interface {
	// Files lists all changed files, or says why not all are known.
	Files() gate.Reading[[]gate.File]
}

// floorRule is the lowest class that may be declared, and what makes it so.
type floorRule struct {
	class   gate.Class
	because string
}

// riskFloor: changed paths and labels may ask for a higher class than the
// record declares. Declaring more than is needed is free.
func riskFloor(q question, e FilesEvidence) []gate.Finding {
	if files := e.Files(); !files.Known {
		return one(unread("the list of changed files", files.Why))
	}
	if q.Record.Class == gate.Undeclared || q.Record.Class >= q.floor.class {
		return nil // an undeclared class is the record's own gap
	}
	return one(gate.Finding{
		Status: gate.Fail, Code: "risk-floor", By: gate.ByAuthor, Field: gate.FieldClass,
		Fact: fmt.Sprintf("declared %s, but %s makes it %s", q.Record.Class, q.floor.because, q.floor.class),
		Fix:  "edit the record in the pull request's description",
		Type: "- Risk class: " + q.floor.class.String(),
	})
}

// floorOf returns the highest floor that the changed files and labels reach. A
// list that GitHub cut short reaches all of them.
func floorOf(p *Policy, labels []string, files gate.Reading[[]gate.File]) floorRule {
	floor := floorRule{class: gate.Low}
	raise := func(c gate.Class, because string) {
		if c > floor.class {
			floor = floorRule{class: c, because: because}
		}
	}
	switch {
	case files.Known:
	case files.Why.Cause == gate.CauseTruncated:
		raise(gate.High, "a change too large to list")
	case !p.blocks("risk/floor", gate.Low): // else risk/floor says that they are unread
		raise(gate.High, "a list of files that could not be read")
	}
	if slices.Contains(touched(files.Value), Path) { // whatever the floors of the file itself say
		raise(gate.High, gate.Quote(Path)+", the policy itself")
	}
	for _, name := range p.ciFiles(files.Value) {
		raise(gate.Medium, gate.Quote(name)+", which says what CI does,")
	}
	for _, rule := range p.Floors {
		class := gate.ParseClass(rule.Class)
		for _, label := range rule.Labels {
			if slices.ContainsFunc(labels, func(l string) bool { return strings.EqualFold(l, label) }) {
				raise(class, "the label "+gate.Quote(label))
			}
		}
		for _, name := range touched(files.Value) {
			if pattern := rule.matches(name); pattern != "" {
				raise(min(class, ceiling(name)), fmt.Sprintf("%s (floor %s)", gate.Quote(name), gate.Quote(pattern)))
			}
		}
	}
	for _, f := range files.Value {
		if because := sensitiveKind(f); because != "" {
			raise(gate.High, because)
		}
	}
	return floor
}

// touched lists the paths of files in order, both names of a renamed one.
func touched(files []gate.File) []string {
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
		if f.Previous != "" {
			names = append(names, f.Previous)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// matches returns the pattern of the floor that name matches, or "".
func (f Floor) matches(name string) string {
	for _, glob := range f.Paths {
		if matchAny([]string{glob}, name) {
			return glob
		}
	}
	if len(f.Words) == 0 {
		return ""
	}
	words := pathWords(name)
	for _, w := range f.Words {
		if slices.ContainsFunc(words, func(have string) bool { return singular(have) == singular(w) }) {
			return w
		}
	}
	return ""
}

// ceiling is the highest class that a path can raise to: documents and images
// nothing, tests medium.
func ceiling(name string) gate.Class {
	lower := strings.ToLower(name)
	switch path.Ext(lower) {
	case ".md", ".markdown", ".mdx", ".rst", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico":
		return gate.Low
	}
	if strings.HasPrefix(lower, "docs/") {
		return gate.Low
	}
	for _, dir := range strings.Split(path.Dir(lower), "/") {
		switch dir {
		case "test", "tests", "testdata", "__tests__", "spec", "specs", "fixtures":
			return gate.Medium
		}
	}
	stem := strings.TrimSuffix(path.Base(lower), path.Ext(lower))
	for _, mark := range []string{"_test", ".test", ".spec", "_spec", "-test"} {
		if strings.HasSuffix(stem, mark) {
			return gate.Medium
		}
	}
	camel := strings.TrimSuffix(path.Base(name), path.Ext(name)) // AuthTest.java, AuthTests.cs, AuthSpec.scala
	if strings.HasPrefix(stem, "test_") || strings.HasSuffix(camel, "Test") || strings.HasSuffix(camel, "Tests") || strings.HasSuffix(camel, "Spec") {
		return gate.Medium
	}
	return gate.High
}

// pathWords splits a path into lower-case words at slashes, dashes, underlines,
// dots, digits and the humps of camel case: "src/OAuthClient2.go" is src, oauth,
// o, auth, client, go.
func pathWords(name string) []string {
	var words []string
	for _, part := range strings.FieldsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r)
	}) {
		words = append(words, strings.ToLower(part))
		words = append(words, humps(part)...)
	}
	return words
}

func humps(s string) []string {
	var words []string
	runes := []rune(s)
	start := 0
	for i := 1; i < len(runes); i++ {
		up := unicode.IsUpper(runes[i])
		afterLower := up && !unicode.IsUpper(runes[i-1])
		beforeLower := up && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if afterLower || beforeLower {
			words = append(words, strings.ToLower(string(runes[start:i])))
			start = i
		}
	}
	return append(words, strings.ToLower(string(runes[start:])))
}

// singular strips a plural ending; it is used on both sides of a comparison.
func singular(w string) string {
	w = strings.ToLower(w)
	if strings.HasSuffix(w, "ies") && len(w) > 4 {
		return strings.TrimSuffix(w, "ies") + "y"
	}
	if strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") && len(w) > 3 {
		return strings.TrimSuffix(w, "s")
	}
	return w
}
