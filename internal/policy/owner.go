package policy

import "gonogo/internal/gate"

// decisionOwner: the record names who owns the final decision. At low the
// owner need only be named; from medium up they resolve to an account, a team
// or a role.
func decisionOwner(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	found := q.problemsOf(gate.FieldDecisionOwner)
	switch {
	case q.Record.DecisionOwner.IsZero():
		return q.insist(found, gate.FieldDecisionOwner, gate.Finding{
			Fact: "the record names no final decision owner", Fix: "add the line to the record in the pull request's description",
			Type: fmtOwner(gate.FieldDecisionOwner, q.PR.Author.Login),
		})
	case q.class < gate.Medium:
		return found
	}
	return append(found, ownerFinding(q, e, q.Record.DecisionOwner, gate.FieldDecisionOwner)...)
}
