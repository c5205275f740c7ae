package report

import (
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// overriddenWord stands where the verdict does while people let a head pass
// against it. The verdict itself is said beneath.
const overriddenWord = "OVERRIDDEN"

// overriddenTitle names who let it pass and until when; the time is never cut.
func overriddenTitle(ev gate.Evaluation) string {
	names := make([]string, 0, len(ev.Override.By))
	for _, u := range ev.Override.By {
		names = append(names, plain(gate.Quote("@"+u.Login)))
	}
	tail := " until " + clock(ev.Override.Until)
	if len(ev.Override.Own) > 0 {
		tail = " (own change)" + tail
	}
	head := overriddenWord + " by "
	return head + shorten(strings.Join(names, " and "), titleLimit-len(head)-len(tail)) + tail
}

// overriddenLine says who let it pass, against what, why and until when.
func overriddenLine(ev gate.Evaluation) string {
	o := ev.Override
	text := fmt.Sprintf("Passes until %s against the verdict **%s**, by %s: %s", o.Until.UTC().Format("2006-01-02 15:04Z"), ev.Verdict, people(o.By), value(o.Reason))
	if len(o.Own) > 0 {
		text += fmt.Sprintf(". **%s overrode their own change**", people(o.Own))
	}
	if o.OwnUnread {
		text += ". Whether they overrode their own change could not be read"
	}
	return text
}

func people(users []gate.User) string {
	names := make([]string, 0, len(users))
	for _, u := range users {
		names = append(names, value("@"+u.Login))
	}
	return strings.Join(names, " and ")
}

// overrideTable shows every override, those that have ended too.
func overrideTable(ev gate.Evaluation) string {
	if len(ev.Overrides) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n### Overrides\n\n| who | reason | on | when | until | counts |\n|---|---|---|---|---|---|\n")
	for _, s := range ev.Overrides {
		counts := "yes"
		if !s.Counts {
			counts = "no: " + s.Lapsed
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s | %s |\n", cell(gate.Quote("@"+s.User.Login)), cell(gate.Quote(s.Reason)),
			gate.Short(s.For.HeadSHA), s.At.UTC().Format(time.RFC3339), clock(s.Until), cell(counts))
	}
	return b.String()
}
