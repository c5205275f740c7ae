package decision

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
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

// lineList writes "3 and 22", and of a long list only the beginning.
func lineList(lines []int) string {
	const most = 5
	words := make([]string, 0, most)
	for _, n := range lines[:min(len(lines), most)] {
		words = append(words, fmt.Sprint(n))
	}
	if len(lines) > most {
		return strings.Join(words, ", ") + " and more"
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
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

var (
	tagName = regexp.MustCompile(`^</?([A-Za-z][A-Za-z0-9-]*)`)
	// An empty item of a numbered list below a label reads as text.
	listMarker  = regexp.MustCompile(`^\d{1,9}[.)]$`)
	placeholder = regexp.MustCompile(`^(?:<[^<>]*>|\[[^\[\]]*\.\.\.\]|\{\{[^{}]*\}\}|…|\.\.\.|_{3,}|\?+|x{3,})$`)
	leftOpen    = map[string]bool{
		"tbd": true, "tba": true, "todo": true, "to do": true, "to be defined": true, "to be determined": true, "to be decided": true,
		"fill in": true, "fill me in": true, "fixme": true, "wip": true, "placeholder": true, "t.b.d.": true,
		"services/modules/features": true, "list or none": true, "clear condition": true, "person/role": true, "iso datetime": true,
	}
	// Tags that GitHub takes as HTML; all others were meant as text.
	htmlTags = wordSet("a abbr address b big blockquote br caption center cite code dd del details dfn div dl dt em figcaption figure font " +
		"h1 h2 h3 h4 h5 h6 hr i img input ins kbd label li mark ol p picture pre q rp rt ruby s samp section small source span strike " +
		"strong style sub summary sup table tbody td tfoot th thead time tr tt u ul var video wbr")
)

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// isPlaceholderTag reports whether a tag is no HTML, but a hint in angle brackets
// such as "<list or none>".
func isPlaceholderTag(tag string) bool {
	m := tagName.FindStringSubmatch(tag)
	return m != nil && !htmlTags[lower(m[1])]
}

// placeholder returns the placeholder that stands for the value, if one does.
func (e *entry) placeholder() string {
	text := e.text()
	if text == "" {
		for _, v := range e.values {
			for _, s := range v.line {
				if s.Tag && isPlaceholderTag(s.Text) {
					return s.Text
				}
			}
		}
		return ""
	}
	// A trigger or an owner of "TBD" is told as vague and as nobody.
	open := leftOpen[lower(text)] && e.field != gate.FieldTrigger && !isOwnerField(e.field) ||
		e.field == gate.FieldScope && isNotApplicable(lower(text))
	if placeholder.MatchString(lower(text)) || open {
		return text
	}
	return ""
}

func isOwnerField(f gate.Field) bool {
	return f == gate.FieldRollbackOwner || f == gate.FieldDecisionOwner
}

func isGateField(f gate.Field) bool { return setOf[f].mark }

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
	fix := p.fix
	if fix == "" {
		fix = "write exactly " + s.menu
	}
	j.at(e, p.code, fmt.Sprintf("%s is not given: %s", name(e.field), p.fact), fix+": "+example(e.field))
	return ""
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
	for _, v := range stray {
		if choiceWords[fold(v.String()).word] == string(gate.ChoiceNoGo) {
			line, column := v.place()
			j.fail(CodeContradiction, gate.FieldDecision, line, column,
				fmt.Sprintf("the decision is GO, but the block also says %s", gate.Quote(v.String())), "make the two agree")
		}
	}
}

func (j *judge) nearLabels(unknown []near) {
	for _, n := range unknown {
		j.problem(gate.Warning, CodeUnknown, n.meant, n.line, n.column,
			fmt.Sprintf("%s is no field of the record; did you mean `%s`?", gate.Quote(n.written), n.meant),
			fmt.Sprintf("write `%s:`", n.meant))
	}
}

// name is a field as it begins or stands inside a sentence.
func name(f gate.Field) string { return "`" + string(f) + "`" }

// example is the line to write, as code.
func example(f gate.Field) string {
	value, ok := examples[f]
	if !ok {
		value = "…"
	}
	return "`- " + strings.TrimSpace(string(f)+": "+value) + "`"
}

var examples = map[gate.Field]string{
	gate.FieldScope:              "checkout service",
	gate.FieldClass:              "medium",
	gate.FieldType:               "routine",
	gate.FieldGates:              "",
	gate.FieldCodeGates:          "pass",
	gate.FieldReviewGates:        "pass",
	gate.FieldOperationalGates:   "pass",
	gate.FieldCommunicationGates: "pass",
	gate.FieldDecisionGate:       "pass",
	gate.FieldResidualRisks:      "none",
	gate.FieldTrigger:            "error rate > 2 % for 5 min",
	gate.FieldRollbackOwner:      "@account",
	gate.FieldDecisionOwner:      "@account",
	gate.FieldDecision:           "GO",
	gate.FieldTimestamp:          time.Date(2026, 3, 14, 9, 30, 0, 0, time.UTC).Format(time.RFC3339),
}
