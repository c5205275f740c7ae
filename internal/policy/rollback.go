package policy

import "gonogo/internal/gate"

// rollbackTrigger: the record names a concrete, testable condition.
func rollbackTrigger(q question) []gate.Finding {
	if !q.Record.Found {
		return nil // the missing record is decision/record's to say
	}
	found := problemsOf(q.Record, gate.FieldTrigger)
	if q.Record.TriggerVague && len(found) > 0 {
		found[0].Status = gate.Action // the parser only warns at low; the class judged may be higher
	}
	return found
}

// rollbackOwner: the record names somebody who resolves to an account, a team
// or a role.
func rollbackOwner(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	if found := problemsOf(q.Record, gate.FieldRollbackOwner); len(found) > 0 {
		return found
	}
	if q.Record.RollbackOwner.IsZero() {
		return one(gate.Finding{
			Status: gate.Action, Code: "missing-field", By: gate.ByAuthor, Field: gate.FieldRollbackOwner,
			Fact: "the record names no rollback owner", Fix: "add the line to the record",
			Type: fmtOwner(gate.FieldRollbackOwner, q.PR.Author.Login),
		})
	}
	return ownerFinding(q, e, q.Record.RollbackOwner, gate.FieldRollbackOwner)
}
