package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

// What was rolled back is not landed again before somebody knows why it had to
// be: the root cause analysis is linked in the incident's issue, and that is
// closed (spec section 9).

// Relands is the finding for a change that lands again what was rolled back.
// incident is its issue, 0 while none is known; why says what is missing.
func Relands(pull, incident int, why string) gate.Finding {
	f := gate.Finding{
		Status: gate.Action, Code: "re-land-blocked", By: gate.ByAuthor,
		Fact: fmt.Sprintf("it lands again what #%d brought, which was rolled back: %s", pull, why),
	}
	if incident == 0 {
		f.Fix, f.Type = "name the issue of the incident in the description", "Incident: #123"
		return f
	}
	f.Fix = fmt.Sprintf("write the root cause analysis, or a link to it, into the description of #%d or a comment there, and close that issue", incident)
	f.Type = "Root cause: https://wiki.example.com/rca"
	return f
}

var (
	rootCause    = regexp.MustCompile(`(?im)^[ \t>*_+-]*root cause(?: analysis)?[ \t*_]*[::][ \t*_]*(\S[^\r\n]*)$`)
	incidentLine = regexp.MustCompile(`(?im)^[ \t*_+-]*incident[ \t*_]*[::][ \t*_]*#(\d{1,9})\b`)
)

// RootCause reports whether a text has a line that gives the root cause of an
// incident.
func RootCause(text string) bool {
	for _, m := range rootCause.FindAllStringSubmatch(text, -1) {
		if said := strings.TrimSpace(m[1]); !strings.HasPrefix(said, "<") && !emptyWords.MatchString(said) && !strings.EqualFold(said, "unknown") {
			return true
		}
	}
	return false
}

// IncidentNamed is the issue that a description names as an incident, in digits;
// "" when it names none.
func IncidentNamed(text string) string {
	if m := incidentLine.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// RollbackTo is who is told of a rollback, and where: release managers, and whom
// the authorization table tells of anything in the channel in which releases are
// announced.
func (p *Policy) RollbackTo() gate.Notice {
	to := gate.Notice{Roles: []string{ReleaseManager}, Channel: p.AnnouncesIn()}
	for _, a := range p.Authorization {
		for _, role := range a.Notify {
			if a.Channel == to.Channel && !slices.Contains(to.Roles, role) {
				to.Roles = append(to.Roles, role)
			}
		}
	}
	return to
}
