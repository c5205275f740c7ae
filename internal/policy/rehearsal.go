package policy

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// A rehearsal that was done says how long recovery took; one that is planned
// says so. Both patterns are deliberately simple: what they miss is mended by
// writing the line that the finding shows.
var (
	duration  = regexp.MustCompile(`(?i)\b\d+(?:[.,]\d+)?\s*(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b|\b\d{1,2}:\d{2}(?::\d{2})?\b`)
	notDone   = regexp.MustCompile(`(?i)\b(?:planned|planning|will|to be|tbd|todo|not (?:yet|done|needed|required|applicable)|scheduled|pending|skipped|none|n/a|no rehearsal|later|tomorrow|next week)\b`)
	isoDate   = regexp.MustCompile(`\b(20\d{2}-\d{2}-\d{2})\b`)
	dayLength = 24 * time.Hour
)

// rehearsal: the record says that the rollback was rehearsed (not planned), how
// long recovery took, and, where it gives a date, that it is recent.
func rehearsal(q question) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	text := q.Record.More[gate.FieldRehearsal]
	f := gate.Finding{
		Status: gate.Action, By: gate.ByAuthor, Field: gate.FieldRehearsal,
		Fix:  "rehearse the rollback outside production, then write where, when and how long recovery took",
		Type: fmt.Sprintf("- Rollback rehearsal: staging, %s, recovered in 6 min, no friction", q.Now.UTC().Format(time.DateOnly)),
	}
	dates := isoDate.FindAllString(text, -1)
	undated := isoDate.ReplaceAllString(text, "")
	switch {
	case strings.TrimSpace(text) == "":
		f.Code, f.Fact = "rehearsal-missing", "no rollback rehearsal is recorded"
	case notDone.MatchString(undated):
		f.Code, f.Fact = "rehearsal-not-done", "the rollback rehearsal is not done: "+gate.Quote(text)
	case !duration.MatchString(undated):
		f.Code, f.Fact = "rehearsal-no-time", "the rollback rehearsal does not say how long recovery took"
	default:
		return rehearsalAge(q, f, dates)
	}
	return one(f)
}

func rehearsalAge(q question, f gate.Finding, dates []string) []gate.Finding {
	limit := time.Duration(q.Policy.Rehearsal.MaxAgeDays) * dayLength
	for _, d := range dates {
		day, err := time.Parse(time.DateOnly, d)
		switch {
		case err != nil:
			f.Code, f.Fact = "rehearsal-no-date", gate.Quote(d)+" is no date"
			return one(f)
		case day.After(q.Now.Add(dayLength)):
			f.Code, f.Fact = "rehearsal-not-done", "the rollback rehearsal is dated "+d+", which is still to come"
			return one(f)
		case limit > 0 && q.Now.Sub(day) > limit+dayLength:
			f.Code = "rehearsal-stale"
			f.Fact = fmt.Sprintf("the rollback rehearsal of %s is older than %d days", d, q.Policy.Rehearsal.MaxAgeDays)
			return one(f)
		}
	}
	return nil
}
