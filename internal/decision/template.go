package decision

import (
	"fmt"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// Template returns the block to fill in, in the form of the source document,
// with now as its time stamp. Scope and decision stay placeholders, and so do
// the class and the type unless they are given. Behind the canonical fields
// stand those that the class or the type ask for.
func Template(class gate.Class, typ gate.ReleaseType, now time.Time) string {
	var b strings.Builder
	risk := "low | medium | high"
	if class != gate.Undeclared {
		risk = class.String()
	}
	fmt.Fprintf(&b, `### Release Decision
- Release scope: <services/modules/features>
- Risk class: %s
- Gate results:
  - code gates: pass | fail
  - review gates: pass | fail
  - operational gates: pass | fail
  - communication gates: pass | fail
  - decision gate: pass | fail
- Residual risks:
  - <list or none>
- Rollback trigger:
  - <clear condition>
- Rollback owner:
  - <person/role>
- Final decision owner:
  - <person/role>
- Decision:
  - GO | NO-GO
- Decision timestamp:
  - %s
`, risk, now.UTC().Truncate(time.Second).Format(time.RFC3339))
	if typ != "" {
		fmt.Fprintf(&b, "- %s: %s\n", gate.FieldType, typ)
	}
	for _, f := range extra(class, typ) {
		fmt.Fprintf(&b, "- %s: %s\n", f, hints[f])
	}
	if w := window(class, typ); w != "" {
		fmt.Fprintf(&b, "- %s: <who watches what for at least %s>\n", gate.FieldMonitoring, w)
	}
	if class == gate.High {
		b.WriteString(drillTemplate)
	}
	return b.String()
}

const drillTemplate = `
### Pre-release drill
- [ ] critical commands run cleanly in the current branch
- [ ] feature flags and defaults are as expected
- [ ] the rollback command or process still works
- [ ] dashboards and alerts cover the changed surfaces
- [ ] pager owner and backup owner are available
`

var hints = map[gate.Field]string{
	gate.FieldRollbackPlan:     "<revert commit, estimated time, who executes>",
	gate.FieldRehearsal:        "<where, recovery time, friction, date>",
	gate.FieldPanel:            "<two or more accounts>",
	gate.FieldOnCall:           "<person>",
	gate.FieldBackup:           "<another person>",
	gate.FieldWhatChanged:      "<for users, and inside>",
	gate.FieldKnownLimitations: "<list or none>",
	gate.FieldMonitoringFocus:  "<what to watch in the first 30 to 60 minutes>",
	gate.FieldStakeholders:     "<who is told, and where>",
	gate.FieldEscalation:       "<channel and owner>",
	gate.FieldReleaseNote:      "<link or text>",
}

// extra lists the further fields that a class or type asks for.
func extra(class gate.Class, typ gate.ReleaseType) []gate.Field {
	var fields []gate.Field
	switch {
	case class == gate.High:
		fields = []gate.Field{
			gate.FieldRollbackPlan, gate.FieldRehearsal, gate.FieldPanel, gate.FieldOnCall, gate.FieldBackup,
			gate.FieldWhatChanged, gate.FieldKnownLimitations, gate.FieldMonitoringFocus, gate.FieldStakeholders,
			gate.FieldEscalation, gate.FieldReleaseNote,
		}
	case typ == gate.CustomerFacing:
		fields = []gate.Field{gate.FieldWhatChanged, gate.FieldKnownLimitations, gate.FieldStakeholders}
	case typ == gate.Architectural:
		fields = []gate.Field{gate.FieldRollbackPlan, gate.FieldOnCall, gate.FieldBackup}
	case typ == gate.Hotfix:
		fields = []gate.Field{gate.FieldRollbackPlan}
	}
	return fields
}

// window is the least time of monitoring after the release, "" when none is
// asked for.
func window(class gate.Class, typ gate.ReleaseType) string {
	switch {
	case typ == gate.Hotfix:
		return "4 h"
	case typ == gate.Architectural:
		return "48 h"
	case typ != "" || class >= gate.Medium:
		return "24 h"
	}
	return ""
}
