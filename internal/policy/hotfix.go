package policy

import (
	"fmt"
	"slices"

	"gonogo/internal/gate"
)

// The lane of hotfixes. A pull request of type hotfix that fixes an open severe
// issue of its repository needs one approval and one /go where others need more,
// and what others rehearse and announce before the merge, and that its head is not
// behind the base, is owed within 24 hours of it. All else is asked as of anybody: checks, secrets, the record, vetoes.
//
// A claim is not enough: somebody with triage access, who wrote none of the change,
// must have labelled the issue. The policy itself is never changed in the lane, so that what changes must
// be known. And the lane makes lighter only what is built in. What a policy file
// asks in another way than the built-in policy holds, as does what an
// organization enforces, and a file that says who approves hotfixes has no lane.

// HotfixEvidence is what the lane asks.
type HotfixEvidence interface {
	SeverityEvidence
	CommitsEvidence
}

// SevereIssue is an open issue and the label that makes it severe.
type SevereIssue struct {
	gate.Issue
	Label string
}

// lane is what makes a pull request a hotfix of a severe issue.
type lane struct {
	issue  int // 0: it is none
	says   []gate.Finding
	normal *Policy // the built-in one, of which alone less is asked
}

// HotfixOf lists the open severe issues that a hotfix says it fixes, as far as
// they could be read; none for pull requests to which the lane is not open.
func (p *Policy) HotfixOf(pr gate.PullRequest, r gate.Record, e SeverityEvidence) []SevereIssue {
	if !r.Found || r.Type != gate.Hotfix || pr.Author.Bot || p.decidesHotfixes() {
		return nil
	}
	fixes := fixed(pr)
	var found []SevereIssue
	for _, label := range []string{p.Severity.SEV1, p.Severity.SEV2} {
		for _, i := range e.SevereIssues(label).Value {
			if fixes[i.Number] {
				found = append(found, SevereIssue{i, label})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b SevereIssue) int { return a.Number - b.Number })
	return found
}

// decidesHotfixes reports whether the policy says itself who approves hotfixes.
func (p *Policy) decidesHotfixes() bool {
	return slices.ContainsFunc(p.Authorization, func(a Authorization) bool { return slices.Contains(a.Types, string(gate.Hotfix)) })
}

func laneOf(q question, e HotfixEvidence) lane {
	var l lane
	if !q.files.Known || touchesPolicy(q.PR.Repo, q.files.Value) {
		return l // in a hurry nobody is to loosen the rules for good
	}
	for _, i := range q.Policy.HotfixOf(q.PR, q.Record, e) {
		f := labelled(q, i, e)
		if f.Code == "hotfix-lane" {
			return lane{i.Number, one(f), BuiltIn()}
		}
		l.says = append(l.says, f)
	}
	return l
}

// labelled says whether somebody with triage access who wrote none of the change
// made an issue severe.
func labelled(q question, i SevereIssue, e HotfixEvidence) gate.Finding {
	issue := fmt.Sprintf("#%d (%s)", i.Number, gate.Quote(i.Label))
	no := gate.Finding{
		Status: gate.Advisory, Code: "hotfix-no-lane", By: gate.ByDecider, Link: i.URL,
		Fix: "somebody with triage access takes the label off and puts it on again; until then nothing is lighter for this hotfix",
	}
	by := e.Labeller(i.Number, i.Label)
	if !by.Known {
		f := unread("who labelled "+issue, by.Why)
		no.Fact, no.Fix = f.Fact, f.Fix
		return no
	}
	u := by.Value.By
	if u.ID == 0 || u.Bot {
		no.Fact = "it cannot be told that a person labelled " + issue + ", which this hotfix fixes"
		return no
	}
	commits := e.Commits()
	switch has := permissionHeld(e, u); {
	case !commits.Known:
		f := unread("the list of commits", commits.Why)
		no.Fact, no.Fix = f.Fact, f.Fix
		return no
	case wroteIt(q.PR, commits.Value).include(u):
		no.Fact = fmt.Sprintf("%s, who labelled %s, which this hotfix fixes, wrote some of it", handle(u), issue)
		no.Fix = "somebody else with triage access takes the label off and puts it on again; until then nothing is lighter for this hotfix"
		return no
	case !has.Known:
		f := unread("the permission of "+handle(u)+", who labelled "+issue+",", has.Why)
		no.Fact, no.Fix = f.Fact, f.Fix
		return no
	case has.Value < gate.PermissionTriage:
		no.Fact = fmt.Sprintf("%s, who labelled %s, which this hotfix fixes, has no triage access", handle(u), issue)
		return no
	}
	return gate.Finding{
		Status: gate.Advisory, Code: "hotfix-lane", By: gate.ByDecider, Link: i.URL,
		Fact: fmt.Sprintf("a hotfix of %s, labelled by %s: what more than one approval and one /go the built-in rules ask for, the rehearsal and the communication package are owed within 24 hours of the merge", issue, handle(u)),
	}
}

// lighter lists the requirements that the lane can make lighter.
var lighter = [...]gate.Requirement{
	"review/approvals", "decision/authorized", upToDate, "operational/rehearsal", "communication/release-note", "communication/stakeholders",
	"communication/known-limitations", "communication/monitoring-focus", "communication/escalation",
}

// lightens reports whether the lane makes requirement id lighter here: it is one
// that it can, as deep as built in, and not enforced.
func (q question) lightens(id gate.Requirement) bool {
	return q.lane.issue != 0 && slices.Contains(lighter[:], id) && !slices.Contains(q.Policy.Held, id) &&
		q.Policy.stated(id) == q.lane.normal.stated(id)
}

// owes reports whether requirement id is owed rather than asked.
func (q question) owes(id gate.Requirement) bool {
	if id == "operational/rehearsal" && q.lane.normal != nil && q.Policy.Rehearsal != q.lane.normal.Rehearsal {
		return false
	}
	return q.lightens(id) && id != "review/approvals" && id != "decision/authorized"
}

// approvalsAsked is how many approvals are asked for, and how many the rules
// would ask were it no hotfix.
func (q question) approvalsAsked() (need, others int) {
	need = q.Policy.Approvals.For(q.class)
	if q.lightens("review/approvals") && q.Policy.Approvals == q.lane.normal.Approvals {
		return min(need, 1), need
	}
	return need, need
}

// goAsked is the same of /go. Who approves by paths does so in a hotfix too.
func (q question) goAsked() (need, others int) {
	need = q.Policy.Go.For(q.class)
	if q.lightens("decision/authorized") && q.Policy.Go == q.lane.normal.Go && len(q.Policy.approving(q.Record, q.files)) == 0 {
		return min(need, 1), need
	}
	return need, need
}

// owed is said of people who are owed after the merge.
func owed(given, of int, what, head string) []gate.Finding {
	if given >= of {
		return nil
	}
	return one(gate.Finding{
		Status: gate.Advisory, Code: "hotfix-debt", By: gate.ByDecider, Debt: true,
		Fact: fmt.Sprintf("%d of %d %s on %s", given, of, what, gate.Short(head)),
		Fix:  "the others look at it after the merge",
	})
}

// hotfixWords says what the lane makes of a case, for a page.
func (p *Policy) hotfixWords(c Case) []string {
	if c.Type != gate.Hotfix || p.decidesHotfixes() || slices.Contains(c.Paths, Path) {
		return nil
	}
	q := question{Input: Input{Policy: p}, class: c.Class, lane: lane{issue: 1, normal: BuiltIn()}, files: gate.Reading[[]gate.File]{Known: true, Value: c.files()}}
	var words []string
	if need, others := q.approvalsAsked(); need < others {
		words = append(words, fmt.Sprintf("%s instead of %d", plain(need, "approval"), others))
	}
	if need, others := q.goAsked(); need < others {
		words = append(words, fmt.Sprintf("%s instead of %d", plain(need, "/go"), others))
	}
	for _, id := range lighter {
		if q.owes(id) && p.mentions(id, c.Class) {
			words = append(words, fmt.Sprintf("owed within 24 hours of the merge: %s", id))
		}
	}
	return words
}
