package decision_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
)

// written is a record as one of many people would write it.
type written struct {
	head, tail       string
	level            int
	bullets, indents []string
	newline, space   string
	inline           bool
	class            string
}

func drawWritten(t *rapid.T) written {
	outside := rapid.SampledFrom([]string{
		"", "Fixes the cart.\n\n", "## Why\n\n- one\n- two\n\n", "```\ncode\n```\n\n", "> quoted\n\n", "<!-- hint -->\n\n", "| a | b |\n|---|---|\n| c | d |\n\n",
		"# Title\n\nDecision: later\n\n", "<details>\n\nlog\n\n</details>\n\n",
	})
	return written{
		head:    outside.Draw(t, "head"),
		tail:    rapid.SampledFrom([]string{"", "\n## Notes\n\n- Decision: NO-GO\n- Risk class: high\n", "\n# Log\n\n```\n### Release Decision\n```\n", "\n# End\n\n> ### Release Decision\n"}).Draw(t, "tail"),
		level:   rapid.IntRange(2, 4).Draw(t, "level"),
		bullets: rapid.SampledFrom([][]string{{"- ", "- "}, {"* ", "* "}, {"+ ", "+ "}, {"- ", "* "}, {"1. ", "1. "}, {"1. ", "- "}}).Draw(t, "bullets"),
		indents: rapid.SampledFrom([][]string{{"", "  "}, {"", "    "}, {"", "\t"}, {"", ""}}).Draw(t, "indents"),
		newline: rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "newline"),
		space:   rapid.SampledFrom([]string{" ", "\u00a0"}).Draw(t, "space"),
		inline:  rapid.Bool().Draw(t, "inline"),
		class:   rapid.SampledFrom([]string{"low", "medium", "high"}).Draw(t, "class"),
	}
}

// fields of the record: a label and its value; gates lie below "Gate results".
var fields = [][2]string{
	{"Release scope", "checkout service"}, {"Risk class", ""}, {"Gate results", ""},
	{"code gates", "pass"}, {"review gates", "pass"}, {"operational gates", "pass"}, {"communication gates", "pass"}, {"decision gate", "pass"},
	{"Residual risks", "none"}, {"Rollback trigger", "error rate > 2 % for 5 min"}, {"Rollback owner", "@dana"},
	{"Final decision owner", "@sofia-d"}, {"Decision", "GO"}, {"Decision timestamp", "2026-03-14T09:30:00Z"},
}

// String writes the record down.
func (w written) String() string {
	var b strings.Builder
	b.WriteString(w.head + strings.Repeat("#", w.level) + " Release Decision\n")
	indent := w.indents[1]
	if indent == "  " && w.bullets[0] == "1. " {
		indent = "   "
	}
	for _, f := range fields {
		label, value := strings.ReplaceAll(f[0], " ", w.space), strings.ReplaceAll(f[1], " ", w.space)
		if f[0] == "Risk class" {
			value = w.class
		}
		switch {
		case f[0] == "Gate results":
			b.WriteString(w.bullets[0] + label + ":\n")
		case strings.HasPrefix(f[0], strings.ToLower(f[0][:1])):
			b.WriteString(indent + w.bullets[1] + label + ": " + value + "\n")
		case w.inline || f[0] == "Risk class":
			b.WriteString(w.bullets[0] + label + ": " + value + "\n")
		default:
			b.WriteString(w.bullets[0] + label + ":\n" + indent + w.bullets[1] + value + "\n")
		}
	}
	b.WriteString(w.tail)
	return strings.ReplaceAll(b.String(), "\n", w.newline)
}

// meaning is what a record says, without the places.
func meaning(r gate.Record) gate.Record {
	r.Line, r.Problems = 0, nil
	return r
}

func TestTheWayOfWritingDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWritten(t)
		plain := meaning(decision.Parse(strings.Replace(complete, "medium", w.class, 1)))
		got := decision.Parse(w.String())
		if diff := cmp.Diff(plain, meaning(got)); diff != "" || !decision.Ready(got) {
			t.Fatalf("%q reads otherwise (-plain +got):\n%s%v", w.String(), diff, codes(got))
		}
	})
}

func TestHiddenRecordsAreNeverReady(t *testing.T) {
	prefix := func(p string) func(string) string {
		return func(s string) string { return p + strings.ReplaceAll(s, "\n", "\n"+p) }
	}
	around := func(a, b string) func(string) string { return func(s string) string { return a + s + b } }
	wrappers := map[string]func(string) string{
		"fence": around("`````\n", "\n`````\n"), "tilde": around("~~~~\n", "\n~~~~\n"), "unclosed fence": around("`````\n", ""),
		"indented": prefix("    "), "tab": prefix("\t"), "quotation": prefix("> "), "nested quotation": prefix("> > "), "list of quotations": prefix("- > "),
		"comment": around("<!--\n", "\n-->\n"), "unclosed comment": around("<!--\n\n", ""), "open in a list": around("- <!--\n\n", ""),
		"open in HTML": around("<div><!--\n\n", "\n\n</div>"), "pre": around("<pre>\n\n", "\n</pre>"), "blockquote": around("<blockquote>\n\n", "\n\n</blockquote>"),
		"tag": around("<div title=\"\n\n", ""), "struck": around("<del>\n\n", "\n\n</del>"),
	}
	rapid.Check(t, func(t *rapid.T) {
		w := drawWritten(t)
		w.head, w.tail, w.newline = "", "", "\n"
		name := rapid.SampledFrom(keys(wrappers)).Draw(t, "wrapper")
		if body := wrappers[name](w.String()); decision.Ready(decision.Parse(body)) {
			t.Fatalf("ready in a %s: %q", name, body)
		}
	})
}

// keys are sorted, so that rapid can replay what it drew.
func keys(m map[string]func(string) string) []string {
	return slices.Sorted(maps.Keys(m))
}

func TestLossesAreNeverReady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWritten(t)
		w.head, w.tail, w.newline = "", "", "\n"
		if w.class == "low" {
			w.class = "medium" // at low the rollback owner is not asked for
		}
		lines := strings.Split(strings.TrimSuffix(w.String(), "\n"), "\n")
		i := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
		line := lines[i]
		label, value, colon := strings.Cut(line, ":")
		bullet := len(line) - len(strings.TrimLeft(line, " \t-*+.1"))
		var changed []string
		switch rapid.SampledFrom([]string{"delete", "empty", "placeholder"}).Draw(t, "loss") {
		case "delete":
			changed = append(append(changed, lines[:i]...), lines[i+1:]...)
		case "empty":
			changed = append(changed, lines...)
			switch {
			case strings.HasPrefix(line, "#") || colon && value == "":
				return
			case colon && !strings.HasPrefix(line[bullet:], "2026"):
				changed[i] = label + ":"
			default:
				changed[i] = line[:bullet]
			}
		default:
			changed = append(changed, lines...)
			hint := rapid.SampledFrom([]string{"<list or none>", "<person/role>", "TBD", "low | medium | high", "...", "???"}).Draw(t, "hint")
			switch {
			case strings.HasPrefix(line, "#") || colon && value == "":
				return
			case colon && !strings.HasPrefix(line[bullet:], "2026"):
				changed[i] = label + ": " + hint
			default:
				changed[i] = line[:bullet] + hint
			}
			if strings.Contains(hint, "|") && !isClosed(line) {
				return
			}
		}
		body := strings.Join(changed, "\n")
		if r := decision.Parse(body); decision.Ready(r) {
			t.Fatalf("ready after a loss in line %d: %q", i+1, body)
		}
	})
}

// isClosed reports whether a line holds a value of a closed set or a time.
func isClosed(line string) bool {
	for _, s := range []string{"Risk", "gate", "GO", "2026"} {
		if strings.Contains(line, s) {
			return true
		}
	}
	return false
}

func TestDoublesAreNeverReady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWritten(t)
		w.newline = "\n"
		body := w.String()
		if r := decision.Parse(body + "\n" + body); decision.Ready(r) || !hasCode(r, decision.CodeDuplicateBlock) {
			t.Fatalf("two blocks: %v", codes(r))
		}
		f := rapid.SampledFrom(fields).Draw(t, "field")
		if f[0] == "Gate results" {
			return
		}
		if r := decision.Parse(complete + "- " + f[0] + ": " + f[1] + "\n"); decision.Ready(r) {
			t.Fatalf("%s twice is ready", f[0])
		}
	})
}

func TestInvisibleCharactersNeverHelp(t *testing.T) {
	invisible := []string{"\u200b", "\u00ad", "\u200d", "\u2060", "\ufeff", "\u202e", "\u2066", "\u2069", "\u200f", "\u061c", "\U000e0041", "\ufe0f", "\u034f", "\u180e"}
	var values []string
	for _, name := range append(bodies(t, "err"), bodies(t, "ok")...) {
		values = append(values, read(t, name))
	}
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SampledFrom(values).Draw(t, "body")
		if len(body) > 10000 {
			return
		}
		at := rapid.IntRange(0, len(body)).Draw(t, "at")
		for at > 0 && at < len(body) && !utf8.RuneStart(body[at]) {
			at--
		}
		changed := body[:at] + rapid.SampledFrom(invisible).Draw(t, "invisible") + body[at:]
		before, after := decision.Parse(body), decision.Parse(changed)
		switch {
		case !decision.Ready(after):
		case !decision.Ready(before):
			// In front of a line's first letter, or inside of a tag, it can break a code
			// fence, a quotation or a heading: then readers see another text than before.
			line := body[strings.LastIndexAny(body[:at], "\r\n")+1 : at]
			if !strings.ContainsFunc(line, unicode.IsLetter) || strings.HasPrefix(line, "<") {
				return
			}
			t.Fatalf("an invisible character at %d makes it ready: %q", at, changed)
		case before.Class != after.Class || before.Decision != after.Decision || before.Type != after.Type || !before.Timestamp.Equal(after.Timestamp):
			t.Fatalf("an invisible character at %d changes the record: %q", at, changed)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"ok", "err"} {
		for _, name := range bodies(f, dir) {
			if body := read(f, name); len(body) < 4096 {
				f.Add(body)
			}
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := decision.Parse(body)
		checkRecord(t, r)
		if hidden := decision.Parse("<!--\n" + strings.ReplaceAll(body, "-->", "") + "\n"); hidden.Found {
			t.Errorf("found inside a comment")
		}
		if again := decision.Parse(body); !cmp.Equal(r, again) {
			t.Errorf("read otherwise the second time:\n%s", cmp.Diff(r, again))
		}
	})
}

// checkRecord holds what must be so of every record: ready means that nothing is
// missing, and whatever is missing is told.
func checkRecord(t *testing.T, r gate.Record) {
	t.Helper()
	for _, p := range r.Problems {
		if p.Code == "" || p.Message == "" || p.Fix == "" || p.Line < 0 || p.Column < 0 || p.Severity != gate.Error && p.Severity != gate.Warning {
			t.Errorf("an incomplete problem: %+v", p)
		}
		if !utf8.ValidString(p.Message) || strings.ContainsAny(p.Message, "\n\r\x00") {
			t.Errorf("a broken message: %q", p.Message)
		}
	}
	if !decision.Ready(r) {
		if len(r.Problems) == 0 {
			t.Error("not ready without a reason")
		}
		return
	}
	marks := 0
	for _, g := range gate.Gates {
		if r.Gates[g] != gate.MarkNone {
			marks++
		}
	}
	if r.Line == 0 || r.Scope == "" || r.Class == gate.Undeclared || marks != 5 || r.ResidualRisks == nil || r.Trigger == "" ||
		r.DecisionOwner.IsZero() || r.Decision != gate.ChoiceGo || r.Timestamp.IsZero() || r.Gates[gate.Decision] != gate.MarkPass {
		t.Errorf("ready with something missing: %+v", r)
	}
	if r.Class > gate.Low && (r.TriggerVague || r.RollbackOwner.IsZero()) {
		t.Errorf("ready at %s with a vague trigger or without an owner", r.Class)
	}
}
