package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// SeverityEvidence is what code/severity asks.
type SeverityEvidence interface {
	// SevereIssues lists the open issues with exactly this label.
	SevereIssues(label string) gate.Reading[[]gate.Issue]
}

// severity: no open SEV1 issue from low, no open SEV2 issue from the
// class that the policy says. The issue that a hotfix fixes is excepted.
func severity(q question, e SeverityEvidence) []gate.Finding {
	found := severe(q, e, q.Policy.Severity.SEV1, gate.Fail)
	weight := gate.Fail
	if q.class < gate.ParseClass(q.Policy.Severity.SEV2From) {
		weight = gate.Advisory
	}
	return slices.Concat(found, severe(q, e, q.Policy.Severity.SEV2, weight), q.lane.says)
}

func severe(q question, e SeverityEvidence, label string, weight gate.Status) []gate.Finding {
	issues := e.SevereIssues(label)
	if !issues.Known {
		f := unread("the open issues labelled "+gate.Quote(label), issues.Why)
		f.Status = min(f.Status, weight)
		return one(f)
	}
	fixes := map[int]bool{}
	if q.Record.Type == gate.Hotfix {
		fixes = fixed(q.PR)
	}
	var found []gate.Finding
	for _, i := range slices.SortedFunc(slices.Values(issues.Value), func(a, b gate.Issue) int { return cmp.Compare(a.Number, b.Number) }) {
		if fixes[i.Number] {
			continue
		}
		found = append(found, severeIssue(label, i, weight))
	}
	return found
}

func severeIssue(label string, i gate.Issue, weight gate.Status) gate.Finding {
	return gate.Finding{
		Status: weight, Code: "severe-issue", By: gate.ByDecider, Link: i.URL,
		Fact: fmt.Sprintf("issue #%d (%s) is open: %s", i.Number, gate.Quote(label), gate.Quote(i.Title)),
		Fix:  "close the issue, or take the label off if it does not concern this release",
	}
}

// closing matches GitHub's own closing keywords before an issue: #8,
// owner/name#8 or its address.
var closing = regexp.MustCompile(`(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?[ \t]+(?:https?://[^\s/]+/([\w.-]+/[\w.-]+)/issues/|([\w.-]+/[\w.-]+)?#)(\d{1,9})\b`)

// fixed lists the issues of the same repository that a pull request says it
// closes, in text that GitHub takes for such: not in code, comments or
// quotations.
func fixed(pr gate.PullRequest) map[int]bool {
	numbers := map[int]bool{}
	eachLine(markdown.Parse(pr.Body).Blocks, func(line string) {
		for _, m := range closing.FindAllStringSubmatch(line, -1) {
			repo := m[1] + m[2]
			if n, err := strconv.Atoi(m[3]); err == nil && (repo == "" || strings.EqualFold(repo, pr.Repo.FullName())) {
				numbers[n] = true
			}
		}
	})
	return numbers
}

func eachLine(blocks []*markdown.Block, do func(string)) {
	for _, b := range blocks {
		for _, line := range b.Lines {
			do(line.String())
		}
		eachLine(b.Children, do)
	}
}
