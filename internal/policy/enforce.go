package policy

import (
	"maps"
	"slices"

	"gonogo/internal/gate"
)

// What an organization enforces holds for a whole requirement: where it
// enforces one key by which a requirement is judged, or the requirement itself,
// a repository asks of that requirement no less in any key. Else the key would
// be enforced and void: the approvals of a requirement that is switched off, the
// label of issues that block nothing, the number of /go by roles that anybody
// fills.
//
// Against what a repository's value is held goes by its kind. What is asked for
// (numbers, lists of demands) is what is enforced, and the built-in value where
// the enforce part is silent, or the organization's own where it enforces the
// requirement by name. What is allowed or defined (exemptions, roles, labels) is
// what the organization's file says, inside of the enforce part or outside of
// it.
//
// Some keys get round every requirement. They are held as soon as anything is
// enforced: see tighten.go and kept.

// judgedBy lists the keys by which a requirement is judged, its roles and
// sign-offs left out.
var judgedBy = map[gate.Requirement][]string{
	"code/checks":            {"checks"},
	"code/secrets":           {"secrets"},
	"code/severity":          {"severity"},
	"code/branches":          {"keep_branches"},
	"review/approvals":       {"approvals"},
	"review/scope":           {"components"},
	"operational/rehearsal":  {"rehearsal"},
	"operational/monitoring": {"monitoring"},
	"operational/window":     {"windows", "freezes", "exceptions"},
	"operational/tracker":    {"tracker"},
	"communication/docs":     {"companions"},
	"decision/authorized":    {"go", "authorization"},
	"decision/veto":          {"go", "authorization"},
	"risk/floor":             {"floors"},
}

// kept are the requirements on which all others rest: without a record, those
// that judge it find nothing.
var kept = [...]gate.Requirement{"decision/record", inputs}

// tightening lays what an organization enforces over a repository's policy.
type tightening struct {
	policy     *Policy
	org        *Policy // the organization's file with its enforce part: what it allows and defines
	by         *Policy // what it asks for: org without what it does not enforce
	enforced   places  // the keys of the enforce part
	given      places  // the keys of the repository's file
	repository bool    // there is one
	overruled  []gate.Finding
}

// says reports whether key is enforced.
func (t *tightening) says(key string) bool { return t.enforced.has(key) }

func (at places) has(key string) bool { _, ok := at[key]; return ok }

// guards reports whether anything by which requirement id is judged is enforced.
func (t *tightening) guards(id gate.Requirement) bool {
	if t.says("requirements."+string(id)) || slices.ContainsFunc(judgedBy[id], t.says) || slices.Contains(kept[:], id) {
		return true
	}
	enforced := func(name string) bool { return t.says("roles." + name) }
	return slices.ContainsFunc(t.signoffsOf(id), func(name string) bool { return t.says("signoffs." + name) }) ||
		slices.ContainsFunc(t.org.ActingFor(t.rolesOf(id)...), enforced)
}

// signoffsOf lists the sign-offs of the organization's file by which requirement
// id is judged. One that no requirement asks for by its name is the companions'.
func (t *tightening) signoffsOf(id gate.Requirement) []string {
	var names []string
	for _, name := range t.org.SignoffNames() {
		stands := t.by.namesSignoff(name)
		switch id {
		case "code/qa":
			stands = name == signoffQA
		case "communication/docs":
			stands = stands || name == signoffDocumentation || name != signoffQA && t.says("signoffs."+name)
		default:
			stands = false
		}
		if stands {
			names = append(names, name)
		}
	}
	return names
}

// namesSignoff reports whether a companion takes the sign-off instead.
func (p *Policy) namesSignoff(name string) bool {
	return slices.ContainsFunc(p.Companions, func(c Companion) bool { return c.Or == name })
}

// rolesOf lists the roles whose people satisfy requirement id under the
// organization's file.
func (t *tightening) rolesOf(id gate.Requirement) []string {
	var roles []string
	switch id {
	case "decision/authorized", "decision/veto":
		roles = append(roles, ReleaseManager)
		for _, a := range t.org.Authorization {
			roles = append(roles, a.Approve...)
		}
	case "operational/window":
		if t.org.Exceptions != "" {
			roles = append(roles, t.org.Exceptions)
		}
	}
	for _, name := range t.signoffsOf(id) {
		roles = append(roles, t.org.Signoffs[name].Role)
	}
	return roles
}

// enforces returns what an organization asks for by its enforce part: its file
// without what it says outside of it, which is for repositories without a file.
func enforces(org *Policy, enforced places) *Policy {
	by, builtIn := *org, BuiltIn()
	says := func(id gate.Requirement, key string) bool {
		return enforced.has(key) || enforced.has("requirements."+string(id))
	}
	keep(&by.Approvals.Low, builtIn.Approvals.Low, says("review/approvals", "approvals.low"))
	keep(&by.Approvals.Medium, builtIn.Approvals.Medium, says("review/approvals", "approvals.medium"))
	keep(&by.Approvals.High, builtIn.Approvals.High, says("review/approvals", "approvals.high"))
	decision := func(key string) bool { return says("decision/authorized", key) }
	keep(&by.Go.Low, builtIn.Go.Low, decision("go.low"))
	keep(&by.Go.Medium, builtIn.Go.Medium, decision("go.medium"))
	keep(&by.Go.High, builtIn.Go.High, decision("go.high"))
	keep(&by.Authorization, builtIn.Authorization, decision("authorization"))
	keep(&by.Branches, builtIn.Branches, enforced.has("branches"))
	keep(&by.Checks.Required, builtIn.Checks.Required, says("code/checks", "checks.required"))
	keep(&by.Secrets, builtIn.Secrets, says("code/secrets", "secrets.alerts_required"))
	keep(&by.Rehearsal, builtIn.Rehearsal, says("operational/rehearsal", "rehearsal.max_age_days"))
	keep(&by.Floors, builtIn.Floors, says("risk/floor", "floors"))
	keep(&by.Companions, builtIn.Companions, says("communication/docs", "companions"))
	keep(&by.Windows, builtIn.Windows, says("operational/window", "windows"))
	keep(&by.Freezes, builtIn.Freezes, says("operational/window", "freezes"))
	watched := func(key string) bool { return says("operational/monitoring", key) }
	keep(&by.Monitoring.Standard, builtIn.Monitoring.Standard, watched("monitoring.standard"))
	keep(&by.Monitoring.Hotfix, builtIn.Monitoring.Hotfix, watched("monitoring.hotfix"))
	keep(&by.Monitoring.Architectural, builtIn.Monitoring.Architectural, watched("monitoring.architectural"))
	by.Checks.Apps = only(by.Checks.Apps, func(name string) bool { return says("code/checks", "checks.apps."+name) })
	by.Checks.Runs = only(by.Checks.Runs, func(name string) bool { return says("code/checks", "checks.runs."+name) })
	keep(&by.Checks.Files, builtIn.Checks.Files, says("code/checks", "checks.files"))
	by.Components = only(by.Components, func(name string) bool { return says("review/scope", "components."+name) })
	by.Signoffs = only(by.Signoffs, func(name string) bool {
		id := gate.Requirement("communication/docs")
		if name == signoffQA {
			id = "code/qa"
		}
		return says(id, "signoffs."+name) || by.namesSignoff(name)
	})
	return &by
}

// keep sets a value back unless it is enforced.
func keep[T any](has *T, builtIn T, enforced bool) {
	if !enforced {
		*has = builtIn
	}
}

// only returns the entries of a map that fit.
func only[T any](all map[string]T, fits func(string) bool) map[string]T {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(name string, _ T) bool { return !fits(name) })
	return out
}
