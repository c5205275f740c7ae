package policy

import (
	"cmp"
	"fmt"
	"strings"

	"gonogo/internal/gate"
)

// communicationFields are source A's communication package; its fourth item,
// the rollback trigger, is a requirement of its own.
var communicationFields = [...]gate.Field{
	gate.FieldWhatChanged, gate.FieldKnownLimitations, gate.FieldMonitoringFocus, gate.FieldEscalation,
}

// communication: the record holds the communication package.
func communication(q question) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	var missing []string
	var first gate.Field
	for _, field := range communicationFields {
		if strings.TrimSpace(q.Record.More[field]) == "" {
			missing = append(missing, string(field))
			first = cmp.Or(first, field)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return one(gate.Finding{
		Status: gate.Action, Code: "communication-missing", By: gate.ByAuthor, Field: first,
		Fact: fmt.Sprintf("the communication package lacks: %s", strings.ToLower(strings.Join(missing, ", "))),
		Fix:  "add the lines to the record",
		Type: "- " + string(first) + ": …",
	})
}
