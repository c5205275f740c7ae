package policy

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
)

// ReleaseInput is what the readiness of a release is judged from.
type ReleaseInput struct {
	Repo     gate.Repository
	Release  gate.Release
	Commit   string
	Previous string // tag of the previous release, "" for the first
	Policy   *Policy
	Now      time.Time

	// Pulls are the pull requests between the previous release and this one,
	// with the verdict that stood when each was merged. Strays are the commits
	// that came with none.
	Pulls  gate.Reading[[]gate.ReleasedPull]
	Strays []string
	// Branches are the heads of merged pull requests that still exist.
	Branches gate.Reading[[]gate.Branch]
	Issues   map[string]gate.Reading[[]gate.Issue] // by label
	Alerts   gate.Reading[[]gate.Alert]
	Faults   []gate.Finding // about the policy: see Invalid
}

// EvaluateRelease judges a release: every pull request in it was READY when it
// was merged, their branches are gone, no severe issue and no secret alert is
// open. It is pure; Number is left for the caller.
func EvaluateRelease(in ReleaseInput) gate.ReleaseEvaluation {
	if in.Policy == nil {
		in.Policy = BuiltIn()
	}
	ev := gate.ReleaseEvaluation{
		At: in.Now, Repo: in.Repo, Release: in.Release, Commit: in.Commit, Previous: in.Previous, Pulls: in.Pulls.Value,
	}
	ev.Findings = slices.Concat(in.Faults, releasedPulls(in), releasedBranches(in), releasedIssues(in), releasedAlerts(in))
	slices.SortStableFunc(ev.Findings, func(a, b gate.Finding) int {
		return cmp.Or(cmp.Compare(b.Status, a.Status), cmp.Compare(a.By, b.By))
	})
	if len(ev.Findings) > 0 {
		ev.Status = ev.Findings[0].Status
	}
	ev.Verdict = verdictOf(ev.Status)
	return ev
}

func releasedPulls(in ReleaseInput) []gate.Finding {
	const id = "review/merged"
	if !in.Pulls.Known {
		f := unread("what lies between "+since(in.Previous)+" and this one", in.Pulls.Why)
		f.Requirement = id
		return one(f)
	}
	var found []gate.Finding
	for _, p := range in.Pulls.Value {
		if p.Verdict == gate.Ready {
			continue
		}
		if p.Override != "" {
			found = append(found, gate.Finding{
				Requirement: id, Status: gate.Advisory, Code: "override-merged", By: gate.ByDecider,
				Fact: fmt.Sprintf("#%d was merged while %s let it pass against the verdict (%s): %s", p.Number, gate.Quote(p.Override), p.Verdict, gate.Quote(p.Title)),
				Fix:  "look at what was open then, if nobody has yet",
			})
			continue
		}
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Fail, Code: "bypass", By: gate.ByDecider,
			Fact: fmt.Sprintf("#%d was merged without READY (%s): %s", p.Number, cmp.Or(string(p.Verdict), "never judged"), gate.Quote(p.Title)),
			Fix:  "look at what it brought in; revert it, or release knowingly",
		})
	}
	if n := len(in.Strays); n > 0 {
		short := make([]string, 0, n)
		for _, sha := range in.Strays {
			short = append(short, gate.Short(sha))
		}
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Fail, Code: "bypass", By: gate.ByDecider,
			Fact: fmt.Sprintf("%d %s came with no pull request: %s", n, plural(n, "commit", "commits"), firstFew(short)),
			Fix:  "look at what they brought in; revert them, or release knowingly",
		})
	}
	return found
}

func since(tag string) string {
	if tag == "" {
		return "the repository's beginning"
	}
	return "release " + gate.Quote(tag)
}

func releasedBranches(in ReleaseInput) []gate.Finding {
	if !in.Branches.Known {
		f := unread("the list of merged branches", in.Branches.Why)
		f.Requirement = "code/branches"
		return one(f)
	}
	var names []string
	for _, b := range slices.SortedFunc(slices.Values(in.Branches.Value), byPR) {
		released := slices.ContainsFunc(in.Pulls.Value, func(p gate.ReleasedPull) bool { return p.Number == b.PR })
		if released && in.Now.Sub(b.MergedAt) >= graceForBranches && !matchAny(in.Policy.KeepBranches, b.Name) {
			names = append(names, b.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return one(gate.Finding{
		Requirement: "code/branches", Status: gate.Action, Code: "branch-dangling", By: gate.ByAuthor, Link: deleteBranchesHelp,
		Fact: fmt.Sprintf("%d %s of this release not deleted: %s", len(names), plural(len(names), "branch was", "branches were"), firstFew(names)),
		Fix:  "delete them; GitHub does it by itself when the repository's setting 'Automatically delete head branches' is on",
	})
}

func releasedIssues(in ReleaseInput) []gate.Finding {
	var found []gate.Finding
	for _, label := range []string{in.Policy.Severity.SEV1, in.Policy.Severity.SEV2} {
		issues := in.Issues[label]
		if !issues.Known {
			f := unread("the open issues labelled "+gate.Quote(label), issues.Why)
			f.Requirement = "code/severity"
			found = append(found, f)
			continue
		}
		for _, i := range issues.Value {
			f := severeIssue(label, i, gate.Fail)
			f.Requirement = "code/severity"
			found = append(found, f)
		}
	}
	return found
}

func releasedAlerts(in ReleaseInput) []gate.Finding {
	if !in.Alerts.Known {
		f := unreadAlerts(in.Alerts.Why, in.Policy)
		f.Requirement = "code/secrets"
		return one(f)
	}
	var found []gate.Finding
	for _, a := range in.Alerts.Value {
		f := openAlert(a)
		f.Requirement, f.Status = "code/secrets", gate.Fail
		found = append(found, f)
	}
	return found
}
