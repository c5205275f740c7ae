package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// all lays every enforced key over the policy. Numbers become the larger, lists
// of demands the union, lists of permissions the common part, a class the
// earlier one; what has no order (roles, labels, sign-offs) becomes what is
// enforced.
func (t *tightening) all() {
	t.numbers()
	t.depths()
	t.switches()
	t.demands()
	t.permissions()
	t.names()
	t.windows()
	t.monitoring()
}

func (t *tightening) numbers() {
	t.perClass("approvals", &t.policy.Approvals, t.by.Approvals)
	t.perClass("go", &t.policy.Go, t.by.Go)
	const key = "rehearsal.max_age_days"
	has, wants := &t.policy.Rehearsal.MaxAgeDays, t.by.Rehearsal.MaxAgeDays
	if t.says(key) && wants > 0 && (*has == 0 || *has > wants) {
		t.told(key, fmt.Sprint(wants), fmt.Sprint(*has))
		*has = wants
	}
}

// perClass raises the numbers that are enforced; a higher class never asks for
// less than a lower one.
func (t *tightening) perClass(key string, has *PerClass, wants PerClass) {
	least := 0
	for _, of := range []struct {
		class string
		has   *int
		wants int
	}{{"low", &has.Low, wants.Low}, {"medium", &has.Medium, wants.Medium}, {"high", &has.High, wants.High}} {
		path := key + "." + of.class
		if t.says(path) && *of.has < of.wants {
			t.told(path, fmt.Sprint(of.wants), fmt.Sprint(*of.has))
			*of.has = of.wants
		}
		*of.has = max(*of.has, least)
		least = *of.has
	}
}

func (t *tightening) depths() {
	for _, id := range slices.Sorted(maps.Keys(t.by.Requirements)) {
		path := "requirements." + string(id)
		if !t.says(path) {
			continue
		}
		has, wants := t.policy.depth(id), t.by.Requirements[id]
		if later(has.Blocks, wants.Blocks) {
			t.told(path, "blocks from "+wants.Blocks, "blocks from "+has.Blocks)
			has.Blocks = wants.Blocks
		}
		if wants.Advises != "" && later(has.Advises, wants.Advises) && has.Advises != "" {
			has.Advises = wants.Advises
		}
		t.policy.Requirements[id] = has
	}
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

// bypasses are the keys by which a pull request could get round whatever else is
// enforced. Where an organization enforces anything, it must allow them itself.
var bypasses = map[string]bool{"exempt": true, "exclude": true, "solo": true, "author_may_decide": true}

func (t *tightening) switches() {
	for _, s := range []struct {
		key    string
		has    *bool
		wants  bool
		strict bool // the stricter value
	}{
		{"author_may_decide", &t.policy.AuthorMayDecide, t.by.AuthorMayDecide, false},
		{"solo", &t.policy.Solo, t.by.Solo, false},
		{"checks.none", &t.policy.Checks.None, t.by.Checks.None, false},
		{"secrets.alerts_required", &t.policy.Secrets.AlertsRequired, t.by.Secrets.AlertsRequired, true},
	} {
		if (t.says(s.key) || bypasses[s.key]) && s.wants == s.strict && *s.has != s.strict {
			t.told(s.key, fmt.Sprint(s.wants), fmt.Sprint(*s.has))
			*s.has = s.strict
		}
	}
}

// demands are lists of which more entries ask for more. What is enforced comes
// on top, so that nothing is overruled.
func (t *tightening) demands() {
	p, by := t.policy, t.by
	if t.says("branches") {
		p.Branches = union(p.Branches, by.Branches)
	}
	if t.says("checks.required") {
		p.Checks.Required = union(p.Checks.Required, by.Checks.Required)
	}
	if t.says("floors") {
		p.Floors = union(p.Floors, by.Floors)
	}
	if t.says("companions") {
		p.Companions = union(p.Companions, by.Companions)
	}
	if t.says("freezes") {
		p.Freezes = union(p.Freezes, by.Freezes)
	}
	if t.says("authorization") {
		p.Authorization = union(p.Authorization, by.Authorization)
	}
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

// permissions are lists of which fewer entries ask for more: only what the
// organization lists too is left.
func (t *tightening) permissions() {
	p, by := t.policy, t.by
	common(t, "exclude", &p.Exclude, by.Exclude)
	common(t, "exempt", &p.Exempt, by.Exempt)
	common(t, "keep_branches", &p.KeepBranches, by.KeepBranches)
	common(t, "checks.optional", &p.Checks.Optional, by.Checks.Optional)
	common(t, "dependencies.bots", &p.Dependencies.Bots, by.Dependencies.Bots)
	common(t, "dependencies.paths", &p.Dependencies.Paths, by.Dependencies.Paths)
}

func common[T any](t *tightening, key string, has *[]T, allowed []T) {
	if !t.says(key) && !bypasses[key] {
		return
	}
	left := slices.DeleteFunc(slices.Clone(*has), func(v T) bool { return !contains(allowed, v) })
	if len(left) < len(*has) {
		t.told(key, fmt.Sprintf("no more than %d entries of its own", len(allowed)), fmt.Sprintf("%d others", len(*has)-len(left)))
		*has = left
	}
}

// names are settings that have no order: what is enforced replaces them.
func (t *tightening) names() {
	p, by := t.policy, t.by
	p.Roles = settleEach(t, "roles", p.Roles, by.Roles)
	p.Signoffs = settleEach(t, "signoffs", p.Signoffs, by.Signoffs)
	settle(t, "components", &p.Components, by.Components) // one of its own could hold every path
	p.Checks.Apps = settleEach(t, "checks.apps", p.Checks.Apps, by.Checks.Apps)
	settle(t, "severity.sev1", &p.Severity.SEV1, by.Severity.SEV1)
	settle(t, "severity.sev2", &p.Severity.SEV2, by.Severity.SEV2)
	if key := "severity.sev2_from"; t.says(key) && later(p.Severity.SEV2From, by.Severity.SEV2From) {
		settle(t, key, &p.Severity.SEV2From, by.Severity.SEV2From)
	}
	settle(t, "exceptions", &p.Exceptions, by.Exceptions)
	settle(t, "tracker", &p.Tracker, by.Tracker)
	settle(t, "zone", &p.Zone, by.Zone)
}

func settle[T any](t *tightening, key string, has *T, wants T) {
	if !t.says(key) || reflect.DeepEqual(*has, wants) {
		return
	}
	t.told(key, plainly(wants), plainly(*has))
	*has = wants
}

// settleEach replaces the entries of a map that are enforced and keeps the
// others.
func settleEach[T any](t *tightening, key string, has, wants map[string]T) map[string]T {
	has = maps.Clone(has)
	if has == nil {
		has = map[string]T{}
	}
	for _, name := range slices.Sorted(maps.Keys(wants)) {
		path := key + "." + name
		if !t.says(path) {
			continue
		}
		if old, ok := has[name]; ok && !reflect.DeepEqual(old, wants[name]) {
			t.told(path, plainly(wants[name]), plainly(old))
		}
		has[name] = wants[name]
	}
	return has
}

// plainly shows a value in a sentence.
func plainly(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return strings.Trim(fmt.Sprintf("%+v", v), "{}")
}

// windows: releases may go out only where both let them. Windows of another
// zone cannot be laid over each other by days and hours; those that are enforced
// count then, as they do when nothing would be left.
func (t *tightening) windows() {
	if !t.says("windows") || len(t.by.Windows) == 0 {
		return
	}
	both := t.overlap()
	if len(t.policy.Windows) > 0 && !reflect.DeepEqual(both, t.policy.Windows) {
		t.told("windows", fmt.Sprintf("%d windows", len(t.by.Windows)), fmt.Sprintf("%d windows, in part outside of them", len(t.policy.Windows)))
	}
	if len(both) == 0 {
		both = t.by.Windows
	}
	t.policy.Windows = both
}

func (t *tightening) overlap() []Window {
	var both []Window
	for _, a := range t.policy.Windows {
		for _, b := range t.by.Windows {
			if zoneOf(a, t.policy) != zoneOf(b, t.by) {
				continue
			}
			w := Window{Days: slices.DeleteFunc(slices.Clone(a.Days), func(d string) bool { return !slices.Contains(b.Days, d) }),
				From: max(a.From, b.From), To: min(a.To, b.To), Zone: zoneOf(a, t.policy)}
			if len(w.Days) > 0 && w.From < w.To {
				both = append(both, w)
			}
		}
	}
	return both
}

func zoneOf(w Window, p *Policy) string {
	if w.Zone != "" {
		return w.Zone
	}
	return p.Zone
}

func (t *tightening) monitoring() {
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
		if !t.says(m.key) || err != nil {
			continue
		}
		if has, err := time.ParseDuration(*m.has); err != nil || has < wants {
			t.told(m.key, m.wants, *m.has)
			*m.has = m.wants
		}
	}
}
