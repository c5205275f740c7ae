package decision

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// judge turns entries into a record and its problems.
type judge struct {
	record  gate.Record
	entries map[gate.Field][]*entry
}

func (j *judge) fail(code string, f gate.Field, line, column int, message, fix string) {
	j.problem(gate.Error, code, f, line, column, message, fix)
}

func (j *judge) problem(s gate.Severity, code string, f gate.Field, line, column int, message, fix string) {
	j.record.Problems = append(j.record.Problems, gate.Problem{
		Severity: s, Code: code, Field: f, Line: line, Column: column, Message: message, Fix: fix,
	})
}

// sort puts the problems in the order of the text.
func (j *judge) sort() {
	slices.SortStableFunc(j.record.Problems, func(a, b gate.Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
}

func (j *judge) block(doc *markdown.Document, title *markdown.Block) {
	j.record.Found, j.record.Line = true, title.Line
	r := &reader{}
	r.blocks(sectionOf(doc.Blocks, title), nil)
	j.entries = map[gate.Field][]*entry{}
	for _, e := range r.entries {
		if e.field != "" {
			j.entries[e.field] = append(j.entries[e.field], e)
		}
	}
	j.class()
	j.scope()
	j.releaseType()
	j.gates()
	j.residualRisks()
	j.trigger()
	j.record.RollbackOwner = j.owner(gate.FieldRollbackOwner)
	j.record.DecisionOwner = j.owner(gate.FieldDecisionOwner)
	j.decision()
	j.timestamp()
	j.further()
	stray := r.stray
	for _, e := range r.entries {
		if e.field == "" || e.field == gate.FieldGates {
			stray = append(stray, e.values...)
		}
	}
	j.contradictions(stray)
	j.nearLabels(r.near)
}

// severity is what a problem with a field weighs under the declared class.
func (j *judge) severity(f gate.Field) gate.Severity {
	low := j.record.Class.OrHigh() == gate.Low
	switch {
	case !isCanonical(f) && f != gate.FieldType:
		return gate.Warning
	case low && f == gate.FieldRollbackOwner:
		return gate.Warning
	}
	return gate.Error
}

// asked reports whether a missing field is a problem.
func (j *judge) asked(f gate.Field) bool {
	return isCanonical(f) && (f != gate.FieldRollbackOwner || j.record.Class.OrHigh() > gate.Low)
}

// one returns the only entry of a field that has a value, and tells why there is
// none.
func (j *judge) one(f gate.Field) *entry {
	es := j.entries[f]
	switch {
	case len(es) == 0:
		if j.asked(f) {
			j.fail(CodeMissing, f, j.record.Line, 0, fmt.Sprintf("%s is missing", name(f)), "add "+example(f))
		}
		return nil
	case len(es) > 1:
		lines := make([]int, len(es))
		for i, e := range es {
			lines[i] = e.line
		}
		j.problem(j.severity(f), CodeDuplicate, f, es[1].line, es[1].column,
			fmt.Sprintf("%s stands more than once, on lines %s; none of them counts, also when they agree", name(f), lineList(lines)),
			"keep one of these lines and delete the others")
		return nil
	}
	return j.filled(es[0])
}

// filled returns e when it holds something other than nothing or a placeholder.
func (j *judge) filled(e *entry) *entry {
	f := e.field
	if tag := e.placeholder(); tag != "" {
		j.at(e, CodePlaceholder, fmt.Sprintf("%s still holds the placeholder %s", name(f), gate.Quote(tag)), "write "+example(f))
		return nil
	}
	if e.says() || isGateField(f) && e.tick != markdown.NoBox {
		if r := indexRune(e.raw(), forcesOrder); r != 0 {
			j.at(e, CodeBidi, fmt.Sprintf("%s holds %s, which changes the order in which the letters are shown", name(f), unicodeName(r)),
				"type the value anew: "+example(f))
			return nil
		}
		return e
	}
	message := name(f) + " has no value"
	switch {
	case e.text() != "":
		message += "; it says " + gate.Quote(e.text())
	case e.hidden != nil:
		message += fmt.Sprintf("; what stands there is %s, which does not count", e.hidden.Reason)
	case e.onlyStruck():
		message += "; what stands there is struck out"
	case e.onlyImage():
		message += "; an image does not count"
	}
	j.at(e, CodeEmpty, message, "write "+example(f))
	return nil
}

// says reports whether there is a value to judge. Free text wants a letter or a
// digit; other values are judged by their own rules.
func (e *entry) says() bool {
	switch _, closed := setOf[e.field]; {
	case closed, e.field == gate.FieldTimestamp, isOwnerField(e.field), e.field == gate.FieldTrigger:
		return e.text() != ""
	}
	return !listMarker.MatchString(e.text()) && strings.ContainsFunc(e.text(), func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}

// at enters a problem where the value stands, or else the label.
func (j *judge) at(e *entry, code, message, fix string) {
	line, column := e.place()
	j.problem(j.severity(e.field), code, e.field, line, column, message, fix)
}

func (e *entry) place() (line, column int) {
	for _, v := range e.values {
		if line, column := v.place(); line > 0 {
			return line, column
		}
	}
	return e.line, e.column
}

func (e *entry) onlyStruck() bool {
	for _, v := range e.values {
		for _, s := range v.line {
			if s.Struck {
				return true
			}
		}
	}
	return false
}

func (e *entry) onlyImage() bool {
	for _, v := range e.values {
		for _, s := range v.line {
			if s.Image {
				return true
			}
		}
	}
	return false
}

func isGateField(f gate.Field) bool { return setOf[f].mark }
