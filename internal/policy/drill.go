package policy

import (
	"fmt"
	"regexp"
	"strings"

	"gonogo/internal/gate"
)

// drillItems are source A's five items, each with what tells it among the items
// of a list.
var drillItems = [...]struct {
	text string
	is   *regexp.Regexp
}{
	{"critical commands run cleanly in the current branch", regexp.MustCompile(`(?i)\bcommands?\b.*\b(?:run|clean|branch)|\bcritical commands?\b`)},
	{"feature flags and defaults are as expected", regexp.MustCompile(`(?i)\bflags?\b|\bdefaults?\b`)},
	{"the rollback command or process still works", regexp.MustCompile(`(?i)\broll(?:ing)?[ -]?back\b`)},
	{"dashboards and alerts cover the changed surfaces", regexp.MustCompile(`(?i)\bdashboards?\b|\balerts?\b`)},
	{"pager owner and backup owner are available", regexp.MustCompile(`(?i)\bpager\b|\bback-?up owner\b|\bon-?call\b`)},
}

// drill: the five items of the pre-release drill are ticked. An item that
// stands there twice must be ticked twice.
func drill(q question) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	var missing, open []string
	for _, want := range drillItems {
		found, done := false, true
		for _, item := range q.Record.Drill {
			if want.is.MatchString(item.Text) {
				found, done = true, done && item.Done
			}
		}
		switch {
		case !found:
			missing = append(missing, want.text)
		case !done:
			open = append(open, want.text)
		}
	}
	f := gate.Finding{
		Status: gate.Action, By: gate.ByAuthor, Field: gate.FieldDrill,
		Fix: "run the drill and tick its items under the heading '### Pre-release drill'; `gonogo template --risk high` prints them",
	}
	switch {
	case len(missing) > 0:
		f.Code, f.Fact = "drill-missing", fmt.Sprintf("the pre-release drill lacks %d of its %d items: %s", len(missing), len(drillItems), strings.Join(missing, "; "))
		f.Type = "- [x] " + missing[0]
	case len(open) > 0:
		f.Code, f.Fact = "drill-open", "not ticked in the pre-release drill: "+strings.Join(open, "; ")
		f.Type = "- [x] " + open[0]
	default:
		return nil
	}
	return one(f)
}
