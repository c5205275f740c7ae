package decision_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gonogo/internal/decision"
	"gonogo/internal/gate"
)

func TestTemplateIsTheBlockOfTheSource(t *testing.T) {
	want := `### Release Decision
- Release scope: <services/modules/features>
- Risk class: low | medium | high
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
  - 2026-03-14T09:30:00Z
`
	now := time.Date(2026, 3, 14, 11, 30, 0, 999, time.FixedZone("", 2*60*60))
	if diff := cmp.Diff(want, decision.Template(gate.Undeclared, "", now)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTemplatesTellExactlyTheirPlaceholders(t *testing.T) {
	now := time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC)
	for _, class := range append([]gate.Class{gate.Undeclared}, gate.Classes[:]...) {
		for _, typ := range append([]gate.ReleaseType{""}, gate.ReleaseTypes[:]...) {
			text := decision.Template(class, typ, now)
			r := decision.Parse(text)
			if !r.Found || decision.Ready(r) || r.Class != class || r.Type != typ || !r.Timestamp.Equal(now) {
				t.Errorf("%v %s: found %t, ready %t, class %v, type %q", class, typ, r.Found, decision.Ready(r), r.Class, r.Type)
			}
			told := map[int]bool{}
			for _, p := range r.Problems {
				told[p.Line] = true
				if p.Code != decision.CodePlaceholder {
					t.Errorf("%v %s: line %d: %s", class, typ, p.Line, p.Code)
				}
			}
			for i, line := range strings.Split(text, "\n") {
				if open := strings.ContainsAny(line, "<|"); open != told[i+1] {
					t.Errorf("%v %s: line %d %q: told %t", class, typ, i+1, line, told[i+1])
				}
			}
		}
	}
}

func TestAFilledTemplateIsReady(t *testing.T) {
	fill := strings.NewReplacer(
		"<services/modules/features>", "checkout", "pass | fail", "pass", "GO | NO-GO", "GO", "<clear condition>", "error rate > 2 %",
		"<list or none>", "none", "<person/role>", "@dana",
	)
	text := fill.Replace(decision.Template(gate.High, gate.Hotfix, time.Unix(1773480600, 0)))
	r := decision.Parse(text)
	if !decision.Ready(r) || len(r.Drill) != 5 {
		t.Errorf("ready %t with %d drill items: %v", decision.Ready(r), len(r.Drill), codes(r))
	}
}

func TestReportsHaveNoNulls(t *testing.T) {
	for _, body := range []string{"", complete, "### Release Decision"} {
		report := decision.NewReport(decision.Parse(body))
		if report.Findings == nil || report.Record.ResidualRisks == nil {
			t.Errorf("%q: a list is null", body)
		}
	}
}
