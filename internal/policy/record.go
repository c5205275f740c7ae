package policy

import (
	"fmt"

	"gonogo/internal/gate"
)

// elsewhere lists the fields whose problems a requirement of their own shows.
var elsewhere = map[gate.Field]gate.Requirement{
	gate.FieldTrigger:       "operational/rollback-trigger",
	gate.FieldRollbackOwner: "operational/rollback-owner",
	gate.FieldRehearsal:     "operational/rehearsal",
	gate.FieldDecisionOwner: "decision/owner",
	gate.FieldTimestamp:     "decision/timestamp",
}

// broken lists the problems by which a record denies readiness; all others are
// gaps that its author fills in.
var broken = map[string]bool{"contradiction": true, "gate-failed": true, "no-go": true}

// record: one live Release Decision block with every field of source A's
// template declared, free of contradictions.
func record(q question) []gate.Finding {
	var found []gate.Finding
	for _, p := range q.Record.Problems {
		if _, ok := elsewhere[p.Field]; ok && q.Record.Found {
			continue
		}
		found = append(found, problem(p))
	}
	return append(found, failedGates(q)...)
}

// failedGates: the author's fail wins, also on a gate that only the floor's
// class asks for.
func failedGates(q question) []gate.Finding {
	said := map[gate.Field]bool{}
	for _, p := range q.Record.Problems {
		said[p.Field] = said[p.Field] || p.Severity == gate.Error
	}
	var found []gate.Finding
	for _, g := range gate.Gates {
		field := gate.GateFields[g]
		if q.Record.Gates[g] != gate.MarkFail || said[field] || !q.gateBlocks(g) {
			continue
		}
		found = append(found, gate.Finding{
			Status: gate.Fail, Code: "gate-failed", Field: field, By: gate.ByAuthor,
			Fact: fmt.Sprintf("the record marks the %s as fail", field),
			Fix:  "mend what fails, then mark it pass in the pull request's description",
		})
	}
	return found
}

// gateBlocks reports whether any requirement of g blocks at the class judged.
func (q question) gateBlocks(g gate.Gate) bool {
	for id := range q.Policy.Requirements {
		if id.Gate() == g && q.Policy.blocks(id, q.class) {
			return true
		}
	}
	return false
}

func problem(p gate.Problem) gate.Finding {
	f := gate.Finding{
		Status: gate.Action, Code: p.Code, Fact: p.Message, Fix: p.Fix,
		By: gate.ByAuthor, Field: p.Field, Line: p.Line,
	}
	switch {
	case p.Severity == gate.Warning:
		f.Status = gate.Advisory
	case broken[p.Code]:
		f.Status = gate.Fail
	}
	return f
}

// problemsOf returns the record's problems with one field as findings.
func problemsOf(r gate.Record, field gate.Field) []gate.Finding {
	var found []gate.Finding
	for _, p := range r.Problems {
		if p.Field == field {
			found = append(found, problem(p))
		}
	}
	return found
}
