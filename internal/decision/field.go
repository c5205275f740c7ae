package decision

import (
	"fmt"
	"slices"
	"strings"

	"gonogo/internal/gate"
)

func (j *judge) class() {
	if e := j.one(gate.FieldClass); e != nil {
		j.record.Class = gate.ParseClass(j.chosen(e))
	}
}

func (j *judge) releaseType() {
	if e := j.one(gate.FieldType); e != nil {
		j.record.Type = gate.ParseReleaseType(j.chosen(e))
	}
}

// chosen returns the word of a closed set, or "" with a problem.
func (j *judge) chosen(e *entry) string {
	s := setOf[e.field]
	p := s.choose(e)
	if p.code == "" {
		return p.word
	}
	j.at(e, p.code, fmt.Sprintf("%s is not given: %s", name(e.field), p.fact), s.fix(p, e.field))
	return ""
}

// fix tells what to write instead; the author's own word where it is clear.
func (s set) fix(p pick, f gate.Field) string {
	switch {
	case p.meant != "":
		return fmt.Sprintf("write exactly `%s`: `- %s: %s`", p.meant, f, p.meant)
	case p.open:
		return "write " + s.menu + "; put what is open under `Residual risks`"
	case p.fix != "":
		return p.fix + ": " + example(f)
	}
	return "write exactly " + s.menu + ": " + example(f)
}

func (j *judge) scope() {
	if e := j.one(gate.FieldScope); e != nil {
		j.record.Scope = e.text()
	}
}

// gates reads the five layers. The label "Gate results" itself is asked for
// where its lines are list items, as in the template.
func (j *judge) gates() {
	items := false
	for _, g := range gate.Gates {
		f := gate.GateFields[g]
		e := j.one(f)
		if len(j.entries[f]) > 0 {
			items = items || j.entries[f][0].style == asItem
		}
		if e == nil {
			continue
		}
		if mark := gate.Mark(j.chosen(e)); mark != gate.MarkNone {
			if j.record.Gates == nil {
				j.record.Gates = map[gate.Gate]gate.Mark{}
			}
			j.record.Gates[g] = mark
		}
	}
	if items && len(j.entries[gate.FieldGates]) == 0 {
		j.fail(CodeMissing, gate.FieldGates, j.record.Line, 0, "`Gate results` is missing above the five layers", "add "+example(gate.FieldGates))
	}
}

// required are the layers that block at a class (source A's matrix).
func required(c gate.Class) []gate.Gate {
	switch c.OrHigh() {
	case gate.Low:
		return []gate.Gate{gate.Code, gate.Review, gate.Decision}
	case gate.Medium:
		return []gate.Gate{gate.Code, gate.Review, gate.Operational, gate.Decision}
	default:
		return gate.Gates[:]
	}
}

var noRisks = map[string]bool{
	"none": true, "none known": true, "no": true, "nothing": true, "n/a": true, "na": true, "no known risks": true, "no residual risks": true,
	"no known risk": true, "no residual risk": true, "no risks": true, "none.": true, "none identified": true,
}

// residualRisks keeps an empty list, which is not nil, for "none".
func (j *judge) residualRisks() {
	e := j.one(gate.FieldResidualRisks)
	if e == nil {
		return
	}
	j.record.ResidualRisks = []string{}
	for _, s := range e.items() {
		if bare, _ := trimEmoji(s); !noRisks[lower(bare)] {
			j.record.ResidualRisks = append(j.record.ResidualRisks, s)
		}
	}
}

// items returns the values one by one, without empty ones.
func (e *entry) items() []string {
	var out []string
	for _, v := range e.values {
		if s := v.String(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (j *judge) trigger() {
	e := j.one(gate.FieldTrigger)
	if e == nil {
		return
	}
	j.record.Trigger = e.text()
	j.record.TriggerVague = isVague(e)
	if !j.record.TriggerVague {
		return
	}
	severity := gate.Error
	if j.record.Class.OrHigh() == gate.Low {
		severity = gate.Warning
	}
	line, column := e.place()
	j.problem(severity, CodeTrigger, e.field, line, column,
		fmt.Sprintf("the rollback trigger %s is no condition that can be tested", gate.Quote(j.record.Trigger)),
		"name a signal and a threshold, a state or an alert: "+example(e.field))
}

func (j *judge) owner(f gate.Field) gate.Owner {
	e := j.one(f)
	if e == nil {
		return gate.Owner{}
	}
	p := parseOwner(strings.Join(e.items(), ", "))
	if r := indexRune(e.raw(), isOverride); r != 0 {
		p = ownerPick{code: CodeBidi, fact: "it holds " + unicodeName(r) + ", which changes the order in which the letters are shown"}
	}
	if p.code == "" {
		return p.owner
	}
	fix := "name one account, team or role: "
	if p.code == CodeOwners {
		fix = "name one, and put the others under `Go/no-go panel` or in parentheses: "
	}
	j.at(e, p.code, fmt.Sprintf("%s is not given: %s", name(f), p.fact), fix+example(f))
	return gate.Owner{}
}

func (j *judge) decision() {
	e := j.one(gate.FieldDecision)
	if e == nil {
		return
	}
	j.record.Decision = gate.Choice(j.chosen(e))
	if j.record.Decision == gate.ChoiceNoGo {
		j.at(e, CodeNoGo, "the record's decision is NO-GO", "write `- Decision: GO` once the release may go")
	}
}

func (j *judge) timestamp() {
	e := j.one(gate.FieldTimestamp)
	if e == nil {
		return
	}
	t, fault := parseTime(e.text())
	if fault != "" {
		j.at(e, CodeTimestamp, fmt.Sprintf("the decision timestamp %s %s", gate.Quote(e.text()), fault), "write "+example(e.field))
		return
	}
	j.record.Timestamp = t
}

// further reads the fields beyond the canonical block.
func (j *judge) further() {
	for _, f := range gate.Fields {
		if isCanonical(f) || f == gate.FieldType || f == gate.FieldDrill || len(j.entries[f]) == 0 {
			continue
		}
		e := j.one(f)
		if e == nil {
			continue
		}
		if j.record.More == nil {
			j.record.More = map[gate.Field]string{}
		}
		j.record.More[f] = strings.Join(e.items(), "\n")
		if f == gate.FieldPanel {
			j.record.Panel = panel(e)
		}
	}
}

// contradictions finds what the record says against itself.
func (j *judge) contradictions(stray []value) {
	r := &j.record
	for _, g := range gate.Gates {
		if r.Gates[g] != gate.MarkFail {
			continue
		}
		e := j.entries[gate.GateFields[g]][0]
		line, column := e.place()
		if !slices.Contains(required(r.Class), g) {
			j.problem(gate.Warning, CodeGateFailed, e.field, line, column,
				fmt.Sprintf("%s is marked `fail`; the risk class %s does not require this layer", name(e.field), r.Class), "say under `Residual risks` what is open")
			continue
		}
		j.fail(CodeGateFailed, e.field, line, column, fmt.Sprintf("%s is marked `fail`", name(e.field)),
			fmt.Sprintf("mend what fails, then write `- %s: pass`", e.field))
		if r.Decision == gate.ChoiceGo {
			j.fail(CodeContradiction, e.field, line, column,
				fmt.Sprintf("the decision is GO, but %s is marked `fail`", name(e.field)), "make the two agree")
		}
	}
	if r.Decision != gate.ChoiceGo {
		return
	}
	j.overruled(stray)
}

func (j *judge) nearLabels(unknown []near) {
	for _, n := range unknown {
		j.problem(gate.Warning, CodeUnknown, n.meant, n.line, n.column,
			fmt.Sprintf("%s is no field of the record; did you mean `%s`?", gate.Quote(n.written), n.meant),
			fmt.Sprintf("write `%s:`", n.meant))
	}
}
