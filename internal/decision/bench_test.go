package decision_test

import (
	"strings"
	"testing"

	"gonogo/internal/decision"
	"gonogo/internal/markdown"
)

// full returns a body of the full size: a record between what descriptions hold.
func full() string {
	prose := "## What changed\n\nThe cart keeps its **items** when a session ends; see [the plan](https://example.com/plan) and `cart.go`.\n\n" +
		"- [x] unit tests\n- [ ] load test on *staging*\n  - p95 is 120 ms\n\n| file | lines |\n|---|---|\n| cart.go | 120 |\n| cart_test.go | 340 |\n\n" +
		"```go\nfunc main() { fmt.Println(\"cart\") }\n```\n\n> Why not cookies?\n\n<!-- a hint -->\n\n"
	var b strings.Builder
	for b.Len() < markdown.MaxSize/2 {
		b.WriteString(prose)
	}
	b.WriteString(complete + "\n")
	for b.Len()+len(prose) < markdown.MaxSize {
		b.WriteString(prose)
	}
	return b.String()
}

func fill(head, shape string) string {
	return "### Release Decision\n" + head + strings.Repeat(shape, (markdown.MaxSize-100)/len(shape))
}

// hostile are bodies that would cost most in the reading of a record.
var hostile = map[string]string{
	"unknown-labels":       fill("", "- Rolback trigerr: x\n"),
	"known-labels":         fill("", "- Risk class: low\n"),
	"short-labels":         fill("", "a: b\n"),
	"labels-with-slashes":  fill("", "- a/b(c[d|e: f\n"),
	"one-long-label":       fill("", "a"),
	"long-label-and-colon": fill("", "a") + ": b",
	"long-trigger":         fill("- Rollback trigger: ", "x 5 "),
	"trigger-of-words":     fill("- Rollback trigger: ", "more than "),
	"trigger-of-links":     fill("- Rollback trigger: ", "http://a.b "),
	"trigger-of-dots":      fill("- Rollback trigger: alert ", "a.b-"),
	"many-owners":          fill("- Rollback owner: ", "@a, "),
	"commas":               fill("- Rollback owner: a", ", a"),
	"owners-in-a-row":      fill("- Rollback owner: ", "@"),
	"boxes":                fill("- Decision: ", "[ ] "),
	"signs-of-boxes":       fill("- Decision: ", "☐"),
	"short-codes":          fill("- Decision: ", ":a:"),
	"emoji":                fill("- Decision: ", "✅"),
	"dashes":               fill("- Decision: ", "\u2011"),
	"bars":                 fill("- Decision: ", "GO | "),
	"values":               fill("- Residual risks:\n", "  - a\n"),
	"lines-of-a-value":     fill("- Residual risks: a\n", "  b\n"),
	"lookalikes":           fill("- Decision: ", "о"),
	"headings":             fill("", "#### Risk class\n"),
	"headings-like-titles": fill("", "## Release Decisions\n"),
	"titles":               fill("", "### Release Decision\n"),
	"columns":              fill("| Decision | Decision |\n|---|---|\n", "|a|b|\n"),
	"rows":                 fill("| a | b |\n|---|---|\n", "|Risk class|b|\n"),
	"hidden-titles":        "```\n" + strings.Repeat("### Release Decisio\n", 3000) + "```\n",
	"drill":                "### Pre-release drill\n" + strings.Repeat("- [ ] a\n", 8000),
	"panel":                fill("- Go/no-go panel: ", "@a-b "),
	"timestamps":           fill("- Decision timestamp: ", "2026-"),
	"spaces":               fill("- Decision: GO", " "),
	"struck":               fill("- Decision: ", "~~a~~ "),
	"bold":                 fill("- ", "**a** "),
}

func BenchmarkParse64KiB(b *testing.B) {
	text := full()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		decision.Parse(text)
	}
}

func BenchmarkParseHostile(b *testing.B) {
	for name, text := range hostile {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				decision.Parse(text)
			}
		})
	}
}

func TestHostileBodiesAreNotReady(t *testing.T) {
	if r := decision.Parse(full()); !decision.Ready(r) {
		t.Errorf("a record in a full body is not ready: %v", codes(r))
	}
	for name, text := range hostile {
		r := decision.Parse(text)
		checkRecord(t, r)
		if decision.Ready(r) {
			t.Errorf("%s is ready", name)
		}
	}
}
