// Package markdown tells what a reader on GitHub sees of a Markdown text.
//
// It is a thin layer on goldmark's GFM parser. [Parse] reduces the syntax tree
// to live blocks: headings, paragraphs, lists, tables and the text of HTML
// blocks, each with its place in the source. What a reader does not see as
// text, or sees as somebody else's words, is not live and goes to
// [Document.Regions] with the reason: code (fenced, indented, unclosed, <pre>),
// HTML comments (also unclosed) and quotations. Text inside <details> is live.
//
// HTML that stays open hides what follows it, as in a browser: an unclosed
// comment, <pre> or <blockquote> reaches over the blocks after it. Struck-out
// text stays in place, marked as such, and [Line.String] leaves it out.
//
// # Limits
//
// Parsing is total and stays near-linear. Text beyond [MaxSize] bytes is cut at
// a line, which Document.TooLong tells. Containers nested deeper than
// [MaxDepth], blocks with more markup than any person writes and giant tables
// are read as plain text, which Document.TooDeep tells: what GitHub would make
// of such a text is then unknown, and callers must not trust the blocks.
package markdown

import (
	"bytes"
	"strings"
	"unicode"
)

// MaxSize is the number of bytes that are read: GitHub's limit for a body is
// 65,536 characters.
const MaxSize = 64 << 10

// Kind is the kind of a live block.
type Kind int

// The kinds of live blocks. Hidden stands in the place of a region that is not
// live, so that "the value is in a code block" can be told.
const (
	Heading Kind = iota
	Paragraph
	List
	Item
	Table
	Row
	Cell
	Hidden
)

// Tick is the state of a task list's box.
type Tick int

// The states of a box. NoBox is an item of a plain list.
const (
	NoBox Tick = iota
	Unticked
	Ticked
)

// Block is a live block. Line and Column count from 1, columns in bytes.
type Block struct {
	Kind     Kind
	Level    int  // of a heading
	Ordered  bool // a numbered list
	Header   bool // the header row of a table
	Tick     Tick // of an item
	Line     int
	Column   int
	Lines    []Line   // of a heading, paragraph or cell
	Children []*Block // of a list, item, table or row
	Region   *Region  // of a Hidden block
}

// Text returns the visible text of the block's own lines, joined by spaces.
func (b *Block) Text() string {
	parts := make([]string, 0, len(b.Lines))
	for _, l := range b.Lines {
		if s := l.String(); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// Line is one line of a block's text.
type Line []Span

// String returns what is visible and not struck out, trimmed.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		if !s.Struck && !s.Image && !s.Tag {
			b.WriteString(s.Text)
		}
	}
	return strings.TrimFunc(b.String(), unicode.IsSpace)
}

// Span is a piece of a line with one appearance.
type Span struct {
	Text         string
	Line, Column int
	Strong       bool
	Code         bool
	Struck       bool
	Image        bool   // Text is the alternative text, which is not shown
	Tag          bool   // Text is an HTML tag, which is not shown
	Link         string // the destination, when the span is (part of) a link
}

// Reason says why a region is not live.
type Reason string

// The reasons, as phrases that fit behind "it is".
const (
	InFence    Reason = "inside a code fence"
	InIndented Reason = "inside an indented code block"
	InCode     Reason = "inside an HTML code block"
	InComment  Reason = "inside an HTML comment"
	InQuote    Reason = "inside a quotation"
	InTag      Reason = "inside an HTML tag that is not closed"
)

// Region is a part of the text that is not live. Opened is the line on which
// it begins.
type Region struct {
	Reason Reason
	Opened int
	Lines  []RawLine
}

// RawLine is a line of a region, as written.
type RawLine struct {
	Text string
	Line int
}

// Document is a parsed text.
type Document struct {
	Blocks  []*Block
	Regions []Region
	TooLong bool
	TooDeep bool
}

// Parse reads text as GitHub shows it.
func Parse(text string) *Document {
	doc := &Document{}
	src, cut := source(text)
	src, numbers := squeeze(src)
	doc.TooLong = cut
	root, deep := parse(src)
	w := newWalker(doc, src, numbers)
	doc.Blocks = w.blocks(root)
	doc.TooDeep = deep
	return doc
}

// source normalises line ends and characters that have no place in a text, and
// cuts it at the last line that fits.
func source(text string) (src []byte, cut bool) {
	if len(text) > MaxSize {
		end := strings.LastIndexAny(text[:MaxSize], "\r\n")
		text, cut = text[:max(end, 0)], true
	}
	text = strings.TrimPrefix(text, "\ufeff")
	src = bytes.ToValidUTF8([]byte(text), []byte("\ufffd"))
	if bytes.IndexByte(src, '\r') >= 0 {
		src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
		src = bytes.ReplaceAll(src, []byte("\r"), []byte("\n"))
	}
	if bytes.IndexByte(src, 0) >= 0 {
		src = bytes.ReplaceAll(src, []byte{0}, []byte("\ufffd"))
	}
	return src, cut
}

// squeeze keeps one of several blank lines: they mean the same, and goldmark
// asks every open list about each of them. numbers holds the line number of
// each line that is left.
func squeeze(src []byte) (kept []byte, numbers []int) {
	blank := false
	number := 0
	for line := range bytes.Lines(src) {
		number++
		wasBlank := blank
		blank = len(bytes.Trim(line, " \t\n")) == 0
		if blank && wasBlank {
			continue
		}
		kept = append(kept, line...)
		numbers = append(numbers, number)
	}
	return kept, append(numbers, number+1)
}
