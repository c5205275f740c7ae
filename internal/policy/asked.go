package policy

import "gonogo/internal/gate"

// asks reports whether the policy holds what requirement id judges by. One
// whose keys are empty is not asked at any class: there is nothing to hold a
// pull request against.
func (p *Policy) asks(id gate.Requirement) bool {
	switch id {
	case "code/qa":
		return p.hasSignoff(signoffQA)
	case "communication/docs":
		return len(p.Companions) > 0 || p.hasSignoff(signoffDocumentation)
	case "review/scope":
		return len(p.Components) > 0
	case "operational/window":
		return len(p.Windows)+len(p.EnforcedWindows)+len(p.Freezes) > 0
	case "operational/tracker":
		return p.Tracker.Kind != trackerNone
	default:
		return true
	}
}

// Mentions reports whether requirement id is asked, or at least mentioned, at
// any class: whether its evidence is worth reading.
func (p *Policy) Mentions(id gate.Requirement) bool { return p.mentions(id, gate.High) }
