package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// all lays what is enforced over the policy. Numbers become the larger, lists
// of demands the union, lists of permissions the common part, a class the
// earlier one; what has no order (labels, components) becomes what the
// organization says.
func (t *tightening) all() {
	t.depths()
	t.numbers()
	t.monitoring()
	t.switches()
	t.demands()
	t.checks()
	t.permissions()
	t.settings()
	t.override()
	for _, id := range lighter {
		if t.guards(id) {
			t.policy.Held = append(t.policy.Held, id)
		}
	}
	t.people()
	t.calendar() // before the zone is settled
	settle(t, t.says("zone"), "zone", &t.policy.Zone, t.org.Zone)
}

// depths: a requirement that is guarded blocks and is mentioned from the class
// that the organization's file says, at the latest.
func (t *tightening) depths() {
	for _, id := range Requirements() {
		if !t.guards(id) {
			continue
		}
		has, wants := t.policy.stated(id), t.org.stated(id)
		if later(has.Blocks, wants.Blocks) {
			t.told("requirements."+string(id), "blocks "+from(wants.Blocks), "blocks "+from(has.Blocks))
			has.Blocks = wants.Blocks
		}
		if later(has.said(), wants.said()) {
			has.Advises = wants.Advises
		}
		t.policy.Requirements[id] = has
	}
}

// stated is the depth of a requirement, whether or not there is anything by
// which it is judged.
func (p *Policy) stated(id gate.Requirement) Depth {
	if d, ok := p.Requirements[id]; ok && id != inputs {
		return d
	}
	return Depth{Blocks: gate.Low.String()}
}

// said is from which class a requirement is mentioned, one that does not block
// there too.
func (d Depth) said() string {
	if d.Advises == "" && d.Blocks != off {
		return gate.Low.String()
	}
	if d.Advises == "" {
		return off
	}
	return d.Advises
}

func from(word string) string {
	if word == off {
		return "at no class"
	}
	return "from " + word
}

// later reports whether from a begins at a higher class than from b.
func later(a, b string) bool { return onset(a) > onset(b) }

// onset orders the words of a depth: low, medium, high, off.
func onset(word string) gate.Class {
	if c := gate.ParseClass(word); c != gate.Undeclared {
		return c
	}
	return gate.High + 1
}

func (t *tightening) numbers() {
	t.perClass("review/approvals", "approvals", &t.policy.Approvals, t.by.Approvals)
	t.perClass("decision/authorized", "go", &t.policy.Go, t.by.Go)
	const key = "rehearsal.max_age_days"
	has, wants := &t.policy.Rehearsal.MaxAgeDays, t.by.Rehearsal.MaxAgeDays
	if t.guards("operational/rehearsal") && wants > 0 && (*has == 0 || *has > wants) {
		t.told(key, fmt.Sprint(wants), fmt.Sprint(*has))
		*has = wants
	}
}

// perClass raises the numbers of a guarded requirement; a higher class never
// asks for less than a lower one.
func (t *tightening) perClass(id gate.Requirement, key string, has *PerClass, wants PerClass) {
	if !t.guards(id) {
		return
	}
	least := 0
	for _, of := range []struct {
		class string
		has   *int
		wants int
	}{{"low", &has.Low, wants.Low}, {"medium", &has.Medium, wants.Medium}, {"high", &has.High, wants.High}} {
		if *of.has < of.wants {
			t.told(key+"."+of.class, fmt.Sprint(of.wants), fmt.Sprint(*of.has))
		}
		*of.has = max(*of.has, of.wants, least)
		least = *of.has
	}
}

func (t *tightening) monitoring() {
	if !t.guards("operational/monitoring") {
		return
	}
	for _, m := range []struct {
		key   string
		has   *string
		wants string
	}{
		{"monitoring.standard", &t.policy.Monitoring.Standard, t.by.Monitoring.Standard},
		{"monitoring.hotfix", &t.policy.Monitoring.Hotfix, t.by.Monitoring.Hotfix},
		{"monitoring.architectural", &t.policy.Monitoring.Architectural, t.by.Monitoring.Architectural},
	} {
		wants, err := time.ParseDuration(m.wants)
		if err != nil {
			continue // the organization's file was validated
		}
		if has, err := time.ParseDuration(*m.has); err != nil || has < wants {
			t.told(m.key, m.wants, *m.has)
			*m.has = m.wants
		}
	}
}

func (t *tightening) switches() {
	for _, s := range []struct {
		key    string
		holds  bool
		has    *bool
		wants  bool
		strict bool // the stricter value
	}{
		{"author_may_decide", true, &t.policy.AuthorMayDecide, t.org.AuthorMayDecide, false},
		{"carry_same_tree", true, &t.policy.CarrySameTree, t.org.CarrySameTree, false},
		{"solo", true, &t.policy.Solo, t.org.Solo, false},
		{"checks.none", t.guards("code/checks"), &t.policy.Checks.None, t.org.Checks.None, false},
		{"secrets.alerts_required", t.guards("code/secrets"), &t.policy.Secrets.AlertsRequired, t.by.Secrets.AlertsRequired, true},
	} {
		if s.holds && s.wants == s.strict && *s.has != s.strict {
			t.told(s.key, fmt.Sprint(s.wants), fmt.Sprint(*s.has))
			*s.has = s.strict
		}
	}
}

// demands are lists of which more entries ask for more. What is enforced comes
// on top, so that nothing is overruled. The floors that are built in stay
// whatever is enforced: a class that is too low would get round the rest.
func (t *tightening) demands() {
	p, by := t.policy, t.by
	p.Branches = union(p.Branches, by.Branches)
	p.Floors = union(p.Floors, by.Floors)
	p.Companions = union(p.Companions, by.Companions)
}

func union[T any](has, more []T) []T {
	out := slices.Clone(has)
	for _, m := range more {
		if !contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

func contains[T any](list []T, v T) bool {
	return slices.ContainsFunc(list, func(have T) bool { return reflect.DeepEqual(have, v) })
}

// checks: a list of the repository's own must not take the place of everything
// that reports, where the organization names no checks.
func (t *tightening) checks() {
	if !t.guards("code/checks") {
		return
	}
	has := &t.policy.Checks
	has.Besides = t.repository && len(has.Required) > 0 && len(t.by.Checks.Required) == 0
	has.Required = union(has.Required, t.by.Checks.Required)
	has.Apps = settleEach(t, "checks.apps", has.Apps, t.by.Checks.Apps, same[int])
	has.Runs = settleEach(t, "checks.runs", has.Runs, t.by.Checks.Runs, same[RunOf])
	has.Files = union(has.Files, t.by.Checks.Files)
}

// permissions are lists of which fewer entries ask for more: only what the
// organization lists too is left.
func (t *tightening) permissions() {
	p, org := t.policy, t.org
	common(t, "exclude", &p.Exclude, org.Exclude)
	common(t, "exempt", &p.Exempt, org.Exempt)
	common(t, "dependencies.bots", &p.Dependencies.Bots, org.Dependencies.Bots)
	common(t, "dependencies.paths", &p.Dependencies.Paths, org.Dependencies.Paths)
	if t.guards("code/branches") {
		common(t, "keep_branches", &p.KeepBranches, org.KeepBranches)
	}
	if t.guards("code/checks") {
		common(t, "checks.optional", &p.Checks.Optional, org.Checks.Optional)
	}
}

func common[T any](t *tightening, key string, has *[]T, allowed []T) {
	left := slices.DeleteFunc(slices.Clone(*has), func(v T) bool { return !contains(allowed, v) })
	if others := len(*has) - len(left); others > 0 {
		t.told(key, fmt.Sprintf("no entry but its own %d", len(allowed)), fmt.Sprintf("%d others", others))
		*has = left
	}
}

// settings have no order: what the organization says replaces them.
func (t *tightening) settings() {
	p, org := t.policy, t.org
	if len(t.by.Components) > 0 { // one of the repository's own could hold every path
		settle(t, t.guards("review/scope"), "components", &p.Components, t.by.Components)
	}
	severe := t.guards("code/severity")
	p.Severity.Everywhere = severe && t.repository && !reflect.DeepEqual(p.Components, org.Components)
	settle(t, severe, "severity.sev1", &p.Severity.SEV1, org.Severity.SEV1)
	settle(t, severe, "severity.sev2", &p.Severity.SEV2, org.Severity.SEV2)
	settle(t, severe && later(p.Severity.SEV2From, org.Severity.SEV2From), "severity.sev2_from", &p.Severity.SEV2From, org.Severity.SEV2From)
	settle(t, t.guards("operational/tracker"), "tracker", &p.Tracker, org.Tracker)
	settle(t, t.says("announce"), "announce", &p.Announce, org.Announce)
	settle(t, t.says("smoke"), "smoke", &p.Smoke, org.Smoke)
	if t.says("capabilities") {
		p.Capabilities.Paths = union(p.Capabilities.Paths, org.Capabilities.Paths)
		p.Capabilities.Notify = union(p.Capabilities.Notify, org.Capabilities.Notify)
	}
	// A repository may do without exceptions, and make none of its own.
	settle(t, t.says("exceptions") || t.guards("operational/window") && p.Exceptions != "", "exceptions", &p.Exceptions, org.Exceptions)
}

func settle[T any](t *tightening, holds bool, key string, has *T, wants T) {
	if !holds || reflect.DeepEqual(*has, wants) {
		return
	}
	t.told(key, plainly(wants), plainly(*has))
	*has = wants
}

// settleEach replaces the entries of a map that are enforced, but for those that
// ask for as much, and keeps the others.
func settleEach[T any](t *tightening, key string, has, wants map[string]T, enough func(has, wants T) bool) map[string]T {
	if len(wants) == 0 {
		return has
	}
	out := map[string]T{}
	for name, v := range has {
		out[name] = v
	}
	for name, v := range wants {
		old, ok := has[name]
		if ok && enough(old, v) {
			continue
		}
		if ok {
			t.told(key+"."+name, plainly(v), plainly(old))
		}
		out[name] = v
	}
	return out
}

func same[T any](a, b T) bool { return reflect.DeepEqual(a, b) }

// plainly shows a value in a sentence.
func plainly(v any) string {
	switch v := v.(type) {
	case string:
		if v == "" {
			return "none"
		}
		return v
	default:
		return strings.Trim(fmt.Sprintf("%+v", v), "{}")
	}
}

// override: who may let a head pass goes round all that is enforced, so that it
// is for the organization to say. A repository may let fewer, for a shorter time.
func (t *tightening) override() {
	has, org := &t.policy.Override, t.org.Override
	fewer := len(has.Roles) > 0 && within(has.Roles, org.Roles)
	settle(t, !fewer, "override.roles", &has.Roles, org.Roles)
	settle(t, t.policy.OverrideLasts() > t.org.OverrideLasts(), "override.for", &has.For, org.For)
}
