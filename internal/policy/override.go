package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// An override lets one head pass for a while against the verdict, which stays
// what it is: everything that is open is shown beneath. It is better than a merge
// by an administrator of which nobody hears.
//
// It goes round what a release lacks, not round people: a standing /no-go stops
// it. Nor does it go round what it rests on itself: the policy and the comments
// must have been read. Where code/secrets blocks, whatever it says, two people
// must say it. An author may: in a hurry it is often theirs to do; the check says
// so loudly.

// OverrideEvidence is what overrides ask.
type OverrideEvidence interface {
	DecisionEvidence
	// Overrides lists every accepted override of this pull request in the order
	// of acceptance.
	Overrides() []gate.PersonDecision
}

// maxOverride is the longest time for which a policy may let an override stand.
const maxOverride = 24 * time.Hour

// OverrideLasts is for how long an override stands; zero when nobody may give
// one.
func (p *Policy) OverrideLasts() time.Duration {
	d, err := time.ParseDuration(p.Override.For)
	if err != nil {
		return 0 // "off", or a policy from anywhere but a file
	}
	return min(max(d, 0), maxOverride)
}

// MayOverride tells whether an account may let a head pass: with one of the
// policy's roles for it, or as an administrator where it names none.
func (p *Policy) MayOverride(e PeopleEvidence, u gate.User) gate.Reading[bool] {
	switch {
	case p.OverrideLasts() == 0:
		return gate.Reading[bool]{Known: true}
	case len(p.Override.Roles) == 0:
		return Administers(e, u)
	}
	return p.Holds(e, p.Override.Roles, u)
}

// overrides judges every override as of now.
func overrides(q question, e OverrideEvidence) []judgment {
	all := slices.SortedFunc(slices.Values(e.Overrides()), spoken)
	judged := make([]judgment, 0, len(all))
	for _, d := range all {
		d.Until = q.endOf(d)
		why := lapsedOverride(q, e, d)
		judged = append(judged, judgment{gate.Standing{PersonDecision: d, Counts: why.code == "", Code: why.code, Lapsed: why.text}, why.doubt})
	}
	return judged
}

// endOf is when an override ends by itself: a policy that shortens the time
// shortens it for those that stand, and none makes it longer.
func (q question) endOf(d gate.PersonDecision) time.Time {
	by := saidAt(d).Add(q.Policy.OverrideLasts())
	if d.Until.Before(by) {
		return d.Until
	}
	return by
}

// lapsedOverride says why an override no longer counts.
func lapsedOverride(q question, e OverrideEvidence, d gate.PersonDecision) lapse {
	who := "/override by " + handle(d.User)
	switch {
	case d.Voided != "":
		return lapse{code: codeEdited, text: fmt.Sprintf("the comment with %s was %s", who, d.Voided)}
	case d.For.HeadSHA != q.PR.HeadSHA:
		return lapse{code: "override-ended", text: fmt.Sprintf("%s was for %s, head is %s", who, gate.Short(d.For.HeadSHA), gate.Short(q.PR.HeadSHA))}
	case d.At.Before(q.HeadSeen): // back to a head after a push to another
		return lapse{code: "override-ended", text: who + " was ended by a push"}
	case d.For.BaseRef != q.PR.BaseRef:
		return lapse{code: "override-ended", text: fmt.Sprintf("%s was for a merge into %s", who, gate.Quote(d.For.BaseRef))}
	case !q.Now.Before(d.Until):
		return lapse{code: "override-ended", text: fmt.Sprintf("%s ended at %s", who, clock(d.Until))}
	}
	switch may := q.Policy.MayOverride(e, d.User); {
	case !may.Known:
		return doubtful("whether "+handle(d.User)+" may override", may.Why)
	case !may.Value:
		return lapse{code: "authority-lost", text: handle(d.User) + " may not override here any more"}
	}
	return lapse{}
}

func clock(t time.Time) string { return t.UTC().Format("15:04Z") }

// overridden lets an evaluation pass against its verdict where people said so.
func overridden(q question, e Evidence, ev gate.Evaluation) gate.Evaluation {
	judged := overrides(q, e)
	var standing []gate.Standing
	for _, s := range judged {
		ev.Overrides = append(ev.Overrides, s.Standing)
		if s.Counts {
			standing = append(standing, s.Standing)
			ev.Again = sooner(ev.Again, s.Until)
		}
	}
	if ev.Verdict == gate.Ready {
		return ev
	}
	for _, s := range judged {
		if s.doubt != nil {
			ev.Again = sooner(ev.Again, q.Now.Add(RetryEvidence))
			ev = told(ev, gate.Finding{Code: s.doubt.Code, Fact: s.doubt.Fact, Fix: s.doubt.Fix, By: s.doubt.By})
		}
	}
	// Of one person who said it twice the later one stands.
	slices.SortStableFunc(standing, func(a, b gate.Standing) int { return b.Until.Compare(a.Until) })
	var by []gate.Standing
	for _, s := range standing {
		if !slices.ContainsFunc(by, func(have gate.Standing) bool { return have.User.Is(s.User) }) {
			by = append(by, s)
		}
	}
	if len(by) == 0 {
		return ev
	}
	need, stops := overrideNeeds(ev.Blockers())
	switch {
	case stops != "":
		return told(ev, gate.Finding{
			Code: "override-stopped", By: gate.ByDecider, Fact: fmt.Sprintf("/override by %s does not count: %s", handle(by[0].User), stops),
			Fix: "settle that first; the override counts from then on, if it still stands",
		})
	case len(by) < need:
		return told(ev, gate.Finding{
			Code: "override-short", By: gate.ByDecider, Type: "/override reason",
			Fact: fmt.Sprintf("/override by %s alone does not count while credentials may be in the change: two people must say it", handle(by[0].User)),
			Fix:  "another person who may override (" + q.Policy.whoOverrides() + ") comments, or the credential is taken out",
		})
	}
	ev.Override = overriding(q, e, by[:need])
	return ev
}

// overrideNeeds says how many people must override what is open, and what stops
// an override altogether.
func overrideNeeds(open []gate.Finding) (people int, stops string) {
	people = 1
	for _, f := range open {
		switch f.Requirement {
		case inputs:
			stops = cmp.Or(stops, f.Fact)
		case "decision/veto":
			return 0, f.Fact
		case "code/secrets":
			people = 2
		}
	}
	return people, stops
}

func overriding(q question, e CommitsEvidence, by []gate.Standing) gate.Overriding {
	o := gate.Overriding{Until: by[len(by)-1].Until}
	by = slices.SortedStableFunc(slices.Values(by), func(a, b gate.Standing) int { return spoken(a.PersonDecision, b.PersonDecision) })
	commits := e.Commits()
	wrote := wroteIt(q.PR, commits.Value)
	o.OwnUnread = !commits.Known
	for _, s := range by {
		o.By, o.Reason = append(o.By, s.User), s.Reason
		if wrote.include(s.User) {
			o.Own = append(o.Own, s.User)
		}
	}
	return o
}

// told adds something that is said beside the verdict.
func told(ev gate.Evaluation, f gate.Finding) gate.Evaluation {
	f.Requirement, f.Status = inputs, gate.Advisory
	at, _ := slices.BinarySearchFunc(ev.Findings, gate.Advisory, func(have gate.Finding, s gate.Status) int { return cmp.Compare(s, have.Status) })
	ev.Findings = slices.Insert(slices.Clone(ev.Findings), at, f)
	return ev
}

func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// whoOverrides says in words who may override.
func (p *Policy) whoOverrides() string {
	switch {
	case p.OverrideLasts() == 0:
		return "nobody"
	case len(p.Override.Roles) == 0:
		return "administrators of the repository"
	}
	return "people with the role " + gate.Quote(strings.Join(p.Override.Roles, ", "))
}

// overrideWords says who may let a head pass against the verdict, for a page.
func (p *Policy) overrideWords() string {
	lasts := p.OverrideLasts()
	if lasts == 0 {
		return "nobody may let it pass against the verdict"
	}
	return fmt.Sprintf("%s, by /override and a reason: one head, for %d minutes, never against a /no-go, and two of them where a credential is found",
		gate.PlainText(p.whoOverrides()), int(lasts.Minutes()))
}

func (p *Policy) validateOverride(at places) *Error {
	for i, role := range p.Override.Roles {
		if err := p.roleExists(at, fmt.Sprintf("override.roles[%d]", i), role); err != nil {
			return err
		}
	}
	if p.Override.For == off {
		return nil
	}
	if d, err := time.ParseDuration(p.Override.For); err != nil || d < time.Minute || d > maxOverride {
		return at.errorf("override.for", "%q is no time between 1m and 24h; write 60m, or \"off\" to let nobody override", p.Override.For)
	}
	return nil
}
