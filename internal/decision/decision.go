// Package decision reads the Release Decision record of a pull request's body.
//
// [Parse] is pure and total: any text gives a [gate.Record], with all problems
// at once, each with its place and what to write instead. It reads what a
// reader on GitHub sees (package markdown), in four steps:
//
//	live headings ─▶ section ─▶ entries (label, values) ─▶ record and problems
//	section.go       label.go   read.go                    judge.go and one file
//	                                                       per kind of value
//
// Two rules keep it honest. A value of a closed set must equal an allowed word
// once spaces, dashes, case, invisible characters and emoji around it are
// folded: what merely contains the word is not given. And nothing is guessed
// where two readings are possible: two blocks, a field that stands twice, two
// ticked boxes are told, and no one of them wins.
//
// A record is ready when it has no problem of severity error ([Ready]). Which
// problems are errors follows from the class that the record declares; an
// undeclared class is judged as high. Whether owners exist, whether the time
// stamp lies in the future and what policy asks beyond the canonical block is
// judged elsewhere: this package knows no clock and no policy.
package decision

import (
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// The codes of problems. They are stable.
const (
	CodeNoBlock        = "no-block"
	CodeDuplicateBlock = "duplicate-block"
	CodeTooDeep        = "body-too-deep"
	CodeTooLong        = "body-too-long"
	CodeMissing        = "missing-field"
	CodeEmpty          = "empty-field"
	CodePlaceholder    = "placeholder"
	CodeDuplicate      = "duplicate-field"
	CodeUnknown        = "unknown-field"
	CodeRisk           = "risk-unclear"
	CodeType           = "type-unclear"
	CodeGate           = "gate-unclear"
	CodeDecision       = "decision-unclear"
	CodeConfusable     = "confusable"
	CodeBidi           = "bidi-character"
	CodeTimestamp      = "timestamp"
	CodeTrigger        = "trigger-vague"
	CodeOwner          = "owner-unnamed"
	CodeOwners         = "owner-unclear"
	CodeContradiction  = "contradiction"
	CodeNoGo           = "no-go"
	CodeGateFailed     = "gate-failed"
)

// Ready reports whether a record has nothing against it in itself.
func Ready(r gate.Record) bool {
	return r.Found && !slices.ContainsFunc(r.Problems, func(p gate.Problem) bool { return p.Severity == gate.Error })
}

// Parse reads the record of a pull request's body.
func Parse(body string) gate.Record {
	doc := markdown.Parse(body)
	j := &judge{}
	if doc.TooLong {
		j.fail(CodeTooLong, "", 0, 0, "the text is longer than 64 KiB; what comes after that is not read",
			"shorten the pull request's description, or move logs and long lists to a comment")
	}
	if doc.TooDeep {
		j.fail(CodeTooDeep, "", 0, 0, "the text is too deeply nested, or holds too much markup, to be read reliably",
			"put the block under a heading of its own, outside of nested lists and quotations, and leave out generated tables")
		return j.record
	}
	j.record.Drill = drill(doc.Blocks)
	found := titles(doc.Blocks)
	switch {
	case len(found) == 0 && doc.TooLong:
	case len(found) == 0:
		j.noBlock(doc)
	case len(found) > 1:
		j.duplicateBlock(found)
	default:
		j.block(doc, found[0])
	}
	j.sort()
	return j.record
}

func (j *judge) noBlock(doc *markdown.Document) {
	fact, line := whyNoBlock(doc)
	message := "there is no live heading `Release Decision`"
	if fact != "" {
		message += "; " + fact
	}
	j.fail(CodeNoBlock, "", line, 0, message,
		"add `### Release Decision` with its fields as plain text; `gonogo template` prints the block to fill in")
}

// whyNoBlock says what was found in place of a live heading, and where.
func whyNoBlock(doc *markdown.Document) (fact string, line int) {
	for _, region := range doc.Regions {
		for _, l := range region.Lines {
			if isTitle(strings.TrimLeft(l.Text, "#> ")) || isTitle(markdown.Visible(strings.Trim(stripTags(l.Text), "#> "))) {
				return fmt.Sprintf("there is one on line %d, but it is %s opened on line %d, which does not count",
					l.Line, region.Reason, region.Opened), l.Line
			}
		}
	}
	return nearTitle(doc.Blocks)
}

// nearTitle finds a heading or line that may have been meant as the title.
func nearTitle(blocks []*markdown.Block) (fact string, line int) {
	for _, b := range blocks {
		for _, l := range b.Lines {
			text := markdown.Visible(l.String())
			form := foldLabel(text)
			switch {
			case b.Kind == markdown.Paragraph && isTitle(strings.TrimRight(strings.TrimLeft(text, "#"), ":")):
				return fmt.Sprintf("line %d says %s, but as plain text and not as a heading", l[0].Line, gate.Quote(text)), l[0].Line
			case b.Kind == markdown.Heading && strings.HasPrefix(form, "release decision"):
				return fmt.Sprintf("the heading on line %d says %s: only a version, a date, or a translation after a slash may follow", l[0].Line, gate.Quote(text)), l[0].Line
			case b.Kind == markdown.Heading && distance(form, "release decision", 2) <= 2:
				return fmt.Sprintf("the heading on line %d says %s", l[0].Line, gate.Quote(text)), l[0].Line
			}
		}
		if fact, line := nearTitle(b.Children); fact != "" {
			return fact, line
		}
	}
	return "", 0
}

// stripTags drops HTML tags from a line that is searched for a title only.
func stripTags(s string) string {
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '<':
			depth++
		case r == '>' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (j *judge) duplicateBlock(found []*markdown.Block) {
	lines := make([]int, len(found))
	for i, b := range found {
		lines[i] = b.Line
	}
	j.fail(CodeDuplicateBlock, "", found[1].Line, found[1].Column,
		fmt.Sprintf("there are %d headings `Release Decision`, on lines %s; none of them counts", len(found), lineList(lines)),
		"keep one block and delete the others")
}

// drill lists the boxes under a live heading "Pre-release drill".
func drill(blocks []*markdown.Block) []gate.DrillItem {
	var items []gate.DrillItem
	var under int
	var walk func([]*markdown.Block)
	walk = func(blocks []*markdown.Block) {
		for _, b := range blocks {
			switch {
			case b.Kind == markdown.Heading && isDrill(b.Text()):
				under = b.Level
			case b.Kind == markdown.Heading && b.Level <= under:
				under = 0
			case b.Kind == markdown.Item && b.Tick != markdown.NoBox && under > 0 && len(b.Children) > 0:
				if text := markdown.Visible(b.Children[0].Text()); text != "" {
					items = append(items, gate.DrillItem{Text: text, Done: b.Tick == markdown.Ticked})
				}
			}
			walk(b.Children)
		}
	}
	walk(blocks)
	return items
}

func isDrill(text string) bool {
	for _, form := range labelForms(text) {
		switch form {
		case "pre release drill", "pre release drill checklist", "prerelease drill":
			return true
		}
	}
	return false
}
