package policy

import (
	"fmt"
	"slices"

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
	if q.byOneAdmin() { // a record is not asked for; one that says no is heard
		q.Change = ChangeNone
		return slices.DeleteFunc(record(q), func(f gate.Finding) bool { return f.Status != gate.Fail })
	}
	var found []gate.Finding
	said := map[gate.Field]bool{}
	for _, p := range q.Record.Problems {
		said[p.Field] = said[p.Field] || p.Severity == gate.Error
		if q.shownHere(p) {
			found = append(found, problem(p))
		}
	}
	if !q.Record.Found {
		if len(said) == 0 {
			found = append(found, gate.Finding{
				Status: gate.Action, Code: "no-block", By: gate.ByAuthor,
				Fact: "there is no Release Decision in the pull request's description",
				Fix:  "add the block that `gonogo template` prints",
			})
		}
		return found
	}
	for _, f := range q.undeclared() {
		if !said[f] {
			found = append(found, missingField(f))
		}
	}
	return append(found, failedGates(q)...)
}

// shownHere reports whether a problem is the record's to show: one with a field
// that has a requirement of its own is shown there, unless that does not block
// at the class judged. Source A's template is to be filled in at every class.
func (q question) shownHere(p gate.Problem) bool {
	id, ok := elsewhere[p.Field]
	return !ok || !q.Record.Found || p.Severity == gate.Error && !q.Policy.blocks(id, q.class)
}

// undeclared lists the fields of the canonical block that hold nothing and that
// no requirement of their own asks for. The parser says so itself; this holds
// for a record from anywhere.
func (q question) undeclared() []gate.Field {
	r := q.Record
	var fields []gate.Field
	for f, declared := range map[gate.Field]bool{
		gate.FieldTrigger: r.Trigger != "", gate.FieldDecisionOwner: !r.DecisionOwner.IsZero(), gate.FieldTimestamp: !r.Timestamp.IsZero(),
	} {
		if !declared && !q.Policy.blocks(elsewhere[f], q.class) {
			fields = append(fields, f)
		}
	}
	for f, declared := range map[gate.Field]bool{
		gate.FieldScope: r.Scope != "", gate.FieldClass: r.Class != gate.Undeclared,
		gate.FieldResidualRisks: r.ResidualRisks != nil, gate.FieldDecision: r.Decision != gate.ChoiceNone,
	} {
		if !declared {
			fields = append(fields, f)
		}
	}
	for _, g := range gate.Gates {
		if r.Gates[g] == gate.MarkNone {
			fields = append(fields, gate.GateFields[g])
		}
	}
	slices.Sort(fields)
	return fields
}

func missingField(f gate.Field) gate.Finding {
	return gate.Finding{
		Status: gate.Action, Code: "missing-field", By: gate.ByAuthor, Field: f,
		Fact: fmt.Sprintf("the record does not declare `%s`", f),
		Fix:  "add the line to the record in the pull request's description",
	}
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

// problemsOf returns the record's problems with one field as findings, but for
// those that decision/record shows.
func (q question) problemsOf(field gate.Field) []gate.Finding {
	var found []gate.Finding
	for _, p := range q.Record.Problems {
		if p.Field == field && !q.shownHere(p) {
			found = append(found, problem(p))
		}
	}
	return found
}
