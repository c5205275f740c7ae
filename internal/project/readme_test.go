package project_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/app"
	"gonogo/internal/decision"
	"gonogo/internal/gate"
	"gonogo/internal/policy"
	"gonogo/internal/report"
)

// The blocks of README.md and docs/settings.md that are made from code.
func TestReadmeShowsWhatIs(t *testing.T) {
	for _, tt := range []struct{ file, name, want string }{
		{"README.md", "check-run", checkRun()},
		{"README.md", "app-link", appLink(appManifest(t))},
		{"docs/settings.md", "settings", settingsTable()},
	} {
		text := read(t, tt.file)
		block := regexp.MustCompile("(?s)(<!-- " + tt.name + ":begin [^\n]*-->\n)(.*)(<!-- " + tt.name + ":end -->)")
		m := block.FindStringSubmatchIndex(text)
		if m == nil {
			t.Errorf("%s has no block %s", tt.file, tt.name)
			continue
		}
		if *update {
			text = text[:m[4]] + tt.want + text[m[5]:]
			if err := os.WriteFile(tt.file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(tt.want, text[m[4]:m[5]]); diff != "" {
			t.Errorf("%s's %s is not what it shows; run: make golden\n%s", tt.file, tt.name, diff)
		}
	}
}

// checkRun renders the check run of a pull request that waits for its decision.
func checkRun() string {
	now := time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)
	head := "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"
	finding := gate.Finding{
		Requirement: "decision/authorized", Status: gate.Action, Code: "go-missing", By: gate.ByDecider,
		Fact: "no release manager has said /go on 9f8e7d6", Fix: gate.Quote("@dana") + " comments", Type: "/go 9f8e7d6",
	}
	ev := gate.Evaluation{
		Number: 1, At: now, Declared: gate.Medium, Class: gate.Medium, Verdict: gate.Waiting, Status: gate.Action,
		PR:       gate.PullRequest{Number: 7, BaseRef: "main", HeadSHA: head, URL: "https://github.com/acme/shop/pull/7"},
		Findings: []gate.Finding{finding},
	}
	for _, g := range gate.Gates {
		row := gate.GateRow{Gate: g, Claim: gate.MarkPass, Evidence: "holds", Comparison: gate.Confirmed}
		switch g {
		case gate.Communication:
			row.Evidence, row.Comparison, row.Reason = "—", gate.NotRequired, "not asked at medium risk"
		case gate.Decision:
			row.Evidence, row.Comparison = finding.Fact, gate.Pends
		}
		ev.Rows = append(ev.Rows, row)
	}
	run := report.Check([]gate.Evaluation{ev}, report.Options{Name: policy.BuiltIn().Check})
	var b strings.Builder
	fmt.Fprintf(&b, "> **%s** — %s\n>\n> **%s**\n>\n", run.Name, run.Conclusion, run.Title)
	for line := range strings.SplitSeq(strings.TrimSpace(run.Summary), "\n") {
		if broken, ok := strings.CutSuffix(line, "  "); ok {
			line = broken + "\\" // the same line break, and one that editors keep
		}
		b.WriteString(strings.TrimRight("> "+line, " ") + "\n")
	}
	return b.String()
}

// appLink is the address of GitHub's form for a new App with the manifest
// filled in.
func appLink(m manifest) string {
	q := url.Values{"name": {m.Name}, "description": {m.Description}, "url": {m.URL}, "public": {"false"},
		"webhook_active": {"true"}, "webhook_url": {m.HookAttributes.URL}, "events[]": m.Events}
	for name, level := range m.Permissions {
		q.Set(name, level)
	}
	return "```\nhttps://github.com/organizations/ORG/settings/apps/new?" + q.Encode() + "\n```\n"
}

func settingsTable() string {
	var b strings.Builder
	b.WriteString("| environment | flag | default | meaning |\n|---|---|---|---|\n")
	for _, s := range app.Settings() {
		value := "—"
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s |\n", s.Env(), s.Flag(), value, s.Help)
	}
	return b.String()
}

// fenced returns the code blocks of README.md in a language.
func fenced(t *testing.T, language string) []string {
	t.Helper()
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(read(t, "README.md"), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

func TestReadmeExamplesWork(t *testing.T) {
	for _, block := range fenced(t, "markdown") {
		if r := decision.Parse(block); !decision.Ready(r) {
			t.Errorf("README.md's record is not complete: %+v", r.Problems)
		}
	}
	for _, block := range fenced(t, "yaml") {
		if _, err := policy.Parse(policy.Path, []byte(block)); err != nil {
			t.Errorf("README.md's policy: %v", err)
		}
	}
	if len(fenced(t, "markdown")) != 1 || len(fenced(t, "yaml")) != 1 {
		t.Error("README.md shows one record and one policy")
	}
}

func TestReadmeListsEveryCommand(t *testing.T) {
	text := read(t, "README.md")
	use := regexp.MustCompile(`(?m)^\s*Use: +"([a-z]+)`)
	for path := range sources(t, "cmd") {
		for _, m := range use.FindAllStringSubmatch(read(t, path), -1) {
			row := regexp.MustCompile("\\| `gonogo (?:[a-z, ]* )?" + m[1] + "\\b")
			if m[1] != "gonogo" && !row.MatchString(text) {
				t.Errorf("README.md does not list gonogo %s", m[1])
			}
		}
	}
	if n := strings.Count(text, "\n"); n > 260 {
		t.Errorf("README.md has %d lines; move depth into docs", n)
	}
}

// Links between the documents lead somewhere.
func TestDocumentsLink(t *testing.T) {
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range append(docs, "README.md") {
		text := read(t, name)
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			if strings.HasPrefix(to, "https://") {
				continue
			}
			target := text
			if to != "" {
				target = read(t, filepath.Join(filepath.Dir(name), to))
			}
			if anchor != "" && !slices.Contains(anchors(target), anchor) {
				t.Errorf("%s links to #%s, which is not there", name, anchor)
			}
		}
	}
}

// anchors returns what GitHub makes of a document's headings.
func anchors(text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		kept := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		found = append(found, strings.ReplaceAll(kept, " ", "-"))
	}
	return found
}
