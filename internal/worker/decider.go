package worker

import (
	"slices"
	"strings"

	"gonogo/internal/command"
	"gonogo/internal/gate"
	"gonogo/internal/policy"
)

// deciding lists the roles whose people decide here.
func (r *room) deciding() []string { return r.policy.Deciders(r.record, r.snap.files) }

// mayDecide tells whether somebody decides here: by a role of the policy, or as
// an administrator where the /go of one is enough.
func (r *room) mayDecide(u gate.User) gate.Reading[bool] {
	holds := r.policy.Holds(r.snap, r.deciding(), u)
	if holds.Known && holds.Value || !r.policy.OneAdmin(r.change) {
		return holds
	}
	if admin := policy.Administers(r.snap, u); !admin.Known || admin.Value {
		return admin
	}
	return holds
}

// mayDecideOnOwn tells whether somebody's /go counts for what they wrote.
func (r *room) mayDecideOnOwn(u gate.User) gate.Reading[bool] {
	if r.policy.OneAdmin(r.change) {
		return policy.Administers(r.snap, u)
	}
	return r.policy.AuthorMayDecideOn(r.pr, r.snap, r.class, u)
}

// notDecider tells somebody that they do not decide here, who does, and by which
// line.
func (r *room) notDecider(kind command.Kind) string {
	line := r.goLine()
	if kind == command.NoGo {
		line = "/no-go reason"
	}
	who := "only people with one of these roles decide here ("
	switch {
	case r.policy.OneAdmin(r.change):
		who = "only an administrator decides here ("
	case len(r.deciding()) == 1:
		who = "only a release manager decides here ("
	}
	return who + r.whoDecides() + "); one of them comments " + gate.Quote(line) + "; nothing was changed"
}

// whoDecides says in words who may decide here.
func (r *room) whoDecides() string {
	if r.policy.OneAdmin(r.change) {
		return "administrators of this repository"
	}
	roles := r.deciding()
	if len(roles) == 1 {
		return r.whoIs(policy.ReleaseManager)
	}
	var parts []string
	for _, role := range roles {
		parts = append(parts, gate.Quote(role)+": "+r.whoIs(role))
	}
	return strings.Join(parts, "; ")
}

// whoIs says in words who may act for a role.
func (r *room) whoIs(name string) string {
	var parts []string
	add := func(who string) {
		if !slices.Contains(parts, who) {
			parts = append(parts, who)
		}
	}
	for _, acting := range r.policy.ActingFor(name) {
		role := r.policy.Roles[acting]
		if role.Permission != "" {
			add("people with " + role.Permission + " permission")
		}
		for _, u := range role.Logins() {
			add(gate.Quote("@" + u))
		}
		for _, t := range role.Teams {
			add("members of " + gate.Quote("@"+t))
		}
	}
	if len(parts) == 0 {
		return "the policy names nobody"
	}
	return strings.Join(parts, ", ")
}
