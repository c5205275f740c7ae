// Package report turns verdicts into what people read on GitHub: check runs,
// replies and the comment that asks for a decision.
//
// It is pure, and the last wall before GitHub: nothing that a user wrote leaves
// it as markup ([gate.Quote] marks such values, and this package shows them as
// code), and everything is cut to GitHub's limits at the border of a character,
// the verdict first.
package report

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"gonogo/internal/gate"
)

// Options are what a check run shows besides the evaluation.
type Options struct {
	Name       string
	DetailsURL string
	// Notes are answers to pressed buttons, newest first.
	Notes []string
}

// Buttons of every check run. Pressing one is the same as the command.
var buttons = []Button{
	{Label: "GO", Description: "Say /go on this commit", Identifier: "go"},
	{Label: "NO-GO", Description: "Say /no-go: nothing merges", Identifier: "no-go"},
	{Label: "Re-check", Description: "Read all evidence again", Identifier: "recheck"},
}

// Check renders the check run of a head commit. evs are the evaluations of all
// open pull requests in scope with that head, one as a rule; of several the
// worst verdict is published, and each is named.
func Check(evs []gate.Evaluation, o Options) CheckRun {
	evs = slices.SortedFunc(slices.Values(evs), func(a, b gate.Evaluation) int {
		return cmp.Or(cmp.Compare(rank(Conclude(b)), rank(Conclude(a))), cmp.Compare(a.PR.Number, b.PR.Number))
	})
	worst := evs[0]
	run := CheckRun{
		Name: o.Name, HeadSHA: worst.PR.HeadSHA, DetailsURL: o.DetailsURL,
		ExternalID: ExternalID(worst.PR.Repo.ID, worst.PR.HeadSHA, gate.Newest(evs)),
		Conclusion: Conclude(worst), StartedAt: worst.At,
		Title: title(worst), Actions: buttons,
	}
	if len(evs) > 1 {
		run.Title = twinTitle(evs)
	}
	var summary, text, lasting strings.Builder
	for _, ev := range evs {
		summary.WriteString(summaryOf(ev, o))
		text.WriteString(textOf(ev))
		lasting.WriteString(lastingOf(ev))
	}
	run.lasting = lasting.String()
	run.Summary = cut(summary.String(), limit, o.DetailsURL)
	run.Text = cut(text.String(), limit, o.DetailsURL)
	return run
}

// ExternalID is by which a check run of ours is found again: repository, head
// and evaluation number.
func ExternalID(repo int64, sha string, evaluation int64) string {
	return fmt.Sprintf("%d/%s/%d", repo, sha, evaluation)
}

// Conclude returns the conclusion of an evaluation.
func Conclude(ev gate.Evaluation) Conclusion {
	if ev.PR.Draft {
		return InProgress
	}
	if ev.Passes() {
		return Success
	}
	switch ev.Verdict {
	case gate.NotReady:
		return Failure
	case gate.NotVerified:
		if ev.Unverifiable() {
			return Failure
		}
		return InProgress
	default:
		if ev.Status == gate.Action {
			return ActionRequired
		}
		return InProgress
	}
}

// rank orders conclusions by gravity.
func rank(c Conclusion) int {
	return slices.Index([]Conclusion{Success, InProgress, ActionRequired, Failure}, c)
}

// Evaluating renders the run that is shown while an evaluation takes longer than
// two seconds.
func Evaluating(pr gate.PullRequest, o Options, now time.Time) CheckRun {
	return CheckRun{
		Name: o.Name, HeadSHA: pr.HeadSHA, DetailsURL: o.DetailsURL, StartedAt: now, Actions: buttons,
		ExternalID: ExternalID(pr.Repo.ID, pr.HeadSHA, 0),
		Title:      "WAITING · evaluating · reading the evidence",
		Summary:    "The evidence is being read. Nothing to do: this check answers by itself.",
	}
}

// title is the verdict, the blocker that its reader should know first, and how
// many more there are, in 80 characters.
func title(ev gate.Evaluation) string {
	open := ev.Blockers()
	if ev.PR.Draft {
		if len(open) == 0 {
			return "DRAFT · nothing is missing"
		}
		return fmt.Sprintf("DRAFT · %d %s before ready", len(open), plural(len(open), "thing", "things"))
	}
	switch {
	case ev.Overridden():
		return overriddenTitle(ev)
	case ev.Exempt != "":
		return shorten("EXEMPT · "+plain(gate.Quote(ev.Exempt)), titleLimit)
	case ev.Verdict == gate.Ready && ev.Reverts != 0:
		return fmt.Sprintf("%s · revert of #%d", ev.Verdict, ev.Reverts)
	case ev.Verdict == gate.Ready && ev.SelfDecided:
		return fmt.Sprintf("%s · %s · self-decided · %s", ev.Verdict, ev.Class, gate.Short(ev.PR.HeadSHA))
	case ev.Verdict == gate.Ready:
		return fmt.Sprintf("%s · %s · %s", ev.Verdict, ev.Class, gate.Short(ev.PR.HeadSHA))
	}
	first, word, fact, tail := firstBlocker(ev), ev.Verdict, "", ""
	switch {
	case ev.Verdict == gate.NotVerified && !ev.Unverifiable():
		word, fact = gate.Waiting, "cannot verify, retrying: "
	case ev.Verdict == gate.NotVerified && !ev.UnverifiedSince.IsZero():
		tail = " since " + clock(ev.UnverifiedSince)
	}
	if len(open) > 1 {
		tail += fmt.Sprintf(" +%d more", len(open)-1)
	}
	return blockerTitle(word, first.Code, fact+plain(first.Fact), tail)
}

// blockerTitle cuts the fact so that the title keeps its end.
func blockerTitle(word gate.Verdict, code, fact, tail string) string {
	head := fmt.Sprintf("%s · %s · ", word, code)
	return head + shorten(fact, titleLimit-utf8.RuneCountInString(head)-utf8.RuneCountInString(tail)) + tail
}

// firstBlocker returns the one among the gravest that comes first in the order
// author, reviewer, decision, checks. Before all of them comes that nobody could
// clear it as things are.
func firstBlocker(ev gate.Evaluation) gate.Finding {
	order := func(f gate.Finding) int {
		if f.Code == "nobody-can-approve" {
			return -1
		}
		if f.Requirement == "code/checks" && f.By != gate.ByReviewer {
			return int(gate.ByItself)
		}
		return int(f.By)
	}
	if len(ev.Findings) == 0 {
		return gate.Finding{}
	}
	gravest := ev.Findings[:1]
	for i, f := range ev.Findings {
		if f.Status == ev.Status {
			gravest = ev.Findings[:i+1]
		}
	}
	return slices.MinFunc(gravest, func(a, b gate.Finding) int { return cmp.Compare(order(a), order(b)) })
}

func twinTitle(evs []gate.Evaluation) string {
	word := map[Conclusion]gate.Verdict{
		Success: gate.Ready, Failure: gate.NotReady, ActionRequired: gate.Waiting, InProgress: gate.Waiting,
	}[Conclude(evs[0])]
	if word == gate.Ready && slices.ContainsFunc(evs, gate.Evaluation.Overridden) {
		word = overriddenWord
	}
	parts := make([]string, 0, len(evs))
	for _, ev := range evs {
		state := "ready"
		switch {
		case ev.Overridden():
			state = "overridden"
		case ev.Exempt != "":
			state = "exempt"
		case ev.Verdict != gate.Ready:
			state = firstBlocker(ev).Code
		}
		parts = append(parts, fmt.Sprintf("#%d → %s: %s", ev.PR.Number, plain(gate.Quote(ev.PR.BaseRef)), state))
	}
	return shorten(string(word)+" · "+strings.Join(parts, "; "), titleLimit)
}

// summaryOf is the verdict in at most six short lines, then the comparison of
// claims and evidence, then every blocker with the line to type.
func summaryOf(ev gate.Evaluation, o Options) string {
	var b strings.Builder
	open := ev.Blockers()
	fmt.Fprintf(&b, "**%s** · #%d into %s at `%s`  \n", headline(ev), ev.PR.Number, value(ev.PR.BaseRef), gate.Short(ev.PR.HeadSHA))
	fmt.Fprintf(&b, "Class: %s%s  \n", classLine(ev), hotfixOf(ev))
	if ev.Overridden() {
		fmt.Fprintf(&b, "%s  \n", overriddenLine(ev))
	}
	if len(open) > 0 {
		fmt.Fprintf(&b, "Open: %s  \n", openLine(open))
	}
	if l := lapsedLine(ev); l != "" {
		fmt.Fprintf(&b, "Since the last GO: %s  \n", markdown(l))
	}
	if len(open) > 0 {
		first := firstBlocker(ev)
		fmt.Fprintf(&b, "%s\n", nextLine(first))
		if block := toType(first); block != "" {
			fmt.Fprintf(&b, "\n%s\n", block)
		}
	}
	for _, note := range o.Notes {
		fmt.Fprintf(&b, "\n> %s\n", markdown(note))
	}
	b.WriteString(gateTable(ev))
	b.WriteString(list("What is open", open, ev.PR.URL))
	b.WriteString(list("Owed within 24 hours of the merge", advisories(ev, true), ev.PR.URL))
	b.WriteString(list("Said, does not block", advisories(ev, false), ev.PR.URL))
	b.WriteString("\n")
	return b.String()
}

func headline(ev gate.Evaluation) string {
	if ev.PR.Draft {
		return "DRAFT"
	}
	if ev.Overridden() {
		return overriddenWord
	}
	if ev.Exempt != "" {
		return "EXEMPT"
	}
	return string(ev.Verdict)
}

// hotfixOf says for whose sake less blocks.
func hotfixOf(ev gate.Evaluation) string {
	if ev.HotfixOf == 0 {
		return ""
	}
	return fmt.Sprintf("; a hotfix of #%d, with %d owed within 24 hours of the merge", ev.HotfixOf, len(advisories(ev, true)))
}

func classLine(ev gate.Evaluation) string {
	if ev.Reverts != 0 {
		return fmt.Sprintf("not asked; a verified pure revert of #%d", ev.Reverts)
	}
	switch ev.Declared {
	case gate.Undeclared:
		if ev.Exempt != "" {
			return ev.Class.String()
		}
		return fmt.Sprintf("not declared; judged as %s", ev.Class)
	case ev.Class:
		return ev.Class.String()
	default:
		return fmt.Sprintf("declared %s, judged as %s", ev.Declared, ev.Class)
	}
}

func openLine(open []gate.Finding) string {
	count := map[gate.Actor]int{}
	for _, f := range open {
		count[f.By]++
	}
	var parts []string
	for _, who := range []gate.Actor{gate.ByAuthor, gate.ByReviewer, gate.ByDecider, gate.ByAdmin} {
		if n := count[who]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d for the %s", n, who))
		}
	}
	if n := count[gate.ByItself]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d that will clear by itself", n))
	}
	return strings.Join(parts, ", ")
}

// lapsedLine says what changed since the newest GO that no longer counts.
func lapsedLine(ev gate.Evaluation) string {
	for _, s := range slices.Backward(ev.Decisions) {
		if s.Choice == gate.ChoiceGo {
			return s.Lapsed
		}
	}
	return ""
}

// nextLine says who does what; the line to type follows it.
func nextLine(f gate.Finding) string {
	switch {
	case f.By == gate.ByItself && f.Fix == "":
		return "Next: nothing to do, it clears by itself"
	case f.By == gate.ByItself:
		return "Next: " + markdown(f.Fix)
	case f.Type != "" || f.File != "":
		return fmt.Sprintf("Next (%s): %s:", f.By, strings.TrimRight(markdown(f.Fix), ".:"))
	default:
		return fmt.Sprintf("Next (%s): %s", f.By, markdown(f.Fix))
	}
}

// actor names who clears a blocker, as the list of what is open begins.
func actor(by gate.Actor) string {
	if by == gate.ByItself {
		return "clears by itself"
	}
	return by.String()
}

func gateTable(ev gate.Evaluation) string {
	var b strings.Builder
	b.WriteString("\n| gate | claim | evidence | comparison |\n|---|---|---|---|\n")
	for _, r := range ev.Rows {
		comparison := string(r.Comparison)
		if r.Reason != "" {
			comparison += ": " + r.Reason
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Gate, cmp.Or(string(r.Claim), "—"), cell(r.Evidence), cell(comparison))
	}
	return b.String()
}

func list(heading string, findings []gate.Finding, home string) string {
	if len(findings) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n", heading)
	for _, f := range findings {
		fmt.Fprintf(&b, "\n- **%s** · `%s` · %s.", actor(f.By), f.Code, strings.TrimRight(markdown(sentence(f.Fact)), ". "))
		if f.Fix != "" {
			fmt.Fprintf(&b, " %s.", strings.TrimRight(markdown(sentence(f.Fix)), ". "))
		}
		if link := safeLink(f.Link, home); link != "" {
			fmt.Fprintf(&b, " [Open](%s)", link)
		}
		b.WriteString("\n")
		if block := toType(f); block != "" {
			fmt.Fprintf(&b, "\n  %s\n", strings.ReplaceAll(block, "\n", "\n  "))
		}
	}
	return b.String()
}

// advisories are what is said without blocking: what is owed, or the rest.
func advisories(ev gate.Evaluation, owed bool) []gate.Finding {
	var said []gate.Finding
	for _, f := range ev.Findings {
		if f.Status == gate.Advisory && f.Debt == owed {
			said = append(said, f)
		}
	}
	return said
}

// sentence gives a sentence its capital, unless it starts with a value.
func sentence(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// helpHost is where links of our own sentences lead.
const helpHost = "docs.github.com"

// safeLink returns link if it leads to the host of home (the pull request's
// own page) or to GitHub's documentation, and cannot end the Markdown link
// around it; else "". Whoever makes a check run or a status chooses its link.
func safeLink(link, home string) string {
	to, err := url.Parse(link)
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("()<>[]\\`|\"'", r) }
	if err != nil || len(link) > 500 || strings.ContainsFunc(link, odd) {
		return ""
	}
	from, err := url.Parse(home)
	if err != nil || to.User != nil || to.Scheme != "https" && to.Scheme != from.Scheme {
		return ""
	}
	if to.Host != helpHost && (to.Host == "" || to.Host != from.Host) {
		return ""
	}
	return link
}

func clock(t time.Time) string { return t.UTC().Format("15:04Z") }
