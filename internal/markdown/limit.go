package markdown

import (
	"bytes"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MaxDepth is the number of containers (quotations, lists and their items) that
// may lie in each other. goldmark takes quadratic time in it: 1.9 s for 64 KiB
// of "- - - …" without a limit.
const MaxDepth = 100

// Quadratic shapes need thousands of these in one block; a paragraph of a
// person has dozens. A table's cells are blocks of their own.
const (
	maxMarks = 1500     // places in one block at which inline markup may start
	maxAhead = 16 << 20 // bytes behind such places, up to the ends of their lines
	maxCells = 20000    // of a table, the missing ones that GFM adds included
	maxLinks = 1000     // definitions of links in one paragraph
)

var (
	deepKey  = parser.NewContextKey()
	marksKey = parser.NewContextKey()
)

// markup is goldmark with GFM, each part of it that can take quadratic time
// held by a limit. It is safe for concurrent use.
var markup = parser.NewParser(
	parser.WithBlockParsers(
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(shallow{parser.NewListParser()}, 300),
		util.Prioritized(parser.NewListItemParser(), 400), // a list always has one
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(shallow{parser.NewBlockquoteParser()}, 800),
		util.Prioritized(parser.NewHTMLBlockParser(), 900),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	),
	parser.WithInlineParsers(
		util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
		util.Prioritized(sparse{parser.NewCodeSpanParser()}, 100),
		util.Prioritized(sparseLinks{sparse{parser.NewLinkParser()}}, 200),
		util.Prioritized(sparse{parser.NewAutoLinkParser()}, 300),
		util.Prioritized(sparse{parser.NewRawHTMLParser()}, 400),
		util.Prioritized(sparse{parser.NewEmphasisParser()}, 500),
		util.Prioritized(sparse{extension.NewStrikethroughParser()}, 500),
		util.Prioritized(sparse{extension.NewLinkifyParser()}, 999),
	),
	parser.WithParagraphTransformers(
		util.Prioritized(fewLinks{parser.LinkReferenceParagraphTransformer}, 100),
		util.Prioritized(smallTables{extension.NewTableParagraphTransformer()}, 200),
	),
	parser.WithASTTransformers(
		util.Prioritized(extension.NewTableASTTransformer(), 0),
	),
)

// parse returns an empty document for a text on which goldmark itself breaks:
// nobody can say what such a text shows.
func parse(src []byte) (root ast.Node, deep bool) {
	defer func() {
		if recover() != nil {
			root, deep = ast.NewDocument(), true
		}
	}()
	pc := parser.NewContext()
	root = markup.Parse(text.NewReader(src), parser.WithContext(pc))
	return root, pc.Get(deepKey) != nil
}

// shallow refuses to open a container inside of MaxDepth others.
type shallow struct{ parser.BlockParser }

func (s shallow) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	if len(pc.OpenedBlocks()) < MaxDepth-1 {
		return s.BlockParser.Open(parent, reader, pc)
	}
	line, segment := reader.Position()
	node, state := s.BlockParser.Open(parent, reader, pc)
	if node != nil {
		pc.Set(deepKey, true)
		reader.SetPosition(line, segment)
	}
	return nil, state
}

// sparse reads markup as plain text once its block holds too much of it.
type sparse struct{ parser.InlineParser }

type marks struct {
	block    ast.Node
	n, ahead int
}

func (s sparse) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	if line, _ := block.PeekLine(); len(line) > 0 && util.IsPunct(line[0]) {
		m := pc.ComputeIfAbsent(marksKey, func() any { return &marks{} }).(*marks)
		if m.block != parent {
			m.block, m.n, m.ahead = parent, 0, 0
		}
		m.n++
		m.ahead += len(line)
		if m.n > maxMarks || m.ahead > maxAhead {
			pc.Set(deepKey, true)
			return nil
		}
	}
	return s.InlineParser.Parse(parent, block, pc)
}

// sparseLinks hands on the end of a block, at which goldmark turns brackets
// that became no link back into text.
type sparseLinks struct{ sparse }

func (s sparseLinks) CloseBlock(parent ast.Node, block text.Reader, pc parser.Context) {
	s.InlineParser.(parser.CloseBlocker).CloseBlock(parent, block, pc)
}

// fewLinks leaves paragraphs alone that define links by the thousand: each of
// them is cut out of all the lines that follow.
type fewLinks struct{ parser.ParagraphTransformer }

func (f fewLinks) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines, links := node.Lines(), 0
	for i := range lines.Len() {
		line := lines.At(i)
		if bytes.HasPrefix(bytes.TrimLeft(line.Value(reader.Source()), " "), []byte("[")) {
			links++
		}
	}
	if links > maxLinks {
		pc.Set(deepKey, true)
		return
	}
	f.ParagraphTransformer.Transform(node, reader, pc)
}

// smallTables leaves paragraphs alone that would become giant tables: GFM fills
// up every row to the width of the header.
type smallTables struct{ parser.ParagraphTransformer }

func (s smallTables) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	lines, wide := node.Lines(), 0
	for i := range lines.Len() {
		line := lines.At(i)
		wide = max(wide, bytes.Count(line.Value(reader.Source()), []byte("|")))
	}
	if wide*lines.Len() > maxCells {
		pc.Set(deepKey, true)
		return
	}
	s.ParagraphTransformer.Transform(node, reader, pc)
}
