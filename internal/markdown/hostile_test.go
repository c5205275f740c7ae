package markdown_test

import (
	"strings"
	"testing"

	"gonogo/internal/markdown"
)

// fill repeats a shape up to the limit of a text.
func fill(shape string) string { return strings.Repeat(shape, markdown.MaxSize/len(shape)) }

// deepList is a list in which every item lies one deeper.
func deepList() string {
	var b strings.Builder
	for i := 0; b.Len() < markdown.MaxSize-600; i++ {
		b.WriteString(strings.Repeat(" ", 2*i) + "- a\n")
	}
	return b.String()
}

// backticks opens code spans of ever other lengths.
func backticks() string {
	var b strings.Builder
	for i := 1; b.Len() < markdown.MaxSize-600; i++ {
		b.WriteString(strings.Repeat("`", i) + "a")
	}
	return b.String()
}

// hostile are shapes that take quadratic time in Markdown parsers.
var hostile = map[string]string{
	"thematic or list":       fill("- "),
	"stars":                  fill("* "),
	"numbers":                fill("1. "),
	"quotes":                 fill("> "),
	"quotes without spaces":  fill(">"),
	"quotes then lines":      strings.Repeat("> ", 90) + "a\n" + strings.Repeat("a\n", 30000),
	"list then blank lines":  strings.Repeat("- ", 49) + "a\n" + strings.Repeat("\n", 65000),
	"quote of lists":         fill("> - "),
	"deep list":              deepList(),
	"empty items":            fill("-\n"),
	"brackets":               fill("["),
	"bracket pairs":          fill("[]"),
	"link openers":           fill("[a]("),
	"link angle":             fill("[a](<b"),
	"images":                 fill("!["),
	"reference definitions":  fill("[a]: b\n"),
	"reference and uses":     "[a]: b\n" + fill("[a]")[7:],
	"stars without end":      fill("*a "),
	"emphasis openers":       fill("*a _b "),
	"emphasis closers":       fill("a* b_ "),
	"triple stars":           fill("***a **b* "),
	"underscores":            fill("a_"),
	"tildes":                 fill("~a ~~b "),
	"backticks":              backticks(),
	"comments":               fill("<!--"),
	"inline comments":        "a " + fill("<!-- a ")[2:],
	"declarations":           "a " + fill("<!A ")[2:],
	"processing":             "a " + fill("<?")[2:],
	"cdata":                  "a " + fill("<![CDATA[")[9:],
	"tags":                   "a " + fill("<a b ")[5:],
	"attributes":             "a <a" + fill(" b")[4:],
	"quoted attributes":      "a " + fill("<a b=\"c' ")[9:],
	"angles":                 fill("<"),
	"autolinks":              fill("<a:b"),
	"mail":                   fill("a_b@c."),
	"addresses":              fill("http://a("),
	"www":                    fill(" www.a.b"),
	"wide table":             fill("|")[:30000] + "\n" + fill("-|")[:30000] + "\n" + strings.Repeat("a\n", 2700),
	"table":                  "|a|b|\n|-|-|\n" + fill("|a|b|\n")[12:],
	"table of escaped pipes": "|a|\n|-|\n" + fill("|`\\|`|\n")[12:],
	"delimiter rows":         fill("a|b\n-|-\n"),
	"one cell":               "|a|\n|-|\n|" + fill("`\\|")[12:],
	"headings":               fill("# a\n"),
	"setext":                 fill("a\n=\n"),
	"fences":                 fill("```\n"),
	"long fences":            fill("`"),
	"html blocks":            fill("<div>\n"),
	"html and blank":         fill("<a>\n\n"),
	"open quotes in HTML":    fill("<blockquote>\n\n"),
	"entities":               fill("&amp;"),
	"backslashes":            fill("\\"),
	"tabs":                   fill("\t"),
	"spaces":                 fill(" "),
	"task boxes":             fill("- [ ] a\n"),
	"newlines":               fill("\n"),
	"nul":                    fill("\x00"),
	"broken letters":         fill("\xff"),
}

func BenchmarkParseHostile(b *testing.B) {
	for name, text := range hostile {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				markdown.Parse(text)
			}
		})
	}
}
