package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gonogo/internal/gate"
)

// textOf is the detail below the summary: the record as read, who decided on
// what, and from where and when everything was read.
func textOf(ev gate.Evaluation) string { return lastingOf(ev) + readings(ev) + "\n" }

// lastingOf is the part of the text that is the same for evaluations that found
// the same.
func lastingOf(ev gate.Evaluation) string {
	return recordTable(ev) + decisionTable(ev) + authorization(ev) + overrideTable(ev) + signoffTable(ev) + sources(ev)
}

func recordTable(ev gate.Evaluation) string {
	r := ev.Record
	if !r.Found {
		return fmt.Sprintf("### Record of #%d\n\nNone was read.\n", ev.PR.Number)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### Record of #%d, as read from line %d\n\n| field | value |\n|---|---|\n", ev.PR.Number, r.Line)
	row := func(f gate.Field, value string) {
		fmt.Fprintf(&b, "| %s | %s |\n", f, cell(cmp.Or(value, "—")))
	}
	quoted := func(f gate.Field, value string) {
		if value != "" {
			value = gate.Quote(value)
		}
		row(f, value)
	}
	quoted(gate.FieldScope, r.Scope)
	row(gate.FieldClass, r.Class.String())
	if r.Type != "" {
		row(gate.FieldType, string(r.Type))
	}
	for _, g := range gate.Gates {
		row(gate.GateFields[g], string(r.Gates[g]))
	}
	risks := strings.Join(r.ResidualRisks, "; ")
	if r.ResidualRisks != nil {
		risks = cmp.Or(risks, "none")
	}
	quoted(gate.FieldResidualRisks, risks)
	quoted(gate.FieldTrigger, r.Trigger)
	quoted(gate.FieldRollbackOwner, r.RollbackOwner.String())
	for _, f := range gate.Fields {
		if value, ok := r.More[f]; ok {
			quoted(f, value)
		}
	}
	quoted(gate.FieldDecisionOwner, r.DecisionOwner.String())
	row(gate.FieldDecision, string(r.Decision))
	if !r.Timestamp.IsZero() {
		row(gate.FieldTimestamp, r.Timestamp.Format(time.RFC3339))
	}
	return b.String()
}

func decisionTable(ev gate.Evaluation) string {
	if len(ev.Decisions) == 0 {
		return "\n### Decisions\n\nNobody has said /go or /no-go yet.\n"
	}
	var b strings.Builder
	b.WriteString("\n### Decisions\n\n| who | said | on | when | counts |\n|---|---|---|---|---|\n")
	for _, s := range ev.Decisions {
		counts := "yes"
		if !s.Counts {
			counts = "no: " + s.Lapsed
		}
		said := string(s.Choice)
		if s.Reason != "" {
			said += ", " + gate.Quote(s.Reason)
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` → %s | %s | %s |\n", cell(gate.Quote("@"+s.User.Login)), cell(said),
			gate.Short(s.For.HeadSHA), cell(gate.Quote(s.For.BaseRef)), s.At.UTC().Format(time.RFC3339), cell(counts))
	}
	return b.String()
}

// authorization is what goes into the message of the merge commit, of a pull
// request that may be merged.
func authorization(ev gate.Evaluation) string {
	lines := ev.AuthorizedBy()
	if ev.Verdict != gate.Ready || len(lines) == 0 {
		return ""
	}
	return "\n### For the message of the merge commit\n\n" + fenced(strings.Join(lines, "\n")) + "\n"
}

// signoffTable shows who signed off what, and which roles are told of the
// release.
func signoffTable(ev gate.Evaluation) string {
	var b strings.Builder
	if len(ev.Signoffs) > 0 {
		b.WriteString("\n### Sign-offs\n\n| who | signed off | on | when | counts |\n|---|---|---|---|---|\n")
	}
	for _, s := range ev.Signoffs {
		counts := "yes"
		if !s.Counts {
			counts = "no: " + s.Lapsed
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s |\n", cell(gate.Quote("@"+s.User.Login)), cell(gate.Quote(s.Name)),
			gate.Short(s.For.HeadSHA), s.At.UTC().Format(time.RFC3339), cell(counts))
	}
	for i, n := range ev.Notify {
		if i == 0 {
			b.WriteString("\n### Told of this release\n\n")
		}
		line := gate.Quote(strings.Join(n.Roles, ", "))
		if n.Channel != "" {
			line += " in " + gate.Quote(n.Channel)
		}
		fmt.Fprintf(&b, "- %s\n", markdown(line))
	}
	return b.String()
}

func sources(ev gate.Evaluation) string {
	return fmt.Sprintf("\n### Read\n\n- Policy: %s, rules `%s`\n%s- Head: `%s`\n- Base: %s at `%s`\n",
		value(ev.PolicySource), gate.Short(ev.PolicySHA), policyFiles(ev.PolicyFiles), ev.PR.HeadSHA, value(ev.PR.BaseRef), gate.Short(ev.PR.BaseSHA))
}

// policyFiles says which rules come from which file.
func policyFiles(files []gate.PolicyFile) string {
	var b strings.Builder
	for _, f := range files {
		if f.SHA == "" {
			fmt.Fprintf(&b, "  - %s: not there, or not visible to this App\n", value(f.Name))
			continue
		}
		does := "sets"
		if f.Enforces {
			does = "enforces"
		}
		rules := "nothing"
		if len(f.Keys) > 0 {
			rules = value(strings.Join(f.Keys, ", "))
		}
		fmt.Fprintf(&b, "  - %s at blob `%s` %s %s\n", value(f.Name), gate.Short(f.SHA), does, rules)
	}
	return b.String()
}

func readings(ev gate.Evaluation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- Evaluation %d at %s\n", ev.Number, ev.At.UTC().Format(time.RFC3339))
	for _, name := range slices.Sorted(maps.Keys(ev.Readings)) {
		fmt.Fprintf(&b, "- %s read at %s\n", sentence(name), ev.Readings[name].UTC().Format("15:04:05Z"))
	}
	return b.String()
}
