package policy

import (
	"slices"

	"gonogo/internal/gate"
)

// rollbackTrigger: the record names a concrete, testable condition.
func rollbackTrigger(q question) []gate.Finding {
	if !q.Record.Found {
		return nil // the missing record is decision/record's to say
	}
	found := q.problemsOf(gate.FieldTrigger)
	if q.Record.Trigger != "" && !q.Record.TriggerVague {
		return found
	}
	return q.insist(found, gate.FieldTrigger, gate.Finding{
		Fact: "the record names no rollback trigger that can be tested",
		Fix:  "name a signal and a threshold, a state or an alert in the pull request's description",
		Type: "- Rollback trigger: error rate > 2 % for 5 min",
	})
}

// rollbackOwner: the record names somebody who resolves to an account, a team
// or a role.
func rollbackOwner(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	found := q.problemsOf(gate.FieldRollbackOwner)
	if q.Record.RollbackOwner.IsZero() {
		return q.insist(found, gate.FieldRollbackOwner, gate.Finding{
			Fact: "the record names no rollback owner", Fix: "add the line to the record in the pull request's description",
			Type: fmtOwner(gate.FieldRollbackOwner, q.PR.Author.Login),
		})
	}
	return append(found, ownerFinding(q, e, q.Record.RollbackOwner, gate.FieldRollbackOwner)...)
}

// insist makes sure that a value which the record does not give is asked for:
// the parser only warns of what the declared class does not need, and the class
// that is judged may be higher. Hints about other lines ("did you mean") are no
// answer.
func (q question) insist(found []gate.Finding, field gate.Field, missing gate.Finding) []gate.Finding {
	if slices.ContainsFunc(q.Record.Problems, func(p gate.Problem) bool {
		return p.Field == field && p.Severity == gate.Error && q.shownHere(p)
	}) {
		return found
	}
	for i := range found {
		if found[i].Code != hintCode {
			found[i].Status = max(found[i].Status, gate.Action)
			return found
		}
	}
	missing.Status, missing.Code, missing.By, missing.Field = gate.Action, "missing-field", gate.ByAuthor, field
	return append(found, missing)
}

// hintCode is the parser's code for a label that nearly is one of the record's.
const hintCode = "unknown-field"
