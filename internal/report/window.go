package report

import (
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Window renders how a release that is live is watched, "" for one that is not.
func Window(m *gate.Monitoring) string {
	if m == nil {
		return ""
	}
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	var b strings.Builder
	fmt.Fprintf(&b, "\n### Live since %s\n\n- Smoke test: %s\n", at(m.Opened), m.Smoke)
	if m.Closed.IsZero() {
		fmt.Fprintf(&b, "- Monitoring window: open until %s\n", at(m.Ends))
	} else {
		fmt.Fprintf(&b, "- Monitoring window: %s to %s, closed at %s\n", at(m.Opened), at(m.Ends), at(m.Closed))
	}
	for _, text := range m.Watchers {
		fmt.Fprintf(&b, "- As agreed: %s\n", value(text))
	}
	for _, v := range m.Watched {
		fmt.Fprintf(&b, "- Watched by %s at %s: %s\n", value("@"+v.User.Login), at(v.At), value(v.Note))
	}
	switch {
	case len(m.Watched) > 0:
	case m.Closed.IsZero():
		b.WriteString("- Not watched so far: whoever watches comments `/watched` and what was seen on a pull request of this release\n")
	default:
		b.WriteString("- Not watched: nobody confirmed that they watched\n")
	}
	for _, f := range m.Findings {
		fmt.Fprintf(&b, "- Finding: %s #%d %s at %s; the rollback was called\n", value(f.Label), f.Issue, value(f.Title), at(f.At))
	}
	if len(m.Findings) == 0 {
		b.WriteString("- Findings: none\n")
	}
	return b.String()
}
