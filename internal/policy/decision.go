package policy

import (
	"fmt"
	"slices"
	"strings"

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

// veto: no NO-GO stands.
func veto(q question, e DecisionEvidence) []gate.Finding {
	var found []gate.Finding
	for _, s := range judgments(q, e) {
		if s.Choice != gate.ChoiceNoGo || !s.Counts {
			continue
		}
		if s.doubt != nil {
			found = append(found, *s.doubt)
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
// record's final decision owner among them. More than one are a panel, in which
// only release managers count; where the record names it, only those named.
func authorized(q question, e DecisionEvidence) []gate.Finding {
	if q.byOneAdmin() {
		return adminDecided(q, e)
	}
	if !q.Record.Found {
		return nil
	}
	found := typeUnsaid(q)
	need, others := q.goAsked()
	roles := q.Policy.approving(q.Record, q.files)
	if need == 0 && len(roles) == 0 {
		return found
	}
	c := countGo(q, e, need)
	found = append(found, c.over.finding(q)...)
	missing, unclear := byRoles(q, e, roles, c)
	found = append(found, missing...)
	short := len(c.counted) < need
	switch {
	case short && len(c.counted)+len(c.unsure) < need && (len(missing) == 0 || need > 1):
		return append(append(found, c.unread...), shortOf(q, e, need, c))
	case short || unclear || len(missing) > 0:
		return append(found, c.unread...)
	}
	return append(append(found, ownerAmong(q, e, c)...), owed(len(c.counted), others, "release managers said /go", q.PR.HeadSHA)...)
}

// Waiting is a /go, or the sign-off of that name, that waits until something can
// be read: who said it, and a finding that says what, see Unread.
type Waiting struct {
	User    gate.User
	Why     gate.Finding
	Signoff string // "" for a /go
}

// count is who has said GO.
type count struct {
	judged  []judgment
	counted []gate.User // whose GO is one of those that the class asks for
	besides []gate.User // who approves by release type or paths, and is not of the panel's role
	further []gate.User // who approves by what the repository asks for beside its organization
	unsure  []gate.User // whose GO may count once something can be read
	unread  []gate.Finding
	over    carriedOver
	// offPanel are those who do not count since the record's panel does not name
	// them.
	offPanel []gate.User
}

// doubts notes what could not be read about the GO of u.
func (c *count) doubts(u gate.User, f gate.Finding) {
	if !slices.ContainsFunc(c.unsure, u.Is) {
		c.unsure = append(c.unsure, u)
	}
	if !slices.ContainsFunc(c.unread, func(have gate.Finding) bool { return have.Fact == f.Fact }) {
		c.unread = append(c.unread, f)
	}
}

// approved lists everybody whose GO stands for a role, the panel apart.
func (c *count) approved() []gate.User {
	return slices.Concat(c.counted, c.besides, c.further, c.offPanel)
}

// said lists those among whom the final decision owner must be.
func (c *count) said() []gate.User {
	if all := slices.Concat(c.counted, c.besides); len(all) > 0 {
		return all
	}
	return slices.Concat(c.offPanel, c.further)
}

func countGo(q question, e DecisionEvidence, need int) count {
	c := count{judged: judgments(q, e), over: carriedOver{by: gate.ByDecider, what: "said /go"}}
	deciders := append([]string{ReleaseManager}, q.Policy.approving(q.Record, q.files)...)
	for _, w := range q.Waiting {
		if w.Signoff == "" {
			c.doubts(w.User, w.Why)
		}
	}
	for _, s := range c.judged {
		if s.Choice != gate.ChoiceGo || !q.isHead(s.For.HeadSHA) || !s.Counts && s.doubt == nil {
			continue
		}
		holds, regular := q.Policy.Holds(e, deciders, s.User), q.Policy.Holds(e, q.Policy.counting(q.Record, q.files), s.User)
		counts := regular
		if need > 1 {
			counts = q.Policy.Authority(e, ReleaseManager, s.User)
		}
		panel := onPanel(q, e, s.User)
		switch {
		case holds.Known && !holds.Value: // who may only let it out of a freeze decides nothing else
		case s.doubt != nil:
			c.doubts(s.User, *s.doubt)
		case !holds.Known:
			c.doubts(s.User, unread("the role of "+handle(s.User), holds.Why))
		case !panel.Known:
			c.doubts(s.User, unread("the go/no-go panel", panel.Why))
		case !panel.Value:
			c.offPanel = append(c.offPanel, s.User)
		case counts.Known && counts.Value:
			c.counted = append(c.counted, s.User)
		case regular.Known && regular.Value:
			c.besides = append(c.besides, s.User)
		default:
			c.further = append(c.further, s.User)
		}
		if s.Counts && holds.Known && holds.Value {
			c.over.add(q, s.User, s.For.HeadSHA)
		}
		if holds.Known && holds.Value && s.doubt == nil && panel.Known && panel.Value && !counts.Known {
			c.doubts(s.User, unread("the role of "+handle(s.User), counts.Why))
		}
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
func shortOf(q question, e DecisionEvidence, need int, c count) gate.Finding {
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
	if another := changedHands(q.Policy, e, q.Policy.Deciders(q.Record, q.files)); another != nil {
		f.Code, f.Fact, f.Fix = another.Code, another.Fact+"; "+f.Fact, another.Fix+"; or "+f.Fix
	} else if latest := latestLapsed(q, e, c.judged); latest != nil {
		f.Code, f.Fact = latest.Code, latest.Lapsed
		if need > 1 {
			f.Fact += fmt.Sprintf(" (%d of %d count)", len(c.counted), need)
		}
	}
	if len(c.besides) > 0 {
		f.Fact += "; not counted for the panel, in which release managers count: " + handles(c.besides)
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

// latestLapsed returns the newest GO that is known not to count any longer and
// was not replaced by its own author, or nil.
func latestLapsed(q question, e DecisionEvidence, judged []judgment) *judgment {
	for i, s := range slices.Backward(judged) {
		if s.Choice == gate.ChoiceGo && !s.Counts && s.doubt == nil && s.Code != codeReplaced && !onlyLifts(q, e, judged, i) {
			return &s
		}
	}
	return nil
}

// ownerAmong asks that the record's final decision owner is among those who
// said GO.
func ownerAmong(q question, e PeopleEvidence, c count) []gate.Finding {
	if q.Record.DecisionOwner.IsZero() {
		return nil // said by decision/record
	}
	said := c.said()
	owner := gate.Quote(q.Record.DecisionOwner.String())
	switch is := q.isAny(e, []gate.Owner{q.Record.DecisionOwner}, said); {
	case !is.Known:
		return one(unread("the final decision owner "+owner, is.Why))
	case is.Value:
		return nil
	}
	if may := q.isAny(e, []gate.Owner{q.Record.DecisionOwner}, c.unsure); may.Value || !may.Known {
		return c.unread
	}
	return one(gate.Finding{
		Status: gate.Action, Code: "wrong-owner", By: gate.ByDecider,
		Fact: fmt.Sprintf("the record names %s, /go came from %s", owner, handles(said)),
		Fix:  fmt.Sprintf("%s comments the line, or the author names %s as final decision owner (that voids nothing)", owner, handle(said[0])),
		Type: "/go " + gate.Short(q.PR.HeadSHA),
	})
}
