package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Group renders the check run of a merge queue's group. Nobody acts on a group
// itself: all that keeps it from merging and does not clear by itself is a
// failure, after which the queue goes on without it.
func Group(ev gate.GroupEvaluation, o Options) CheckRun {
	run := CheckRun{
		Name: o.Name, HeadSHA: ev.Group.HeadSHA, DetailsURL: o.DetailsURL, StartedAt: ev.Group.AskedAt,
		ExternalID: ExternalID(ev.Group.Repo.ID, ev.Group.HeadSHA, ev.Number),
		Conclusion: map[gate.Status]Conclusion{
			gate.Pass: Success, gate.Advisory: Success, gate.Action: Failure, gate.Fail: Failure,
			gate.Pending: InProgress, gate.Unknown: InProgress,
		}[ev.Status],
		Title: groupTitle(ev),
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** · %d pull %s in the merge queue into %s, joined at `%s`  \n", ev.Verdict, len(ev.Pulls),
		plural(len(ev.Pulls), "request", "requests"), value(ev.Group.BaseRef), gate.Short(ev.Group.HeadSHA))
	if open := ev.Blockers(); len(open) > 0 {
		fmt.Fprintf(&b, "Open: %s\n", openLine(open))
		b.WriteString(list("What is open", open, o.DetailsURL))
	}
	run.Summary = cut(b.String(), limit, o.DetailsURL)
	run.lasting = groupText(ev)
	run.Text = cut(fmt.Sprintf("%s\n- Evaluation %d at %s\n", run.lasting, ev.Number, ev.At.UTC().Format(time.RFC3339)), limit, o.DetailsURL)
	return run
}

func groupTitle(ev gate.GroupEvaluation) string {
	open := ev.Blockers()
	if len(open) == 0 {
		names := make([]string, 0, len(ev.Pulls))
		for _, p := range ev.Pulls {
			names = append(names, fmt.Sprintf("#%d", p.Number))
		}
		return shorten(fmt.Sprintf("%s · queue · %s · %s", ev.Verdict, gate.Short(ev.Group.HeadSHA), strings.Join(names, ", ")), titleLimit)
	}
	tail := ""
	if len(open) > 1 {
		tail = fmt.Sprintf(" +%d more", len(open)-1)
	}
	return blockerTitle(ev.Verdict, open[0].Code, plain(open[0].Fact), tail)
}

func groupText(ev gate.GroupEvaluation) string {
	var b strings.Builder
	b.WriteString("### Pull requests of this group\n\n")
	if len(ev.Pulls) == 0 {
		b.WriteString("None.\n")
		return b.String()
	}
	b.WriteString("| pull request | title | head | verdict | what was joined |\n|---|---|---|---|---|\n")
	for _, p := range ev.Pulls {
		joined := map[gate.Landing]string{gate.LandedSame: "as judged", gate.LandedDiffers: "differs", gate.LandedUnread: "cannot be told"}[p.Landing]
		fmt.Fprintf(&b, "| #%d | %s | `%s` | %s | %s |\n", p.Number, cell(gate.Quote(p.Title)), gate.Short(p.HeadSHA),
			cmp.Or(string(p.Verdict), "none"), cmp.Or(joined, "not read yet"))
	}
	return b.String()
}
