package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// codeQueue is the reason that a merge queue's group does not merge.
const codeQueue = "queue"

// GroupInput is what a merge queue's group is judged from.
type GroupInput struct {
	Group  gate.QueueGroup
	Policy *Policy
	Now    time.Time
	// Pulls are the pull requests of the group in the order in which they were
	// joined, each judged by itself as of now. Strays says in a sentence what else
	// is in the group.
	Pulls  gate.Reading[[]gate.QueuedPull]
	Strays []string
	Checks gate.Reading[[]gate.Check] // on the group's commit, without ours
	// Required are the checks that the base branch's rules require, ours too.
	Required gate.Reading[[]gate.RequiredCheck]
	Faults   []gate.Finding // about the policy: see Invalid
}

// EvaluateGroup judges a merge queue's group: it holds nothing but pull requests
// that are READY on the heads that were joined, and the checks that the policy or
// the base branch's rules require are green on it. What is still open after
// [gate.GroupPatience] is a failure, checks that run excepted. It is pure; Number
// is left for the caller.
func EvaluateGroup(in GroupInput) gate.GroupEvaluation {
	ev := gate.GroupEvaluation{At: in.Now, Group: in.Group, Pulls: in.Pulls.Value}
	ev.Findings = slices.Concat(in.Faults, groupPulls(in), groupChecks(in))
	late := in.Now.Sub(in.Group.AskedAt) >= gate.GroupPatience
	for i, f := range ev.Findings {
		if late && (f.Status == gate.Unknown || f.Status == gate.Pending && f.Code != "ci-running") {
			ev.Findings[i].Status = gate.Fail
			ev.Findings[i].Fact += ", and 5 minutes are over"
			ev.Findings[i].Fix = cmp.Or(f.Fix, "put the pull requests into the queue again")
			ev.Findings[i].By = gate.ByAuthor
		}
	}
	slices.SortStableFunc(ev.Findings, func(a, b gate.Finding) int { return cmp.Compare(b.Status, a.Status) })
	if len(ev.Findings) > 0 {
		ev.Status = ev.Findings[0].Status
	}
	ev.Verdict = verdictOf(ev.Status)
	return ev
}

func groupPulls(in GroupInput) []gate.Finding {
	const id = "review/merged"
	if !in.Pulls.Known {
		f := unread("what is in the group", in.Pulls.Why)
		f.Requirement = id
		return one(f)
	}
	var found []gate.Finding
	for _, s := range in.Strays {
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Fail, Code: codeQueue, By: gate.ByAuthor, Fact: s,
			Fix: "take the pull requests out of the queue and put them in again",
		})
	}
	if len(in.Pulls.Value) == 0 && len(in.Strays) == 0 {
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Fail, Code: codeQueue, By: gate.ByAuthor, Fact: "no pull request is in the group",
			Fix: "put the pull requests into the queue again",
		})
	}
	for _, p := range in.Pulls.Value {
		if f, open := groupPull(p); open {
			f.Requirement = id
			found = append(found, f)
		}
	}
	return found
}

// groupPull says what keeps a pull request's part of a group from merging.
func groupPull(p gate.QueuedPull) (gate.Finding, bool) {
	head := gate.Short(p.HeadSHA)
	switch {
	case p.Pending != "":
		return gate.Finding{Status: gate.Pending, Code: codeQueue, By: gate.ByItself, Fact: fmt.Sprintf("#%d: %s", p.Number, p.Pending)}, true
	case !p.Passes && p.Verdict == gate.NotReady:
		return gate.Finding{
			Status: gate.Fail, Code: codeQueue, By: gate.ByAuthor, Fact: fmt.Sprintf("#%d is NOT READY on %s", p.Number, head),
			Fix: fmt.Sprintf("read the check on #%d, then put it into the queue again", p.Number),
		}, true
	case !p.Passes:
		return gate.Finding{
			Status: gate.Fail, Code: codeQueue, By: gate.ByDecider, Fact: fmt.Sprintf("#%d has no GO on %s", p.Number, head),
			Fix: fmt.Sprintf("read the check on #%d, then put it into the queue again", p.Number),
		}, true
	case p.Landing == gate.LandedDiffers:
		return gate.Finding{
			Status: gate.Fail, Code: codeQueue, By: gate.ByAuthor,
			Fact: fmt.Sprintf("what was joined for #%d is not what was judged on %s: %s", p.Number, head, firstFew(p.Paths)),
			Fix:  "take it out of the queue, and look at these files; GitHub may have merged them wrongly",
		}, true
	case p.Landing != gate.LandedSame:
		return gate.Finding{
			Status: gate.Fail, Code: codeQueue, By: gate.ByAuthor,
			Fact: fmt.Sprintf("whether what was joined for #%d is what was judged on %s cannot be told", p.Number, head),
			Fix:  fmt.Sprintf("update the branch of #%d, so that it joins without merging lines, and put it into the queue again", p.Number),
		}, true
	}
	return gate.Finding{}, false
}

// groupChecks judges the checks that the policy or the rules require on the
// group's own commit: other code was tested there than on the heads.
func groupChecks(in GroupInput) []gate.Finding {
	const id = "code/checks"
	answer := func(found []gate.Finding) []gate.Finding {
		for i := range found {
			found[i].Requirement = id
		}
		return found
	}
	own := func(name string) bool { return in.Policy.Own(name) }
	required := namesOnly(slices.DeleteFunc(slices.Clone(in.Policy.Checks.Required), own))
	switch {
	case len(required) == 0 && !in.Required.Known:
		return answer(one(unread("the base branch's rules", in.Required.Why)))
	case len(required) == 0 || in.Policy.Checks.Besides:
		required = append(required, slices.DeleteFunc(slices.Clone(in.Required.Value), func(r gate.RequiredCheck) bool { return own(r.Name) })...)
	}
	if len(required) == 0 {
		return nil
	}
	if !in.Checks.Known {
		return answer(one(unread("the check results of the group", in.Checks.Why)))
	}
	q := question{Input: Input{Policy: in.Policy, Now: in.Now, HeadSeen: in.Group.AskedAt}}
	found := requiredChecks(q, newestChecks(in.Checks.Value), required)
	for i := range found {
		if found[i].Code == "ci-missing" || found[i].Code == codeAwaited {
			found[i].Status, found[i].Code, found[i].By = gate.Pending, codeAwaited, gate.ByItself
			found[i].Fact = strings.TrimSuffix(found[i].Fact, " yet") + " on the group"
			found[i].Fix = "let its workflow run on: merge_group"
		}
	}
	return answer(found)
}
