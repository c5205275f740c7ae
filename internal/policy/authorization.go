package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// authorizationsFor lists the authorizations that apply to a pull request. Paths that
// could not be read match everything; an undeclared type matches none, which
// decision/authorized says.
func (p *Policy) authorizationsFor(r gate.Record, files gate.Reading[[]gate.File]) []Authorization {
	var found []Authorization
	for _, a := range p.Authorization {
		byType := len(a.Types) == 0 || slices.Contains(a.Types, string(r.Type))
		byPath := len(a.Paths) == 0 || !files.Known || slices.ContainsFunc(touched(files.Value), func(path string) bool { return matchAny(a.Paths, path) })
		if byType && byPath {
			found = append(found, a)
		}
	}
	return found
}

// approving lists the roles of each of which one person must say /go.
func (p *Policy) approving(r gate.Record, files gate.Reading[[]gate.File]) []string {
	var roles []string
	for _, a := range p.authorizationsFor(r, files) {
		roles = append(roles, a.Approve...)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// counting lists the roles whose people count among the number of release
// managers that a class asks for.
func (p *Policy) counting(r gate.Record, files gate.Reading[[]gate.File]) []string {
	roles := []string{ReleaseManager}
	for _, a := range p.authorizationsFor(r, files) {
		if !a.Besides {
			roles = append(roles, a.Approve...)
		}
	}
	return roles
}

// Deciders lists the roles whose people may say /go and /no-go on a pull
// request: release managers, those who approve by its type and paths, and those
// who may let it out of a freeze.
func (p *Policy) Deciders(r gate.Record, files gate.Reading[[]gate.File]) []string {
	roles := append([]string{ReleaseManager}, p.approving(r, files)...)
	if p.Exceptions != "" {
		roles = append(roles, p.Exceptions)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// Asked lists the roles that are asked for a decision: those that approve by
// type and paths, else the release managers.
func (p *Policy) Asked(r gate.Record, files gate.Reading[[]gate.File]) []string {
	roles := p.approving(r, files)
	if len(p.counting(r, files)) > 1 { // roles that stand for release managers
		return roles
	}
	return slices.Compact(slices.Sorted(slices.Values(append(roles, ReleaseManager))))
}

// Holds tells whether an account holds any of the roles. One that it holds
// answers whatever could not be read of the others.
func (p *Policy) Holds(e PeopleEvidence, roles []string, u gate.User) gate.Reading[bool] {
	answer := gate.Reading[bool]{Known: true}
	for _, role := range roles {
		holds := p.Authority(e, role, u)
		if holds.Known && holds.Value {
			return holds
		}
		if !holds.Known {
			answer = holds
		}
	}
	return answer
}

// anybody tells whether anybody can act for a role: a permission, a login, a
// team with members, or a delegate.
func (p *Policy) anybody(e PeopleEvidence, role string) gate.Reading[bool] {
	answer := gate.Reading[bool]{Known: true}
	for _, name := range p.actingFor(role) {
		r := p.Roles[name]
		if r.Permission != "" || len(r.Users) > 0 {
			return gate.Reading[bool]{Known: true, Value: true}
		}
		for _, team := range r.Teams {
			members := e.Team(team)
			if members.Known && len(members.Value) > 0 {
				return gate.Reading[bool]{Known: true, Value: true}
			}
			if !members.Known {
				answer = gate.Reading[bool]{Why: members.Why, At: members.At}
			}
		}
	}
	return answer
}

// ActingFor lists the roles and those that may act for them, each once.
func (p *Policy) ActingFor(roles ...string) []string {
	var all []string
	for _, role := range roles {
		all = append(all, p.actingFor(role)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// actingFor lists a role and the roles that may act for it, each once.
func (p *Policy) actingFor(role string) []string {
	roles := []string{role}
	for i := 0; i < len(roles); i++ {
		for _, d := range p.Roles[roles[i]].Delegates {
			if !slices.Contains(roles, d) {
				roles = append(roles, d)
			}
		}
	}
	return roles
}

// noticesFor lists who is told of a release.
func (p *Policy) noticesFor(r gate.Record, files gate.Reading[[]gate.File]) []gate.Notice {
	var list []gate.Notice
	for _, a := range p.authorizationsFor(r, files) {
		if len(a.Notify) > 0 {
			list = append(list, gate.Notice{Roles: slices.Clone(a.Notify), Channel: a.Channel})
		}
	}
	return list
}

// typeUnsaid: where authorization goes by release type, the record declares
// one. Silence would choose the lighter rule.
func typeUnsaid(q question) []gate.Finding {
	byType := slices.ContainsFunc(q.Policy.Authorization, func(a Authorization) bool { return len(a.Types) > 0 })
	if !byType || q.Record.Type != "" {
		return nil
	}
	return one(gate.Finding{
		Status: gate.Action, Code: "type-missing", By: gate.ByAuthor, Field: gate.FieldType,
		Fact: "who approves goes by the release type, and the record declares none",
		Fix:  "declare one of " + strings.Join(asStrings(gate.ReleaseTypes[:]), ", "),
		Type: "- Release type: " + string(gate.Routine),
	})
}

// byRoles: of each role that approves, one person has said /go. It is unclear
// when somebody may have whose GO could not be judged.
func byRoles(q question, e DecisionEvidence, roles []string, c count) (found []gate.Finding, unclear bool) {
	for _, role := range roles {
		approved, unreadable := holders(q, e, role, c.approved())
		if approved {
			continue
		}
		if f, empty := emptyRole(q.Policy, e, role, "must approve here"); empty {
			found = append(found, f)
			continue
		}
		switch may, open := holders(q, e, role, c.unsure); {
		case may || len(open) > 0:
			unclear = true
		case len(unreadable) > 0:
			found = append(found, unreadable...)
		default:
			found = append(found, roleMissing(q, e, role, c))
		}
	}
	return found, unclear
}

// holders reports whether any of the users holds a role, and of whom that could
// not be read.
func holders(q question, e PeopleEvidence, role string, users []gate.User) (some bool, unreadable []gate.Finding) {
	for _, u := range users {
		holds := q.Policy.Authority(e, role, u)
		some = some || holds.Known && holds.Value
		if !holds.Known {
			unreadable = append(unreadable, unread("the role of "+handle(u), holds.Why))
		}
	}
	return some, unreadable
}

func roleMissing(q question, e DecisionEvidence, role string, c count) gate.Finding {
	kind := "this release"
	if q.Record.Type != "" {
		kind = fmt.Sprintf("a release of type %s", q.Record.Type)
	}
	f := gate.Finding{
		Status: gate.Action, Code: "authorization-missing", By: gate.ByDecider, Who: q.Policy.Roles[role].Logins(),
		Fact: fmt.Sprintf("%s needs %s to approve, and nobody with that role has said /go on %s", kind, gate.Quote(role), gate.Short(q.PR.HeadSHA)),
		Fix:  "somebody with the role " + gate.Quote(role) + " comments",
		Type: "/go " + gate.Short(q.PR.HeadSHA),
	}
	if d := q.Policy.actingFor(role)[1:]; len(d) > 0 {
		f.Fix = fmt.Sprintf("somebody with the role %s, or %s for it, comments", gate.Quote(role), gate.Quote(strings.Join(d, ", ")))
	}
	for i, s := range slices.Backward(c.judged) {
		if s.Choice != gate.ChoiceGo || s.Counts || s.doubt != nil || s.Code == codeReplaced || onlyLifts(q, e, c.judged, i) {
			continue
		}
		if holds := q.Policy.Authority(e, role, s.User); holds.Known && holds.Value {
			f.Code, f.Fact = s.Code, s.Lapsed
			break
		}
	}
	return f
}

func (p *Policy) validateAuthorization(at places) *Error {
	for i, a := range p.Authorization {
		path := fmt.Sprintf("authorization[%d]", i)
		for j, t := range a.Types {
			if gate.ParseReleaseType(t) == "" {
				return at.errorf(fmt.Sprintf("%s.types[%d]", path, j), "%q is no release type%s", t, suggest(t, asStrings(gate.ReleaseTypes[:])))
			}
		}
		if len(a.Approve)+len(a.Notify) == 0 {
			return at.errorf(path, "say who approves or who is told: approve: [%s]", ReleaseManager)
		}
		for _, list := range []struct {
			key   string
			roles []string
		}{{"approve", a.Approve}, {"notify", a.Notify}} {
			for j, role := range list.roles {
				if err := p.roleExists(at, fmt.Sprintf("%s.%s[%d]", path, list.key, j), role); err != nil {
					return err
				}
			}
		}
		if err := at.globs(path+".paths", a.Paths); err != nil {
			return err
		}
	}
	return p.validateDelegates(at)
}

func (p *Policy) validateDelegates(at places) *Error {
	for _, name := range p.RoleNames() {
		for i, d := range p.Roles[name].Delegates {
			path := fmt.Sprintf("roles.%s.delegates[%d]", name, i)
			if d == name {
				return at.errorf(path, "a role cannot be its own delegate")
			}
			if err := p.roleExists(at, path, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// validateOrganisation checks the keys by which an organisation fits the policy
// to itself.
func (p *Policy) validateOrganisation(at places) *Error {
	return cmp.Or(p.validateSignoffs(at), p.validateComponents(at), p.validateCompanions(at), p.validateCalendar(at),
		p.validateAuthorization(at), p.validateMonitoring(at), p.validateTracker(at), p.validateApps(at), p.validateRuns(at), p.validateOverride(at), p.validateLive(at))
}
