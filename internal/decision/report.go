package decision

import (
	"time"

	"gonogo/internal/gate"
)

// Report is what `gonogo lint --format json` prints. Values that are unknown or
// not chosen are empty strings; lists are never null.
type Report struct {
	Found    bool          `json:"found"`
	Ready    bool          `json:"ready"`
	Line     int           `json:"line"`
	Record   ReportRecord  `json:"record"`
	Findings []ReportEntry `json:"findings"`
}

// ReportRecord is the record as read.
type ReportRecord struct {
	Scope         string      `json:"scope"`
	Risk          string      `json:"risk"`
	Type          string      `json:"type"`
	Gates         ReportGates `json:"gates"`
	ResidualRisks []string    `json:"residual_risks"`
	Trigger       string      `json:"rollback_trigger"`
	RollbackOwner string      `json:"rollback_owner"`
	DecisionOwner string      `json:"decision_owner"`
	Decision      string      `json:"decision"`
	Timestamp     string      `json:"timestamp"`
}

// ReportGates are the marks of the five layers.
type ReportGates struct {
	Code          string `json:"code"`
	Review        string `json:"review"`
	Operational   string `json:"operational"`
	Communication string `json:"communication"`
	Decision      string `json:"decision"`
}

// ReportEntry is one problem, with its quotations in plain text.
type ReportEntry struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Field    string `json:"field"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Message  string `json:"message"`
	Fix      string `json:"fix"`
}

// NewReport returns the report of a record.
func NewReport(r gate.Record) Report {
	out := Report{
		Found: r.Found,
		Ready: Ready(r),
		Line:  r.Line,
		Record: ReportRecord{
			Scope: r.Scope,
			Risk:  r.Class.String(),
			Type:  string(r.Type),
			Gates: ReportGates{
				Code:          string(r.Gates[gate.Code]),
				Review:        string(r.Gates[gate.Review]),
				Operational:   string(r.Gates[gate.Operational]),
				Communication: string(r.Gates[gate.Communication]),
				Decision:      string(r.Gates[gate.Decision]),
			},
			ResidualRisks: append([]string{}, r.ResidualRisks...),
			Trigger:       r.Trigger,
			RollbackOwner: r.RollbackOwner.String(),
			DecisionOwner: r.DecisionOwner.String(),
			Decision:      string(r.Decision),
		},
		Findings: []ReportEntry{},
	}
	if !r.Timestamp.IsZero() {
		out.Record.Timestamp = r.Timestamp.Format(time.RFC3339)
	}
	for _, p := range r.Problems {
		out.Findings = append(out.Findings, ReportEntry{
			Severity: string(p.Severity), Code: p.Code, Field: string(p.Field), Line: p.Line, Column: p.Column,
			Message: gate.PlainText(p.Message), Fix: gate.PlainText(p.Fix),
		})
	}
	return out
}
