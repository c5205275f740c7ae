package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gonogo/internal/gate"
)

func TestLint(t *testing.T) {
	tests := []struct {
		name   string
		change func(*world)
		want   string
	}{
		{"a complete medium record", func(*world) {}, ""},
		{"no record at all", func(w *world) { w.Record = gate.Record{} }, ""},
		{"high without a rehearsal", func(w *world) { w.Record.Class = gate.High }, "warning plan-missing\nerror rehearsal-missing\nwarning on-call-missing\nwarning on-call-missing\nwarning communication-missing\nwarning communication-missing\nwarning communication-missing\nwarning communication-missing\nwarning communication-missing\nwarning drill-missing"},
		{"medium where the policy wants a rehearsal", func(w *world) {
			w.Policy.Requirements["operational/rehearsal"] = Depth{Blocks: "medium"}
		}, "error rehearsal-missing"},
		{"the rehearsal's own problem is not said twice", func(w *world) {
			w.Record.Class = gate.High
			w.Record.Problems = []gate.Problem{{Severity: gate.Warning, Code: "placeholder", Field: gate.FieldRehearsal}}
		}, "warning plan-missing\nwarning on-call-missing\nwarning on-call-missing\nwarning communication-missing\nwarning communication-missing\nwarning communication-missing\nwarning communication-missing\nwarning communication-missing\nwarning drill-missing"},
		{"a decision in the future", func(w *world) { w.Record.Timestamp = now.Add(time.Hour) }, "error timestamp"},
		{"an owner by plain name", func(w *world) { w.Record.DecisionOwner = gate.Owner{Name: "Dana Jones"} }, "warning owner-unknown"},
		{"an owner by role", func(w *world) { w.Record.DecisionOwner = gate.Owner{Name: "Release Manager"} }, ""},
		{"an owner by plain name at low", func(w *world) {
			w.Record.Class, w.Record.DecisionOwner = gate.Low, gate.Owner{Name: "Dana Jones"}
		}, ""},
		{"a policy that wants it all, and a record that says too little", func(w *world) {
			for _, id := range []gate.Requirement{"operational/rollback-plan", "operational/on-call", "operational/monitoring", "operational/drill", "communication/escalation"} {
				w.Policy.Requirements[id] = Depth{Blocks: "low"}
			}
			w.Record.More[gate.FieldRollbackPlan] = "revert it"
			w.Record.More[gate.FieldOnCall], w.Record.More[gate.FieldBackup] = "@lee", "@lee"
			w.Record.More[gate.FieldMonitoring] = "@lee watches the error rate for 2 h"
			w.Record.More[gate.FieldEscalation] = "#incidents"
		}, "error plan-incomplete\nerror on-call-same\nerror monitoring-short\nerror escalation-incomplete\nerror drill-missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := fine()
			w.Record.More[gate.FieldRehearsal], w.Record.More[gate.FieldMonitoring] = "", "@lee watches the error rate for 24 h"
			tt.change(w)
			if tt.want == "" && w.Record.Class == gate.Medium {
				w.Record.More[gate.FieldRehearsal] = "staging, 2026-03-01, recovered in 6 min"
			}
			var got []string
			for _, p := range Lint(w.Policy, w.Record, now) {
				if p.Code == "rehearsal-missing" && p.Severity == gate.Warning {
					continue // advice at medium
				}
				got = append(got, fmt.Sprintf("%s %s", p.Severity, p.Code))
			}
			if s := strings.Join(got, "\n"); s != tt.want {
				t.Errorf("got\n%s\nwant\n%s", s, tt.want)
			}
		})
	}
}
