package decision

import (
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// lineList writes "3 and 22", and of a long list only the beginning.
func lineList(lines []int) string {
	const most = 5
	words := make([]string, 0, most)
	for _, n := range lines[:min(len(lines), most)] {
		words = append(words, fmt.Sprint(n))
	}
	if len(lines) > most {
		return strings.Join(words, ", ") + " and more"
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// name is a field as it begins or stands inside a sentence.
func name(f gate.Field) string { return "`" + string(f) + "`" }

// example is the line to write, as code.
func example(f gate.Field) string {
	value, ok := examples[f]
	if !ok {
		value = "…"
	}
	return "`- " + strings.TrimSpace(string(f)+": "+value) + "`"
}

var examples = map[gate.Field]string{
	gate.FieldScope:              "checkout service",
	gate.FieldClass:              "medium",
	gate.FieldType:               "routine",
	gate.FieldGates:              "",
	gate.FieldCodeGates:          "pass",
	gate.FieldReviewGates:        "pass",
	gate.FieldOperationalGates:   "pass",
	gate.FieldCommunicationGates: "pass",
	gate.FieldDecisionGate:       "pass",
	gate.FieldResidualRisks:      "none",
	gate.FieldTrigger:            "error rate > 2 % for 5 min",
	gate.FieldRollbackOwner:      "@account",
	gate.FieldDecisionOwner:      "@account",
	gate.FieldDecision:           "GO",
	gate.FieldTimestamp:          time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC).Format(time.RFC3339),
}
