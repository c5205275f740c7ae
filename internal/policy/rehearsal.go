package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// A rehearsal that was done says how long recovery took; one that is planned,
// or that went wrong, says so. The patterns are deliberately simple: what they
// miss is mended by writing the line that the finding shows.
var (
	smooth = regexp.MustCompile(`(?i)\b(?:friction|issues?|problems?|surprises?|blockers?|errors?)\b\s*[:=–—-]?\s*\b(?:none|n/a|nothing|no)\b|\b(?:no|none|without|zero|0)\s+(?:any\s+)?(?:friction|issues?|problems?|surprises?|blockers?|errors?|failed|pending|skipped)\b|\bfailed[ -]over\b`)
	age    = regexp.MustCompile(`(?i)\b(?:\d+|an?|one|two|three|few)\s*(?:m|mins?|minutes?|h|hrs?|hours?)\s+ago\b`)

	notDone = regexp.MustCompile(`(?i)\b(?:planned|planning|plan to|will (?:be|do|run|rehearse|test)|going to|to be|tbd|todo|to do|yet to|(?:not|n't|never|no) (?:yet|done|needed|required|applicable|rehearsed|tested|run|tried|performed|completed|finished|rehearsal)|did not|didn't|could not|couldn't|have not|haven't|has not|hasn't|was not|wasn't|scheduled|pending|skipped|tomorrow|next (?:week|sprint|month)|failed|aborted|unsuccessful|incomplete)\b`)
	nothing = regexp.MustCompile(`(?i)^\W*(?:none|n/a|na|no|not|nothing|later|never)\b`)

	duration = regexp.MustCompile(`(?i)` +
		`\b\d+(?:[.,]\d+)?[\s-]*(?:s|secs?|seconds?|sekunden|m|min(?:s|ut\w*)?|h|hrs?|hours?|stunden?|heures?|horas?)(?:\b|\d)` +
		`|\d+\s*(?:хв|мин|сек|год|час)` +
		`|\bpt(?:\d+h)?(?:\d+m)?(?:\d+s)?\b` +
		`|\b(?:an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|sixty|ninety|half an|quarter of an)[\s-]+(?:seconds?|minutes?|hours?)\b` +
		`|(?:\b(?:in|took|within|under|time|rto)|\brecover\w*)[:\s]+\d{1,2}:\d{2}(?::\d{2})?\b`)

	isoDate   = regexp.MustCompile(`\b(20\d{2})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?)?`)
	namedDate = regexp.MustCompile(`(?i)\b(?:(\d{1,2})(?:st|nd|rd|th)?\.?\s+)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,?\s+)?(20\d{2})\b`)
)

const day = 24 * time.Hour

// rehearsal: the record says that the rollback was rehearsed (not planned), how
// long recovery took, and when; a rehearsal without a date counts, and that its
// age is unknown is said. What it links to must not be evidence of something else.
func rehearsal(q question, e LinkEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	text := q.Record.More[gate.FieldRehearsal]
	f := gate.Finding{
		Status: gate.Action, By: gate.ByAuthor, Field: gate.FieldRehearsal,
		Fix:  "rehearse the rollback outside production, then write where, when and how long recovery took",
		Type: fmt.Sprintf("- Rollback rehearsal: staging, %s, recovered in 6 min, no friction", q.Now.UTC().Format(time.DateOnly)),
	}
	undated := namedDate.ReplaceAllString(isoDate.ReplaceAllString(text, " "), " ")
	bare := strings.NewReplacer("’", "'", "\u00a0", " ").Replace(smooth.ReplaceAllString(undated, " "))
	switch {
	case strings.TrimSpace(text) == "":
		f.Code, f.Fact = "rehearsal-missing", "no rollback rehearsal is recorded"
	case nothing.MatchString(bare) || notDone.MatchString(bare):
		f.Code, f.Fact = "rehearsal-not-done", "the rollback rehearsal is not done, or did not go well: "+gate.Quote(text)
	case !duration.MatchString(age.ReplaceAllString(bare, " ")):
		f.Code, f.Fact = "rehearsal-no-time", "the rollback rehearsal does not say how long recovery took: "+gate.Quote(text)
	default:
		return append(rehearsalAge(q, f, text), strayLinks(q, e, gate.FieldRehearsal, f.Type)...)
	}
	return one(f)
}

// rehearsalAge judges the newest date that is not still to come: people also
// write when the next rehearsal is due.
func rehearsalAge(q question, f gate.Finding, text string) []gate.Finding {
	dates := datesIn(text)
	var newest time.Time
	for _, d := range dates {
		if !d.After(q.Now.Add(day)) && d.After(newest) {
			newest = d
		}
	}
	limit := q.Policy.Rehearsal.MaxAgeDays
	switch {
	case len(dates) == 0:
		f.Status, f.Code, f.Fact = gate.Advisory, "rehearsal-no-date", "the rollback rehearsal has no date that can be read, so its age is not verified"
	case newest.IsZero():
		f.Code, f.Fact = "rehearsal-not-done", fmt.Sprintf("the rollback rehearsal is dated %s, which is still to come", dates[0].Format(time.DateOnly))
	case limit > 0 && q.Now.Sub(newest) > time.Duration(limit+1)*day:
		f.Code, f.Fact = "rehearsal-stale", fmt.Sprintf("the rollback rehearsal of %s is older than %d days", newest.Format(time.DateOnly), limit)
	default:
		return nil
	}
	return one(f)
}

// datesIn returns the dates of a text in the order of the text, as far as they
// are written with the year first or with the month's name.
func datesIn(text string) []time.Time {
	var dates []time.Time
	add := func(year, month, dayOfMonth string) {
		y, _ := strconv.Atoi(year)
		d, _ := strconv.Atoi(dayOfMonth)
		m, err := strconv.Atoi(month)
		if err != nil {
			t, _ := time.Parse("Jan", month[:3]) // ignores case
			m = int(t.Month())
		}
		if t := time.Date(y, time.Month(m), max(d, 1), 0, 0, 0, 0, time.UTC); t.Month() == time.Month(m) {
			dates = append(dates, t)
		}
	}
	for _, m := range isoDate.FindAllStringSubmatch(text, 50) {
		add(m[1], m[2], m[3])
	}
	for _, m := range namedDate.FindAllStringSubmatch(text, 50) {
		add(m[4], m[2], m[1]+m[3])
	}
	return dates
}
