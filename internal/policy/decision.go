package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// DecisionEvidence is what decision/authorized and decision/veto ask.
type DecisionEvidence interface {
	CommitsEvidence
	PeopleEvidence
	WritersEvidence
	// Decisions lists every accepted GO and NO-GO of this pull request in the
	// order of acceptance.
	Decisions() []gate.PersonDecision
}

// lapse is why a decision no longer counts; the zero value means that it does.
type lapse struct{ code, text string }

// codeReplaced marks a decision whose own author has said something since.
const codeReplaced = "replaced"

// codeEdited marks a GO whose comment no longer carries it.
const codeEdited = "edited-command"

// standings judges every decision as of now: what a person said counts only
// while all that they said it for is still so, and they still may say it.
func standings(q question, e DecisionEvidence) []gate.Standing {
	all := slices.SortedFunc(slices.Values(e.Decisions()), spoken)
	judged := make([]gate.Standing, len(all))
	for i, d := range slices.Backward(all) {
		var why lapse
		if d.Choice == gate.ChoiceNoGo {
			why = lifted(q, e, d, all[i+1:])
		} else {
			why = cmp.Or(replaced(d, judged[i+1:]), lapsed(q, e, d, all))
		}
		judged[i] = gate.Standing{PersonDecision: d, Counts: why == lapse{}, Code: why.code, Lapsed: why.text}
	}
	return judged
}

// spoken orders decisions by when they were said, which need not be the order in
// which they reached us. GitHub's clock has seconds; within one, comments go by
// their ids.
func spoken(a, b gate.PersonDecision) int {
	if c := saidAt(a).Compare(saidAt(b)); c != 0 {
		return c
	}
	if a.CommentID != 0 && b.CommentID != 0 {
		return cmp.Compare(a.CommentID, b.CommentID)
	}
	return cmp.Compare(a.ID, b.ID)
}

// saidAt is when a decision was said, to the second.
func saidAt(d gate.PersonDecision) time.Time {
	if d.SaidAt.IsZero() {
		return d.At.Truncate(time.Second)
	}
	return d.SaidAt.Truncate(time.Second)
}

// lifted says who lifted a NO-GO, or "". The same person may, and another
// release manager, but not within the same second, in which NO-GO wins; a GO whose own comment was edited or deleted lifts nothing.
// Whatever happens to the NO-GO's comment, the NO-GO stands.
func lifted(q question, e DecisionEvidence, veto gate.PersonDecision, later []gate.PersonDecision) lapse {
	for _, d := range later {
		if d.Choice != gate.ChoiceGo || d.Voided != "" {
			continue
		}
		// People with another deciding role may say /go, and lift nobody's veto.
		manager := q.Policy.Authority(e, ReleaseManager, d.User)
		if d.User.Is(veto.User) || !d.LiftsOwn && manager.Known && manager.Value && saidAt(d).After(saidAt(veto)) {
			return lapse{"lifted", "lifted by /go of " + handle(d.User)}
		}
	}
	return lapse{}
}

// replaced says what the same person said later, or "". A later GO that itself
// does not count replaces nothing: after a force-push back to an earlier head
// the GO for that head is good again.
func replaced(d gate.PersonDecision, later []gate.Standing) lapse {
	for _, l := range later {
		if l.User.Is(d.User) && (l.Choice == gate.ChoiceNoGo || l.Counts) {
			return lapse{codeReplaced, "replaced by their later " + strings.ToLower("/"+string(l.Choice))}
		}
	}
	return lapse{}
}

// lapsed says why a GO no longer counts.
func lapsed(q question, e DecisionEvidence, d gate.PersonDecision, all []gate.PersonDecision) lapse {
	switch {
	case d.Voided != "":
		return lapse{codeEdited, fmt.Sprintf("the comment with /go of %s was %s", handle(d.User), d.Voided)}
	case d.For.HeadSHA != q.PR.HeadSHA:
		return lapse{"stale-go", fmt.Sprintf("/go by %s was for %s, head is %s", handle(d.User), gate.Short(d.For.HeadSHA), gate.Short(q.PR.HeadSHA))}
	case d.For.BaseRef != q.PR.BaseRef:
		return lapse{"base-changed", fmt.Sprintf("/go by %s was for a merge into %s, the pull request now targets %s", handle(d.User), gate.Quote(d.For.BaseRef), gate.Quote(q.PR.BaseRef))}
	case d.For.Policy != q.Policy.Digest():
		return lapse{"policy-changed", fmt.Sprintf("the policy changed after /go by %s", handle(d.User))}
	}
	if field := changedField(q, d, all); field != "" {
		return lapse{"record-changed", fmt.Sprintf("'%s' changed after /go by %s", field, handle(d.User))}
	}
	return disqualified(q, e, d.User)
}

// changedField returns the first field that was edited since a GO, or "".
// Naming somebody as final decision owner who has said /go on this head
// changes nothing about what was decided.
func changedField(q question, d gate.PersonDecision, all []gate.PersonDecision) gate.Field {
	for _, field := range d.For.Terms.Changed(q.terms) {
		if field == gate.FieldDecisionOwner && saidGo(all, q.PR.HeadSHA, q.Record.DecisionOwner) {
			continue
		}
		return field
	}
	return ""
}

func saidGo(all []gate.PersonDecision, head string, owner gate.Owner) bool {
	return owner.User != "" && slices.ContainsFunc(all, func(d gate.PersonDecision) bool {
		return d.Choice == gate.ChoiceGo && d.Voided == "" && d.For.HeadSHA == head && strings.EqualFold(d.User.Login, owner.User)
	})
}

// disqualified says why a person may not decide on this pull request. What
// cannot be told is told as such, and does not count either.
func disqualified(q question, e DecisionEvidence, u gate.User) lapse {
	commits := e.Commits()
	if !commits.Known {
		return lapse{"github-down", "who wrote this pull request cannot be read"}
	}
	if wroteIt(q.PR, commits.Value).include(u) && !q.Policy.AuthorMayDecideOn(q.PR, e, q.class, u) {
		if writers := e.Writers(); q.Policy.Solo && !writers.Known {
			return lapse{"github-down", "whether anybody else has write access cannot be read"}
		}
		return lapse{"self-go", handle(u) + " wrote some of this pull request, and nobody decides on their own"}
	}
	roles := q.Policy.Deciders(q.Record, q.files)
	holds := q.Policy.Holds(e, roles, u)
	switch {
	case !holds.Known:
		return lapse{"github-down", "the role of " + handle(u) + " cannot be read"}
	case !holds.Value && len(roles) == 1:
		return lapse{"authority-lost", handle(u) + " is no longer a release manager"}
	case !holds.Value:
		return lapse{"authority-lost", fmt.Sprintf("%s no longer holds a role that decides here (%s)", handle(u), gate.Quote(strings.Join(roles, ", ")))}
	}
	return lapse{}
}

// veto: no NO-GO stands.
func veto(q question, e DecisionEvidence) []gate.Finding {
	var found []gate.Finding
	for _, s := range standings(q, e) {
		if s.Choice != gate.ChoiceNoGo || !s.Counts {
			continue
		}
		fact := handle(s.User) + " said /no-go"
		if s.Reason != "" {
			fact += ": " + gate.Quote(s.Reason)
		}
		if s.Voided != "" {
			fact += " (comment " + s.Voided + ")"
		}
		found = append(found, gate.Finding{
			Status: gate.Fail, Code: "nogo-stands", By: gate.ByDecider, Link: s.URL, Who: []string{s.User.Login},
			Fact: fact, Fix: handle(s.User) + " or another release manager comments, once it is settled",
			Type: "/go " + gate.Short(q.PR.HeadSHA),
		})
	}
	return found
}

// authorized: of each role that the policy asks for by release type and paths,
// one person has said /go on this head, base, policy and record; where it asks
// for none, release managers have. They are as many as the class asks for, the
// record's final decision owner among them. Where the record names a panel, only
// the panel counts.
func authorized(q question, e DecisionEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	found := typeUnsaid(q)
	need, roles := q.Policy.Go.For(q.class), q.Policy.approving(q.Record, q.files)
	if need == 0 && len(roles) == 0 {
		return found
	}
	c := countGo(q, e, standings(q, e))
	missing := byRoles(q, e, roles, c)
	found = append(found, missing...)
	switch {
	case len(c.unread) > 0 && len(c.counted)+len(c.unsure) >= need:
		return append(found, c.unread...)
	case len(c.counted) < need && (len(missing) == 0 || need > 1):
		return append(append(found, c.unread...), shortOf(q, need, c))
	case len(missing) > 0:
		return append(found, c.unread...)
	}
	said := c.counted
	if len(said) == 0 {
		said = c.offPanel
	}
	return append(found, ownerAmong(q, e, said)...)
}

// count is who has said GO: whose counts, whose may count once something can be
// read (and what), and whose does not since they are not on the panel.
type count struct {
	judged   []gate.Standing
	counted  []gate.User
	unsure   []gate.User
	unread   []gate.Finding
	offPanel []gate.User
}

func countGo(q question, e DecisionEvidence, judged []gate.Standing) count {
	c := count{judged: judged}
	commits := e.Commits()
	deciders := append([]string{ReleaseManager}, q.Policy.approving(q.Record, q.files)...)
	for _, s := range judged {
		if s.Choice != gate.ChoiceGo || s.For.HeadSHA != q.PR.HeadSHA || s.Code == codeReplaced || s.Code == codeEdited {
			continue
		}
		holds := q.Policy.Holds(e, deciders, s.User)
		panel := onPanel(q, e, s.User)
		switch {
		case !holds.Known:
			c.unsure, c.unread = append(c.unsure, s.User), append(c.unread, unread("the role of "+handle(s.User), holds.Why))
		case !commits.Known && holds.Value:
			c.unsure = append(c.unsure, s.User)
		case !s.Counts || !holds.Value: // who may only let it out of a freeze decides nothing else
		case !panel.Known:
			c.unsure, c.unread = append(c.unsure, s.User), append(c.unread, unread("the go/no-go panel", panel.Why))
		case panel.Value:
			c.counted = append(c.counted, s.User)
		default:
			c.offPanel = append(c.offPanel, s.User)
		}
	}
	if !commits.Known {
		c.unread = append(c.unread, unread("the list of commits", commits.Why))
	}
	return c
}

// onPanel tells whether u is one of the panel that the record names.
func onPanel(q question, e PeopleEvidence, u gate.User) gate.Reading[bool] {
	if q.class < gate.High || len(q.Record.Panel) == 0 {
		return gate.Reading[bool]{Known: true, Value: true}
	}
	return q.isAny(e, q.Record.Panel, []gate.User{u})
}

// isAny tells whether any of the users is any of the owners. One that is
// answers whatever could not be read of the others.
func (q question) isAny(e PeopleEvidence, owners []gate.Owner, users []gate.User) gate.Reading[bool] {
	answer := gate.Reading[bool]{Known: true}
	for _, o := range owners {
		for _, u := range users {
			is := q.isOwner(e, o, u)
			if is.Known && is.Value {
				return is
			}
			if !is.Known {
				answer = is
			}
		}
	}
	return answer
}

// isOwner tells whether u is the person, a member of the team, or a holder of
// the role that the record names.
func (q question) isOwner(e PeopleEvidence, o gate.Owner, u gate.User) gate.Reading[bool] {
	switch {
	case o.User != "":
		return gate.Reading[bool]{Known: true, Value: strings.EqualFold(o.User, u.Login)}
	case o.Team != "":
		members := e.Team(o.Team)
		return gate.Reading[bool]{Known: members.Known, Why: members.Why, Value: slices.ContainsFunc(members.Value, u.Is)}
	default:
		if role := q.Policy.roleNamed(o.Name); role != "" {
			return q.Policy.Authority(e, role, u)
		}
		return gate.Reading[bool]{Known: true}
	}
}

// shortOf says whose GO is missing, or why the ones given do not count.
func shortOf(q question, need int, c count) gate.Finding {
	f := gate.Finding{
		Status: gate.Action, Code: "go-missing", By: gate.ByDecider,
		Fact: "no release manager has said /go on " + gate.Short(q.PR.HeadSHA),
		Fix:  whoDecides(q) + " comments",
		Type: "/go " + gate.Short(q.PR.HeadSHA),
	}
	if q.Record.DecisionOwner.User != "" {
		f.Who = []string{q.Record.DecisionOwner.User}
	}
	if need > 1 {
		f.Code = "panel-short"
		f.Fact = fmt.Sprintf("%d of %d release managers said /go on %s", len(c.counted), need, gate.Short(q.PR.HeadSHA))
		f.Fix = fmt.Sprintf("%d more of the go/no-go panel (%s among them) comment", need-len(c.counted), whoDecides(q))
	}
	if latest := latestLapsed(c.judged); latest != nil {
		f.Code, f.Fact = latest.Code, latest.Lapsed
		if need > 1 {
			f.Fact += fmt.Sprintf(" (%d of %d count)", len(c.counted), need)
		}
	}
	if len(c.offPanel) > 0 {
		f.Fact += "; not counted, since the record's panel does not name them: " + handles(c.offPanel)
	}
	return f
}

func handles(users []gate.User) string {
	names := make([]string, 0, len(users))
	for _, u := range users {
		names = append(names, handle(u))
	}
	return strings.Join(names, ", ")
}

func whoDecides(q question) string {
	if q.Record.DecisionOwner.IsZero() {
		return "a release manager"
	}
	return gate.Quote(q.Record.DecisionOwner.String())
}

// latestLapsed returns the newest GO that no longer counts and was not
// replaced by its own author, or nil.
func latestLapsed(judged []gate.Standing) *gate.Standing {
	for i := len(judged) - 1; i >= 0; i-- {
		s := judged[i]
		if s.Choice == gate.ChoiceGo && !s.Counts && !s.LiftsOwn && s.Code != codeReplaced {
			return &s
		}
	}
	return nil
}

// ownerAmong asks that the record's final decision owner is among those who
// said GO.
func ownerAmong(q question, e PeopleEvidence, counted []gate.User) []gate.Finding {
	if q.Record.DecisionOwner.IsZero() {
		return nil // said by decision/record
	}
	owner := gate.Quote(q.Record.DecisionOwner.String())
	switch is := q.isAny(e, []gate.Owner{q.Record.DecisionOwner}, counted); {
	case !is.Known:
		return one(unread("the final decision owner "+owner, is.Why))
	case is.Value:
		return nil
	}
	return one(gate.Finding{
		Status: gate.Action, Code: "wrong-owner", By: gate.ByDecider,
		Fact: fmt.Sprintf("the record names %s, /go came from %s", owner, handles(counted)),
		Fix:  fmt.Sprintf("%s comments the line, or the author names %s as final decision owner (that voids nothing)", owner, handle(counted[0])),
		Type: "/go " + gate.Short(q.PR.HeadSHA),
	})
}
