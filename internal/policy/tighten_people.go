package policy

import (
	"slices"

	"gonogo/internal/gate"
)

// people: who satisfies what is enforced is for the organization to say. A
// repository may leave some of them out, and adds nobody.
func (t *tightening) people() {
	p, by := t.policy, t.by
	p.Signoffs = settleEach(t, "signoffs", p.Signoffs, by.Signoffs, Signoff.asksNoLess)
	t.authorization()
	roles := map[string]Role{}
	for _, name := range t.org.ActingFor(t.pinned()...) {
		roles[name] = t.org.Roles[name]
	}
	p.Roles = settleEach(t, "roles", p.Roles, roles, func(has, wants Role) bool { return has.within(wants) })
	for name := range roles { // a role that is enforced is what the organization says, no fewer people either
		if t.exactly(name) && !same(p.Roles[name], roles[name]) {
			t.told("roles."+name, plainly(roles[name]), plainly(p.Roles[name]))
			p.Roles[name] = roles[name]
		}
	}
}

// pinned lists the roles whose people the repository cannot choose: those that
// are enforced, and those by which a guarded requirement is judged.
func (t *tightening) pinned() []string {
	var names []string
	for _, id := range Requirements() {
		if t.guards(id) {
			names = append(names, t.rolesOf(id)...)
		}
	}
	for _, name := range t.org.RoleNames() {
		if t.says("roles." + name) {
			names = append(names, name)
		}
	}
	names = append(names, t.org.Override.Roles...)
	for _, a := range t.by.Authorization {
		names = append(names, a.Notify...)
	}
	return names
}

// exactly reports whether a role is not even to be narrowed: it is enforced by
// name, or its people are those who can stop a release where that is enforced.
func (t *tightening) exactly(role string) bool {
	return t.says("roles."+role) || t.says("requirements.decision/veto") && slices.Contains(t.org.ActingFor(t.rolesOf("decision/veto")...), role)
}

// authorization: who approves by an entry of the repository's own does so
// besides those who decide under the organization's file, and not in their
// stead.
func (t *tightening) authorization() {
	if !t.guards("decision/authorized") {
		return
	}
	own := slices.Clone(t.policy.Authorization)
	for i := range own {
		own[i].Besides = t.repository && !contains(t.org.Authorization, own[i])
	}
	t.policy.Authorization = union(own, t.by.Authorization)
}

// within reports whether nobody holds r who does not hold of, other roles with
// the same names given.
func (r Role) within(of Role) bool {
	least, _ := permissionOf(of)
	has, _ := permissionOf(r)
	permitted := r.Permission == "" || of.Permission != "" && has >= least
	return permitted && within(r.Users, of.Users) && within(r.Teams, of.Teams) && within(r.Delegates, of.Delegates)
}

func within(list, of []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(of, s) })
}

// asksNoLess reports whether a sign-off is given by the same role and asked for
// wherever wants asks for it.
func (s Signoff) asksNoLess(wants Signoff) bool {
	everywhere := len(s.Paths) == 0 || len(wants.Paths) > 0 && within(wants.Paths, s.Paths)
	class := func(word string) gate.Class { return max(gate.ParseClass(word), gate.Low) }
	return s.Role == wants.Role && everywhere && class(s.From) <= class(wants.From)
}
