package policy

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// A pull request that references an open severe issue goes on with it when a
// release manager who wrote none of it accepts that in so many words: a /go that
// names the issue. One that does not name it may be older than the issue.

// An issue counts when somebody with triage access made it severe: whoever fills
// in an issue form has its labels put on, too, and those prove nothing. Nobody
// else can label, so that a label by anybody but the issue's own author was put
// on by somebody who had the access then, whatever became of it. What an App or a
// bot puts on counts, and so does whatever cannot be told.
//
// Where the policy has components, an issue that names some of them counts for
// those: see components.go. Any other counts for all.

// SeverityEvidence is what code/severity asks.
type SeverityEvidence interface {
	FilesEvidence
	PeopleEvidence
	// SevereIssues lists the open issues with exactly this label.
	SevereIssues(label string) gate.Reading[[]gate.Issue]
	// Labeller is who gave an issue of this repository the label that it has;
	// nobody where its history does not tell.
	Labeller(issue int, label string) gate.Reading[gate.Labelling]
}

// maxLabellers is of how many issues of one label it is asked who made them
// severe. Of the rest it is not known, so that they count.
const maxLabellers = 20

// LabelledIssues lists, for each label of severe issues, those of which it
// matters who made them severe, and all that a hotfix says it fixes.
func (p *Policy) LabelledIssues(pr gate.PullRequest, r gate.Record, e SeverityEvidence) []SevereIssue {
	list := p.HotfixOf(pr, r, e)
	for _, label := range []string{p.Severity.SEV1, p.Severity.SEV2} {
		issues := byIssueNumber(e.SevereIssues(label).Value)
		for _, i := range issues[:min(len(issues), maxLabellers)] {
			list = union(list, []SevereIssue{{i, label}})
		}
	}
	return list
}

func byIssueNumber(issues []gate.Issue) []gate.Issue {
	return slices.SortedFunc(slices.Values(issues), func(a, b gate.Issue) int { return cmp.Compare(a.Number, b.Number) })
}

// severity: no open SEV1 issue from low, no open SEV2 issue from the
// class that the policy says. The issue that a hotfix fixes is excepted, and so is
// one that is referenced and accepted.
func severity(q question, e Evidence) []gate.Finding {
	found := severe(q, e, q.Policy.Severity.SEV1, gate.Fail)
	weight := gate.Fail
	if q.class < gate.ParseClass(q.Policy.Severity.SEV2From) {
		weight = gate.Advisory
	}
	return slices.Concat(found, severe(q, e, q.Policy.Severity.SEV2, weight), q.lane.says)
}

func severe(q question, e Evidence, label string, weight gate.Status) []gate.Finding {
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
	unsure := gate.Reading[bool]{Known: true}
	for _, i := range byIssueNumber(issues.Value) {
		if fixes[i.Number] {
			continue
		}
		f := severeIssue(label, i, weight)
		confirmed := madeSevere(&f, SevereIssue{i, label}, e)
		if !confirmed.Known && unsure.Known {
			unsure = confirmed
		}
		if f.Status > gate.Advisory {
			ofOthers(q, &f, i)
		}
		found = append(found, accepted(q, e, f, i.Number))
	}
	if !unsure.Known && unsure.Why.Cause == gate.CauseFault { // else nothing would have it read again
		f := unread("who labelled an issue "+gate.Quote(label), unsure.Why)
		f.Status = min(f.Status, weight)
		found = append(found, f)
	}
	return found
}

// formTakes is how long after an issue was opened its form may label it. Later
// nobody can without triage access, whatever they have lost since.
const formTakes = time.Minute

// ByItsForm reports whether an issue may have got a label from the form that it
// was opened with, by whoever opened it.
func ByItsForm(i gate.Issue, by gate.Labelling) bool {
	return by.By.ID != 0 && !by.By.Bot && by.By.Is(i.Author) && by.At.Sub(i.OpenedAt) <= formTakes
}

// madeSevere takes the weight off a finding about an issue that an outsider's
// form made severe. It is not known where that cannot be told; the issue counts
// then.
func madeSevere(f *gate.Finding, i SevereIssue, e SeverityEvidence) gate.Reading[bool] {
	by := e.Labeller(i.Number, i.Label)
	if !by.Known {
		return gate.Reading[bool]{Why: by.Why, At: by.At}
	}
	u := by.Value.By
	if !ByItsForm(i.Issue, by.Value) || renamed(e, u) != "" {
		return gate.Reading[bool]{Known: true, Value: true}
	}
	has := e.Permission(u.Login)
	if !has.Known || has.Value >= gate.PermissionTriage {
		return gate.Reading[bool]{Known: has.Known, Value: has.Known, Why: has.Why, At: has.At}
	}
	f.Status, f.Code = gate.Advisory, "severe-unconfirmed"
	f.Fact += fmt.Sprintf("; %s, who has no triage access, opened it with that label", handle(u))
	f.Fix = "if it is severe, somebody with triage access takes the label off and puts it on again"
	return gate.Reading[bool]{Known: true}
}

// accepted turns the finding about an open issue into advice when a release
// manager has said /go with it open, and else says how one can.
func accepted(q question, e Evidence, f gate.Finding, issue int) gate.Finding {
	if f.Status != gate.Fail || !referenced(q.PR.Body)[issue] {
		return f
	}
	name := fmt.Sprintf("#%d", issue)
	for _, s := range standings(q, e) {
		manager := q.Policy.Authority(e, ReleaseManager, s.User)
		if s.Choice == gate.ChoiceGo && s.Counts && !s.LiftsOwn && mentions(s.Reason, issue) && manager.Known && manager.Value {
			f.Status, f.Code, f.Type = gate.Advisory, "severe-accepted", ""
			f.Fact = fmt.Sprintf("accepted with %s open by %s: %s", name, handle(s.User), f.Fact)
			f.Fix = "nothing for this merge; the issue stays open"
			return f
		}
	}
	f.Fix += "; or a release manager who wrote none of this accepts it open and comments"
	f.Type = fmt.Sprintf("/go %s accepted with %s open", gate.Short(q.PR.HeadSHA), name)
	return f
}

// reference matches an issue of the same repository: #8.
var reference = regexp.MustCompile(`(?:^|[\s(,;:])#(\d{1,9})\b`)

func mentions(text string, issue int) bool {
	return slices.ContainsFunc(reference.FindAllStringSubmatch(text, 50), func(m []string) bool { return m[1] == strconv.Itoa(issue) })
}

// referenced lists the issues of the same repository that a pull request's live
// text names.
func referenced(body string) map[int]bool {
	numbers := map[int]bool{}
	eachLine(markdown.Parse(body).Blocks, func(line string) {
		for _, m := range reference.FindAllStringSubmatch(line, 100) {
			if n, err := strconv.Atoi(m[1]); err == nil {
				numbers[n] = true
			}
		}
	})
	return numbers
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
	eachBlock(blocks, func(b *markdown.Block) {
		for _, line := range b.Lines {
			do(line.String())
		}
	})
}
