package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
)

// Evidence is all that the requirements ask. Each part is declared beside the
// requirement that uses it.
type Evidence interface {
	ChecksEvidence
	SecretsEvidence
	SeverityEvidence
	BranchesEvidence
	BaseEvidence
	ReviewEvidence
	FilesEvidence
	CommitsEvidence
	PeopleEvidence
	WritersEvidence
	DecisionEvidence
	OwnersEvidence
	SignoffEvidence
	TrackerEvidence
	OverrideEvidence
	HotfixEvidence
}

// Input is what one evaluation is made from. Everything in it belongs to one
// snapshot, taken at Now.
type Input struct {
	PR       gate.PullRequest
	Record   gate.Record
	Policy   *Policy
	Evidence Evidence
	Now      time.Time
	// HeadSeen is when this head commit was first seen by this server.
	HeadSeen time.Time
	// Change is what the pull request does to the policy, if to nothing else. One
	// that touches anything else is judged without it.
	Change Change
	// Faults are findings about what the evaluation itself is made from: see
	// Invalid and Unread.
	Faults []gate.Finding
	// SameTree are former heads of the same content on the same base: see SameWork.
	// They matter where the policy carries over from such.
	SameTree []string
	// Waiting are the /go commands and sign-offs that could not be heard yet. None
	// counts, and none is missing.
	Waiting []Waiting
	// Revert is what was found of a pull request that says it takes one back.
	Revert Revert
}

// question is an Input with what several requirements need to know of it.
type question struct {
	Input
	class gate.Class // what is judged: the higher of declared and floor
	floor floorRule
	terms gate.Terms
	files gate.Reading[[]gate.File]
	bare  bool // an update of dependencies, which has no record
	lane  lane // of hotfixes
	// former are the heads before this one what was said of which holds for it.
	former []string
	// without is what is left out of what the policy asks for, for what the pull
	// request is.
	without []gate.Requirement
}

// requirement is one checkable thing. Its judge returns findings with their
// natural status, whatever the class; no finding at all means that it holds.
type requirement struct {
	id    gate.Requirement
	holds string // the fact when it holds
	judge func(question, Evidence) []gate.Finding
}

// inputs is the requirement that what the evaluation itself is made from was
// read. No policy can switch it off.
const inputs gate.Requirement = "decision/inputs"

// requirements lists all requirements in the order in which they are shown.
var requirements = [...]requirement{
	{"decision/record", "the record is complete", func(q question, _ Evidence) []gate.Finding { return record(q) }},
	{inputs, "policy and comments were read", func(q question, _ Evidence) []gate.Finding { return ownInputs(q) }},
	{"risk/floor", "the declared class is high enough for what changes", func(q question, e Evidence) []gate.Finding { return riskFloor(q, e) }},
	{"code/checks", "all required checks are green", func(q question, e Evidence) []gate.Finding { return checks(q, e) }},
	{"code/secrets", "no credential in added lines", func(q question, e Evidence) []gate.Finding { return secrets(q, e) }},
	{"code/severity", "no severe issue is open", func(q question, e Evidence) []gate.Finding { return severity(q, e) }},
	{"code/branches", "no dangling branches", func(q question, e Evidence) []gate.Finding { return branches(q, e) }},
	{upToDate, "the base branch has changed none of these paths since", func(q question, e Evidence) []gate.Finding { return behindBase(q, e) }},
	{"code/qa", "QA has signed off", func(q question, e Evidence) []gate.Finding { return qa(q, e) }},
	{"review/approvals", "approved on this head", func(q question, e Evidence) []gate.Finding { return approvals(q, e) }},
	{"review/owners", "the owners of all touched paths have approved", func(q question, e Evidence) []gate.Finding { return owners(q, e) }},
	{"review/scope", "all touched paths lie in the release scope", func(q question, e Evidence) []gate.Finding { return scope(q, e) }},
	{"operational/rollback-trigger", "the rollback trigger is concrete", func(q question, _ Evidence) []gate.Finding { return rollbackTrigger(q) }},
	{"operational/rollback-owner", "the rollback owner is known", func(q question, e Evidence) []gate.Finding { return rollbackOwner(q, e) }},
	{"operational/rehearsal", "the rollback was rehearsed", func(q question, e Evidence) []gate.Finding { return rehearsal(q, e) }},
	{"operational/rollback-plan", "there is a rollback plan", func(q question, e Evidence) []gate.Finding { return rollbackPlan(q, e) }},
	{"operational/drill", "the pre-release drill was run", func(q question, _ Evidence) []gate.Finding { return drill(q) }},
	{"operational/on-call", "on-call owner and backup are two people", func(q question, e Evidence) []gate.Finding { return onCall(q, e) }},
	{"operational/monitoring", "the release is watched for long enough", func(q question, e Evidence) []gate.Finding { return monitoring(q, e) }},
	{"operational/window", "releases may go out now", func(q question, e Evidence) []gate.Finding { return window(q, e) }},
	{"operational/tracker", "all tracker items are done", func(q question, e Evidence) []gate.Finding { return tracker(q, e) }},
	{"communication/release-note", "what changed is told", func(q question, _ Evidence) []gate.Finding { return releaseNote(q) }},
	{"communication/stakeholders", "the stakeholders are named", func(q question, _ Evidence) []gate.Finding { return stakeholders(q) }},
	{"communication/known-limitations", "the known limitations are told", func(q question, _ Evidence) []gate.Finding { return knownLimitations(q) }},
	{"communication/monitoring-focus", "what to watch first is told", func(q question, _ Evidence) []gate.Finding { return monitoringFocus(q) }},
	{"communication/escalation", "the way to escalate is told", func(q question, e Evidence) []gate.Finding { return escalation(q, e) }},
	{"communication/docs", "the documentation has kept up", func(q question, e Evidence) []gate.Finding { return docs(q, e) }},
	{"decision/owner", "the final decision owner is known", func(q question, e Evidence) []gate.Finding { return decisionOwner(q, e) }},
	{"decision/timestamp", "the decision has its time", func(q question, _ Evidence) []gate.Finding { return timestamp(q) }},
	{"decision/veto", "no /no-go stands", func(q question, e Evidence) []gate.Finding { return veto(q, e) }},
	{"decision/authorized", "the decision is made", func(q question, e Evidence) []gate.Finding { return authorized(q, e) }},
}

// Requirements lists the ids of all requirements in the order in which they
// are shown.
func Requirements() []gate.Requirement {
	ids := make([]gate.Requirement, 0, len(requirements))
	for _, r := range requirements {
		ids = append(ids, r.id)
	}
	return ids
}

// RetryEvidence is how soon an evaluation with unread evidence is repeated.
const RetryEvidence = 30 * time.Second

// Unjudged is the evaluation that follows last when what could not be read
// this time leaves nothing to judge.
func Unjudged(last gate.Evaluation, what string, why gate.Unreadable, now time.Time) gate.Evaluation {
	last = withOnly(last, unread(what, why), now)
	last.Again = now.Add(RetryEvidence)
	return last
}

// Failed is the evaluation that follows last when evaluating itself failed
// time and again.
func Failed(last gate.Evaluation, attempts int, now time.Time) gate.Evaluation {
	last.GaveUp = true
	return withOnly(last, gate.Finding{
		Status: gate.Unknown, Code: "internal", By: gate.ByAdmin,
		Fact: fmt.Sprintf("the evaluation failed %d times", attempts),
		Fix:  "press Re-check; if it fails again, the server's log says why",
	}, now)
}

// withOnly replaces all findings of an evaluation by one.
func withOnly(ev gate.Evaluation, f gate.Finding, now time.Time) gate.Evaluation {
	f.Requirement = inputs
	ev.Exempt, ev.Reverts, ev.Override = "", 0, gate.Overriding{}
	ev.At, ev.Findings, ev.Status, ev.Verdict, ev.Again = now, one(f), f.Status, verdictOf(f.Status), time.Time{}
	ev.Rows = slices.Clone(ev.Rows)
	for i := range ev.Rows {
		ev.Rows[i].Evidence, ev.Rows[i].Comparison, ev.Rows[i].Reason = f.Fact, gate.Unverifiable, "the evidence could not be read"
	}
	return ev
}

// Evaluate judges one pull request. It is pure: the same input gives the same
// evaluation, whatever the order in which evidence is listed. Number is left
// for the caller.
//
// An input without policy or evidence is judged as one in which neither could
// be read.
func Evaluate(in Input) gate.Evaluation {
	nothing := gate.Unreadable{Cause: gate.CauseFault}
	if in.Policy == nil {
		in.Policy, in.Faults = BuiltIn(), append(slices.Clone(in.Faults), unread("the policy", nothing))
	}
	if in.Evidence == nil {
		in.Evidence = unreadEvidence{}
	}
	q := question{Input: in, terms: in.Record.Terms(), files: in.Evidence.Files()}
	if !PolicyAlone(in.PR.Repo, q.files) {
		q.Change = ChangeNone
	}
	q.former = FormerHeads(in.PR, in.Evidence.Commits())
	if in.Policy.CarrySameTree {
		q.former = append(q.former, in.SameTree...)
	}
	q.floor = floorOf(in.Policy, in.PR.Labels, q.files)
	q.class = classOf(in.Policy, in.Record, q.floor)
	if q.bare = dependencyUpdate(q, in.Evidence); q.bare {
		q.class = gate.Low
	}
	q.lane = laneOf(q, in.Evidence)
	for _, r := range requirements {
		if q.asksNothing(r.id) && in.Policy.mentions(r.id, q.class) {
			q.without = append(q.without, r.id)
		}
	}

	ev := gate.Evaluation{
		At: in.Now, PR: in.PR, Record: in.Record, Terms: q.terms,
		Declared: in.Record.Class, Class: q.class, HotfixOf: q.lane.issue,
		PolicySource: in.Policy.Source, PolicySHA: in.Policy.Digest(),
		Decisions: standings(q, in.Evidence), Signoffs: signoffStandings(q, in.Evidence),
		Notify: in.Policy.noticesFor(in.Record, q.files),
	}
	for _, r := range requirements {
		ev.Findings = append(ev.Findings, answer(q, r)...)
	}
	slices.SortStableFunc(ev.Findings, func(a, b gate.Finding) int {
		return cmp.Or(cmp.Compare(b.Status, a.Status), cmp.Compare(a.By, b.By))
	})
	ev.Status = ev.Findings[0].Status
	ev.Verdict = verdictOf(ev.Status)
	ev.Rows = rows(q, ev.Findings)
	ev.Again = again(q, ev)
	ev.SelfDecided = slices.ContainsFunc(ev.Decisions, func(s gate.Standing) bool {
		return s.Counts && s.Choice == gate.ChoiceGo && s.User.Is(in.PR.Author)
	})
	return overridden(q, in.Evidence, reverted(q, in.Evidence, exempted(q, in.Evidence, ev)))
}

// answer returns the findings of one requirement as they weigh at the class
// that is judged.
func answer(q question, r requirement) []gate.Finding {
	if !q.Policy.mentions(r.id, q.class) || q.asksNothing(r.id) {
		return nil
	}
	found := r.judge(q, q.Evidence)
	if len(found) == 0 {
		return []gate.Finding{{Requirement: r.id, Status: gate.Pass, Fact: r.holds}}
	}
	for i := range found {
		found[i].Requirement = r.id
		if found[i].Status > gate.Advisory && (!q.Policy.blocks(r.id, q.class) || q.owes(r.id)) {
			found[i].Status = gate.Advisory
		}
		found[i].Debt = found[i].Debt || q.owes(r.id)
	}
	return found
}

func verdictOf(gravest gate.Status) gate.Verdict {
	switch gravest {
	case gate.Pass, gate.Advisory:
		return gate.Ready
	case gate.Fail:
		return gate.NotReady
	case gate.Unknown:
		return gate.NotVerified
	default:
		return gate.Waiting
	}
}

// again returns when the verdict may change without an event.
func again(q question, ev gate.Evaluation) time.Time {
	var at time.Time
	earlier := func(t time.Time) {
		if t.After(q.Now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, f := range ev.Findings {
		switch {
		case f.Status == gate.Unknown:
			earlier(q.Now.Add(RetryEvidence))
		case f.Code == codeAwaited:
			earlier(q.HeadSeen.Add(graceForChecks))
		}
	}
	earlier(windowEdge(q))
	if q.Policy.blocks("code/branches", q.class) {
		earlier(graceEnds(q, q.Evidence.DanglingBranches().Value))
	}
	return at
}

// rows sets each gate's claim against its evidence.
func rows(q question, findings []gate.Finding) []gate.GateRow {
	table := make([]gate.GateRow, 0, len(gate.Gates))
	for _, g := range gate.Gates {
		table = append(table, row(q, g, findings))
	}
	return table
}

func row(q question, g gate.Gate, findings []gate.Finding) gate.GateRow {
	r := gate.GateRow{Gate: g, Claim: q.Record.Gates[g]}
	asked, worst := 0, gate.Finding{}
	for _, f := range findings {
		if f.Requirement.Gate() != g || !q.Policy.blocks(f.Requirement, q.class) || f.Debt {
			continue
		}
		asked++
		if f.Status > worst.Status {
			worst = f
		}
	}
	if asked == 0 {
		r.Evidence, r.Comparison, r.Reason = "—", gate.NotRequired, fmt.Sprintf("not asked at %s risk", q.class)
		if q.leavesOut(g) {
			r.Reason = q.leftOut()
		}
		return r
	}
	r.Evidence = "holds"
	if worst.Status.Blocks() {
		r.Evidence = worst.Fact
	}
	r.Comparison, r.Reason = compare(r.Claim, worst.Status)
	if q.bare || q.byOneAdmin() {
		r.Comparison, r.Reason = gate.NotRequired, q.leftOut()
	}
	return r
}

// leavesOut reports whether a requirement of gate g would be asked, were it not
// for what the pull request is.
func (q question) leavesOut(g gate.Gate) bool {
	return slices.ContainsFunc(q.without, func(id gate.Requirement) bool { return id.Gate() == g && q.Policy.blocks(id, q.class) })
}

// compare sets what the record claims of a gate against the gravest status of
// what was found.
func compare(claim gate.Mark, found gate.Status) (gate.Comparison, string) {
	switch {
	case found == gate.Unknown:
		return gate.Unverifiable, "the evidence could not be read"
	case claim == gate.MarkNone:
		return gate.Unverifiable, "the record claims nothing"
	case claim == gate.MarkFail && !found.Blocks():
		return gate.Contradicted, "the record says fail, and the author's fail wins"
	case found == gate.Pending:
		return gate.Pends, "not proven yet"
	case claim == gate.MarkFail:
		return gate.Confirmed, "the record says fail, and so does the evidence"
	case found == gate.Fail:
		return gate.Contradicted, "the record says pass, the evidence does not"
	case found == gate.Action:
		return gate.Pends, "not proven yet"
	default:
		return gate.Confirmed, "the evidence agrees"
	}
}

// Invalid is the finding for a policy file that Parse refused.
func Invalid(err error) gate.Finding {
	return gate.Finding{
		Status: gate.Fail, Code: "policy-invalid", By: gate.ByAdmin,
		Fact: "policy " + fileNamed(err) + ": " + gate.Quote(err.Error()),
		Fix:  "mend the file where it is in force; until then no pull request is ready",
	}
}

// Unread is the finding for what an evaluation needs and could not read: "the
// policy", which never falls back to another one, or "the comments".
func Unread(what string, why gate.Unreadable) gate.Finding { return unread(what, why) }

// ClassOf returns the class by which a pull request is judged: the higher of
// what its record declares and of the floor that its files and labels reach.
func ClassOf(p *Policy, pr gate.PullRequest, r gate.Record, files gate.Reading[[]gate.File]) gate.Class {
	return classOf(p, r, floorOf(p, pr.Labels, files))
}

// classOf: an undeclared class is shown what the floor asks for, since the
// record's own gap blocks anyway; where the policy lets such a record through,
// it is judged as high.
func classOf(p *Policy, r gate.Record, floor floorRule) gate.Class {
	class := max(r.Class, floor.class, gate.Low)
	if r.Class == gate.Undeclared && !p.blocks("decision/record", class) {
		return gate.High
	}
	return class
}

// one returns a single finding as a list.
func one(f gate.Finding) []gate.Finding { return []gate.Finding{f} }

// unread turns a reading that failed into a finding. Of the causes only a
// passing fault may clear by itself; the others ask a person to act, or break
// the rule that everything must be readable.
func unread(what string, why gate.Unreadable) gate.Finding {
	f := gate.Finding{Fact: what + " could not be read", By: gate.ByAdmin, Status: gate.Action}
	if why.Fact != "" && why.Cause != gate.CauseFault {
		f.Fact += ": " + why.Fact
	}
	switch why.Cause {
	case gate.CausePermission:
		f.Code, f.Fix = "permission", "an administrator grants the App the permission that it lacks and accepts it for this installation"
	case gate.CauseDisabled:
		f.Code, f.Fix = "feature-disabled", "an administrator switches the feature on, or switches the requirement off in the policy"
	case gate.CauseMissing:
		f.Code, f.Fix = "not-visible", "check that it exists and that the App may see it"
	case gate.CauseTruncated:
		f.Status, f.By, f.Code = gate.Fail, gate.ByAuthor, "too-large"
		f.Fix = "split the pull request: GitHub does not list all of it, so it cannot be judged"
	default:
		f.Status, f.By, f.Code = gate.Unknown, gate.ByItself, "github-down"
		f.Fix = "nothing to do: it is read again every 30 seconds"
	}
	return f
}
