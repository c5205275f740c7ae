package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Readiness renders the readiness of a release as a document of its own: what it
// brings, what was signed and left open, and what stands in its way.
func Readiness(ev gate.ReleaseEvaluation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Release readiness: %s\n\n", value(ev.Release.Tag))
	fmt.Fprintf(&b, "- Verdict: **%s**\n- Repository: %s\n- Commit: `%s`\n- Since: %s\n- Judged: %s, evaluation %d\n",
		ev.Verdict, value(ev.Repo.FullName()), ev.Commit, previous(ev), ev.At.UTC().Format(time.RFC3339), ev.Number)
	var open, said []gate.Finding
	for _, f := range ev.Findings {
		switch {
		case f.Status.Blocks():
			open = append(open, f)
		case f.Status == gate.Advisory:
			said = append(said, f)
		}
	}
	b.WriteString(list("What is open", open, ev.Release.URL))
	b.WriteString(list("Said, does not block", said, ev.Release.URL))
	b.WriteString("\n## Pull requests\n\n")
	if len(ev.Pulls) == 0 {
		b.WriteString("None.\n")
		return b.String()
	}
	b.WriteString("| pull request | title | author | class | verdict when merged | signed off |\n|---|---|---|---|---|---|\n")
	for _, p := range ev.Pulls {
		verdict := cmp.Or(string(p.Verdict), "none")
		if p.Override != "" {
			verdict += ", overridden by " + gate.Quote(p.Override)
		}
		class := "not known"
		if p.Class != gate.Undeclared {
			class = p.Class.String()
		}
		fmt.Fprintf(&b, "| #%d | %s | %s | %s | %s | %s |\n", p.Number, cell(gate.Quote(p.Title)), cell(gate.Quote(cmp.Or(p.Author, "not known"))),
			class, cell(verdict), cell(quoted(p.Signed)))
	}
	return b.String()
}

func quoted(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	all := make([]string, 0, len(list))
	for _, s := range list {
		all = append(all, gate.Quote(s))
	}
	return strings.Join(all, ", ")
}
