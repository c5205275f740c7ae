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

// notDecider tells somebody that they do not decide here, who does, and by which
// line.
func (r *room) notDecider(kind command.Kind) string {
	line := r.goLine()
	if kind == command.NoGo {
		line = "/no-go reason"
	}
	who := "only people with one of these roles decide here ("
	if len(r.deciding()) == 1 {
		who = "only a release manager decides here ("
	}
	return who + r.whoDecides() + "); one of them comments " + gate.Quote(line) + "; nothing was changed"
}

// whoDecides says in words who may decide here.
func (r *room) whoDecides() string {
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
		for _, u := range role.Users {
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
