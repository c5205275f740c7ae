package decision

import (
	"regexp"
	"strings"
	"time"

	"gonogo/internal/markdown"
)

// moment is RFC 3339 as people write it: a space for the "T", small letters, no
// seconds, an offset without its colon, "UTC" for "Z". The offset itself is a
// must: without it the moment is unknown.
var moment = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)(?:t| +)(\d\d:\d\d)(:\d\d(?:[.,]\d{1,9})?)? ?(z|utc|gmt|[+-]\d\d(?::?\d\d)?)$`)

var noOffset = regexp.MustCompile(`^\d{4}-\d\d-\d\d(?:(?:t| +)\d\d:\d\d(:\d\d(?:\.\d+)?)?)?$`)

// parseTime returns the moment that text names, or what is wrong with it.
func parseTime(text string) (t time.Time, fault string) {
	s := strings.Map(func(r rune) rune {
		if markdown.IsDash(r) {
			return '-'
		}
		return asciiLower(r)
	}, markdown.Visible(text))
	if i := strings.IndexByte(s, '('); i > 0 {
		s = strings.TrimSpace(s[:i])
	}
	s, _ = trimEmoji(s)
	m := moment.FindStringSubmatch(s)
	switch {
	case m == nil && noOffset.MatchString(s):
		return time.Time{}, "has no offset from UTC, so that the moment is not known"
	case m == nil:
		return time.Time{}, "is no RFC 3339 date and time"
	}
	seconds := strings.ReplaceAll(m[3], ",", ".")
	if seconds == "" {
		seconds = ":00"
	}
	t, err := time.Parse(time.RFC3339Nano, m[1]+"T"+m[2]+seconds+offset(m[4]))
	if err != nil || t.IsZero() {
		return time.Time{}, "is no date and time that exists"
	}
	return t, ""
}

func offset(s string) string {
	switch {
	case s == "z" || s == "utc" || s == "gmt":
		return "Z"
	case len(s) == 3:
		return s + ":00"
	case len(s) == 5:
		return s[:3] + ":" + s[3:]
	}
	return s
}
