package markdown

import (
	"bytes"
	"html"
	"sort"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// walker turns goldmark's tree into live blocks, in document order: HTML that
// one block leaves open reaches over the next.
type walker struct {
	doc     *Document
	src     []byte
	text    string // src again: spans are slices of it
	starts  []int  // offsets of the lines
	numbers []int  // of the lines, as the writer counts them
	last    int    // the line that was asked for last
	html    openHTML
	quote   int // the line on which the outermost open quotation begins
}

func newWalker(doc *Document, src []byte, numbers []int) *walker {
	w := &walker{doc: doc, src: src, text: string(src), numbers: numbers}
	w.starts = make([]int, 1, len(numbers))
	for i, c := range src {
		if c == '\n' {
			w.starts = append(w.starts, i+1)
		}
	}
	return w
}

// place returns the line and column of an offset.
func (w *walker) place(offset int) (line, column int) {
	// Offsets are asked for nearly in order.
	i := w.last
	if offset < w.starts[i] || i+1 < len(w.starts) && offset >= w.starts[i+1] {
		i = sort.SearchInts(w.starts, offset+1) - 1
		w.last = i
	}
	return w.numbers[i], offset - w.starts[i] + 1
}

func (w *walker) blocks(parent ast.Node) []*Block {
	var out []*Block
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if b := w.block(n); b != nil {
			out = append(out, b)
		}
	}
	return out
}

func (w *walker) block(n ast.Node) *Block {
	switch n := n.(type) {
	case *ast.FencedCodeBlock:
		return w.hide(n, InFence, w.line(n))
	case *ast.CodeBlock:
		return w.hide(n, InIndented, w.line(n))
	case *ast.HTMLBlock:
		return w.htmlBlock(n)
	case *ast.Blockquote:
		return w.quotation(n)
	}
	if reason, opened := w.html.hides(); reason != "" && !container(n) {
		w.inlines(n) // its tags may close what hides it
		return w.hide(n, reason, opened)
	}
	b := &Block{}
	b.Line, b.Column = w.place(max(n.Pos(), 0))
	switch n := n.(type) {
	case *ast.Heading:
		b.Kind, b.Level, b.Lines = Heading, n.Level, w.inlines(n)
	case *ast.Paragraph, *ast.TextBlock:
		b.Kind, b.Lines = Paragraph, w.inlines(n)
	case *ast.List:
		b.Kind, b.Ordered, b.Children = List, n.IsOrdered(), w.blocks(n)
	case *ast.ListItem:
		b.Kind, b.Tick, b.Children = Item, tick(n), w.blocks(n)
	case *extast.Table:
		b.Kind, b.Children = Table, w.blocks(n)
	case *extast.TableHeader:
		b.Kind, b.Header, b.Children = Row, true, w.blocks(n)
	case *extast.TableRow:
		b.Kind, b.Children = Row, w.blocks(n)
	case *extast.TableCell:
		b.Kind, b.Lines = Cell, w.inlines(n)
	default:
		return nil
	}
	if w.quote != 0 {
		return w.hide(n, InQuote, w.quote)
	}
	return b
}

func container(n ast.Node) bool {
	switch n.(type) {
	case *ast.List, *ast.ListItem, *extast.Table, *extast.TableHeader, *extast.TableRow:
		return true
	}
	return false
}

func tick(item *ast.ListItem) Tick {
	if item.FirstChild() == nil {
		return NoBox
	}
	box, ok := item.FirstChild().FirstChild().(*extast.TaskCheckBox)
	switch {
	case !ok:
		return NoBox
	case box.IsChecked:
		return Ticked
	default:
		return Unticked
	}
}

func (w *walker) line(n ast.Node) int {
	line, _ := w.place(max(n.Pos(), 0))
	return line
}

// hide enters a leaf as a region that is not live.
func (w *walker) hide(n ast.Node, reason Reason, opened int) *Block {
	b := &Block{Kind: Hidden}
	b.Line, b.Column = w.place(max(n.Pos(), 0))
	if w.quote != 0 {
		reason, opened = InQuote, w.quote
	}
	region := Region{Reason: reason, Opened: opened}
	if !container(n) {
		region.Lines = w.raw(n.Lines())
	}
	b.Region = &region
	if len(region.Lines) > 0 {
		w.doc.Regions = append(w.doc.Regions, region)
	}
	return b
}

func (w *walker) raw(segments *text.Segments) []RawLine {
	out := make([]RawLine, 0, segments.Len())
	for i := range segments.Len() {
		s := segments.At(i)
		line, _ := w.place(s.Start)
		out = append(out, RawLine{strings.TrimSpace(w.text[s.Start:s.Stop]), line})
	}
	return out
}

func (w *walker) quotation(n *ast.Blockquote) *Block {
	before := w.quote
	if w.quote == 0 {
		w.quote = w.line(n)
	}
	b := &Block{Kind: Hidden, Region: &Region{Reason: InQuote, Opened: w.quote}}
	b.Line, b.Column = w.place(max(n.Pos(), 0))
	commented := w.html.comment != 0
	w.blocks(n)
	w.quote = before
	if w.html.comment != 0 && !commented {
		w.html.element("blockquote", false, b.Line) // the comment swallows its end
	}
	return b
}

// htmlBlock reads the text of an HTML block as a paragraph.
func (w *walker) htmlBlock(n *ast.HTMLBlock) *Block {
	lines := n.Lines()
	segments := make([]text.Segment, 0, lines.Len()+1)
	for i := range lines.Len() {
		segments = append(segments, lines.At(i))
	}
	if n.HasClosure() {
		segments = append(segments, n.ClosureLine)
	}
	b := &Block{Kind: Paragraph}
	b.Line, b.Column = w.place(max(n.Pos(), 0))
	raw := n.HTMLBlockType == ast.HTMLBlockType1
	for _, s := range segments {
		line, column := w.place(s.Start)
		written := strings.TrimRight(w.text[s.Start:s.Stop], "\n")
		shown := w.html.scan(written, line, column)
		if raw {
			shown = nil
		}
		reason, opened := w.html.hides()
		if raw && reason == "" {
			reason, opened = InCode, b.Line
		}
		switch {
		case w.quote != 0:
			reason, opened, shown = InQuote, w.quote, nil
		case reason == "" && len(shown) == 0 && strings.Contains(written, "-->"):
			reason, opened = InComment, b.Line
		}
		if len(shown) > 0 {
			b.Lines = append(b.Lines, shown)
		}
		if reason != "" {
			w.region(reason, opened, RawLine{strings.TrimSpace(written), line})
		}
	}
	w.html.endBlock()
	if len(b.Lines) == 0 {
		return nil
	}
	return b
}

// region adds a line to the region that it belongs to.
func (w *walker) region(reason Reason, opened int, l RawLine) {
	if n := len(w.doc.Regions); n > 0 {
		if last := &w.doc.Regions[n-1]; last.Reason == reason && last.Opened == opened {
			last.Lines = append(last.Lines, l)
			return
		}
	}
	w.doc.Regions = append(w.doc.Regions, Region{reason, opened, []RawLine{l}})
}

// inlines returns the lines of a block's text.
func (w *walker) inlines(n ast.Node) []Line {
	c := &collector{walker: w}
	c.children(n, Span{})
	return c.done()
}

type collector struct {
	*walker
	lines []Line
	line  Line
}

func (c *collector) done() []Line {
	c.breakLine()
	return c.lines
}

func (c *collector) breakLine() {
	if len(c.line) > 0 {
		c.lines = append(c.lines, c.line)
	}
	c.line = nil
}

func (c *collector) add(look Span, offset int, text string) {
	look.Text = text
	look.Line, look.Column = c.place(offset)
	look.Struck = look.Struck || c.html.struck()
	c.line = append(c.line, look)
}

func (c *collector) children(parent ast.Node, look Span) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		c.inline(n, look)
	}
}

func (c *collector) inline(n ast.Node, look Span) {
	switch n := n.(type) {
	case *ast.Text:
		c.text(n, look)
	case *ast.String:
		c.line = append(c.line, Span{Text: string(n.Value)})
	case *ast.CodeSpan:
		look.Code = true
		c.children(n, look)
	case *ast.Emphasis:
		look.Strong = look.Strong || n.Level == 2
		c.children(n, look)
	case *extast.Strikethrough:
		look.Struck = true
		c.children(n, look)
	case *ast.Link:
		look.Link = string(n.Destination)
		c.children(n, look)
	case *ast.Image:
		look.Image = true
		c.children(n, look)
	case *ast.AutoLink:
		look.Link = string(n.URL(c.src))
		label := n.Label(c.src)
		offset := max(n.Pos(), 0) // of the space in front of a bare address
		c.add(look, offset+max(bytes.Index(c.src[offset:], label), 0), string(label))
	case *ast.RawHTML:
		c.tag(n, look)
	case *extast.TaskCheckBox:
	default:
		c.children(n, look)
	}
}

func (c *collector) text(n *ast.Text, look Span) {
	value := c.walker.text[n.Segment.Start:n.Segment.Stop]
	switch {
	case look.Code:
		// A code span over several lines is one line to the reader.
		value = strings.ReplaceAll(value, "\n", " ")
	case strings.ContainsAny(value, "&\\"):
		value = html.UnescapeString(string(util.UnescapePunctuations([]byte(value))))
	}
	if value != "" {
		c.add(look, n.Segment.Start, value)
	}
	if !look.Code && (n.SoftLineBreak() || n.HardLineBreak()) {
		c.breakLine()
	}
}

// tag notes an inline tag. Comments are dropped: they are hints to the writer.
func (c *collector) tag(n *ast.RawHTML, look Span) {
	var raw []byte
	for i := range n.Segments.Len() {
		s := n.Segments.At(i)
		raw = append(raw, s.Value(c.src)...)
	}
	offset := n.Segments.At(0).Start
	line, column := c.place(offset)
	c.html.scan(string(raw), line, column)
	switch {
	case bytes.HasPrefix(raw, []byte("<!--")):
	case strings.HasPrefix(strings.ToLower(string(raw)), "<br"):
		c.breakLine()
	default:
		look.Tag = true
		c.add(look, offset, string(raw))
	}
}
