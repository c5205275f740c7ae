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
	if found := problemsOf(q.Record, gate.FieldTimestamp); len(found) > 0 && q.Record.Found {
		return found
	}
	if ahead := q.Record.Timestamp.Sub(q.Now); !q.Record.Timestamp.IsZero() && ahead > clockTolerance {
		return one(gate.Finding{
			Status: gate.Action, Code: "timestamp", By: gate.ByAuthor, Field: gate.FieldTimestamp,
			Fact: fmt.Sprintf("the decision timestamp %s lies in the future", q.Record.Timestamp.UTC().Format(time.RFC3339)),
			Fix:  "write the time at which the decision was made",
			Type: "- Decision timestamp: " + q.Now.UTC().Format(time.RFC3339),
		})
	}
	return nil
}
