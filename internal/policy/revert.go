package policy

import (
	"fmt"
	"slices"
	"time"

	"gonogo/internal/gate"
)

// A verified pure revert brings a branch back to what stood before one merged
// pull request: every path that this one changed is what it was before, all
// others are what the base has, and nothing came later on those paths. In an
// emergency nothing is asked of it but that no /no-go stands and that policy and
// comments were read, in which one could be (spec section 12, ruling 15).
//
// The trees decide. What a title or a description says only tells which pull
// request to hold against them; whoever could choose otherwise would land what
// nobody has looked at. What changes the policy is never in the lane: it would
// take the rules away that others decided on.

// RevertState is what is known of a revert.
type RevertState int

// The states of a revert. Those but RevertClean go through the normal gate.
const (
	RevertNone  RevertState = iota // it does not say that it is one
	RevertClean                    // the trees say that it is one
	RevertOther                    // they say that it is none, or not only that
	RevertDark                     // it cannot be told
)

// Revert is what was found of a pull request that says that it takes another
// one back.
type Revert struct {
	State RevertState
	Of    int // the pull request that it takes back; 0 where that is not known
	// Paths are all that a clean one changes.
	Paths []string
	// Tip is the base's commit against which a clean one was verified; Landed the
	// last commit of what it takes back.
	Tip, Landed string
	// Why is a clause that says why it is not clean, or cannot be told.
	Why string
	Fix string
	// Again tells that it may be told soon.
	Again bool
}

// reverted turns an evaluation into that of a verified pure revert, or says why
// it is not judged as one.
func reverted(q question, e Evidence, ev gate.Evaluation) gate.Evaluation {
	r := q.Revert
	if r.State == RevertNone || ev.Exempt != "" {
		return ev
	}
	if slices.ContainsFunc(r.Paths, func(name string) bool { return isPolicy(q.PR.Repo, name) }) {
		r.State, r.Why = RevertOther, "it changes the policy"
		r.Fix = "nothing: what others decided on is taken back by a decision, so that the normal gate applies"
	}
	if r.State != RevertClean {
		if r.Again {
			ev.Again = sooner(ev.Again, q.Now.Add(RetryEvidence))
		}
		return Advised(ev, notClean(r))
	}
	ev.Reverts, ev.HotfixOf, ev.SelfDecided, ev.Again = r.Of, 0, false, time.Time{}
	ev.Findings = asRevert(q, e)
	ev.Status = ev.Findings[0].Status
	ev.Verdict = verdictOf(ev.Status)
	if ev.Status == gate.Unknown || slices.ContainsFunc(ev.Findings, func(f gate.Finding) bool { return f.Status == gate.Unknown }) {
		ev.Again = q.Now.Add(RetryEvidence)
	}
	ev.Rows = slices.Clone(ev.Rows)
	for i := range ev.Rows {
		ev.Rows[i].Evidence, ev.Rows[i].Comparison, ev.Rows[i].Reason = "—", gate.NotRequired, "a verified pure revert needs none"
	}
	return ev
}

// asRevert lists all that is found of a pull request in the lane, the gravest
// first.
func asRevert(q question, e Evidence) []gate.Finding {
	var found []gate.Finding
	for _, f := range q.Faults {
		f.Requirement = inputs
		found = append(found, f)
	}
	for _, f := range veto(q, e) {
		f.Requirement = "decision/veto"
		found = append(found, f)
	}
	found = append(found, gate.Finding{
		Requirement: inputs, Status: gate.Advisory, Code: "pure-revert", By: gate.ByDecider,
		Fact: fmt.Sprintf("a verified pure revert of #%d: every path that it changed (%d) is what stood before it, all others are those of %s at %s",
			q.Revert.Of, len(q.Revert.Paths), gate.Quote(q.PR.BaseRef), gate.Short(q.Revert.Tip)),
		Fix: "nothing: only a /no-go stops it",
	})
	ev := Advised(gate.Evaluation{}, found...)
	return ev.Findings
}

// notClean says why the normal gate applies.
func notClean(r Revert) gate.Finding {
	f := gate.Finding{Requirement: inputs, Status: gate.Advisory, By: gate.ByAuthor, Fix: r.Fix}
	what := "a revert"
	if r.Of != 0 {
		what = fmt.Sprintf("a revert of #%d", r.Of)
	}
	if r.State == RevertDark {
		f.Code, f.Fact = "cannot-tell", fmt.Sprintf("whether this is nothing but %s cannot be told: %s; it is judged like any other change", what, r.Why)
	} else {
		f.Code, f.Fact = "not-a-clean-revert", fmt.Sprintf("this is not judged as %s: %s; it is judged like any other change", what, r.Why)
	}
	return f
}
