package report

import (
	"strings"
	"testing"

	"gonogo/internal/gate"
)

func TestAFileKeepsItsLinesAndALineStaysOne(t *testing.T) {
	f := gate.Finding{Status: gate.Action, Code: "nobody-can-approve", By: gate.ByAdmin, Fact: "f", Fix: "commit this", File: "solo: true\r```\r\nroles:\n\tx\n"}
	ev := gate.Evaluation{Verdict: gate.Waiting, Status: gate.Action, Findings: []gate.Finding{f}, PR: gate.PullRequest{HeadSHA: "9f8e7d6c"}}
	run := Check([]gate.Evaluation{ev}, Options{Name: "x"})
	for _, want := range []string{"commit this:\n\n```\nsolo: true\n'''\n\nroles:\n x\n```\n", "\n\n  ```\n  solo: true\n  '''\n  \n  roles:\n   x\n  ```\n"} {
		if !strings.Contains(run.Summary, want) {
			t.Errorf("it does not hold %q:\n%q", want, run.Summary)
		}
	}
	ev.Findings[0].File, ev.Findings[0].Type = "", "/go 9f8e7d6\n# READY\r```"
	if run := Check([]gate.Evaluation{ev}, Options{Name: "x"}); !strings.Contains(run.Summary, "```\n/go 9f8e7d6 # READY '''\n```") {
		t.Errorf("a line to type became several:\n%q", run.Summary)
	}
}
