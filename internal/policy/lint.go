package policy

import (
	"slices"
	"time"

	"gonogo/internal/gate"
)

// recordOnly lists the requirements that ask the record alone.
var recordOnly = [...]struct {
	id    gate.Requirement
	judge func(question) []gate.Finding
}{
	{"operational/rollback-trigger", rollbackTrigger},
	{"operational/rehearsal", func(q question) []gate.Finding { return rehearsal(q, nil) }},
	{"operational/rollback-plan", func(q question) []gate.Finding { return rollbackPlan(q, nil) }},
	{"operational/drill", drill},
	{"operational/on-call", func(q question) []gate.Finding { return onCall(q, nil) }},
	{"operational/monitoring", func(q question) []gate.Finding { return monitoring(q, nil) }},
	{"communication/release-note", releaseNote},
	{"communication/stakeholders", stakeholders},
	{"communication/known-limitations", knownLimitations},
	{"communication/monitoring-focus", monitoringFocus},
	{"communication/escalation", func(q question) []gate.Finding { return escalation(q, nil) }},
	{"decision/timestamp", timestamp},
}

// Lint returns what a policy asks of a record beyond what the record's own
// problems say, as far as that can be told without asking GitHub: an error for
// what blocks at the declared class, a warning for advice and for owners who are
// neither accounts, teams nor roles of the policy.
func Lint(p *Policy, r gate.Record, now time.Time) []gate.Problem {
	if !r.Found {
		return nil
	}
	q := question{Input: Input{Record: r, Policy: p, Now: now}, class: max(r.Class, gate.Low)}
	var problems []gate.Problem
	for _, req := range recordOnly {
		if !p.mentions(req.id, q.class) {
			continue
		}
		for _, f := range req.judge(q) {
			if f.Status > gate.Pass && !said(r, f) {
				problems = append(problems, asProblem(f, p.blocks(req.id, q.class)))
			}
		}
	}
	if q.class < gate.Medium {
		return problems
	}
	for field, o := range map[gate.Field]gate.Owner{gate.FieldRollbackOwner: r.RollbackOwner, gate.FieldDecisionOwner: r.DecisionOwner} {
		if o.Name != "" {
			for _, f := range ownerFinding(q, nil, o, field) {
				problems = append(problems, asProblem(f, false))
			}
		}
	}
	slices.SortFunc(problems, func(a, b gate.Problem) int {
		return slices.Index(gate.Fields[:], a.Field) - slices.Index(gate.Fields[:], b.Field)
	})
	return problems
}

// said reports whether the record's own problems speak of the same field
// already.
func said(r gate.Record, f gate.Finding) bool {
	return slices.ContainsFunc(r.Problems, func(p gate.Problem) bool { return p.Field == f.Field })
}

func asProblem(f gate.Finding, blocks bool) gate.Problem {
	p := gate.Problem{Severity: gate.Warning, Code: f.Code, Field: f.Field, Line: f.Line, Message: f.Fact, Fix: f.Fix}
	if blocks && f.Status > gate.Advisory {
		p.Severity = gate.Error
	}
	if f.Type != "" {
		p.Fix += ": " + f.Type
	}
	return p
}
