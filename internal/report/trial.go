package report

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Trial renders what a trial publishes in place of a check run: a check of the
// name with suffix that always succeeds and says what the other would have said.
// warning stands above all else; "" for none.
func Trial(run CheckRun, suffix, warning string) CheckRun {
	var b strings.Builder
	if warning != "" {
		fmt.Fprintf(&b, "> **%s**\n\n", markdown(warning))
	}
	fmt.Fprintf(&b, "**TRIAL**: this check always succeeds and holds nothing back. The real one would be %s.  \n", word(run.Conclusion))
	title := "TRIAL · "
	if run.Conclusion != Success && !strings.HasPrefix(run.Title, "DRAFT") {
		title += "would be "
	}
	run.Title = shortenMiddle(title+run.Title, titleLimit)
	run.Summary = cut(b.String()+run.Summary, limit, run.DetailsURL)
	run.Name += suffix
	run.Conclusion = Success
	return run
}

func word(c Conclusion) string {
	if c == InProgress {
		return "in progress"
	}
	return "`" + string(c) + "`"
}

// shortenMiddle cuts a title so that it keeps its count of further blockers.
func shortenMiddle(title string, n int) string {
	tail := ""
	if i := strings.LastIndex(title, " +"); i > 0 && strings.HasSuffix(title, " more") {
		title, tail = title[:i], title[i:]
	}
	return shorten(title, n-utf8.RuneCountInString(tail)) + tail
}
