package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gonogo/internal/gate"
)

var (
	stretch = regexp.MustCompile(`(?i)\b(\d+(?:[.,]\d+)?|an?|one|two|three|four)[\s-]*(m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\b`)
	watches = regexp.MustCompile(`(?i)\b(?:watch(?:es|ed|ing)?|monitor(?:s|ed|ing)?|observ(?:es?|ed|ing)|check(?:s|ed|ing)?|look(?:s|ed|ing)?|keep(?:s|ing)? an eye|on call)\b`)
	filler  = regexp.MustCompile(`(?i)\b(?:for|the|a|an|and|at|least|on|over|in|of|after|release|with|first|from|until|is|are|will|who|what|how|long|all|it|we|us)\b|[^\p{L}\p{N}]+`)
)

// numberWords are the numbers that people write out.
var numberWords = map[string]float64{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}

// monitoring: the record says who watches what for how long, at least as long
// as the release type asks for.
func monitoring(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	text, least := q.Record.More[gate.FieldMonitoring], q.Policy.monitoringWindow(q.Record.Type)
	f := gate.Finding{
		Status: gate.Action, By: gate.ByAuthor, Field: gate.FieldMonitoring,
		Fix:  "write who watches what for how long, at least " + hours(least),
		Type: fmt.Sprintf("- Monitoring: %s watches error rate and latency for %s", planExample(q), hours(least)),
	}
	if q.blank(gate.FieldMonitoring) {
		f.Code, f.Fact = "monitoring-missing", "the record does not say who watches the release"
		return one(f)
	}
	found := resolved(q, e, gate.FieldMonitoring)
	longest := longestIn(text)
	if lacks := monitoringLacks(q, text, longest); len(lacks) > 0 {
		f.Code, f.Fact = "monitoring-incomplete", "the monitoring does not say: "+strings.Join(lacks, "; ")
		return append(found, f)
	}
	if longest < least {
		kind := "a release"
		if q.Record.Type != "" {
			kind = fmt.Sprintf("a release of type %s", q.Record.Type)
		}
		f.Code, f.Fact = "monitoring-short", fmt.Sprintf("%s is watched for at least %s, the record says %s", kind, hours(least), hours(longest))
		return append(found, f)
	}
	return found
}

func monitoringLacks(q question, text string, longest time.Duration) []string {
	var lacks []string
	rest := mention.ReplaceAllString(text, " ")
	for _, o := range q.Policy.namedIn(text) {
		if o.Name != "" {
			rest = regexp.MustCompile(`(?i)`+regexp.QuoteMeta(o.Name)+`s?`).ReplaceAllString(rest, " ")
		}
	}
	before := ""
	if verb := watches.FindStringIndex(rest); verb != nil {
		before = filler.ReplaceAllString(rest[:verb[0]], "")
		rest = rest[verb[1]:]
	}
	if len(q.Policy.namedIn(text)) == 0 && before == "" {
		lacks = append(lacks, "who watches")
	}
	rest = watches.ReplaceAllString(stretch.ReplaceAllString(rest, " "), " ")
	if filler.ReplaceAllString(rest, "") == "" {
		lacks = append(lacks, "what is watched")
	}
	if longest == 0 {
		lacks = append(lacks, "for how long")
	}
	return lacks
}

// longestIn returns the longest stretch of time that a text names, 0 for none:
// "24 h, the first hour closely" is 24 hours.
func longestIn(text string) time.Duration {
	var longest time.Duration
	for _, m := range stretch.FindAllStringSubmatch(text, 50) {
		n, ok := numberWords[strings.ToLower(m[1])]
		if !ok {
			n, _ = strconv.ParseFloat(strings.ReplaceAll(m[1], ",", "."), 64)
		}
		unit := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': day, 'w': 7 * day}[strings.ToLower(m[2])[0]]
		longest = max(longest, time.Duration(min(n, 10000)*float64(unit)))
	}
	return longest
}

// hours writes a stretch of time as people do: "24 h", "30 min".
func hours(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	default:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// monitoringWindow is how long a release of this type is watched at least.
func (p *Policy) monitoringWindow(t gate.ReleaseType) time.Duration {
	word := p.Monitoring.Standard
	switch t {
	case gate.Hotfix:
		word = p.Monitoring.Hotfix
	case gate.Architectural:
		word = p.Monitoring.Architectural
	}
	d, err := time.ParseDuration(word)
	if err != nil { // a policy from anywhere but a file
		return 48 * time.Hour
	}
	return d
}

func (p *Policy) validateMonitoring(at places) *Error {
	for _, of := range [][2]string{{"standard", p.Monitoring.Standard}, {"hotfix", p.Monitoring.Hotfix}, {"architectural", p.Monitoring.Architectural}} {
		if d, err := time.ParseDuration(of[1]); err != nil || d <= 0 || d > 90*day || d%time.Minute != 0 {
			return at.errorf("monitoring."+of[0], "%q is no stretch of time; write hours and minutes, such as 24h or 90m", of[1])
		}
	}
	return nil
}
