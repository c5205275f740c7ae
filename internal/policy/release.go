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
	// PreviousAt is when that was published; zero when it is not known.
	PreviousAt time.Time
	// PreviousVerdict is what was said of it; "" when nothing was.
	PreviousVerdict gate.Verdict
	// First is the commit to which the tag led when the release was first judged,
	// "" for the first time.
	First string
	// Untagged means that the tag does not exist yet: Commit is that from which it
	// would be made now.
	Untagged bool
	// Reached are the gated branches that have the commit; one is enough.
	Reached gate.Reading[[]string]
	Policy  *Policy
	Now     time.Time

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

// EvaluateRelease judges a release: its tag stands where it stood and can be
// reached from a gated branch, every pull request in it was READY when it was
// merged, their branches are gone, no severe issue and no secret alert is open. It
// is pure; Number is left for the caller.
func EvaluateRelease(in ReleaseInput) gate.ReleaseEvaluation {
	if in.Policy == nil {
		in.Policy = BuiltIn()
	}
	ev := gate.ReleaseEvaluation{
		At: in.Now, Repo: in.Repo, Release: in.Release, Commit: in.Commit, Previous: in.Previous, Pulls: in.Pulls.Value,
	}
	ev.Findings = slices.Concat(in.Faults, releasedTag(in), reached(in), releasedPulls(in), leftOver(in), releasedBranches(in), releasedIssues(in), releasedAlerts(in))
	slices.SortStableFunc(ev.Findings, func(a, b gate.Finding) int {
		return cmp.Or(cmp.Compare(b.Status, a.Status), cmp.Compare(a.By, b.By))
	})
	if len(ev.Findings) > 0 {
		ev.Status = ev.Findings[0].Status
	}
	ev.Verdict = verdictOf(ev.Status)
	return ev
}

// WithdrawnRelease is the readiness of a release whose tag was deleted, on the
// commit to which it led.
func WithdrawnRelease(in ReleaseInput) gate.ReleaseEvaluation {
	f := gate.Finding{
		Requirement: "review/tag", Status: gate.Fail, Code: "tag-deleted", By: gate.ByDecider,
		Fact: fmt.Sprintf("the tag %s led to this commit when its release was judged, and was deleted since", gate.Quote(in.Release.Tag)),
		Fix:  "make a new tag; nothing is released by this one any more",
	}
	return gate.ReleaseEvaluation{
		At: in.Now, Repo: in.Repo, Release: in.Release, Commit: in.Commit, Status: f.Status, Verdict: verdictOf(f.Status), Findings: one(f),
	}
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
		if n := p.DiffersIn; n > 0 {
			found = append(found, gate.Finding{
				Requirement: id, Status: gate.Fail, Code: "landed-differs", By: gate.ByDecider,
				Fact: fmt.Sprintf("LANDED CODE DIFFERS: what landed as #%d is not what was judged, in %d %s: %s", p.Number, n, plural(n, "file", "files"), firstFew(p.Differs)),
				Fix:  "compare the base branch with the pull request; revert what landed, and merge it again",
			})
		}
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
		if p.Ungated != "" {
			found = append(found, ungated(p))
			continue
		}
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Fail, Code: "bypass", By: gate.ByDecider,
			Fact: fmt.Sprintf("#%d was merged without READY (%s): %s", p.Number, cmp.Or(string(p.Verdict), "never judged"), gate.Quote(p.Title)),
			Fix:  "look at what it brought in; revert it, or release knowingly",
		})
	}
	if slices.Contains(in.Strays, in.Commit) {
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Fail, Code: "release-without-readiness", By: gate.ByDecider,
			Fact: fmt.Sprintf("RELEASE WITHOUT READINESS: %s leads to %s, a commit that came with no pull request", gate.Quote(in.Release.Tag), gate.Short(in.Commit)),
			Fix:  "bring the change in by a pull request, and make a new tag on what that merges",
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

// ungated is the finding for a merge that the check could not hold back. What was
// merged before there was a gate is said; what was merged while it was open is not
// ready, as it was nobody's to say so.
func ungated(p gate.ReleasedPull) gate.Finding {
	f := gate.Finding{
		Requirement: "review/merged", Status: gate.Fail, Code: "ungated", By: gate.ByDecider,
		Fact: fmt.Sprintf("#%d was merged without READY (%s), %s: %s", p.Number, cmp.Or(string(p.Verdict), "never judged"), p.Ungated, gate.Quote(p.Title)),
		Fix:  "look at what it brought in; revert it, or release knowingly. Make the check required, so that the next release shows no more of them",
	}
	if p.Ungated == gate.BeforeRequired {
		f.Status, f.Code, f.Fix = gate.Advisory, "before-gate", ""
	}
	return f
}

// releasedTag: a tag stays where it stood when its release was first judged.
func releasedTag(in ReleaseInput) []gate.Finding {
	const id = "review/tag"
	var found []gate.Finding
	if in.First != "" && in.First != in.Commit && !in.Release.Draft {
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Fail, Code: "tag-moved", By: gate.ByDecider,
			Fact: fmt.Sprintf("the tag %s led to %s when this release was first judged, and leads to %s now", gate.Quote(in.Release.Tag), gate.Short(in.First), gate.Short(in.Commit)),
			Fix:  "put the tag back, and make a new one for what is new",
		})
	}
	if in.Untagged {
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Advisory, Code: "tag-missing", By: gate.ByDecider,
			Fact: fmt.Sprintf("the release is a draft without a tag; it would be made from %s, which is at %s", gate.Quote(in.Release.Target), gate.Short(in.Commit)),
		})
	}
	if in.PreviousVerdict != "" && in.PreviousVerdict != gate.Ready {
		found = append(found, gate.Finding{
			Requirement: id, Status: gate.Advisory, Code: "previous-not-ready", By: gate.ByDecider,
			Fact: fmt.Sprintf("the previous release %s was %s, and this one contains it", gate.Quote(in.Previous), in.PreviousVerdict),
		})
	}
	return found
}

// reached: a release is made of what went through a gated branch.
func reached(in ReleaseInput) []gate.Finding {
	const id = "review/tag"
	switch {
	case !in.Reached.Known:
		f := unread("from which branches the release can be reached", in.Reached.Why)
		f.Requirement = id
		return one(f)
	case len(in.Reached.Value) == 0:
		return one(gate.Finding{
			Requirement: id, Status: gate.Fail, Code: "not-reachable", By: gate.ByDecider,
			Fact: fmt.Sprintf("%s, to which %s leads, is on no branch whose pull requests are judged", gate.Short(in.Commit), gate.Quote(in.Release.Tag)),
			Fix:  "merge it by a pull request, and make the tag on what that merges",
		})
	}
	return nil
}

// leftOver says what was still open of the pull requests' documentation, sign-offs and
// tracker items when they were merged. It blocked then what the policy lets it
// block.
func leftOver(in ReleaseInput) []gate.Finding {
	var found []gate.Finding
	for _, p := range in.Pulls.Value {
		for _, f := range p.Owed {
			f.Status, f.Fact = gate.Advisory, fmt.Sprintf("#%d was merged while %s", p.Number, f.Fact)
			found = append(found, f)
		}
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
	var names, owners []string
	for _, b := range slices.SortedFunc(slices.Values(in.Branches.Value), byPR) {
		released := slices.ContainsFunc(in.Pulls.Value, func(p gate.ReleasedPull) bool { return p.Number == b.PR })
		if released && in.Now.Sub(b.MergedAt) >= graceForBranches && !matchAny(in.Policy.KeepBranches, b.Name) {
			names = append(names, b.Name)
			if b.Owner != "" && !slices.Contains(owners, b.Owner) {
				owners = append(owners, b.Owner)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return one(gate.Finding{
		Requirement: "code/branches", Status: gate.Action, Code: "branch-dangling", By: gate.ByAuthor, Who: owners, Link: deleteBranchesHelp,
		Fact: fmt.Sprintf("%d %s of this release not deleted: %s", len(names), plural(len(names), "branch was", "branches were"), firstFew(names)) + ofWhom(owners),
		Fix:  "delete them; GitHub does it by itself when the repository's setting 'Automatically delete head branches' is on",
	})
}

// ofWhom names the people whose branches dangle.
func ofWhom(owners []string) string {
	if len(owners) == 0 {
		return ""
	}
	handles := make([]string, 0, len(owners))
	for _, o := range owners {
		handles = append(handles, "@"+o)
	}
	return " (of " + firstFew(handles) + ")"
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

// releasedAlerts: an alert that was raised since the previous release blocks; of
// one that is older it was released before. Where it is not known when that was,
// all block.
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
		if !in.PreviousAt.IsZero() && a.CreatedAt.Before(in.PreviousAt) {
			f.Status = gate.Advisory
			f.Fact += ", and older than the previous release"
		}
		found = append(found, f)
	}
	return found
}
