package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"gonogo/internal/gate"
)

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// attacks are what turns text into markup on GitHub; each is tried alone and
// around each frame.
var (
	attacks = []string{
		"@dana", "x[bot]", "@acme/release-managers", "#123", "acme/shop#1", "GH-1", "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
		"![x](https://evil.example/beacon.png)", "[READY](https://evil.example)", "[x]: https://evil.example", "[^1]: note", "[^1]", "<https://evil.example>",
		"https://evil.example/a", "www.evil.example", "mail@evil.example", "ftp://evil.example", "http://a@b",
		"<img src=x onerror=alert(1)>", "</details>", "<details><summary>x", "<!-- gonogo", "-->", "<script>alert(1)</script>", "<a href=x>", "<h1>READY</h1>", "&lt;b&gt;", "<!--", "<?x", "<![CDATA[",
		"# READY", "READY\n===", "READY\n---", "---", "***", "> quote", "- item", "1. one", "- [x] done", "    code",
		"| a | b |", "|---|---|", `a\| [x](https://evil.example)`, `\\| x`, "`", "``", "```", "~~~", "````\n", "`` ` ``", "\\`", "*bold*", "**bold**", "_it_", "~~no~~",
		"$x$", "$`x`$", "$$", ":rocket:", "\n\n", "\r\n", "\n# READY\n", "\n/go\n", "/go", "\u202ereversed", "zero\u200bwidth", "\u2066iso\u2069", "\u2068x\u2069", "\u2069 [x](https://evil.example) \u2068",
		"\u2028line", "\u0085", "\x00", "\xff\xfe", "\x1b[31m", "\t", " ", "", "👩‍👩‍👧", strings.Repeat("😀", 40), strings.Repeat("`", 250), strings.Repeat("a", 250), "\\", "\\\\", "!", "[", "](", "<", ">", "&amp;", "&#96;",
	}
	frames = []string{"%s", "a %s b", "`%s`", "|%s|", "\n%s\n", "%s\\", "** %s", "<b>%s"}
)

func payloads() []string {
	var all []string
	for _, frame := range frames {
		for _, a := range attacks {
			all = append(all, fmt.Sprintf(frame, a))
		}
	}
	return all
}

// hostileEvaluation has s wherever a user writes.
func hostileEvaluation(s string) gate.Evaluation {
	q := gate.Quote(s)
	user := gate.User{ID: 3, Login: s}
	ev := gate.Evaluation{
		Number: 7, At: now, Declared: gate.Low, Class: gate.High, PolicySource: s, PolicySHA: "0123456789", Verdict: gate.NotReady, Status: gate.Fail,
		PR: gate.PullRequest{
			Repo: gate.Repository{ID: 7, Owner: "acme", Name: "shop"}, Number: 12, Title: s, Body: s, URL: "https://github.com/acme/shop/pull/12",
			Author: user, HeadSHA: "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432", HeadRef: s, BaseRef: s, BaseSHA: "1a2b3c4", Labels: []string{s},
		},
		Record: gate.Record{
			Found: true, Line: 3, Scope: s, Class: gate.Low, Gates: map[gate.Gate]gate.Mark{gate.Code: gate.MarkPass}, ResidualRisks: []string{s, s},
			Trigger: s, RollbackOwner: gate.Owner{Name: s}, DecisionOwner: gate.Owner{User: s}, Decision: gate.ChoiceGo, Timestamp: now,
			More: map[gate.Field]string{gate.FieldRehearsal: s, gate.FieldWhatChanged: s}, Panel: []gate.Owner{{Team: s}},
		},
		Readings: map[string]time.Time{"checks": now},
	}
	for _, g := range gate.Gates {
		ev.Rows = append(ev.Rows, gate.GateRow{Gate: g, Claim: gate.MarkPass, Evidence: q + " is red", Comparison: gate.Contradicted, Reason: "the evidence says " + q})
	}
	for _, st := range []gate.Status{gate.Fail, gate.Action, gate.Unknown, gate.Pending, gate.Advisory} {
		ev.Findings = append(ev.Findings, gate.Finding{
			Requirement: "code/checks", Status: st, Code: "ci-failed", Fact: q + " is red, says " + q, Fix: "mend " + q, By: gate.ByAuthor,
			Type: "checks: {optional: [" + s + "]}", Link: s, Who: []string{s},
		}, gate.Finding{Requirement: "review/approvals", Status: st, Code: "nobody-can-approve", Fact: "f", Fix: "f", By: gate.ByAdmin, File: "a: 1\n" + s + "\nb: 2\n"})
	}
	ev.Decisions = []gate.Standing{{
		PersonDecision: gate.PersonDecision{ID: 1, Choice: gate.ChoiceGo, User: user, At: now, Reason: s, For: gate.Binding{HeadSHA: "1a2b3c4d", BaseRef: s}},
		Lapsed:         "the comment of " + q + " was edited", Code: "edited-command",
	}}
	ev.Signoffs = []gate.SignoffStanding{{Signoff: gate.Signoff{Name: s, PersonDecision: ev.Decisions[0].PersonDecision}, Lapsed: ev.Decisions[0].Lapsed}}
	ev.Overrides = []gate.Standing{{PersonDecision: ev.Decisions[0].PersonDecision, Lapsed: ev.Decisions[0].Lapsed}}
	ev.Notify = []gate.Notice{{Roles: []string{s, s}, Channel: s}}
	return ev
}

func hostileRelease(s string) gate.ReleaseEvaluation {
	return gate.ReleaseEvaluation{
		Number: 1, At: now, Repo: gate.Repository{ID: 7, Owner: "acme", Name: "shop"}, Commit: "9f8e7d6c", Previous: s, Verdict: gate.NotReady, Status: gate.Fail,
		Release:  gate.Release{Tag: s, URL: "https://github.com/acme/shop/releases/1"},
		Pulls:    []gate.ReleasedPull{{Number: 3, Title: s}},
		Findings: []gate.Finding{{Requirement: "review/merged", Status: gate.Fail, Code: "bypass", Fact: "#3 was merged: " + gate.Quote(s), Fix: "look", By: gate.ByDecider}},
	}
}

var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote))

// shape is what a Markdown text is made of: the kinds of its nodes with the
// text outside of code, so that the shapes of a harmless and of a hostile text
// can be compared.
func shape(t *testing.T, src string) (kinds string, prose string, links []string) {
	t.Helper()
	var k, p strings.Builder
	root := gfm.Parser().Parse(text.NewReader([]byte(src)))
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch v := n.(type) {
		case *ast.Text:
			if v.Parent().Kind() != ast.KindCodeSpan {
				p.Write(v.Segment.Value([]byte(src)))
			}
			if v.SoftLineBreak() {
				p.WriteByte('\n')
			}
			return ast.WalkContinue, nil
		case *ast.CodeSpan: // where a value stands; an empty one is a dash
			p.WriteByte('\n')
			return ast.WalkContinue, nil
		case *ast.Link:
			links = append(links, string(v.Destination))
		case *ast.AutoLink:
			links = append(links, string(v.URL([]byte(src))))
		case *ast.Image, *ast.RawHTML, *extast.FootnoteLink, *extast.Footnote:
			t.Errorf("%s in:\n%s", n.Kind(), src)
		}
		if n.Kind() != ast.KindString {
			fmt.Fprintf(&k, "%s ", n.Kind())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return k.String(), p.String(), links
}

var mention = regexp.MustCompile(`@[A-Za-z0-9]`)

// botEnd is the end of a bot's login with its neighbours: no bracket that opens
// a link's address.
var botEnd = regexp.MustCompile(`([A-Za-z0-9-])\[bot\]($|[ ,.:;])`)

func TestUserTextIsNeverMarkup(t *testing.T) {
	all := payloads()
	if len(all) < 500 {
		t.Fatalf("only %d payloads", len(all))
	}
	o := Options{Name: "release-readiness", DetailsURL: "https://github.com/acme/shop/pull/12"}
	render := func(s string) map[string]string {
		o.Notes = []string{gate.Quote("@"+s) + " pressed GO: only a release manager decides here, not " + gate.Quote(s)}
		passing := hostileEvaluation(s)
		passing.Override = gate.Overriding{By: []gate.User{{Login: s}}, Own: []gate.User{{Login: s}}, Reason: s, Until: now}
		run, release := Check([]gate.Evaluation{hostileEvaluation(s), passing}, o), Release(hostileRelease(s), o)
		return map[string]string{
			"summary": run.Summary, "text": run.Text, "release summary": release.Summary, "release text": release.Text,
			"reply": Reply(s, "nobody knows "+gate.Quote(s), "/go "+s, s), "help": Help(hostileEvaluation(s), []string{s, s}, []SignoffOf{{s, s}}, OverrideOf{Who: "people with the role " + gate.Quote(s), For: time.Hour}, s),
			"ask": Ask(hostileEvaluation(s), []gate.User{{Login: s}}, "the comment of "+gate.Quote(s)+" was edited", true),
		}
	}
	harmless := map[string]string{}
	for name, src := range render("harmless value") {
		kinds, _, _ := shape(t, src)
		harmless[name] = kinds
	}
	for _, s := range all {
		for name, src := range render(s) {
			kinds, prose, links := shape(t, src)
			// Whether a link is shown depends on the payload; nothing else may.
			if kinds != harmless[name] && !(name == "ask" && isLogin(s)) {
				t.Errorf("%q changes the shape of the %s:\n%.3000s\nfrom %s\nto   %s", s, name, src, harmless[name], kinds)
			}
			for _, link := range links {
				if !strings.HasPrefix(link, "https://github.com/acme/shop/") && !strings.HasPrefix(link, "https://docs.github.com/") {
					t.Errorf("%q: the %s links to %s", s, name, link)
				}
			}
			if mention.MatchString(prose) && !(name == "ask" && isLogin(s)) {
				t.Errorf("%q: the %s mentions somebody:\n%s", s, name, prose)
			}
			if !utf8.ValidString(src) {
				t.Errorf("%q: the %s is not UTF-8", s, name)
			}
			for line := range strings.Lines(src) {
				if strings.HasPrefix(strings.TrimSpace(line), "/") && (name == "reply" || name == "help" || name == "ask") {
					t.Errorf("%q: a line of the %s is a command: %q", s, name, line)
				}
			}
			if t.Failed() {
				return
			}
		}
		for _, title := range []string{Check([]gate.Evaluation{hostileEvaluation(s)}, o).Title, Check([]gate.Evaluation{hostileEvaluation(s), hostileEvaluation(s)}, o).Title, Release(hostileRelease(s), o).Title} {
			bare := botEnd.ReplaceAllString(title, "$1$2") // the end of a bot's login links nowhere
			if utf8.RuneCountInString(title) > 80 || strings.ContainsAny(bare, "<>`|[]\n\r") || !utf8.ValidString(title) {
				t.Errorf("%q: title %q", s, title)
			}
		}
	}
}

func TestLinksLeadToGitHubOnly(t *testing.T) {
	const home = "https://github.com/acme/shop/pull/12"
	tests := []struct {
		link string
		ok   bool
	}{
		{"https://github.com/acme/shop/runs/1", true}, {"https://docs.github.com/en/x", true}, {"https://GITHUB.com/x", false}, {"http://github.com/x", false},
		{"https://evil.example/github.com", false}, {"https://github.com.evil.example/", false}, {"https://github.com@evil.example/", false}, {"https://a@github.com/x", false},
		{"javascript:alert(1)", false}, {"data:text/html,x", false}, {"//github.com/x", false}, {"/acme", false}, {"", false}, {"https://github.com:8443/x", false},
		{"https://github.com/x)[y](https://evil.example", false}, {"https://github.com/\u202ex", false}, {"https://github.com/" + strings.Repeat("a", 600), false}, {"https://github.com/%zz", false},
	}
	for _, tt := range tests {
		if got := safeLink(tt.link, home) != ""; got != tt.ok {
			t.Errorf("%q: %v", tt.link, got)
		}
	}
	if safeLink("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/acme/shop/pull/1") == "" || safeLink("https://x/", "") != "" {
		t.Error("the host of the pull request's own page")
	}
}

func TestOutputsAreCutWithinGitHubsLimits(t *testing.T) {
	o := Options{Name: "n", DetailsURL: "https://github.com/acme/shop/pull/12"}
	big := hostileEvaluation("x")
	big.Findings = nil
	for i := range 3000 {
		big.Findings = append(big.Findings, gate.Finding{Status: gate.Fail, Code: "ci-failed", Fact: fmt.Sprintf("%d %s", i, gate.Quote(strings.Repeat("é😀", 60))), Fix: "mend it", Type: "/go 9f8e7d6", By: gate.ByAuthor})
	}
	emoji := hostileEvaluation(strings.Repeat("😀", 9000))
	for i := range 500 {
		emoji.Record.More[gate.Field(fmt.Sprintf("Field %d", i))] = strings.Repeat("😀", 200)
		emoji.Decisions = append(emoji.Decisions, emoji.Decisions[0])
	}
	release := hostileRelease("x")
	for i := range 3000 {
		release.Pulls = append(release.Pulls, gate.ReleasedPull{Number: i, Title: strings.Repeat("ü", 200)})
	}
	runs := map[string]CheckRun{
		"3,000 findings": Check([]gate.Evaluation{big}, o), "emoji": Check([]gate.Evaluation{emoji, emoji, emoji}, o), "a release of 3,000": Release(release, o),
	}
	for name, run := range runs {
		for _, s := range []string{run.Summary, run.Text} {
			if len(s) > limit || !utf8.ValidString(s) {
				t.Errorf("%s: %d bytes, valid %v", name, len(s), utf8.ValidString(s))
			}
		}
		if !strings.HasPrefix(run.Summary, "**NOT READY**") {
			t.Errorf("%s: the verdict does not come first", name)
		}
		if name == "3,000 findings" && !strings.HasSuffix(run.Summary, "Read on: "+o.DetailsURL+"\n") {
			t.Errorf("%s: nothing says that it was cut: %q", name, run.Summary[len(run.Summary)-100:])
		}
	}
}

// Wherever a text is cut, no code block stays open.
func TestCuttingAnywhere(t *testing.T) {
	const end = "READ ON"
	long := list("What is open", []gate.Finding{
		{Code: "a", Fact: "é " + gate.Quote("😀😀"), Fix: "b", Type: "/go 1"}, {Code: "c", Fact: "d", Fix: "e", Type: "- x: 😀"},
	}, "") + "\n" + codeBlock("last") + "\ntail\n"
	for n := 60; n < len(long); n++ {
		s := cut(long, n, end)
		if len(s) > n || !utf8.ValidString(s) {
			t.Fatalf("cut to %d: %d bytes of %q", n, len(s), s)
		}
		if _, prose, _ := shape(t, s); !strings.Contains(prose, end) {
			t.Fatalf("cut to %d: the last line stands in a code block:\n%s", n, s)
		}
	}
}
