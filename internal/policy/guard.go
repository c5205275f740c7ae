package policy

import (
	"cmp"
	"fmt"
	"slices"

	"gonogo/internal/gate"
)

// Guard says what is wrong with how a branch's rules hold merges back, as advice:
// that they do not require the check, or take anybody's of that name for it. app
// is our own App. What could not be read says nothing.
func (p *Policy) Guard(branch string, rules gate.Reading[[]gate.RequiredCheck], app int64) []gate.Finding {
	if !rules.Known || p.RequiresTrial(rules.Value) {
		return nil // of the trial's check its own warning tells
	}
	var from []int64
	for _, c := range rules.Value {
		if p.Own(c.Name) {
			from = append(from, c.App)
		}
	}
	name, base := gate.Quote(p.Check), gate.Quote(branch)
	f := gate.Finding{Requirement: guarded, Status: gate.Advisory, By: gate.ByAdmin}
	switch {
	case slices.Contains(from, app):
		return nil
	case len(from) == 0:
		f.Code, f.Fact = "not-required", fmt.Sprintf("no rule of %s requires %s: GitHub merges without it", base, name)
		f.Fix = fmt.Sprintf("Settings → Rules → Rulesets → New branch ruleset: target %s, tick \"Require status checks to pass\", add %s with this App as its source", base, name)
	case slices.Contains(from, 0):
		f.Code, f.Fact = "not-pinned", "anyone with write access can forge this check: the rules of "+base+" take "+name+" from any source"
		f.Fix = pin(name)
	default:
		f.Code, f.Fact = "not-pinned", fmt.Sprintf("the rules of %s take %s from another App (id %d), not from this one", base, name, from[0])
		f.Fix = pin(name)
	}
	return one(f)
}

// guarded is the requirement under which is said how checks hold merges back.
const guarded gate.Requirement = "code/checks"

func pin(name string) string {
	return "Settings → Rules → Rulesets (Settings → Branches for classic protection): edit the rule, and at the required check " + name + " choose this App as its source"
}

// OnTestMerge says that something reports a check of our name on the commit with
// which GitHub tries the merge: where that commit has one, GitHub shows and
// requires it in place of the head's.
func OnTestMerge(c gate.Check, sha string) gate.Finding {
	return gate.Finding{
		Requirement: guarded, Status: gate.Advisory, Code: "check-on-test-merge", By: gate.ByAdmin, Link: c.URL,
		Fact: fmt.Sprintf("something else reports %s on the test merge commit %s, where GitHub may take it for this check", gate.Quote(c.Name), gate.Short(sha)),
		Fix:  "find out who reports it and take it away; the required check, pinned to this App, does not count it",
	}
}

// Advised is an evaluation with more advice. Its verdict is the same.
func Advised(ev gate.Evaluation, advice ...gate.Finding) gate.Evaluation {
	if len(advice) == 0 {
		return ev
	}
	ev.Findings = append(slices.Clone(ev.Findings), advice...)
	slices.SortStableFunc(ev.Findings, func(a, b gate.Finding) int {
		return cmp.Or(cmp.Compare(b.Status, a.Status), cmp.Compare(a.By, b.By))
	})
	return ev
}
