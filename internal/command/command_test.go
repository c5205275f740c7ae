package command_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/command"
)

// brief writes commands as "kind|sha|reason", an unknown one as "?suggestion".
func brief(cs []command.Command) []string {
	var out []string
	for _, c := range cs {
		switch c.Kind {
		case command.Unknown:
			out = append(out, "?"+c.Suggestion)
		case command.Go:
			out = append(out, "go|"+c.SHA+"|"+c.Reason)
		default:
			out = append(out, string(c.Kind)+"|"+c.Rest)
		}
	}
	return out
}

var comments = []struct {
	name, comment string
	want          []string
}{
	{"a plain go", "/go", []string{"go||"}},
	{"go with a reason", "/go looks good to me", []string{"go||looks good to me"}},
	{"go in capitals", "/GO", []string{"go||"}},
	{"go in mixed case", "/Go", []string{"go||"}},
	{"go with a short SHA", "/go 9f8e7d6", []string{"go|9f8e7d6|"}},
	{"go with a SHA in capitals", "/go 9F8E7D6", []string{"go|9f8e7d6|"}},
	{"go with SHA and reason", "/go 9f8e7d6 after the dry run", []string{"go|9f8e7d6|after the dry run"}},
	{"go with a full SHA", "/go 9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", []string{"go|9f8e7d6c5b4a39281706f5e4d3c2b1a098765432|"}},
	{"go with six digits is reason", "/go 9f8e7d", []string{"go||9f8e7d"}},
	{"go with 41 digits is reason", "/go " + strings.Repeat("a", 41), []string{"go||" + strings.Repeat("a", 41)}},
	{"a word of hexadecimal letters is a candidate", "/go defaced today", []string{"go|defaced|today"}},
	{"a ticket number is reason", "/go PROJ-1234567", []string{"go||PROJ-1234567"}},
	{"a SHA in code", "/go `9f8e7d6`", []string{"go|9f8e7d6|"}},
	{"a SHA in parentheses", "/go (9f8e7d6) fine", []string{"go|9f8e7d6|fine"}},
	{"a SHA behind the reason is reason", "/go for 9f8e7d6", []string{"go||for 9f8e7d6"}},
	{"go in bold", "**/go**", []string{"go||"}},
	{"go with a full stop", "/go.", []string{"go||"}},
	{"go with an exclamation mark", "/go!", []string{"go||"}},
	{"go with a colon and a reason", "/go: all green", []string{"go||all green"}},
	{"go with a dash and a reason", "/go - all green", []string{"go||all green"}},
	{"go with spaces before it", "   /go", []string{"go||"}},
	{"go with a tab behind it", "/go\tall green", []string{"go||all green"}},
	{"go with no-break space", "/go\u00a0all green", []string{"go||all green"}},
	{"go with windows line ends", "Thanks!\r\n/go\r\n", []string{"go||"}},
	{"go below a sentence", "Looked at the dashboards.\n/go", []string{"go||"}},
	{"go in its own paragraph", "Looked at the dashboards.\n\n/go\n\nSee you tomorrow", []string{"go||"}},
	{"go above a sentence", "/go\nSee you tomorrow", []string{"go||"}},
	{"go with an emoji behind it", "/go 🚀", []string{"go||🚀"}},
	{"go with a zero-width space inside", "/g\u200bo", []string{"go||"}},
	{"go twice", "/go\n/go 9f8e7d6", []string{"go||", "go|9f8e7d6|"}},
	{"go in details", "<details>\n\n/go\n\n</details>", []string{"go||"}},
	{"go below a mention", "@dana\n/go", []string{"go||"}},
	{"go that means no-go", "/go no-go", []string{"?/no-go"}},
	{"go that means no go", "/go no go", []string{"?/no-go"}},

	{"a plain no-go", "/no-go", []string{"no-go|"}},
	{"no-go with a reason", "/no-go the migration locks the table", []string{"no-go|the migration locks the table"}},
	{"no-go in capitals", "/NO-GO", []string{"no-go|"}},
	{"no-go in one word", "/nogo", []string{"no-go|"}},
	{"no-go with an underscore", "/no_go", []string{"no-go|"}},
	{"no-go with a space", "/no go", []string{"no-go|"}},
	{"no-go with a space and a reason", "/no go because of #12", []string{"no-go|because of #12"}},
	{"no-go with a space, capitals", "/NO GO", []string{"no-go|"}},
	{"no-go with a no-break hyphen", "/no\u2011go", []string{"no-go|"}},
	{"no-go with an en dash", "/no\u2013go", []string{"no-go|"}},
	{"no-go with an em dash", "/no\u2014go", []string{"no-go|"}},
	{"no-go with a minus sign", "/no\u2212go", []string{"no-go|"}},
	{"no-go with a soft hyphen", "/no\u00adgo", []string{"no-go|"}},
	{"no-go with a spaced dash", "/no - go", []string{"no-go|"}},
	{"no-go with a colon", "/no-go: too risky", []string{"no-go|too risky"}},
	{"no-go with an exclamation mark", "/no-go!", []string{"no-go|"}},
	{"no-go in bold", "**/no-go** not tonight", []string{"no-go|not tonight"}},
	{"no-go in a list", "- /no-go too risky", []string{"no-go|too risky"}},
	{"no-go in a heading", "## /no-go", []string{"no-go|"}},
	{"no-go with a SHA keeps it in the reason", "/no-go 9f8e7d6 broken", []string{"no-go|9f8e7d6 broken"}},
	{"no-go after go", "/go\n/no-go", []string{"go||", "no-go|"}},
	{"no-go before go", "/no-go\n/go", []string{"no-go|", "go||"}},
	{"no-go with gratitude", "Thanks for the work.\n\n/no-go\n\nLet us talk", []string{"no-go|"}},

	{"recheck", "/recheck", []string{"recheck|"}},
	{"recheck in capitals", "/ReCheck", []string{"recheck|"}},
	{"recheck with a hyphen", "/re-check", []string{"recheck|"}},
	{"recheck please", "/recheck please", []string{"recheck|please"}},
	{"help", "/gonogo help", []string{"help|help"}},
	{"help without a word", "/gonogo", []string{"help|"}},
	{"help in capitals", "/GONOGO HELP", []string{"help|HELP"}},
	{"help with a question mark", "/gonogo ?", []string{"help|?"}},
	{"gonogo with a command of ours", "/gonogo recheck", []string{"?/recheck"}},
	{"gonogo go", "/gonogo go", []string{"?/go"}},
	{"gonogo with nonsense", "/gonogo frobnicate", []string{"?/gonogo help"}},
	{"sign-off of QA", "/signoff qa", []string{"signoff|qa"}},
	{"sign-off with a hyphen", "/sign-off documentation", []string{"signoff|documentation"}},
	{"override", "/override SEV1, payments are down", []string{"override|SEV1, payments are down"}},
	{"accept a secret", "/accept-secret a1b2c3 test key", []string{"accept-secret|a1b2c3 test key"}},
	{"accept a secret with an underscore", "/accept_secret a1b2c3", []string{"accept-secret|a1b2c3"}},
	{"roll back", "/rollback #12", []string{"rollback|#12"}},

	{"go with an o too many", "/goo", []string{"?/go"}},
	{"go the wrong way round", "/og", []string{"?/go"}},
	{"no-go with an o too many", "/no-goo", []string{"?/no-go"}},
	{"no-go with letters swapped", "/on-go", []string{"?/no-go"}},
	{"nogo with an o too many", "/nogoo", []string{"?/no-go"}},
	{"recheck without its second c", "/rechek", []string{"?/recheck"}},
	{"recheck with letters swapped", "/rehceck", []string{"?/recheck"}},
	{"gonogo misspelt", "/gonog", []string{"?/gonogo help"}},
	{"sign-off misspelt", "/signof qa", []string{"?/signoff"}},
	{"override misspelt", "/overide reason", []string{"?/override"}},
	{"rollback misspelt", "/rolback", []string{"?/rollback"}},
	{"accept-secret misspelt", "/accept-secrets a1b2", []string{"?/accept-secret"}},

	{"Prow's retest", "/retest", nil},
	{"Prow's lgtm", "/lgtm", nil},
	{"Prow's approve", "/approve", nil},
	{"Prow's hold", "/hold", nil},
	{"a path", "/go/pkg/mod", nil},
	{"a path with text", "/go/pkg/mod is full", nil},
	{"a file", "/go.mod", nil},
	{"a word that begins with go", "/good", nil},
	{"a tool that begins with go", "/gofmt", nil},
	{"another tool that begins with go", "/golang", nil},
	{"a word that begins with no", "/note to self", nil},
	{"no by itself", "/no", nil},
	{"no with another word", "/no way", nil},
	{"a check", "/check", nil},
	{"the root", "/", nil},
	{"a double slash", "//go", nil},
	{"slash and space", "/ go", nil},
	{"an address", "/etc/hosts", nil},
	{"merge", "/merge", nil},
	{"close", "/close", nil},
	{"assign", "/assign @dana", nil},
	{"a question", "/go?", nil},
	{"look-alike letters", "/gо", nil},
	{"full-width slash", "／go", nil},

	{"inside a sentence", "not ready, don't /go yet", nil},
	{"at the end of a sentence", "please comment /go", nil},
	{"behind a mention", "@dana /go", nil},
	{"without the slash", "go", nil},
	{"no-go inside a sentence", "I would say /no-go", nil},
	{"in quotation marks", "\"/go\"", nil},
	{"in a code span", "`/go`", nil},
	{"in a code span with text", "`/go` is the command", nil},
	{"in a fence", "```\n/go\n```", nil},
	{"in an unclosed fence", "```\n/go", nil},
	{"in a tilde fence", "~~~\n/go\n~~~", nil},
	{"in a fence with a language", "```sh\n/no-go\n```", nil},
	{"in an indented block", "    /go", nil},
	{"in a block indented with a tab", "text\n\n\t/go", nil},
	{"in a quotation", "> /go", nil},
	{"in a nested quotation", "> > /no-go", nil},
	{"in the lazy end of a quotation", "> said\n/go", nil},
	{"below a quotation", "> what now?\n\n/go", []string{"go||"}},
	{"in an alert", "> [!NOTE]\n> /go", nil},
	{"in an HTML comment", "<!-- \n/go\n-->", nil},
	{"in an inline HTML comment", "text <!-- \n/go\n--> text", nil},
	{"in an unclosed HTML comment", "<!--\n\n/go", nil},
	{"in an unclosed HTML comment of a list", "- <!-- x\n\n/go", nil},
	{"in HTML code", "<pre>\n/go\n</pre>", nil},
	{"in an HTML quotation", "<blockquote>\n\n/go\n\n</blockquote>", nil},
	{"below an HTML quotation", "<blockquote>\n\nsaid\n\n</blockquote>\n\n/go", []string{"go||"}},
	{"struck out", "~~/go~~", nil},
	{"go in a list", "- /go", nil},
	{"go in a plan", "1. fix the tests\n2. /go", nil},
	{"go in a task list", "- [ ] /go", nil},
	{"go in a heading", "# /go", nil},
	{"go in a table", "| a | b |\n|---|---|\n| /go | x |", nil},
	{"go as a link", "[/go](https://example.com)", nil},
	{"go as an image", "![/go](https://example.com/a.png)", nil},

	{"reply by e-mail", "/go\n\nOn Tue, 3 Mar 2026 at 10:00, Sam <sam@example.com> wrote:\n> /no-go", []string{"go||"}},
	{"tail of a mail without marks", "Thanks\n\nOn Tue, 3 Mar 2026 at 10:00, Sam <sam@example.com> wrote:\n\n/go", nil},
	{"tail whose head is broken over lines", "Thanks\n\nOn Tue, 3 Mar 2026 at 10:00, Sam Long Name\n<sam@example.com> wrote:\n\n/go", nil},
	{"tail of a German mail", "Danke\n\nAm 3. März 2026 um 10:00 schrieb Sam:\n\n/go", nil},
	{"tail of a French mail", "Merci\n\nLe mar. 3 mars 2026 à 10:00, Sam a écrit :\n\n/go", nil},
	{"tail of an Outlook mail", "ok\n\n-----Original Message-----\nFrom: Sam\n\n/go", nil},
	{"tail with From and Sent", "ok\n\nFrom: Sam\nSent: Tuesday\nTo: Dana\n\n/go", nil},
	{"below a signature", "ok\n\n--\nDana\n\n/go", nil},
	{"a sentence that begins with On", "On second thought\n/go", []string{"go||"}},

	{"nothing", "", nil},
	{"white space", " \n\t\n", nil},
	{"only an image", "![](https://example.com/a.png)", nil},
	{"beyond reading, a go", strings.Repeat("> ", 200) + "\n\n/go", nil},
	{"beyond reading, a no-go", strings.Repeat("> ", 200) + "\n\n/no-go", []string{"no-go|"}},
}

func TestParse(t *testing.T) {
	for _, c := range comments {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, brief(command.Parse(c.comment))); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.comment, diff)
			}
		})
	}
	if len(comments) < 120 {
		t.Errorf("the table holds %d comments, want 120", len(comments))
	}
}

func TestParseKeepsWhatTheCallerNeeds(t *testing.T) {
	got := command.Parse("Hello\n\n/Go 9F8E7D6  after   the dry run")
	want := []command.Command{{
		Kind: command.Go, Rest: "9F8E7D6 after the dry run", SHA: "9f8e7d6", Reason: "after the dry run", Word: "/Go", Line: 3,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNoGoWinsInEveryOrder(t *testing.T) {
	lines := []string{"/go", "/no-go wait", "/recheck"}
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		var comment []string
		for _, i := range order {
			comment = append(comment, lines[i])
		}
		got, ok := command.Decisive(command.Parse(strings.Join(comment, "\n")))
		if !ok || got.Kind != command.NoGo || got.Reason != "wait" {
			t.Errorf("%q comes down to %+v, want the NO-GO", comment, got)
		}
	}
	if got, ok := command.Decisive(command.Parse("/go\n/go 9f8e7d6")); !ok || got.SHA != "9f8e7d6" {
		t.Errorf("two GOs come down to %+v, want the last", got)
	}
	if got, ok := command.Decisive(command.Parse("/recheck")); ok {
		t.Errorf("/recheck comes down to %+v, want nothing", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range comments {
		f.Add(c.comment)
	}
	f.Fuzz(func(t *testing.T, comment string) {
		for _, c := range command.Parse(comment) {
			if c.Kind == "" || c.Word == "" || c.Line < 1 {
				t.Errorf("%q gives an incomplete command %+v", comment, c)
			}
			if (c.Kind == command.Unknown) != (c.Suggestion != "") {
				t.Errorf("%q: a suggestion belongs to unknown commands only: %+v", comment, c)
			}
		}
		for _, c := range command.Parse("```\n" + strings.ReplaceAll(comment, "`", "") + "\n```") {
			t.Errorf("a command in a fence: %+v", c)
		}
	})
}
