package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// ReviewEvidence is what review/approvals asks.
type ReviewEvidence interface {
	CommitsEvidence
	PeopleEvidence
	WritersEvidence
	// Reviews lists all submitted reviews.
	Reviews() gate.Reading[[]gate.ReviewOf]
}

// approvals: enough people with write access who did not write the change have
// approved this head, and nobody's request for changes is open.
func approvals(q question, e ReviewEvidence) []gate.Finding {
	reviews, commits := e.Reviews(), e.Commits()
	switch {
	case !reviews.Known:
		return one(unread("the reviews", reviews.Why))
	case !commits.Known:
		return one(unread("the list of commits", commits.Why))
	}
	wrote := q.wrote(commits.Value)
	found := slices.Concat(whoseCommits(q, commits.Value), landedBefore(commits.Value), suggested(q, commits.Value), whoPushed(q))
	over := carriedOver{by: gate.ByReviewer, what: "approved"}
	var approved, stale, own, without []string
	for _, r := range decisive(reviews.Value) {
		if r.State != gate.Approved && r.State != gate.ChangesRequested {
			continue
		}
		has := e.Permission(r.User.Login)
		switch {
		case r.User.Bot || r.User.ID == 0:
		case r.State == gate.Approved && wrote.include(r.User):
			own = append(own, handle(r.User))
		case r.State == gate.Approved && !q.isHead(r.CommitSHA):
			stale = append(stale, staleApproval(r))
		case !has.Known:
			found = append(found, unread("the permission of "+handle(r.User), has.Why))
		case has.Value < gate.PermissionWrite:
			without = append(without, handle(r.User))
		case r.State == gate.ChangesRequested:
			found = append(found, changesRequested(r))
		default:
			approved = append(approved, handle(r.User))
			over.add(q, r.User, r.CommitSHA)
		}
	}
	found = append(found, over.finding(q)...)
	need, others := q.approvalsAsked()
	if q.bare {
		need = max(need, 1)
	}
	if len(approved) >= need {
		return append(found, owed(len(approved), others, "approvals", q.PR.HeadSHA)...)
	}
	if f := nobodyCanApprove(q, e, wrote); f != nil {
		return append(found, *f)
	}
	return append(found, missingApprovals(q, need, approved, stale, own, without))
}

// maxCommitsNamed is how many commits a finding names.
const maxCommitsNamed = 5

// whoseCommits tells of commits that name people whom GitHub does not know. At
// high risk who wrote it must be known; who is named beside is only shown.
func whoseCommits(q question, commits []gate.Commit) []gate.Finding {
	var found []gate.Finding
	if unknown := unattributed(commits); len(unknown) > 0 {
		f := gate.Finding{
			Status: gate.Advisory, Code: "unattributed-commits", By: gate.ByAuthor,
			Fact: fmt.Sprintf("%d %s unattributed, since the e-mail address belongs to no account: %s", len(unknown),
				plural(len(unknown), "commit is", "commits are"), some(unknown)),
			Fix: "whoever that is adds the address to their GitHub account and comments /recheck, or the commits are made anew under an address of an account",
		}
		if q.class >= gate.High {
			f.Status = gate.Action
		}
		found = append(found, f)
	}
	if unknown := coAuthorsUnknown(commits); len(unknown) > 0 {
		found = append(found, gate.Finding{
			Status: gate.Advisory, Code: "unattributed-commits", By: gate.ByAuthor,
			Fact: "co-authors are named by addresses that cannot be led to an account: " + some(unknown),
			Fix:  "nothing, unless one of them approves or decides here",
		})
	}
	return found
}

// landedBefore tells whose commits make nobody a contributor, and why.
func landedBefore(commits []gate.Commit) []gate.Finding {
	n, through := 0, map[int]bool{}
	for _, c := range commits {
		if c.Landed != 0 {
			n++
			through[c.Landed] = true
		}
	}
	if n == 0 {
		return nil
	}
	var numbers []string
	for _, number := range slices.Sorted(maps.Keys(through)) {
		numbers = append(numbers, fmt.Sprintf("#%d", number))
	}
	return one(gate.Finding{
		Status: gate.Advisory, Code: "landed-before", By: gate.ByReviewer,
		Fact: fmt.Sprintf("%d of %d %s landed before, READY by the same rules, through %s", n, len(commits), plural(len(commits), "commit", "commits"), some(numbers)),
		Fix:  "nothing: who wrote them may approve and decide here, unless they wrote or pushed something besides",
	})
}

// whoPushed tells that it is not known who brought the head. At high risk it
// must be.
func whoPushed(q question) []gate.Finding {
	why := q.PR.PushersUnread
	if why.Fact == "" {
		return nil
	}
	if why.Cause == gate.CauseFault && q.class >= gate.High {
		return one(unread("who pushed "+gate.Short(q.PR.HeadSHA), why))
	}
	f := gate.Finding{
		Status: gate.Advisory, Code: "pusher-unknown", By: gate.ByAuthor,
		Fact: fmt.Sprintf("no event told who pushed %s, and GitHub's log of pushes does not say it: %s", gate.Short(q.PR.HeadSHA), why.Fact),
		Fix:  "push a commit, whose event tells who did",
	}
	if q.class >= gate.High {
		f.Status = gate.Action
	}
	return one(f)
}

// some joins the first few of a list.
func some(all []string) string {
	if rest := len(all) - maxCommitsNamed; rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:maxCommitsNamed], ", "), rest)
	}
	return strings.Join(all, ", ")
}

func changesRequested(r gate.ReviewOf) gate.Finding {
	return gate.Finding{
		Status: gate.Fail, Code: "changes-requested", By: gate.ByReviewer, Who: []string{r.User.Login},
		Fact: handle(r.User) + " requested changes",
		Fix:  handle(r.User) + " approves, or somebody dismisses the review",
	}
}

// staleApproval says for what an approval was given that is not for the head.
func staleApproval(r gate.ReviewOf) string {
	if r.CommitSHA == "" {
		return handle(r.User) + " approved, and for which commit cannot be told"
	}
	return fmt.Sprintf("%s approved %s", handle(r.User), gate.Short(r.CommitSHA))
}

func missingApprovals(q question, need int, approved, stale, own, without []string) gate.Finding {
	f := gate.Finding{
		Status: gate.Action, Code: "approvals-missing", By: gate.ByReviewer,
		Fact: fmt.Sprintf("%d of %d %s on %s", len(approved), need, plural(need, "approval", "approvals"), gate.Short(q.PR.HeadSHA)),
		Fix:  "somebody with write access who wrote none of it reviews and approves",
	}
	if len(stale) > 0 {
		f.Code = "review-not-on-head"
		f.Fact = strings.Join(stale, ", ") + "; " + f.Fact
		f.Fix = "please approve again: an approval counts for the head that it was given for"
	}
	if len(own) > 0 {
		f.Fact += "; not counted, since they wrote or pushed some of it: " + strings.Join(own, ", ")
	}
	if len(without) > 0 {
		f.Fact += "; not counted, for want of write access: " + strings.Join(without, ", ")
	}
	return f
}

// decisive returns each person's latest review that says yes or no, in the
// order of their ids. A comment does not replace an approval; a dismissal ends
// the review that it dismisses, which GitHub shows by changing its state.
func decisive(reviews []gate.ReviewOf) []gate.ReviewOf {
	latest := map[int64]gate.ReviewOf{}
	for _, r := range slices.SortedFunc(slices.Values(reviews), func(a, b gate.ReviewOf) int { return cmp.Compare(a.ID, b.ID) }) {
		switch r.State {
		case gate.Approved, gate.ChangesRequested, gate.Dismissed:
			latest[r.User.ID] = r
		}
	}
	return slices.SortedFunc(maps.Values(latest), func(a, b gate.ReviewOf) int { return cmp.Compare(a.ID, b.ID) })
}
