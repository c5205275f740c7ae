package report

import (
	"fmt"
	"strings"
)

// RollbackOf is a call for the rollback of a merged pull request.
type RollbackOf struct {
	Repo   string // owner/name
	Pull   int
	Title  string // of the pull request
	Base   string
	Caller string // login, "" for Gonogo itself
	Reason string
	Cause  int // the severe issue, 0 for none
	// Commits are what is reverted, the newest first, and Merge tells that it is
	// one merge commit. Without any, Why says why they are not known.
	Commits []string
	Merge   bool
	Why     string
	// Incident is the issue that was opened, 0 where the App may not open any.
	Incident int
}

// who says in words who called.
func (r RollbackOf) who() string {
	if r.Caller == "" {
		return "Gonogo"
	}
	return value("@" + r.Caller)
}

// shell is a git reference in a command, safe to copy into a shell.
func shell(ref string) string { return "'" + strings.ReplaceAll(ref, "'", `'\''`) + "'" }

// Commands are what takes it back, for a shell. It never pushes by force.
func (r RollbackOf) Commands() string {
	base := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, r.Base)
	revert := "git revert --no-edit " + strings.Join(r.Commits, " ")
	if r.Merge {
		revert = "git revert --no-edit -m 1 " + strings.Join(r.Commits, " ")
	}
	return fmt.Sprintf("git fetch origin %[1]s\ngit switch -c revert/%[2]d FETCH_HEAD\n%[3]s\ngit push origin revert/%[2]d", shell(base), r.Pull, revert)
}

// Rollback renders the comment on the pull request whose rollback was called.
func Rollback(r RollbackOf) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**Rollback of #%d called** by %s", r.Pull, r.who())
	if r.Cause != 0 {
		fmt.Fprintf(&b, " for #%d", r.Cause)
	}
	if r.Reason != "" {
		fmt.Fprintf(&b, ": %s", value(r.Reason))
	}
	b.WriteString(".\n\n")
	if len(r.Commits) > 0 {
		fmt.Fprintf(&b, "Press \"Revert\" on this page, beneath the merge, or:\n\n%s\n\nand open a pull request from `revert/%d` into %s whose description says `Reverts %s#%d`.",
			fenced(r.Commands()), r.Pull, value(r.Base), r.Repo, r.Pull)
	} else {
		fmt.Fprintf(&b, "Press \"Revert\" on this page, beneath the merge; the exact commands are not known: %s.", markdown(r.Why))
	}
	b.WriteString(" A pure revert is READY at once: no record, approval, check or freeze stands in its way. Never push by force.\n\n")
	if r.Incident != 0 {
		fmt.Fprintf(&b, "The incident is #%d.", r.Incident)
	} else {
		fmt.Fprintf(&b, "File the incident: open an issue with this text, since this App may not.\n\n%s\n\n", fenced(IncidentTitle(r)+"\n\n"+strings.TrimSpace(Incident(r))))
	}
	fmt.Fprintf(&b, " Landing #%d again waits until the issue has a line `Root cause:` with the analysis or a link to it, and is closed.\n\n%s\n",
		r.Pull, Marker("rollback", fmt.Sprint(r.Pull)))
	return b.String()
}

// IncidentTitle is the title of the incident's issue.
func IncidentTitle(r RollbackOf) string {
	return fmt.Sprintf("SEV2 incident: rollback of #%d", r.Pull)
}

// Incident renders the issue of the incident, which people go on with.
func Incident(r RollbackOf) string {
	cause := "none named"
	if r.Cause != 0 {
		cause = fmt.Sprintf("#%d", r.Cause)
	}
	reason := "not given"
	if r.Reason != "" {
		reason = value(r.Reason)
	}
	return fmt.Sprintf(`- Rolled back: #%d (%s)
- Called by: %s
- Reason: %s
- Severe issue: %s
- What was affected, since when:
- When service was back:
- Root cause: <the analysis, or a link to it>

Landing #%d again waits until the line above is filled in and this issue is closed.

%s
`, r.Pull, value(r.Title), r.who(), reason, cause, r.Pull, Marker("incident", fmt.Sprint(r.Pull)))
}
