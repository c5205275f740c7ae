package policy

import "gonogo/internal/gate"

// decisionOwner: the record names who owns the final decision. At low the
// owner need only be named; from medium up they resolve to an account, a team
// or a role.
func decisionOwner(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	if found := problemsOf(q.Record, gate.FieldDecisionOwner); len(found) > 0 || q.class < gate.Medium {
		return found
	}
	if q.Record.DecisionOwner.IsZero() {
		return nil // said by decision/record: the field is missing or unreadable
	}
	return ownerFinding(q, e, q.Record.DecisionOwner, gate.FieldDecisionOwner)
}
