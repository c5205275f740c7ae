package policy

import (
	"fmt"
	"time"

	"gonogo/internal/gate"
)

// clockTolerance is how far into the future a decision's time may lie.
const clockTolerance = 5 * time.Minute

// timestamp: the decision has its time, with an offset and not in the future.
// It documents; what counts is when a /go was received.
func timestamp(q question) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	line := "- Decision timestamp: " + q.Now.UTC().Format(time.RFC3339)
	found := q.problemsOf(gate.FieldTimestamp)
	if q.Record.Timestamp.IsZero() {
		return q.insist(found, gate.FieldTimestamp, gate.Finding{
			Fact: "the record does not say when the decision was made", Fix: "add the line to the record in the pull request's description", Type: line,
		})
	}
	if q.Record.Timestamp.Sub(q.Now) > clockTolerance {
		found = append(found, gate.Finding{
			Status: gate.Action, Code: "timestamp", By: gate.ByAuthor, Field: gate.FieldTimestamp,
			Fact: fmt.Sprintf("the decision timestamp %s lies in the future", q.Record.Timestamp.UTC().Format(time.RFC3339)),
			Fix:  "write the time at which the decision was made",
			Type: line,
		})
	}
	return found
}
