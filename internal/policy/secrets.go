package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// SecretsEvidence is what code/secrets asks.
type SecretsEvidence interface {
	CommitsEvidence
	// Leaks is the outcome of searching the added lines.
	Leaks() gate.Reading[gate.LeakScan]
	// Alerts lists GitHub's open secret-scanning alerts.
	Alerts() gate.Reading[[]gate.Alert]
	// LastRelease is when the repository last published a release, zero when it
	// never did.
	LastRelease() gate.Reading[time.Time]
	// Accepted lists what people said in this pull request is no credential.
	Accepted() []gate.Acceptance
	PeopleEvidence
}

// secrets: no credential in the added lines, and no open alert of GitHub's own
// secret scanning on this pull request's commits.
func secrets(q question, e SecretsEvidence) []gate.Finding {
	return append(leaks(q, e), alerts(q, e)...)
}

func leaks(q question, e SecretsEvidence) []gate.Finding {
	scan := e.Leaks()
	var found []gate.Finding
	if !scan.Known { // of what was searched the findings stand
		found = append(found, unread("the diff", scan.Why))
	}
	for _, l := range slices.SortedFunc(slices.Values(scan.Value.Leaks), byPlace) {
		f, accepted := acceptedLeak(q, e, l)
		if !accepted {
			f = foundLeak(l)
		}
		found = append(found, f)
	}
	if n := len(scan.Value.Skipped); n > 0 {
		found = append(found, gate.Finding{
			Status: gate.Fail, Code: "not-scanned", By: gate.ByAuthor,
			Fact: fmt.Sprintf("%d changed %s could not be searched for credentials: %s", n, plural(n, "file", "files"), firstFew(slices.Sorted(slices.Values(scan.Value.Skipped)))),
			Fix:  "make the files smaller, or leave them out of this pull request",
		})
	}
	return found
}

func foundLeak(l gate.Leak) gate.Finding {
	f := gate.Finding{
		Status: gate.Fail, Code: "secret-found", By: gate.ByAuthor,
		Fact: "a credential" + leakAt(l),
		Fix:  "revoke the credential where it was issued, then take it out of the branch's history",
	}
	if l.Fingerprint != "" {
		f.Fix += "; if it is none, a release manager who wrote none of it comments"
		f.Type = "/accept-secret " + l.Fingerprint + " reason"
	}
	return f
}

func leakAt(l gate.Leak) string {
	return fmt.Sprintf(" (%s, %s…) in %s line %d", gate.Quote(l.Rule), gate.Quote(l.Start), gate.Quote(l.Path), l.Line)
}

// acceptedLeak is the finding for what looks like a credential and was accepted
// as none, by a release manager who wrote none of the change, and whether it was.
// Whoever moves the lines keeps that, whoever changes them does not.
func acceptedLeak(q question, e SecretsEvidence, l gate.Leak) (gate.Finding, bool) {
	var doubt *gate.Finding
	commits := e.Commits()
	for _, a := range slices.SortedFunc(slices.Values(e.Accepted()), func(a, b gate.Acceptance) int { return cmp.Compare(a.ID, b.ID) }) {
		if l.Fingerprint == "" || a.Fingerprint != l.Fingerprint || a.Voided != "" || wroteIt(q.PR, commits.Value).include(a.User) {
			continue
		}
		switch holds := q.Policy.Authority(e, ReleaseManager, a.User); {
		case !holds.Known:
			f := unread("the role of "+handle(a.User)+", who accepted a finding,", holds.Why)
			doubt = &f
		case holds.Value && !commits.Known:
			f := unread("the list of commits", commits.Why)
			doubt = &f
		case holds.Value:
			return gate.Finding{
				Status: gate.Advisory, Code: "secret-accepted", By: gate.ByDecider, Link: a.URL,
				Fact: fmt.Sprintf("what looks like a credential%s is none, says %s: %s", leakAt(l), handle(a.User), gate.Quote(a.Reason)),
			}, true
		}
	}
	if doubt != nil {
		return *doubt, true
	}
	return gate.Finding{}, false
}

// LeakOf reports whether something with this fingerprint was found.
func LeakOf(scan gate.LeakScan, fingerprint string) bool {
	return fingerprint != "" && slices.ContainsFunc(scan.Leaks, func(l gate.Leak) bool { return l.Fingerprint == fingerprint })
}

// alerts: an alert that lies in this pull request's commits blocks, and so does
// one that was raised since the last release, and one of which it is not known
// where it lies; any older one is said. Where nothing was ever released, only the
// commits tell. That alerts cannot be read is said too, and blocks where the
// policy demands them; a passing fault always blocks.
func alerts(q question, e SecretsEvidence) []gate.Finding {
	open := e.Alerts()
	if !open.Known {
		return one(unreadAlerts(open.Why, q.Policy))
	}
	var found []gate.Finding
	for _, a := range slices.SortedFunc(slices.Values(open.Value), byNumber) {
		found = union(found, alertFindings(q, e, a))
	}
	return found
}

// alertFindings judges one open alert. What could not be read is a finding of its
// own, so that it is read again.
func alertFindings(q question, e SecretsEvidence, a gate.Alert) []gate.Finding {
	f, inside := openAlert(a), inPullRequest(q, e, a.Commits)
	last := e.LastRelease()
	recent := last.Known && !last.Value.IsZero() && !a.CreatedAt.Before(last.Value)
	switch {
	case inside.Value:
		f.Status = gate.Fail
		f.Fact += ", and lies in a commit of this pull request"
	case recent:
		f.Status = gate.Fail
		f.Fact += ", raised since the last release"
	case a.Unplaced != nil && a.Unplaced.Cause == gate.CauseFault:
		return []gate.Finding{f, unread(fmt.Sprintf("where the secret of alert %d lies", a.Number), *a.Unplaced)}
	case a.Unplaced != nil:
		f.Status = gate.Fail
		f.Fact += ", and it cannot be told whether it lies in this pull request: " + a.Unplaced.Fact
	case !inside.Known:
		return []gate.Finding{f, unread("the list of commits", inside.Why)}
	case !last.Known && last.Why.Cause != gate.CauseMissing: // without a list of releases there are none
		return []gate.Finding{f, unread("when the last release was published", last.Why)}
	default:
		f.Fact += ", and older than this change"
		f.Fix = "it blocks nothing here; " + f.Fix
	}
	return one(f)
}

func openAlert(a gate.Alert) gate.Finding {
	return gate.Finding{
		Status: gate.Advisory, Code: "secret-alert", By: gate.ByAuthor, Link: a.URL,
		Fact: fmt.Sprintf("GitHub's secret-scanning alert %d (%s) is open", a.Number, gate.Quote(a.Rule)),
		Fix:  "revoke the credential and close the alert",
	}
}

// unreadAlerts: where the feature is off or the App may not see it, the missing
// alerts are said, and block if the policy demands them.
func unreadAlerts(why gate.Unreadable, p *Policy) gate.Finding {
	f := unread("GitHub's secret-scanning alerts", why)
	if f.Status == gate.Unknown {
		return f
	}
	f.Code = "alerts-not-enabled"
	if !p.Secrets.AlertsRequired {
		f.Status = gate.Advisory
	}
	return f
}

// inPullRequest reports whether one of the commits belongs to the pull request.
func inPullRequest(q question, e CommitsEvidence, shas []string) gate.Reading[bool] {
	if slices.Contains(shas, q.PR.HeadSHA) {
		return gate.Reading[bool]{Known: true, Value: true}
	}
	commits := e.Commits()
	return gate.Reading[bool]{
		Known: commits.Known, Why: commits.Why,
		Value: slices.ContainsFunc(commits.Value, func(c gate.Commit) bool { return slices.Contains(shas, c.SHA) }),
	}
}

func byPlace(a, b gate.Leak) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Start, b.Start))
}

func byNumber(a, b gate.Alert) int { return cmp.Compare(a.Number, b.Number) }

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// firstFew quotes up to three names.
func firstFew(names []string) string {
	const few = 3
	quoted := make([]string, 0, few)
	for _, n := range names[:min(few, len(names))] {
		quoted = append(quoted, gate.Quote(n))
	}
	s := strings.Join(quoted, ", ")
	if more := len(names) - few; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
