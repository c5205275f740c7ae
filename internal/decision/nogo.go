package decision

import (
	"fmt"
	"regexp"
	"strings"

	"gonogo/internal/gate"
	"gonogo/internal/markdown"
)

// News of the kind "UPDATE: NO-GO, do not merge": what an author adds to a
// record without changing its decision.
var (
	noGo = `no[\s\pPd_\x{2212}]{0,3}go(?:$|[^\pL\pN/])`

	saysNoGo = regexp.MustCompile(`^[^\pL\pN]*` + noGo)

	updated = regexp.MustCompile(`^[^\pL\pN]*(?:updated?|updates?|edit(?:ed)?|eta|status|verdict|attention|important|warning|\d{4}-\d\d-\d\d)[^\pL\pN]`)
	news    = regexp.MustCompile(`^[^\pL\pN]*(?:` + newsWord + `[^\pL\pN@#]+)+`)

	// What is about a NO-GO, and none.
	aboutNoGo = regexp.MustCompile(`^[^\pL\pN]*no[\s\pPd_\x{2212}]{0,3}go[\s\pPd]+(?:live|zone|area|criteri\pL+|conditions?|thresholds?|rules?|panel|meeting|list|checklist|call|decisions?)\b`)
)

const newsWord = `(?:updated?|updates?|edit(?:ed)?|eta|status|final|release|decision|new|current(?:ly)?|verdict|result|now|note|attention|important|warning|changed|to|by|is|` +
	`jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|today|utc|@[\w-]+|\d[\d\-:./tz+]*)`

// overruled tells where a record whose decision is GO also says NO-GO: in a line
// that belongs to no field and begins so, or in a line of free text that begins
// as news do. A condition in a field's text ("NO-GO if the load test fails") is
// that field's value.
func (j *judge) overruled(stray []value) {
	for _, v := range stray {
		for _, l := range v.lines() {
			j.overrules(l, func(text string) bool {
				return choiceWords[fold(text).word] == string(gate.ChoiceNoGo) || beginsNoGo(text)
			})
		}
	}
	for _, f := range gate.Fields {
		if _, closed := setOf[f]; closed || f == gate.FieldGates {
			continue
		}
		for _, e := range j.entries[f] {
			for _, v := range e.values {
				for _, l := range v.lines() {
					j.overrules(l, func(text string) bool { return updated.MatchString(lower(text)) && beginsNoGo(text) })
				}
			}
		}
	}
}

func (j *judge) overrules(l markdown.Line, says func(string) bool) {
	text := markdown.Visible(l.String())
	if len(text) > maxChoice {
		text = strings.ToValidUTF8(text[:maxChoice], "")
	}
	if !says(text) {
		return
	}
	line, column := value{line: l}.place()
	j.fail(CodeContradiction, gate.FieldDecision, line, column,
		fmt.Sprintf("the decision is GO, but the block also says %s", gate.Quote(text)), "make the two agree")
}

// beginsNoGo reports whether a line is a NO-GO from its beginning on, behind
// words such as "update", dates and emoji.
func beginsNoGo(text string) bool {
	text = lower(text)
	rest := text[len(news.FindString(text)):]
	return saysNoGo.MatchString(rest) && !aboutNoGo.MatchString(rest)
}

// lines returns the value as it was written, line by line.
func (v value) lines() []markdown.Line {
	var out []markdown.Line
	last := 0
	for _, s := range v.line {
		if len(out) == 0 || s.Line > last {
			out = append(out, nil)
		}
		last = max(last, s.Line)
		out[len(out)-1] = append(out[len(out)-1], s)
	}
	return out
}
