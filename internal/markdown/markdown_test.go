package markdown_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"gonogo/internal/markdown"
)

// outline writes blocks as one line each: kind, place and text.
func outline(blocks []*markdown.Block, depth int) string {
	names := map[markdown.Kind]string{
		markdown.Heading: "heading", markdown.Paragraph: "text", markdown.List: "list", markdown.Item: "item",
		markdown.Table: "table", markdown.Row: "row", markdown.Cell: "cell", markdown.Hidden: "hidden",
	}
	var b strings.Builder
	for _, block := range blocks {
		fmt.Fprintf(&b, "%s%s %d:%d", strings.Repeat("  ", depth), names[block.Kind], block.Line, block.Column)
		if block.Kind == markdown.Hidden {
			fmt.Fprintf(&b, " %s opened on line %d", block.Region.Reason, block.Region.Opened)
		}
		switch block.Tick {
		case markdown.Ticked:
			b.WriteString(" [x]")
		case markdown.Unticked:
			b.WriteString(" [ ]")
		}
		for _, l := range block.Lines {
			fmt.Fprintf(&b, " %q", l.String())
		}
		b.WriteString("\n" + outline(block.Children, depth+1))
	}
	return b.String()
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"headings of both kinds", "# One #\n\nTwo\n===\n", "heading 1:1 \"One\"\nheading 3:1 \"Two\"\n"},
		{"lines of a paragraph", "one\ntwo  \nthree\\\nfour", "text 1:1 \"one\" \"two\" \"three\" \"four\"\n"},
		{"markup is not shown", "**a** _b_ `c` [d](e) ~~f~~ ![g](h) <b>i</b> &amp; \\*", "text 1:1 \"a b c d   i & *\"\n"},
		{"windows line ends", "# a\r\n\r\nb\r\nc", "heading 1:1 \"a\"\ntext 3:1 \"b\" \"c\"\n"},
		{"line numbers behind blank lines", "a\n\n\n\n \t\n\nb", "text 1:1 \"a\"\ntext 7:1 \"b\"\n"},
		{"lists and boxes", "- [x] a\n- [ ] b\n  1. c", "list 1:1\n  item 1:1 [x]\n    text 1:3 \"a\"\n  item 2:1 [ ]\n    text 2:3 \"b\"\n    list 3:3\n      item 3:3\n        text 3:6 \"c\"\n"},
		{"a table", "| a | b |\n|---|---|\n| c | `d\\|e` |", "table 1:1\n  row 1:1\n    cell 1:2 \"a\"\n    cell 1:6 \"b\"\n  row 3:1\n    cell 3:2 \"c\"\n    cell 3:6 \"d|e\"\n"},
		{"a fence", "a\n```go\n# b\n```", "text 1:1 \"a\"\nhidden 2:1 inside a code fence opened on line 2\n"},
		{"a quotation", "a\n\n> # b\n> c\n\nd", "text 1:1 \"a\"\nhidden 3:1 inside a quotation opened on line 3\ntext 6:1 \"d\"\n"},
		{"a comment", "a\n\n<!-- b\n# c\n-->\n\nd", "text 1:1 \"a\"\ntext 7:1 \"d\"\n"},
		{"text behind a comment", "<!-- a --> b\n\nc", "text 1:1 \"b\"\ntext 3:1 \"c\"\n"},
		{"an inline comment over lines", "a <!-- b\nc --> d", "text 1:1 \"a  d\"\n"},
		{"an unclosed inline comment is text", "a <!-- b", "text 1:1 \"a <!-- b\"\n"},
		{"details", "<details>\n<summary>a</summary>\n\nb\n\n</details>", "text 1:1 \"\" \"a\"\ntext 4:1 \"b\"\ntext 6:1 \"\"\n"},
		{"a comment left open by a list", "- <!-- a\n\nb\n\n<p>--></p>\n\nc", "list 1:1\n  item 1:1\nhidden 3:1 inside an HTML comment opened on line 1\ntext 5:1 \"\"\ntext 7:1 \"c\"\n"},
		{"an HTML quotation", "<blockquote>\n\na\n\n</blockquote>\n\nb", "text 1:1 \"\"\nhidden 3:1 inside a quotation opened on line 1\ntext 5:1 \"\"\ntext 7:1 \"b\"\n"},
		{"an attribute that is not closed", "<div title=\"a\n\n# b", "heading 3:1"},
		{"struck out by HTML", "<s>\n\na\n\n</s>\n\nb", "text 1:1 \"\"\ntext 3:1 \"\"\ntext 5:1 \"\"\ntext 7:1 \"b\"\n"},
		{"broken letters", "a\xffb\x00c", "text 1:1 \"a\ufffdb\ufffdc\"\n"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := outline(markdown.Parse(c.text).Blocks, 0)
			if c.name == "an attribute that is not closed" {
				if strings.Contains(got, c.want) {
					t.Errorf("the heading is live: %s", got)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.text, diff)
			}
		})
	}
}

func TestRegionsKeepWhatWasWritten(t *testing.T) {
	doc := markdown.Parse("a\n\n```\n# b\n```\n\n> # c\n\n<!--\n# d\n-->\n\n    # e\n\n<pre>\n# f\n</pre>\n")
	var got []string
	for _, r := range doc.Regions {
		for _, l := range r.Lines {
			if strings.Contains(l.Text, "#") || r.Reason == markdown.InQuote {
				got = append(got, fmt.Sprintf("%d %s: %s", r.Opened, r.Reason, l.Text))
			}
		}
	}
	want := []string{
		"3 inside a code fence: # b", "7 inside a quotation: c", "9 inside an HTML comment: # d",
		"13 inside an indented code block: # e", "15 inside an HTML code block: # f",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSpansKnowTheirPlaceAndLook(t *testing.T) {
	doc := markdown.Parse("x\n\n- **a** ~~b~~ `c` [d](https://e.example) https://f.example/g_h_i <list or none> ![j](k)\n")
	var got []string
	for _, s := range doc.Blocks[1].Children[0].Children[0].Lines[0] {
		if strings.TrimSpace(s.Text) == "" {
			continue
		}
		look := ""
		for name, on := range map[string]bool{"strong": s.Strong, "struck": s.Struck, "code": s.Code, "tag": s.Tag, "image": s.Image} {
			if on {
				look += name
			}
		}
		got = append(got, fmt.Sprintf("%d:%d %s %s %s", s.Line, s.Column, s.Text, look, s.Link))
	}
	want := []string{
		"3:5 a strong ", "3:11 b struck ", "3:16 c code ", "3:20 d  https://e.example", "3:42 https://f.example/g_h_i  https://f.example/g_h_i",
		"3:66 <list or none> tag ", "3:83 j image ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, text string
		deep, long bool
	}{
		{"as deep as people write", strings.Repeat("> ", 20) + "- - a", false, false},
		{"too many quotations", strings.Repeat("> ", 101) + "a", true, false},
		{"too many lists", strings.Repeat("- ", 101) + "a", true, false},
		{"the same in a code fence", "```\n" + strings.Repeat("> ", 101) + "a\n```", false, false},
		{"too much markup", strings.Repeat("*a ", 2000), true, false},
		{"much markup in many paragraphs", strings.Repeat("**a** `b` [c](d)\n\n", 1000), false, false},
		{"a giant table", strings.Repeat("|a", 500) + "\n" + strings.Repeat("|-", 500) + "\n" + strings.Repeat("|b\n", 500), true, false},
		{"a text of the full size", strings.Repeat("word ", markdown.MaxSize/5), false, false},
		{"a text that is too long", strings.Repeat("some words\n", 7000), false, true},
		{"a line that is too long", strings.Repeat("a", 70000), false, true},
	} {
		doc := markdown.Parse(c.text)
		if doc.TooDeep != c.deep || doc.TooLong != c.long {
			t.Errorf("%s: too deep %t, too long %t; want %t, %t", c.name, doc.TooDeep, doc.TooLong, c.deep, c.long)
		}
	}
}

func TestHostileTextsAreRead(t *testing.T) {
	for name, text := range hostile {
		if doc := markdown.Parse(text); doc == nil || doc.TooLong {
			t.Errorf("%s: not read", name)
		}
	}
}

// The oracle is goldmark without our limits, rendered to HTML and read as a
// browser reads it: an independent way from a text to its headings.
var oracle = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe()))

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

func headingsOfOracle(t testing.TB, text string) int {
	t.Helper()
	var b bytes.Buffer
	if err := oracle.Convert([]byte(lineEnds.Replace(text)), &b); err != nil {
		t.Fatal(err)
	}
	return headingsInHTML(b.String())
}

var tag = regexp.MustCompile(`^<(/?)([a-zA-Z][a-zA-Z0-9-]*)(?:"[^"]*"|'[^']*'|[^"'>])*>`)

func headingsInHTML(s string) int {
	n, quotes, code := 0, 0, 0
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			break
		}
		s = s[i:]
		if strings.HasPrefix(s, "<!-->") || strings.HasPrefix(s, "<!--->") {
			s = s[5:]
			continue
		}
		if strings.HasPrefix(s, "<!--") {
			end := strings.Index(s[4:], "-->")
			if end < 0 {
				break
			}
			s = s[4+end+3:]
			continue
		}
		m := tag.FindStringSubmatch(s)
		if m == nil {
			s = s[1:]
			continue
		}
		step := 1
		if m[1] == "/" {
			step = -1
		}
		switch name := strings.ToLower(m[2]); {
		case name == "blockquote":
			quotes = max(quotes+step, 0)
		case name == "pre":
			code = max(code+step, 0)
		case len(name) == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' && step > 0 && quotes == 0 && code == 0:
			n++
		}
		s = s[len(m[0]):]
	}
	return n
}

func headings(blocks []*markdown.Block) int {
	n := 0
	for _, b := range blocks {
		if b.Kind == markdown.Heading {
			n++
		}
		n += headings(b.Children)
	}
	return n
}

// pieces of bodies, as people and attackers write them.
var pieces = []string{
	"### Release Decision\n", "# Release Decision\n", "Release Decision\n---\n", "Release Decision\n===\n", "text\n", "\n", "\n\n", "- item\n", "  - nested\n", "    more\n", "\t",
	"```\n", "```sh\n", "````\n", "~~~\n", "~~~~\n", "    ", "> ", ">", "> > ", "- ", "* ", "1. ", "2) ", "<!--", "-->", "<!-- a -->", "<!-- a -->\n", "<!--\n", "-->\n", "<!--->\n", "<!-->\n",
	"<details>\n", "</details>\n", "<summary>a</summary>\n", "<blockquote>\n\n", "</blockquote>\n\n", "<pre>\n", "</pre>\n", "<div>\n", "</div>\n", "<div>\n\n", "<p>", "<br>", "<b>a</b>",
	"`", "``", "`a`", "*", "**", "~~", "[a](b)", "[a]: b\n", "![a](b)", "| a | b |\n|---|---|\n| c | d |\n", "|a|\n|-|\n", "---\n", "***\n", "===\n", "\\", "\\#", "&lt;", "#", "##", "# ", " ", "   ", "\r\n", "é", "## a #\n",
	"- [ ] a\n", "- [x] b\n", "<script>\n", "</script>\n", "<style>\n", "<?php\n", "?>\n", "<![CDATA[\n", "]]>\n", "<!DOCTYPE\n", ">\n",
}

func body(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(24) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func TestLiveHeadingsAgreeWithRenderedHTML(t *testing.T) {
	r := rand.New(rand.NewPCG(57, 58))
	live := 0
	for compared := 0; compared < 10000; {
		text := body(r)
		if risky.MatchString(text) {
			continue
		}
		compared++
		doc := markdown.Parse(text)
		got, want := headings(doc.Blocks), headingsOfOracle(t, text)
		live += got
		if got > want || got != want && !tangled(text) {
			t.Fatalf("%q has %d live headings, %d as rendered", text, got, want)
		}
	}
	if live < 2000 {
		t.Errorf("only %d live headings in all: the bodies test too little", live)
	}
}

// risky HTML is read more strictly by us than by the oracle: elements whose
// content a browser reads in a way of its own.
var risky = regexp.MustCompile(`(?i)<(?:script|style|textarea|title|!\[|!D|\?)|</?h[1-6]`)

// tangled reports whether a comment may begin or end inside of a quotation: a
// browser then takes parts of the quotation for none, and we do not.
func tangled(text string) bool {
	return strings.Contains(text, "<!--") && (strings.Contains(text, "> ") || strings.Contains(text, "<blockquote"))
}

func FuzzParse(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		f.Add(body(r))
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc := markdown.Parse(text)
		if doc.TooLong || doc.TooDeep || strings.ContainsAny(text, "\x00\ufeff") || risky.MatchString(text) {
			return
		}
		got, want := headings(doc.Blocks), headingsOfOracle(t, strings.ToValidUTF8(text, "\ufffd"))
		if got > want || got != want && !strings.Contains(text, "<") {
			t.Errorf("%q has %d live headings, %d as rendered", text, got, want)
		}
	})
}
