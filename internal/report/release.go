package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Release renders the check run of a release on the commit of its tag.
func Release(ev gate.ReleaseEvaluation, o Options) CheckRun {
	run := CheckRun{
		Name: o.Name, HeadSHA: ev.Commit, DetailsURL: o.DetailsURL, StartedAt: ev.At,
		ExternalID: ExternalID(ev.Repo.ID, ev.Commit, ev.Number),
		Conclusion: map[gate.Status]Conclusion{
			gate.Pass: Success, gate.Advisory: Success, gate.Fail: Failure, gate.Action: ActionRequired,
		}[ev.Status],
		Title: releaseTitle(ev),
	}
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** · release %s at `%s`  \n", ev.Verdict, value(ev.Release.Tag), gate.Short(ev.Commit))
	fmt.Fprintf(&b, "Since: %s, %d pull %s  \n", previous(ev), len(ev.Pulls), plural(len(ev.Pulls), "request", "requests"))
	if open := ev.Blockers(); len(open) > 0 {
		fmt.Fprintf(&b, "Open: %s\n", openLine(open))
		b.WriteString(list("What is open", open, o.DetailsURL))
	}
	var said []gate.Finding
	for _, f := range ev.Findings {
		if f.Status == gate.Advisory {
			said = append(said, f)
		}
	}
	b.WriteString(list("Said, does not block", said, o.DetailsURL))
	run.Summary = cut(b.String(), limit, o.DetailsURL)
	run.lasting = releaseText(ev)
	run.Text = cut(fmt.Sprintf("%s\n- Evaluation %d at %s\n", run.lasting, ev.Number, ev.At.UTC().Format(time.RFC3339)), limit, o.DetailsURL)
	return run
}

// Together renders the check run of a commit on which releases hang besides what
// run says, the zero value for nothing: one commit carries the worst of all, and
// each is named. releases must not be empty if run is the zero value.
func Together(run CheckRun, releases []gate.ReleaseEvaluation, o Options) CheckRun {
	pulls := run.Name != ""
	all := make([]CheckRun, 0, len(releases)+1)
	if pulls {
		all = append(all, run)
	}
	newest := int64(0)
	for _, ev := range releases {
		r := o
		r.DetailsURL = cmp.Or(ev.Release.URL, o.DetailsURL)
		all = append(all, Release(ev, r))
		newest = max(newest, ev.Number)
	}
	worst := 0
	for i := range all {
		if rank(all[i].Conclusion) > rank(all[worst].Conclusion) {
			worst = i
		}
	}
	together := all[worst]
	if len(all) == 1 {
		return together
	}
	var b strings.Builder
	b.WriteString("### Also on this commit\n\nOne commit has one check, which shows the worst of:\n\n")
	if pulls {
		fmt.Fprintf(&b, "- the open pull request: %s\n", cell(gate.Quote(run.Title)))
		together.Actions = run.Actions
	}
	for _, ev := range releases {
		fmt.Fprintf(&b, "- release %s: %s\n", cell(gate.Quote(ev.Release.Tag)), ev.Verdict)
	}
	also := b.String()
	together.lasting += also
	together.Summary = cut(together.Summary+"\n"+also, limit, together.DetailsURL)
	if pulls {
		together.ExternalID = run.ExternalID
	} else {
		together.ExternalID = ExternalID(releases[0].Repo.ID, releases[0].Commit, newest)
	}
	return together
}

func releaseTitle(ev gate.ReleaseEvaluation) string {
	tag := plain(gate.Quote(ev.Release.Tag))
	open := ev.Blockers()
	if len(open) == 0 {
		return shorten(fmt.Sprintf("%s · release %s · %s", ev.Verdict, tag, gate.Short(ev.Commit)), titleLimit)
	}
	tail := ""
	if len(open) > 1 {
		tail = fmt.Sprintf(" +%d more", len(open)-1)
	}
	return blockerTitle(ev.Verdict, open[0].Code, plain(open[0].Fact), tail)
}

func previous(ev gate.ReleaseEvaluation) string {
	if ev.Previous == "" {
		return "the beginning (no earlier release)"
	}
	return "release " + value(ev.Previous)
}

func releaseText(ev gate.ReleaseEvaluation) string {
	var b strings.Builder
	b.WriteString("### Pull requests of this release\n\n")
	if len(ev.Pulls) == 0 {
		b.WriteString("None.\n")
	} else {
		b.WriteString("| pull request | title | verdict when merged |\n|---|---|---|\n")
	}
	for _, p := range ev.Pulls {
		fmt.Fprintf(&b, "| #%d | %s | %s |\n", p.Number, cell(gate.Quote(p.Title)), cmp.Or(string(p.Verdict), "none"))
	}
	b.WriteString(Window(ev.Window))
	return b.String()
}
