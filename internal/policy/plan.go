package policy

import (
	"regexp"
	"strings"

	"gonogo/internal/gate"
)

var (
	planWay      = regexp.MustCompile(`(?i)\b(?:revert\w*|roll(?:ing|ed)?[ -]?back|rollback|redeploy\w*|re-deploy\w*|restor\w*|downgrad\w*|switch\w*|turn\w* off|disabl\w*|toggl\w*|flag\w*|previous (?:version|release|image|tag)|undo\w*)\b|\b[0-9a-f]{7,40}\b`)
	planExecutor = regexp.MustCompile(`(?i)\b(?:the )?(?:rollback owner|author|on-call(?: owner)?|oncall|release manager)\b`)
)

// rollbackPlan: the record's plan says the way back, how long it takes and who
// executes it.
func rollbackPlan(q question, e PeopleEvidence) []gate.Finding {
	if !q.Record.Found {
		return nil
	}
	text := q.Record.More[gate.FieldRollbackPlan]
	f := gate.Finding{
		Status: gate.Action, By: gate.ByAuthor, Field: gate.FieldRollbackPlan,
		Fix:  "write the revert commit or the way back, the estimated time and who executes it",
		Type: "- Rollback plan: git revert the merge commit and redeploy, about 10 min, " + planExample(q),
	}
	if q.blank(gate.FieldRollbackPlan) {
		f.Code, f.Fact = "plan-missing", "the record has no rollback plan"
		return one(f)
	}
	var lacks []string
	if !planWay.MatchString(text) {
		lacks = append(lacks, "the revert commit or another way back")
	}
	if !duration.MatchString(text) {
		lacks = append(lacks, "the estimated time")
	}
	if len(q.Policy.namedIn(text)) == 0 && !planExecutor.MatchString(text) {
		lacks = append(lacks, "who executes it")
	}
	found := resolved(q, e, gate.FieldRollbackPlan)
	if len(lacks) > 0 {
		f.Code, f.Fact = "plan-incomplete", "the rollback plan does not say: "+strings.Join(lacks, "; ")
		found = append(found, f)
	}
	return found
}

func planExample(q question) string {
	if owner := q.Record.RollbackOwner; !owner.IsZero() {
		return owner.String()
	}
	return "the rollback owner"
}
